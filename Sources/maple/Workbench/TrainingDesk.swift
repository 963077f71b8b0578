import Dispatch
import RunModel
import RunStore
import Screen
import SessionFile
import Synchronization
import Training

/// The runs that this process trains: one at a time, on the background queue.
final class TrainingDesk: Sendable {
    private let root: String
    private let threads: Int
    private let queue = TrainingQueue()
    private let active = Mutex<Active?>(nil)
    /// Told when a run's end is written and the desk is free.
    private let ended: @Sendable () -> Void

    /// What trains, from the wish to its end, so that two wishes cannot meet.
    private struct Active {
        /// Nil until its run has a folder.
        var id: RunID?
        var commands: CommandMailbox
    }

    init(root: String, threads: Int, ended: @escaping @Sendable () -> Void) {
        self.root = root
        self.threads = threads
        self.ended = ended
    }

    /// The run that trains now.
    var current: RunID? { active.withLock { $0?.id } }

    var isTaken: Bool { active.withLock { $0 != nil } }

    /// Starts a session, and returns when its run has a folder.
    /// - Parameter observe: told every event of the run, on the training queue.
    func start(_ spec: SessionSpec, observe: @escaping @Sendable (RunID, RunEvent) -> Void) throws -> RunID {
        try begin(spec, .new(root: root), observe)
    }

    func resume(_ id: RunID, observe: @escaping @Sendable (RunID, RunEvent) -> Void) throws {
        let folder = try RunFolder.open(id)
        _ = try begin(try SessionFile.read(path: folder.sessionFile), .resume(folder), observe)
    }

    private func begin(
        _ spec: SessionSpec, _ start: TrainingJob.Start, _ observe: @escaping @Sendable (RunID, RunEvent) -> Void
    ) throws -> RunID {
        let opening = Opening()
        var job = TrainingJob(spec: spec, start: start, threads: threads) { _ in } observe: { _ in }
        let isFree = active.withLock { [commands = job.commands] active in
            guard active == nil else { return false }
            active = Active(commands: commands)
            return true
        }
        guard isFree else { throw DeskError.busy }
        job.opened = { opened in
            self.active.withLock { $0?.id = opened.folder.path }
            opening.end(.success(opened.folder.path))
        }
        job.observe = { event in if let id = self.current { observe(id, event) } }
        queue.submit { [job] in try job.train() } completion: { result in
            self.active.withLock { $0 = nil }
            // A run that had begun has told of its failure itself.
            if case .failure(let error) = result { opening.end(.failure(error)) }
            self.ended()
        }
        return try opening.wait()
    }

    /// Whether the command was for this process's run.
    func take(_ command: RunCommand, for id: RunID) -> Bool {
        active.withLock { active in
            guard let active, active.id == id else { return false }
            active.commands.post(command)
            return true
        }
    }

    /// Asks whatever trains, or is about to, for its end.
    func stop() { active.withLock { $0?.commands.post(.stop) } }

    /// What a start waits for; the first answer counts.
    private final class Opening: Sendable {
        private let answer = Mutex<Result<RunID, any Error>?>(nil)
        private let done = DispatchSemaphore(value: 0)

        func end(_ result: Result<RunID, any Error>) {
            let isFirst = answer.withLock { answer in
                defer { answer = answer ?? result }
                return answer == nil
            }
            if isFirst { done.signal() }
        }

        func wait() throws -> RunID {
            done.wait()
            guard let result = answer.withLock({ $0 }) else { preconditionFailure("the wait ended without an answer") }
            return try result.get()
        }
    }
}

enum DeskError: Error, CustomStringConvertible {
    case busy

    var description: String { "another run is being trained here. Stop it first (S), or queue the session behind it (u)." }
}
