import Foundation
import RunModel
import RunStore
import Screen
import Synchronization
import TerminalUI

/// The workbench's files, runs and training on this machine.
///
/// Reads come from run folders, this process's own training tells its events itself, other processes' runs are watched.
final class LocalBackend: WorkbenchBackend {
    /// The runs folder, absolute; a run's name is its folder's path.
    let root: String
    private let shelf: SessionShelf
    private let threads: Int
    private let user: UserFolders
    private let desk: TrainingDesk
    private let library: RunLibrary
    private let mailbox: Post
    private let watch = Mutex<RunWatch?>(nil)
    /// The reader of the trace that was read last: following it goes on from there.
    private let tail = Mutex<RunTail?>(nil)

    init(root: String, shelf: SessionShelf, user: UserFolders, threads: Int) {
        self.root = root
        library = RunLibrary(root: root, exports: UserFolders.absolute("exports"))
        self.shelf = shelf
        self.threads = threads
        self.user = user
        let mailbox = Post()
        self.mailbox = mailbox
        desk = TrainingDesk(root: root, threads: threads) { mailbox.post(.trainingEnded) }
    }

    func attach(_ mailbox: Mailbox) {
        self.mailbox.open(mailbox)
        let watch = RunWatch(root: root, isOwn: { [desk] in desk.current == $0 }) { [weak self] in
            try self?.runs() ?? []
        } readRow: { [library] in
            library.row($0)
        } readTrace: { [library] in
            try library.open($0)
        } post: { [weak mailbox] in
            mailbox?.post($0)
        }
        watch.begin()
        self.watch.withLock { $0 = watch }
    }

    private func post(_ input: Input) { mailbox.post(input) }

    // MARK: Reading

    func sessions() throws -> [SessionEntry] { shelf.entries() }

    func runs() throws -> [RunRow] { try library.rows() }

    func trace(of run: RunID) throws -> RunTrace {
        let (trace, tail) = try library.open(run)
        self.tail.withLock { $0 = tail }
        return trace
    }

    func follow(_ run: RunID) throws {
        let read = tail.withLock { tail in
            defer { tail = nil }
            return tail?.id == run ? tail : nil
        }
        let watch = watch.withLock { $0 }
        if desk.current == run {
            watch?.follow(nil)
        } else if let read {
            watch?.follow(read)
        } else {
            let (trace, tail) = try library.open(run)
            post(.answer(.trace(trace)))
            watch?.follow(tail)
        }
    }

    func evaluation(of run: RunID, _ key: EvaluationKey) throws -> EvaluationResult { try library.evaluation(of: run, key) }

    func thumbnail(of path: String, under data: String, in run: RunID) throws -> Thumbnail { try library.thumbnail(of: path, under: data) }

    func comparePrompts(_ members: [CheckpointID]) throws -> PromptComparison { try library.comparePrompts(members) }
    func features(of run: RunID, _ key: EvaluationKey, progress: @escaping @Sendable (String, Int, Int) -> Bool) throws -> FeatureMap? {
        try library.features(of: run, key, threads: threads, progress: progress)
    }

    // MARK: Training

    func start(_ spec: SessionSpec) throws -> RunID {
        try desk.start(spec) { [weak self] in self?.post(.run($0, $1)) }
    }

    func resume(_ run: RunID) throws {
        try desk.resume(run) { [weak self] in self?.post(.run($0, $1)) }
    }

    func send(_ command: RunCommand, to run: RunID) throws {
        if desk.take(command, for: run) { return }
        try RunFolder(path: run).send(command)
    }

    var isTraining: Bool { desk.isTaken }

    func stopTraining() { desk.stop() }

    // MARK: Files

    func save(_ spec: SessionSpec, replacing path: String?) throws -> String { try shelf.save(spec, replacing: path) }

    func deleteSession(_ path: String) throws { try shelf.delete(path) }

    /// Deletes a run that nobody trains. It is first renamed, so that no half of it is ever listed.
    func deleteRun(_ run: RunID) throws {
        let folder = try RunFolder.open(run)
        guard run.hasPrefix(root + "/"), !folder.name.hasPrefix(".") else { throw RunStoreError.notARun(path: run) }
        if let (process, host) = folder.trainer() { throw RunStoreError.alreadyRunning(path: run, process: process, host: host) }
        let hidden = "\(root)/.deleted-\(folder.name)-\(getpid())"
        guard rename(run, hidden) == 0 else { throw RunStoreError.system(operation: "delete", path: run, code: errno) }
        do {
            try FileManager.default.removeItem(atPath: hidden)
        } catch {
            throw RunStoreError.system(operation: "delete all of", path: hidden, code: errno)
        }
    }

    func listFolder(_ path: String) throws -> FolderListing { try PathInspector.list(path) }

    func describe(_ path: String, as purpose: PathPurpose) throws -> PathDescription { PathInspector.describe(path, purpose) }

    func write(_ text: String, name: String) throws -> String { try library.write(text, name: name) }

    func saveSettings(theme: String, glyphs: Glyphs, mouse: Bool) {
        do {
            try Preferences(theme: theme, glyphs: glyphs, mouse: mouse).write(user)
        } catch {
            post(.answer(.failed("settings are not kept: \(error)")))
        }
    }
}

/// The way to the mailbox, once there is one.
private final class Post: Sendable {
    private let mailbox = Mutex<Mailbox?>(nil)

    func open(_ mailbox: Mailbox) { self.mailbox.withLock { $0 = mailbox } }

    func post(_ input: Input) { mailbox.withLock { $0 }?.post(input) }
}
