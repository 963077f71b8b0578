@testable import Screen
import RunModel
import Testing

@Suite struct TableTests {
    static let hardNames: [String] = [
        "plain", "食物夜間实验", "🍜 ramen", "👨‍👩‍👧 family", "🇫🇷 flag", "e\u{301}clair", "한국어 이름", String(repeating: "x", count: 80), String(repeating: "長", count: 60),
        "tab\tand\u{1B}escape", "❤️ heart", "", " ", "a,b\"c", "العربية",
    ]

    static func table(_ names: [String]) -> TableView {
        TableView(
            Table(
                columns: [.init("Class", flexible: true), .init("Accuracy", numeric: true), .init("–  gain  +", numeric: true, minimum: 17)],
                rows: names.enumerated().map { index, name in
                    Table.Row(id: "\(index)", items: [.init(name), .number(0.5, "50.0%"), .signedBar(0.2)])
                }))
    }

    /// Numbers must end in one column, whatever stands before them.
    @Test(arguments: [30, 44, 60, 80, 120, 200]) func columnsStayAligned(_ width: Int) {
        let view = Self.table(Self.hardNames)
        var grid = Grid(size: Size(width, 30))
        view.draw(into: &grid, grid.bounds, glyphs: .braille, focused: true)
        var ends: Set<Int> = []
        for y in 1...Self.hardNames.count {
            for x in 0..<width where grid[x, y].glyph == "%" { ends.insert(x) }
        }
        #expect(ends.count == 1, "percent signs end in columns \(ends.sorted()) at width \(width)")
    }

    @Test func equalAccuraciesKeepTheirOrder() {
        var view = Self.table((0..<397).map { "class \($0)" })
        view.sort(by: 1, descending: true)
        #expect(view.shownRows.map(\.id) == (0..<397).map(String.init))
        view.sort(by: 1)
        #expect(view.shownRows.map(\.id) == (0..<397).map(String.init))
    }

    @Test func missingValuesStandLast() {
        var view = TableView(Table(columns: [.init("n", numeric: true)], rows: [
            .init(id: "a", items: [.number(nil, "")]), .init(id: "b", items: [.number(2, "2")]), .init(id: "c", items: [.number(.nan, "NaN")]), .init(id: "d", items: [.number(1, "1")]),
        ]))
        view.sort(by: 0, descending: false)
        #expect(view.shownRows.map(\.id) == ["d", "b", "a", "c"])
        view.sort(by: 0, descending: true)
        #expect(view.shownRows.map(\.id) == ["b", "d", "a", "c"])
    }

    @Test func selectionSurvivesSortingSearchAndReplacing() {
        var view = Self.table((0..<1000).map { "class \($0)" })
        view.select(id: "417")
        view.sort(by: 0, descending: true)
        #expect(view.selectedRow?.id == "417")
        view.setSearch("17")
        #expect(view.selectedRow?.id == "417")
        #expect(view.shownRows.allSatisfy { $0.items[0].text.contains("17") })
        view.setSearch("nothing like this")
        #expect(view.selectedRow == nil)
        view.setSearch("")
        view.replace(Self.table((0..<2).map { "c\($0)" }).table)
        #expect(view.selected < 2)
        view.replace(Table(columns: [], rows: []))
        view.move(5)
        #expect(view.selectedRow == nil)
    }

    @Test func exports() {
        let table = Self.table(["a,b\"c", "50% & more_"]).table
        #expect(table.exported(.csv) == "Class,Accuracy\n\"a,b\"\"c\",0.5\n50% & more_,0.5\n")
        #expect(table.exported(.markdown).contains("| --- |") == false)
        #expect(table.exported(.markdown).hasPrefix("| Class | Accuracy |\n|---|---:|\n"))
        #expect(table.exported(.latex).contains("50\\% \\& more\\_ & 50.0\\% \\\\"))
    }

    /// No screen may write beyond its edges, overlap its frame or crash, whatever the names and sizes.
    @Test func hardClassNamesOnEveryScreen() {
        let names = Self.hardNames + (0..<1000).map { "class number \($0)" }
        for (width, height) in [(80, 24), (97, 31), (120, 40), (200, 60), (300, 100)] {
            for glyphs in Glyphs.allCases {
                var state = Sample.state(width, height, glyphs: glyphs)
                let spec = Sample.spec(Self.hardNames[8])
                var trace = RunTrace(row: RunRow(id: "hard", spec: spec, status: .running, totalSteps: 10, began: Sample.now), stepsPerEpoch: 5)
                trace.apply(.evaluated(Sample.evaluation(spec, .base, step: 0, level: 0.5, seed: 3, names: names, perClass: 2)))
                trace.apply(.evaluated(Sample.evaluation(spec, .base, step: 5, level: 0.7, seed: 4, names: names, perClass: 2)))
                _ = state.reduce(.answer(.trace(trace)))
                state.live.run = "hard"
                for keys in [["2"], ["2", "z"], ["3"], ["4"]] as [[Character]] {
                    var copy = state
                    for key in keys { _ = copy.reduce(.key(.character(key))) }
                    copy.live.panel = .classes
                    checkEdges(copy)
                }
                var copy = state
                copy.tab = .results
                copy.results.run = "hard"
                copy.results.level = .evaluation
                copy.rebuildEvaluation()
                for _ in 0..<3 {
                    checkEdges(copy)
                    _ = copy.reduce(.key(.tab))
                }
            }
        }
    }

    private func checkEdges(_ state: WorkbenchState) {
        let grid = state.render()
        #expect(grid.width == state.size.width && grid.height == state.size.height)
        for y in 0..<grid.height {
            var x = 0
            while x < grid.width {
                let cell = grid[x, y]
                if cell.width == 2 { #expect(grid[x + 1, y].width == 0) } else { #expect(cell.width == 1, "a stray half at \(x),\(y)") }
                x += max(1, Int(cell.width))
            }
            // The right edge is a frame, a scroll mark, a bar or empty, never cut text of a table.
            if y > 3, y < grid.height - 1 {
                let edge = grid[grid.width - 1, y].glyph
                #expect("│╮╯▐ |+#".contains(edge), "row \(y) ends with \(edge)")
            }
        }
    }
}
