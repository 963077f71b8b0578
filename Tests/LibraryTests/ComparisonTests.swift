import Foundation
import RunModel
import RunStore
import Screen
import TestSupport
import Testing

@testable import maple

@Suite struct ComparisonTests {
    /// Sums over images, counted again from the files.
    @Test func countsWhatTheFilesSay() throws {
        try withRecordedRuns { runs in
            let ids = [CheckpointID(run: runs.id(RecordedRuns.maple)), CheckpointID(run: runs.id(RecordedRuns.coop))]
            let comparison = try RunComparison(ids, from: runs.library)
            #expect(comparison.problems.isEmpty && comparison.boards.map(\.classes) == [.base, .new])
            let differing = comparison.settings.filter(\.differs)
            #expect(differing.map(\.key) == ["name", "method.name"])
            for board in comparison.boards {
                let results = try ids.map { id in
                    try RunFolder(path: id.run).evaluation("evaluations/128-\(board.classes.rawValue)-test.json")
                }
                let pair = try #require(board.pairs.first)
                let before = Dictionary(uniqueKeysWithValues: results[0].predictions.map { ($0.path, $0.isCorrect) })
                let gained = results[1].predictions.filter { $0.isCorrect && before[$0.path] == false }.count
                let lost = results[1].predictions.filter { !$0.isCorrect && before[$0.path] == true }.count
                #expect(pair.paired == 80 && pair.test == McNemar(lost: lost, gained: gained) && pair.flips.count == gained + lost)
                #expect(pair.flips.prefix(gained).allSatisfy { $0.isGain })
                let changes = board.rows.compactMap(\.change)
                #expect(changes == changes.sorted(by: >) && changes.count == 4)
                #expect(abs(changes.reduce(0, +) / 4 - (results[1].accuracy - results[0].accuracy)) < 1e-12)
            }
        }
    }

    /// A checkpoint is itself: norms equal, cosines 1. Its own beginning is not, and MaPLe's vision prompts are its text prompts' images.
    @Test func promptsOfCheckpoints() throws {
        try withRecordedRuns { runs in
            let id = runs.id(RecordedRuns.maple)
            let same = try runs.library.comparePrompts([CheckpointID(run: id), CheckpointID(run: id)])
            #expect(same.rows.map { "\($0.kind.rawValue)\($0.depth)" } == ["text0", "text1", "vision0", "vision1", "coupler0", "coupler1"])
            for row in same.rows {
                #expect(row.norms[0] == row.norms[1])
                #expect(abs((row.cosines[1] ?? 0) - 1) < 1e-6, "\(row)")
            }
            // What the trainer measured at the last step is what the file holds.
            let last = try #require(try runs.library.trace(of: id).lastPoint)
            for row in same.rows {
                let told = try #require(last.norms.first { $0.kind == row.kind && $0.depth == row.depth })
                // Vision prompts are told as of the last forward pass, one update before.
                let whole = told.tokens.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                #expect(abs((row.norms[0] ?? 0) - whole) < (row.kind == .vision ? 0.02 : 1e-4) * whole, "\(row.kind) \(row.depth)")
            }
            let other = try runs.library.comparePrompts([CheckpointID(run: id), CheckpointID(run: runs.id(RecordedRuns.coop))])
            #expect(other.rows.first { $0.kind == .coupler }?.norms[1] == nil && other.rows.first?.cosines[1] != nil)
            let early = try runs.library.comparePrompts([CheckpointID(run: id, step: 0), CheckpointID(run: id)])
            #expect(early.rows.contains { ($0.cosines[1] ?? 1) < 0.9999 })
            #expect(throws: LibraryError.self) { try runs.library.comparePrompts([CheckpointID(run: runs.id(RecordedRuns.coop), step: 3)]) }
        }
    }

    @Test func readsCheckpointNames() throws {
        try withRecordedRuns { (runs: RecordedRuns) throws -> Void in
            let id = runs.id(RecordedRuns.maple)
            #expect(try Compare.checkpoint(RecordedRuns.maple + "@epoch-0", in: runs.root) == CheckpointID(run: id, step: 0))
            #expect(try Compare.checkpoint(RecordedRuns.maple + "@32", in: runs.root) == CheckpointID(run: id, step: 32))
            #expect(try Compare.checkpoint("last", in: runs.root).step == nil)
            #expect(throws: (any Error).self) { try Compare.checkpoint(RecordedRuns.maple + "@epoch-77", in: runs.root) }
            #expect(throws: (any Error).self) { try Compare.checkpoint("nothing", in: runs.root) }
        }
    }
}
