import RunModel
import RunStore
import Screen
import TerminalUI

/// What screens read, and nothing that changes anything: for printing a screen once.
final class ReadingBackend: WorkbenchBackend {
    private let library: RunLibrary
    private let shelf: SessionShelf

    init(library: RunLibrary, sessions: SessionShelf) {
        self.library = library
        shelf = sessions
    }

    func attach(_ mailbox: Mailbox) {}
    func sessions() throws -> [SessionEntry] { shelf.entries() }
    func runs() throws -> [RunRow] { try library.rows() }
    func trace(of run: RunID) throws -> RunTrace { try library.trace(of: run) }
    func follow(_ run: RunID) throws {}
    func evaluation(of run: RunID, _ key: EvaluationKey) throws -> EvaluationResult { try library.evaluation(of: run, key) }
    func thumbnail(of path: String, under data: String, in run: RunID) throws -> Thumbnail { try library.thumbnail(of: path, under: data) }
    func comparePrompts(_ members: [CheckpointID]) throws -> PromptComparison { try library.comparePrompts(members) }
    func features(of run: RunID, _ key: EvaluationKey, progress: @escaping @Sendable (String, Int, Int) -> Bool) throws -> FeatureMap? {
        try library.features(of: run, key, threads: 0, progress: progress)
    }
    func listFolder(_ path: String) throws -> FolderListing { try PathInspector.list(path) }
    func describe(_ path: String, as purpose: PathPurpose) throws -> PathDescription { PathInspector.describe(path, purpose) }

    // Printing a screen asks for none of these.
    func start(_ spec: SessionSpec) throws -> RunID { throw ReadingOnly() }
    func resume(_ run: RunID) throws { throw ReadingOnly() }
    var isTraining: Bool { false }
    func stopTraining() {}
    func send(_ command: RunCommand, to run: RunID) throws { throw ReadingOnly() }
    func save(_ spec: SessionSpec, replacing path: String?) throws -> String { throw ReadingOnly() }
    func deleteSession(_ path: String) throws { throw ReadingOnly() }
    func deleteRun(_ run: RunID) throws { throw ReadingOnly() }
    func write(_ text: String, name: String) throws -> String { throw ReadingOnly() }
    func saveSettings(theme: String, glyphs: Glyphs, mouse: Bool) {}
}

private struct ReadingOnly: Error, CustomStringConvertible {
    let description = "a printed screen changes nothing. Open the workbench for that: maple"
}
