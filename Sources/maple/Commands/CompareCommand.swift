import ArgumentParser
import Foundation
import RunModel
import RunStore
import Screen

struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lay two or more checkpoints side by side.",
        discussion: """
            Settings that differ, accuracy and its changes class by class, images that flipped with McNemar's test, norms and \
            cosines of the prompts at each depth. RUN@STEP or RUN@epoch-N means an earlier checkpoint, so that \
            "maple compare last@epoch-0 last" compares a run with its own beginning. Later runs are measured against the first.
            """)

    @Argument(help: ArgumentHelp("Run folders, their names, beginnings of them, or \"last\"; each with @STEP or @epoch-N if wanted.", valueName: "run"))
    var targets: [String]

    @Option(help: "Classes: base, new or all (default: whatever was evaluated).")
    var classes: ClassSubset?

    @Option(help: "At most so many classes and flipped images of each list are printed; 0 prints all.")
    var limit = 20

    @Option(help: "Folder that holds the run folders (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Flag(help: "Print one JSON object on standard output, everything in it.")
    var json = false

    func validate() throws {
        guard targets.count >= 2 else { throw ValidationError("name two checkpoints or more") }
        guard targets.count <= 12 else { throw ValidationError("at most 12 checkpoints can be compared") }
        guard limit >= 0 else { throw ValidationError("--limit must not be negative") }
    }

    func run() throws {
        let library = RunLibrary(root: runs ?? RunFolder.defaultRoot())
        let ids = try targets.map { try Self.checkpoint($0, in: library.root) }
        let comparison = try RunComparison(ids, from: library, classes: classes.map { [$0] } ?? ClassSubset.allCases)
        if json {
            try sayJSON(ComparisonReport(comparison))
        } else {
            ComparisonText(comparison, limit: limit == 0 ? .max : limit).lines.forEach(say)
        }
        for problem in comparison.problems { note("warning: \(problem)") }
    }

    /// RUN, RUN@STEP or RUN@epoch-N.
    static func checkpoint(_ target: String, in root: String) throws -> CheckpointID {
        guard let at = target.lastIndex(of: "@"), !FileManager.default.fileExists(atPath: target) else {
            return CheckpointID(run: try RunList.find(target, in: root).path)
        }
        let folder = try RunList.find(String(target[..<at]), in: root)
        let place = String(target[target.index(after: at)...])
        if let step = Int(place), step >= 0 { return CheckpointID(run: folder.path, step: step) }
        let name = "checkpoints/" + (place.hasSuffix(".safetensors") ? place : place + ".safetensors")
        guard let found = try folder.checkpoints().first(where: { $0.file == name }), let step = found.step else {
            let there = try folder.checkpoints().map { ($0.file as NSString).lastPathComponent.replacing(".safetensors", with: "") }
            throw ValidationError(
                "\(folder.name) has no checkpoint \(place); it has \(there.isEmpty ? "none" : there.joined(separator: ", "))")
        }
        return CheckpointID(run: folder.path, step: step)
    }
}

/// What `maple compare` prints for people.
struct ComparisonText {
    var lines: [String] = []

    init(_ comparison: RunComparison, limit: Int) {
        let letters = comparison.members.indices.map { String(LineChart.letter($0)) }
        for (letter, member) in zip(letters, comparison.members) {
            let row = member.trace.row
            lines.append("\(letter)  \(member.title)  (\(row.name), \(row.spec.method.name.rawValue), \(row.dataName), seed \(row.spec.seed))")
        }
        section("Settings that differ")
        let differing = comparison.settings.filter(\.differs)
        lines.append(
            differing.isEmpty ? "none" : table(["setting"] + letters, differing.map { [$0.key] + $0.values }, left: Set(0...letters.count)))
        accuracies(comparison, letters)
        for board in comparison.boards {
            classes(board, letters, limit)
            flips(board, letters, limit)
        }
        if let prompts = comparison.prompts, !prompts.rows.isEmpty { self.prompts(prompts, letters) }
    }

    private mutating func section(_ title: String) {
        lines.append("")
        lines.append(title)
    }

    private mutating func accuracies(_ comparison: RunComparison, _ letters: [String]) {
        section("Accuracy %")
        var rows = comparison.boards.map { board in
            [board.classes.rawValue] + board.results.map { percent($0?.accuracy) } + [points(Self.change(board.results.map { $0?.accuracy }))]
        }
        func accuracy(_ classes: ClassSubset, _ member: Int) -> Double? {
            comparison.boards.first { $0.classes == classes }?.results[member]?.accuracy
        }
        let means = comparison.members.indices.map { member -> Double? in
            guard let base = accuracy(.base, member), let new = accuracy(.new, member) else { return nil }
            return harmonicMean(base, new)
        }
        if means.contains(where: { $0 != nil }) { rows.append(["harmonic mean"] + means.map { percent($0) } + [points(Self.change(means))]) }
        lines.append(rows.isEmpty ? "no evaluation yet" : table(["classes"] + letters + ["change"], rows))
    }

    private static func change(_ values: [Double?]) -> Double? {
        guard let first = values.first ?? nil, let last = values.last ?? nil else { return nil }
        return last - first
    }

    private mutating func classes(_ board: RunComparison.Board, _ letters: [String], _ limit: Int) {
        section("Classes of the \(board.classes.rawValue) list, largest gain first")
        var rows = board.rows.map { [$0.name] + $0.accuracies.map { percent($0) } + [points($0.change)] }
        if rows.count > limit {
            // Both ends are what one wants to see.
            let ends = max(1, limit / 2)
            rows = rows.prefix(limit - ends) + [["… \(rows.count - limit) more"] + Array(repeating: "", count: letters.count + 1)] + rows.suffix(ends)
        }
        lines.append(table(["class"] + letters + ["change"], rows))
    }

    private mutating func flips(_ board: RunComparison.Board, _ letters: [String], _ limit: Int) {
        for pair in board.pairs {
            let test = pair.test
            section("Images of the \(board.classes.rawValue) classes that flipped from \(letters[0]) to \(letters[pair.member])")
            let kind = test.isExact ? "exact" : "chi-square \(NumberText.fixed(test.chiSquare, 2))"
            lines.append(
                "\(pair.paired) images in both: \(test.gained) gained, \(test.lost) lost; McNemar \(kind), p \(test.pValue < 0.001 ? "" : "= ")\(NumberText.pValue(test.pValue))")
            guard !pair.flips.isEmpty else { continue }
            let shown = pair.flips.prefix(limit)
            lines.append(
                table(
                    ["", "class", "\(letters[0]) said", "\(letters[pair.member]) said", "image"],
                    shown.map { [$0.isGain ? "gained" : "lost", $0.label, $0.before, $0.after, $0.path] }, left: [0, 1, 2, 3, 4]))
            if pair.flips.count > shown.count { lines.append("… \(pair.flips.count - shown.count) more (--limit 0 prints all)") }
        }
    }

    private mutating func prompts(_ prompts: PromptComparison, _ letters: [String]) {
        section("Prompts: norms, and cosines with \(letters[0])")
        let later = letters.indices.dropFirst()
        lines.append(
            table(
                ["prompt", "depth"] + letters.map { "norm \($0)" } + later.map { "cos \(letters[0]),\(letters[$0])" },
                prompts.rows.map { row in
                    [row.kind.rawValue, "\(row.depth)"] + row.norms.map { $0.map { NumberText.general($0, 4) } ?? "-" }
                        + later.map { row.cosines[$0].map { NumberText.fixed($0, 4) } ?? "-" }
                }))
    }

    private func points(_ change: Double?) -> String { change.map { NumberText.points($0) } ?? "-" }
}
