import Foundation
import Formats
import RunModel
import RunStore
import Synchronization

/// Writes a run's TensorBoard log while it is trained, beside its own files: `RUN/tensorboard/events.out.tfevents.*`.
///
/// A resumed run goes on in a new file, and readers forget the steps that are taken anew. The log is a copy: when it cannot be
/// written any more, that is said once, and training goes on without it.
final class TensorBoardRecorder: Sendable {
    private let state: Mutex<TensorBoardLog?>
    private let checkpoints: String
    private let spec: SessionSpec
    private let samples: DrawnSamples
    private let warn: @Sendable (String) -> Void

    /// - Parameter warn: called at most once, with a line.
    init(_ run: RunFolder, spec: SessionSpec, samples: DrawnSamples, warn: @escaping @Sendable (String) -> Void) {
        checkpoints = run.checkpointsFolder
        self.spec = spec
        self.samples = samples
        self.warn = warn
        do {
            let file = try EventFile(in: TensorBoardLog.folder(of: run), time: Date().timeIntervalSince1970)
            let earlier = (try? EvaluationFigure.all(of: run)) ?? []
            state = Mutex(TensorBoardLog(data: spec.data.path, figures: earlier) { try file.append($0) })
        } catch {
            state = Mutex(nil)
            warn("no TensorBoard log is written: \(error)")
        }
    }

    func record(_ event: RunEvent) {
        let now = Date().timeIntervalSince1970
        state.withLock { log in
            do {
                try record(event, &log, now)
            } catch {
                log = nil
                warn("the TensorBoard log ends here: \(error)")
            }
        }
    }

    private func record(_ event: RunEvent, _ log: inout TensorBoardLog?, _ now: Double) throws {
        switch event {
        case .started(_, _, let fromStep):
            if fromStep > 0 { try log?.restart(afterStep: fromStep, time: now) }
            try log?.begin(spec, time: now)
            if fromStep == 0 { try log?.pictures(samples, dataFolder: spec.data.path, time: now) }
        case .step(let point): try log?.step(point, time: now)
        case .evaluated(let result) where result.method != spec.method.name: break
        case .evaluated(let result): try log?.evaluated(result, time: now)
        case .checkpointWritten(let file, let step): try log?.checkpoint(path: checkpoints + "/" + file, step: step, time: now)
        case .finished: try log?.end(.success, time: now)
        case .failed: try log?.end(.failure, time: now)
        case .evaluationProgress, .commandTaken, .paused, .proceeding, .warning, .stopped: break
        }
    }
}
