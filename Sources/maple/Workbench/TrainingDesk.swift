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
    private let active = Mutex<(id: RunID, commands: CommandMailbox)?>(nil)
    /// From a start's wish to its end, so that two wishes cannot meet.
    private let isTaken = Mutex(false)

    init(root: String, threads: Int) {
        self.root = root
        self.threads = threads
    }

    /// The run that trains now.
    var current: RunID? { active.withLock { $0?.id } }

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
        let wasTaken = isTaken.withLock { taken in
            defer { taken = true }
            return taken
        }
        guard !wasTaken else { throw DeskError.busy }
        let opening = Opening()
        var job = TrainingJob(spec: spec, start: start, threads: threads) { _ in } observe: { _ in }
        let commands = job.commands
        job.opened = { opened in
            self.active.withLock { $0 = (opened.folder.path, commands) }
            opening.end(.success(opened.folder.path))
        }
        job.observe = { event in if let id = self.current { observe(id, event) } }
        queue.submit { [job] in try job.train() } completion: { result in
            self.active.withLock { $0 = nil }
            self.isTaken.withLock { $0 = false }
            // A run that had begun has told of its failure itself.
            if case .failure(let error) = result { opening.end(.failure(error)) }
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
