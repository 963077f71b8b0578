import Formats
import Foundation
import RunModel
import RunStore

/// Makes a read-only run of the scalars that another program logged for TensorBoard.
struct TensorBoardImport {
    /// Tags to take for loss, accuracy and learning rate; nil chooses by name.
    var loss: String?
    var accuracy: String?
    var rate: String?

    /// What became of one folder of event files.
    struct Outcome {
        var run: RunFolder
        /// Lines for the reader: which tags were taken, which were left, what is damaged.
        var notes: [String]
    }

    /// - Parameters:
    ///   - name: of the run.
    ///   - source: the folder, absolute.
    /// - Returns: nil where no scalar can be taken for a loss, an accuracy or a learning rate, and the reason.
    /// - Throws: `FormatError`, `RunStoreError`.
    func make(_ log: ScalarLog, name: String, source: String, in root: String) throws -> Outcome {
        let chosen = try Chosen(
            loss: choose(loss, from: log, Self.lossTags, containing: "loss", source),
            accuracy: choose(accuracy, from: log, Self.accuracyTags, containing: "acc", source),
            rate: choose(rate, from: log, Self.rateTags, containing: "learning_rate", source),
            speed: log["train/images_per_second"])
        guard chosen.loss != nil || chosen.accuracy != nil || chosen.rate != nil else {
            throw ImportError.noCurve(source: source, tags: log.series.map(\.tag))
        }
        let (points, isPercent) = chosen.points()
        var overview = RunOverview(path: "", state: .finished, name: name, source: source)
        let begun = chosen.begun
        // Times of other programs may be anything.
        if (0..<1e11).contains(begun) { overview.created = begun }
        overview.updated = overview.created
        if let last = points.last {
            overview.steps = last.step
            overview.loss = last.loss
            if last.time.isFinite {
                overview.seconds = last.time
                overview.updated += last.time
            }
        }
        func last(_ name: String) -> Double? { log["eval/" + name]?.points.last?.value }
        (overview.base, overview.new, overview.all) = (last("base_accuracy"), last("new_accuracy"), last("all_accuracy"))
        overview.harmonicMean = last("harmonic_mean")
        let run = try ImportedRun.create(in: root, overview, points: points)
        return Outcome(run: run, notes: notes(log, chosen, count: points.count, isPercent: isPercent))
    }

    private func notes(_ log: ScalarLog, _ chosen: Chosen, count: Int, isPercent: Bool) -> [String] {
        var notes = log.problems.map { "warning: \($0.description)" }
        let taken = [("loss", chosen.loss), ("accuracy", chosen.accuracy), ("learning rate", chosen.rate)].compactMap { what, series in
            series.map { "\(what) from \(shown($0.tag))" }
        }
        notes.append("\(count) steps: " + taken.joined(separator: ", "))
        if isPercent, let tag = chosen.accuracy?.tag { notes.append("\(shown(tag)) goes beyond 1: taken for percent, and divided by 100") }
        let used = chosen.tags
        let left = log.series.map(\.tag).filter { !used.contains($0) && !$0.hasPrefix("eval/") && !$0.hasPrefix("norms/") }
        if !left.isEmpty {
            notes.append(
                "left out: " + left.prefix(12).map(shown).joined(separator: ", ") + (left.count > 12 ? " and \(left.count - 12) more" : ""))
        }
        return notes
    }

    // MARK: Choosing tags

    /// Names that programs give, best first; compared without regard to case.
    private static let lossTags = [
        "train/loss", "train/loss_step", "train_loss", "train_loss_step", "training/loss", "training_loss", "loss/train", "loss", "batch_loss", "train/loss_epoch", "epoch_loss",
    ]
    private static let accuracyTags = [
        "train/accuracy", "train/acc", "train/acc1", "train_accuracy", "train_acc", "training/accuracy", "accuracy/train", "acc/train", "accuracy", "acc",
        "epoch_accuracy",
    ]
    private static let rateTags = ["train/learning_rate", "train/lr", "learning_rate", "lr", "learning rate", "lr/train"]

    private func choose(
        _ asked: String?, from log: ScalarLog, _ known: [String], containing part: String, _ source: String
    ) throws -> ScalarLog.Series? {
        if let asked {
            guard let series = log[asked] else { throw ImportError.noTag(source: source, tag: asked, tags: log.series.map(\.tag)) }
            return series
        }
        for name in known { if let found = log.series.first(where: { $0.tag.lowercased() == name }) { return found } }
        // Values of a validation or a test are no training curve.
        return log.series.first { series in
            let tag = series.tag.lowercased()
            return tag.contains(part) && !["val", "test", "eval", "norms/", "valid"].contains { tag.contains($0) }
        }
    }

    /// The series that make up the run's metrics.
    private struct Chosen {
        var loss: ScalarLog.Series?
        var accuracy: ScalarLog.Series?
        var rate: ScalarLog.Series?
        var speed: ScalarLog.Series?

        private var all: [ScalarLog.Series] { [loss, accuracy, rate].compactMap(\.self) }
        var tags: Set<String> { Set((all + [speed].compactMap(\.self)).map(\.tag)) }
        /// Of the first point; may be anything.
        var begun: Double { all.compactMap(\.points.first?.time).min() ?? 0 }

        /// A point for each step that one of the series has; NaN where another has none. A step that comes twice counts as it was last.
        func points() -> (points: [MetricPoint], isPercent: Bool) {
            var byStep: [Int: MetricPoint] = [:]
            let isPercent = accuracy?.points.contains { $0.value > 1.5 && $0.value.isFinite } ?? false
            func take(_ series: ScalarLog.Series?, _ place: WritableKeyPath<MetricPoint, Double>, _ figure: MetricPoint.Figures, scale: Double = 1) {
                for point in series?.points ?? [] where point.step >= 0 {
                    let time = point.time - begun
                    var row = byStep[point.step]
                        ?? MetricPoint(
                            step: point.step, epoch: 0, loss: .nan, accuracy: .nan, learningRate: .nan, time: time.isFinite ? max(0, time) : 0,
                            imagesPerSecond: .nan, measured: [])
                    row[keyPath: place] = point.value * scale
                    row.measured.insert(figure)
                    byStep[point.step] = row
                }
            }
            take(loss, \.loss, .loss)
            take(accuracy, \.accuracy, .accuracy, scale: isPercent ? 0.01 : 1)
            take(rate, \.learningRate, .learningRate)
            take(speed, \.imagesPerSecond, .imagesPerSecond)
            return (byStep.values.sorted { $0.step < $1.step }, isPercent)
        }
    }
}

/// A tag of another program, fit for a line.
private func shown(_ tag: String) -> String {
    let clean = String(tag.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) }.prefix(60))
    return clean.isEmpty ? "\"\"" : clean
}

enum ImportError: Error, CustomStringConvertible {
    case noCurve(source: String, tags: [String])
    case noTag(source: String, tag: String, tags: [String])
    case noData(run: String)

    var description: String {
        switch self {
        case .noCurve(let source, let tags):
            "no tag of \(source) looks like a loss, an accuracy or a learning rate. Choose one with --loss, --accuracy or --rate: \(Self.list(tags))."
        case .noData(let run): "\(run) was imported without a data set. Name the images with --data."
        case .noTag(let source, let tag, let tags): "\(source) has no scalars under \(shown(tag)). There are: \(Self.list(tags))."
        }
    }

    private static func list(_ tags: [String]) -> String {
        tags.isEmpty
            ? "none" : tags.prefix(20).map(shown).joined(separator: ", ") + (tags.count > 20 ? " and \(tags.count - 20) more" : "")
    }
}
