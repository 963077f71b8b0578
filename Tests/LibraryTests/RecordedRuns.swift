import Foundation
import RunModel
import RunStore
import Screen
import TerminalUI
import TestSupport
import Testing

@testable import maple

/// The runs of `Tests/Fixtures/runs`: real trainings of photo-nano on drawn shapes, copied to where they may be changed.
struct RecordedRuns {
    let root: String
    let library: RunLibrary

    static let maple = "20261125-230939-shapes-maple-s1"
    static let maple2 = "20261125-232110-shapes-maple-s2"
    static let coop = "20261125-232556-shapes-coop-s1"
    /// Seconds since 1970, an hour after the last of them.
    static let now: Double = 1_795_653_600

    init(_ folder: URL) throws {
        root = folder.path + "/runs"
        try FileManager.default.copyItem(atPath: Places.fixtures.path + "/runs", toPath: root)
        library = RunLibrary(root: root, exports: folder.path + "/exports")
    }

    func id(_ name: String) -> RunID { root + "/" + name }
    func folder(_ name: String) -> RunFolder { RunFolder(path: id(name)) }

    /// The workbench at a screen, with all that it shows.
    func state(
        _ screen: ShownScreen, _ size: Size, glyphs: Glyphs = .braille, theme: Theme = .dark, members names: [String] = [RecordedRuns.maple, RecordedRuns.coop]
    ) -> WorkbenchState {
        ScreenPrinter.state(
            screen, backend: FixtureBackend(library: library), members: names.map { CheckpointID(run: id($0)) }, size: size, glyphs: glyphs,
            theme: theme, now: Self.now)
    }

    /// Draws a screen as `maple show` does; the images are those of the fixture.
    func grid(
        _ screen: ShownScreen, _ size: Size, glyphs: Glyphs = .braille, theme: Theme = .dark, members names: [String] = [RecordedRuns.maple, RecordedRuns.coop]
    ) -> Grid {
        state(screen, size, glyphs: glyphs, theme: theme, members: names).render()
    }
}

func withRecordedRuns(_ body: (RecordedRuns) throws -> Void) throws {
    try Places.withTemporaryFolder { try body(RecordedRuns($0)) }
}

/// Reads runs as `maple show` does; sessions and images come from the fixtures, so that screens look alike everywhere.
private final class FixtureBackend: WorkbenchBackend {
    private let library: RunLibrary

    init(library: RunLibrary) { self.library = library }

    func attach(_ mailbox: Mailbox) {}
    func sessions() throws -> [SessionEntry] {
        try library.rows().map { SessionEntry(id: "sessions/\($0.name).toml", spec: $0.spec) }
    }
    func runs() throws -> [RunRow] { try library.rows() }
    func trace(of run: RunID) throws -> RunTrace { try library.trace(of: run) }
    func follow(_ run: RunID) throws {}
    func evaluation(of run: RunID, _ key: EvaluationKey) throws -> EvaluationResult { try library.evaluation(of: run, key) }
    func thumbnail(of path: String, under data: String, in run: RunID) throws -> Thumbnail {
        try library.thumbnail(of: path, under: Places.fixtures.path + "/shapes")
    }
    func comparePrompts(_ members: [CheckpointID]) throws -> PromptComparison { try library.comparePrompts(members) }
    func listFolder(_ path: String) throws -> FolderListing { FolderListing(path: path, entries: []) }
    func describe(_ path: String, as purpose: PathPurpose) throws -> PathDescription {
        PathDescription(path: path, purpose: purpose, text: "not looked at", isUsable: true)
    }
    func start(_ spec: SessionSpec) throws -> RunID { throw Unasked() }
    func resume(_ run: RunID) throws { throw Unasked() }
    var isTraining: Bool { false }
    func stopTraining() {}
    func send(_ command: RunCommand, to run: RunID) throws { throw Unasked() }
    func save(_ spec: SessionSpec, replacing path: String?) throws -> String { throw Unasked() }
    func deleteSession(_ path: String) throws { throw Unasked() }
    func deleteRun(_ run: RunID) throws { throw Unasked() }
    /// The recorded answers laid out between their classes: pictures of embeddings would differ from machine to machine.
    func features(of run: RunID, _ key: EvaluationKey, progress: @escaping @Sendable (String, Int, Int) -> Bool) throws -> FeatureMap? {
        let result = try library.evaluation(of: run, key)
        let corners = result.perClass.indices.map { place -> SIMD2<Double> in
            let angle = 2 * Double.pi * Double(place) / Double(result.perClass.count)
            return [cos(angle), sin(angle)]
        }
        let points = result.predictions.map { image in
            zip(image.top, image.probability).reduce(SIMD2<Double>.zero) { $0 + corners[$1.0] * Double($1.1) }
        }
        return FeatureMap(
            labels: result.predictions.map(\.label), classNames: result.perClass.map(\.name), tsne: points, pca: points, explained: [0.5, 0.25],
            silhouette: 0.1, purity: result.accuracy,
            classPurity: Dictionary(uniqueKeysWithValues: result.perClass.enumerated().map { ($0, $1.accuracy) }), neighbours: 10)
    }
    func write(_ text: String, name: String) throws -> String { throw Unasked() }
    func saveSettings(theme: String, glyphs: Glyphs, mouse: Bool) {}

    private struct Unasked: Error {}
}
