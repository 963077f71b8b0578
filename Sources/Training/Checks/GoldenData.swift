import Datasets
import Engine
import Formats
import Foundation
import RunModel

/// Golden cases that need no model: tokenizer, draws, splits, schedule, metrics, pictures.
enum GoldenData {
    private static func decode<T: Decodable>(_ type: T.Type, _ path: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    // MARK: Tokenizer

    private struct TokenizerFile: Decodable {
        struct Case: Decodable {
            var text: String
            var ids: [Int32]
            var ids_with_specials: [Int32]?
            var truncated77: [Int32]?
            var tokenize_error: Bool?
            var depends_on_text_fixing: Bool
        }
        var context_length: Int
        var cases: [Case]
    }

    static func tokenizer(_ path: String, vocabulary: String?) throws -> GoldenResult {
        guard let vocabulary else {
            return GoldenResult(
                name: "tokenizer.json", status: .notRun, detail: "its vocabulary is not beside it: give --vocabulary DIR")
        }
        var c = GoldenComparison("tokenizer.json")
        let file = try decode(TokenizerFile.self, path)
        let tokenizer = try BPETokenizer(vocabulary: vocabulary + "/vocab.json", merges: vocabulary + "/merges.txt")
        var left = 0
        for row in file.cases {
            if row.depends_on_text_fixing { left += 1; continue }
            c.expectEqual("ids of \"\(row.text.prefix(40))\"", tokenizer.encode(row.text), row.ids, count: row.ids.count)
            if let whole = row.ids_with_specials, whole.count <= file.context_length {
                c.expectEqual(
                    "specials of \"\(row.text.prefix(40))\"",
                    try? tokenizer.encodeWithSpecials(row.text, contextLength: file.context_length), whole)
            }
            if let cut = row.truncated77 {
                c.expectEqual(
                    "truncation of \"\(row.text.prefix(40))\"",
                    try? tokenizer.encodeWithSpecials(row.text, contextLength: file.context_length, truncate: true), cut)
            }
            if row.tokenize_error == true {
                c.expectEqual(
                    "refusal of \"\(row.text.prefix(40))\"",
                    try? tokenizer.encodeWithSpecials(row.text, contextLength: file.context_length), nil)
            }
        }
        var result = c.result
        if left > 0, result.detail.isEmpty { result.detail = "\(left) rows depend on a text-fixing library's guesses and are left out" }
        return result
    }

    // MARK: Draws

    private struct FewShotFile: Decodable {
        struct Case: Decodable {
            struct Result: Decodable {
                var seed: Int
                var shots: Int
                var train_indices: [Int]
                var val_indices: [Int]
                var next_random: Double
            }
            var name: String
            var train_labels: [Int]
            var val_labels: [Int]
            var results: [Result]
        }
        var cases: [Case]
    }

    static func fewShot(_ path: String) throws -> GoldenResult {
        var c = GoldenComparison("fewshot.json")
        for item in try decode(FewShotFile.self, path).cases {
            for r in item.results {
                var generator = PythonRandom(seed: r.seed)
                let draw = drawFewShot(
                    trainLabels: item.train_labels, valLabels: item.val_labels, shots: r.shots, generator: &generator)
                let name = "\(item.name) seed \(r.seed) shots \(r.shots)"
                c.expectEqual("train of \(name)", draw.train, r.train_indices, count: draw.train.count)
                c.expectEqual("val of \(name)", draw.val, r.val_indices, count: draw.val.count)
                c.expectEqual("generator after \(name)", generator.random(), r.next_random)
            }
        }
        return c.result
    }

    private struct SplitFile: Decodable {
        /// Listed, or "0..99" for a run of labels.
        enum Labels: Decodable {
            case list([Int])

            init(from decoder: Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let list = try? container.decode([Int].self) {
                    self = .list(list)
                    return
                }
                let ends = try container.decode(String.self).split(separator: ".", omittingEmptySubsequences: true).compactMap { Int($0) }
                guard ends.count == 2, ends[0] <= ends[1], ends[1] < 1_000_000 else {
                    throw DecodingError.dataCorruptedError(in: container, debugDescription: "no range of labels")
                }
                self = .list(Array(ends[0]...ends[1]))
            }
        }
        /// Each kept label in the order of `labels`, old and new; or the ends of the list alone.
        struct Part: Decodable {
            var old_labels: [Int]?
            var new_labels: [Int]?
            var n_classes: Int?
            var first_old_label: Int?
            var last_old_label: Int?
            var new_label_of_first: Int?
        }
        struct Case: Decodable {
            var labels: Labels
            var all: Part
            var base: Part
            var new: Part
        }
        var cases: [Case]
    }

    static func baseNewSplit(_ path: String) throws -> GoldenResult {
        var c = GoldenComparison("base_new_split.json")
        for item in try decode(SplitFile.self, path).cases {
            guard case .list(let labels) = item.labels else { continue }
            for (subset, part) in [(ClassSubset.all, item.all), (.base, item.base), (.new, item.new)] {
                let cut = ClassCut(labels: labels, subset: subset)
                let kept = labels.filter { cut.newLabel(of: $0) != nil }
                let name = "\(subset) of \(labels.count) labels"
                if let old = part.old_labels { c.expectEqual(name, kept, old, count: old.count) }
                if let new = part.new_labels {
                    c.expectEqual("\(name), renumbered", kept.compactMap(cut.newLabel(of:)), new, count: new.count)
                }
                if let count = part.n_classes { c.expectEqual("number of \(name)", kept.count, count) }
                if let first = part.first_old_label { c.expectEqual("first of \(name)", kept.first, first) }
                if let last = part.last_old_label { c.expectEqual("last of \(name)", kept.last, last) }
                if let new = part.new_label_of_first {
                    c.expectEqual("first of \(name), renumbered", kept.first.flatMap(cut.newLabel(of:)), new)
                }
            }
        }
        return c.result
    }

    // MARK: Schedule and metrics

    private struct ScheduleFile: Decodable {
        struct Case: Decodable {
            var base_lr: Double
            var max_epoch: Int
            var warmup_epoch: Int
            var warmup_type: String?
            var warmup_cons_lr: Double?
            var lr_by_epoch: [Double]
        }
        var cases: [Case]
    }

    static func schedule(_ path: String) throws -> GoldenResult {
        var c = GoldenComparison("lr_schedule.json")
        for item in try decode(ScheduleFile.self, path).cases {
            guard item.warmup_type == nil || item.warmup_type == "constant" else {
                c.fault("a warm-up of kind \(item.warmup_type ?? "") is not known")
                continue
            }
            let schedule = LearningRateSchedule(
                shape: .cosine, rate: item.base_lr, epochs: item.max_epoch, warmupEpochs: item.warmup_epoch,
                warmupRate: item.warmup_cons_lr ?? 0)
            c.compare(
                "lr \(item.base_lr) over \(item.max_epoch) epochs", item.lr_by_epoch.indices.map(schedule.rate(epoch:)),
                item.lr_by_epoch, absolute: 1e-12)
        }
        return c.result
    }

    private struct MetricsFile: Decodable {
        struct PerClass: Decodable {
            var total: Int
            var correct: Int
        }
        struct Case: Decodable {
            var name: String
            var logits: [[Float]]
            var labels: [Int]
            var predictions: [Int]
            var total: Int
            var correct: Int
            var accuracy: Double
            var macro_f1: Double
            var perclass_accuracy_mean: Double?
            var perclass: [String: PerClass]?
        }
        struct Mean: Decodable {
            var base: Double
            var new: Double
            var harmonic_mean: Double
        }
        var cases: [Case]
        var harmonic_mean: [Mean]
    }

    static func metrics(_ path: String) throws -> GoldenResult {
        var c = GoldenComparison("metrics.json")
        let file = try decode(MetricsFile.self, path)
        for item in file.cases {
            var board = Scoreboard(classes: item.logits.first?.count ?? 0)
            var answers: [Int] = []
            for (row, label) in zip(item.logits, item.labels) {
                let ranking = row.withUnsafeBufferPointer { Ranking($0, label: label) }
                answers.append(ranking.top[0])
                board.add(label: label, answer: ranking.top[0], loss: ranking.loss)
            }
            c.expectEqual("answers of \(item.name)", answers, item.predictions, count: answers.count)
            c.expectEqual("count of \(item.name)", [board.total, board.totalCorrect], [item.total, item.correct])
            c.compare(
                "figures of \(item.name)", [100 * board.accuracy, 100 * board.macroF1], [item.accuracy, item.macro_f1],
                absolute: 1e-9)
            if let mean = item.perclass_accuracy_mean {
                c.compare("class mean of \(item.name)", [100 * board.meanClassAccuracy], [mean], absolute: 1e-9)
            }
            for (label, counts) in item.perclass ?? [:] {
                guard let k = Int(label), board.count.indices.contains(k) else { continue }
                c.expectEqual("class \(label) of \(item.name)", [board.count[k], board.correct[k]], [counts.total, counts.correct])
            }
        }
        for item in file.harmonic_mean {
            c.compare("harmonic mean", [harmonicMean(item.base, item.new)], [item.harmonic_mean], absolute: 1e-9)
        }
        return c.result
    }
}
