import RunModel
import TestSupport
import Testing

@testable import Screen

/// Whatever classes are called and however many there are: no row leaves its width, and columns stay aligned.
@Suite struct WidthPropertyTests {
    private static let pieces = [
        "a", "class", " ", "食", "物", "한국", "🍜", "👨‍👩‍👧", "🇫🇷", "e\u{301}", "العربية", "❤️", "\u{200B}", "x\u{0323}\u{0307}", "\t", "\u{1B}[31m", "ﬁ", "ツ", "’",
    ]

    private static func name(_ generator: inout SeededGenerator) -> String {
        (0..<Int.random(in: 0...40, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "a" }.joined()
    }

    /// The grid is what is sent: every wide cell is followed by its half, and the letters of a row fill it exactly.
    private static func check(_ grid: Grid, _ context: String) {
        for y in 0..<grid.height {
            var x = 0
            while x < grid.width {
                let cell = grid[x, y]
                #expect(cell.width == 1 || cell.width == 2, "\(context): a stray half at \(x),\(y)")
                if cell.width == 2 { #expect(x + 1 < grid.width && grid[x + 1, y].width == 0, "\(context): a wide letter is cut at \(x),\(y)") }
                x += max(1, Int(cell.width))
            }
            #expect(x == grid.width, "\(context): row \(y) has \(x) columns of \(grid.width)")
        }
    }

    @Test func tablesOfAnyNames() {
        for seed in UInt64(1)...60 {
            var generator = SeededGenerator(seed: seed)
            let width = Int.random(in: 24...220, using: &generator)
            let count = [1, 30, 397, 1000].randomElement(using: &generator) ?? 1
            let names = (0..<count).map { _ in Self.name(&generator) }
            let view = TableTests.table(names)
            for glyphs in Glyphs.allCases {
                var grid = Grid(size: Size(width, 40))
                view.draw(into: &grid, grid.bounds, glyphs: glyphs, focused: true)
                if glyphs == .ascii { grid = grid.foldedToASCII() }
                Self.check(grid, "seed \(seed), width \(width), \(glyphs)")
                let ends = Set((1..<min(40, count + 1)).compactMap { y in (0..<width).last { grid[$0, y].glyph == "%" } })
                #expect(ends.count <= 1, "seed \(seed): accuracies end in columns \(ends.sorted()) at width \(width)")
            }
        }
    }

    /// Every screen that shows classes, with 397 of equal accuracy and names of any kind.
    @Test func screensOfAnyNames() {
        for seed in UInt64(100)...111 {
            var generator = SeededGenerator(seed: seed)
            let size = Size(Int.random(in: 80...220, using: &generator), Int.random(in: 24...70, using: &generator))
            let names = (0..<397).map { "\($0 % 7 == 0 ? Self.name(&generator) : "class") \($0)" }
            let spec = Sample.spec(Self.name(&generator))
            func result(_ step: Int) -> EvaluationResult {
                EvaluationResult(
                    method: step == 0 ? .zeroshot : spec.method.name, data: spec.data.path, split: nil, classes: .base, subset: .test, step: step, epoch: step, accuracy: 0.5,
                    macroF1: 0.5, count: names.count * 2, loss: 1, perClass: names.map { ClassResult(name: $0, correct: 1, count: 2) },
                    predictions: names.indices.flatMap { label in
                        [label, (label + 1) % names.count].map { Prediction(path: "\(names[label])/\($0).jpg", label: label, top: [$0, label], probability: [0.6, 0.4]) }
                    }, skipped: [], seconds: 1)
            }
            for glyphs in Glyphs.allCases {
                var state = Sample.state(size.width, size.height, glyphs: glyphs)
                for id in ["a", "b"] {
                    var trace = RunTrace(row: RunRow(id: id, spec: spec, status: .finished, totalSteps: 10, began: Sample.now), stepsPerEpoch: 5)
                    trace.apply(.evaluated(result(0)))
                    trace.apply(.evaluated(result(10)))
                    _ = state.reduce(.answer(.trace(trace)))
                }
                let members = ["a", "b"].map { CheckpointID(run: $0) }
                for screen in ShownScreen.allCases where screen != .form {
                    var copy = state
                    _ = copy.show(screen, members: members)
                    _ = copy.showDeeper(screen)
                    Self.check(copy.render(), "seed \(seed), \(screen.rawValue) at \(size.width)x\(size.height), \(glyphs)")
                }
            }
        }
    }
}
