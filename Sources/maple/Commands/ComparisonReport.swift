import RunModel
import Screen

/// `maple compare --json`: accuracies as fractions 0..1, one value for each member in every list.
struct ComparisonReport: Encodable {
    struct Member: Encodable {
        var run: String
        var name: String
        var method: String
        var data: String
        var seed: Int
        var step: Int?
    }
    struct Setting: Encodable {
        var key: String
        var values: [String]
        var differs: Bool
    }
    struct Board: Encodable {
        struct Class: Encodable {
            var name: String
            var accuracy: [Double?]
            var change: Double?
        }
        struct Pair: Encodable {
            struct Flip: Encodable {
                var path: String
                var label: String
                var before: String
                var after: String
                var gained: Bool
            }
            var first: Int
            var second: Int
            var paired: Int
            var gained: Int
            var lost: Int
            var mcnemar_exact: Bool
            var chi_square: Double
            var p_value: Double
            var flips: [Flip]
        }
        var classes: String
        var steps: [Int?]
        var accuracy: [Double?]
        var macro_f1: [Double?]
        var loss: [Double?]
        var per_class: [Class]
        var pairs: [Pair]
    }
    struct Prompt: Encodable {
        var kind: String
        var depth: Int
        var norms: [Double?]
        /// With the first member.
        var cosines: [Double?]
    }

    var members: [Member]
    var settings: [Setting]
    var evaluations: [Board]
    var harmonic_mean: [Double?]
    var prompts: [Prompt]
    var problems: [String]

    init(_ comparison: RunComparison) {
        members = comparison.members.map {
            let spec = $0.trace.row.spec
            return Member(
                run: $0.id.run, name: $0.trace.row.name, method: spec.method.name.rawValue, data: spec.data.path, seed: spec.seed, step: $0.id.step)
        }
        settings = comparison.settings.map { Setting(key: $0.key, values: $0.values, differs: $0.differs) }
        evaluations = comparison.boards.map(Self.board)
        harmonic_mean = comparison.members.indices.map { member in
            func accuracy(_ classes: ClassSubset) -> Double? { comparison.boards.first { $0.classes == classes }?.results[member]?.accuracy }
            guard let base = accuracy(.base), let new = accuracy(.new) else { return nil }
            return harmonicMean(base, new)
        }
        prompts = (comparison.prompts?.rows ?? []).map { Prompt(kind: $0.kind.rawValue, depth: $0.depth, norms: $0.norms, cosines: $0.cosines) }
        problems = comparison.problems
    }

    private static func board(_ board: RunComparison.Board) -> Board {
        Board(
            classes: board.classes.rawValue, steps: board.results.map { $0?.step }, accuracy: board.results.map { $0?.accuracy },
            macro_f1: board.results.map { $0?.macroF1 }, loss: board.results.map { $0?.loss },
            per_class: board.rows.map { .init(name: $0.name, accuracy: $0.accuracies, change: $0.change) },
            pairs: board.pairs.map { pair in
                .init(
                    first: 0, second: pair.member, paired: pair.paired, gained: pair.test.gained, lost: pair.test.lost,
                    mcnemar_exact: pair.test.isExact, chi_square: pair.test.chiSquare, p_value: pair.test.pValue,
                    flips: pair.flips.map { .init(path: $0.path, label: $0.label, before: $0.before, after: $0.after, gained: $0.isGain) })
            })
    }
}
