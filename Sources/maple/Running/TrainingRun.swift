import Datasets
import Dispatch
import RunModel
import RunStore
import Synchronization
import Training

/// A run on the command line: trains on the background queue, shows its progress, and obeys signals.
struct TrainingRun: Sendable {
    typealias Start = TrainingJob.Start
    typealias Outcome = TrainingJob.Outcome

    var spec: SessionSpec
    var start: Start
    var threads: Int
    var progress: ProgressLine

    /// Trains until the end or a signal.
    func run() throws -> Outcome {
        let progress = progress
        let job = TrainingJob(spec: spec, start: start, threads: threads) { opening in
            progress.line(
                "run \(opening.folder.path): \(opening.parameters) parameters, \(opening.images) images of \(opening.classes) classes")
        } observe: { event in
            progress.show(event)
        }
        let signals = StopSignals {
            progress.line("stopping: the step is finished and a checkpoint written (again: leave at once)")
            job.commands.post(.stop)
        }
        defer { signals.end() }
        let done = DispatchSemaphore(value: 0)
        let outcome = Mutex<Result<Outcome, any Error>?>(nil)
        TrainingQueue().submit { try job.train() } completion: { result in
            outcome.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        guard let result = outcome.withLock({ $0 }) else { preconditionFailure("the queue ended without an outcome") }
        return try result.get()
    }

    /// Opens a session's data set; a division that was drawn for the run is kept.
    static func open(_ spec: DataSpec, listing: SplitListing?) throws -> ImageDataset {
        try TrainingJob.open(spec, listing: listing)
    }
}
