import RunModel

/// What an evaluation's predictions tell beyond one number.
public enum EvaluationAnalysis {
    public struct Confusion: Sendable, Equatable {
        public var truth: Int
        public var predicted: Int
        public var count: Int
    }

    /// The pairs of classes mistaken most often, most frequent first; equal counts keep class order.
    public static func confusions(_ result: EvaluationResult, limit: Int = 500) -> [Confusion] {
        var counts: [Int: Int] = [:]
        let classes = result.perClass.count
        for prediction in result.predictions {
            guard let best = prediction.top.first, best != prediction.label, prediction.label >= 0, prediction.label < classes,
                best >= 0, best < classes
            else { continue }
            counts[prediction.label * classes + best, default: 0] += 1
        }
        let all = counts.map { Confusion(truth: $0.key / classes, predicted: $0.key % classes, count: $0.value) }
        return Array(all.sorted { ($1.count, $0.truth, $0.predicted) < ($0.count, $1.truth, $1.predicted) }.prefix(limit))
    }

    public struct CalibrationBin: Sendable, Equatable {
        public var low: Double
        public var high: Double
        public var count: Int
        /// Mean probability given to the likeliest class.
        public var confidence: Double
        public var accuracy: Double
    }

    public struct Calibration: Sendable, Equatable {
        public var bins: [CalibrationBin]
        /// Expected calibration error: the gap between confidence and accuracy, weighted by count (Guo et al. 2017).
        public var expectedError: Double
        public var count: Int
    }

    public static func calibration(_ result: EvaluationResult, bins binCount: Int = 10) -> Calibration {
        let bins = max(1, binCount)
        var counts = Array(repeating: 0, count: bins)
        var confidence = Array(repeating: 0.0, count: bins)
        var right = Array(repeating: 0, count: bins)
        for prediction in result.predictions {
            guard let probability = prediction.probability.first, probability.isFinite else { continue }
            let bin = min(bins - 1, max(0, Int(Double(probability) * Double(bins))))
            counts[bin] += 1
            confidence[bin] += Double(probability)
            if prediction.isCorrect { right[bin] += 1 }
        }
        let total = counts.reduce(0, +)
        var error = 0.0
        let made = (0..<bins).map { bin in
            let count = max(1, counts[bin])
            let part = CalibrationBin(
                low: Double(bin) / Double(bins), high: Double(bin + 1) / Double(bins), count: counts[bin],
                confidence: confidence[bin] / Double(count), accuracy: Double(right[bin]) / Double(count))
            error += total == 0 ? 0 : (part.confidence - part.accuracy).magnitude * Double(counts[bin]) / Double(total)
            return part
        }
        return Calibration(bins: made, expectedError: error, count: total)
    }

    public struct Flip: Sendable, Equatable {
        public var path: String
        public var label: String
        public var before: String
        public var after: String
        public var confidenceBefore: Float
        public var confidenceAfter: Float
        /// True when it went from wrong to right.
        public var isGain: Bool
    }

    /// Images that one evaluation gets right and the other does not, paired by path, gains first.
    public static func flips(_ before: EvaluationResult, _ after: EvaluationResult) -> (flips: [Flip], test: McNemar, paired: Int) {
        var byPath: [String: Int] = [:]
        byPath.reserveCapacity(before.predictions.count)
        for (index, prediction) in before.predictions.enumerated() { byPath[prediction.path] = index }
        func name(_ index: Int?, _ result: EvaluationResult) -> String {
            guard let index, result.perClass.indices.contains(index) else { return "–" }
            return result.perClass[index].name
        }
        var flips: [Flip] = []
        var gained = 0
        var paired = 0
        for new in after.predictions {
            guard let index = byPath[new.path] else { continue }
            let old = before.predictions[index]
            paired += 1
            guard old.isCorrect != new.isCorrect else { continue }
            if new.isCorrect { gained += 1 }
            flips.append(
                Flip(
                    path: new.path, label: name(new.label, after), before: name(old.top.first, before), after: name(new.top.first, after),
                    confidenceBefore: old.probability.first ?? 0, confidenceAfter: new.probability.first ?? 0, isGain: new.isCorrect))
        }
        let sorted = flips.enumerated().sorted { ($0.element.isGain ? 0 : 1, $0.offset) < ($1.element.isGain ? 0 : 1, $1.offset) }.map(\.element)
        return (sorted, McNemar(lost: flips.count - gained, gained: gained), paired)
    }

    /// Mean and sample standard deviation; the deviation is nil for fewer than two values.
    public static func spread(_ values: [Double]) -> (mean: Double, deviation: Double?)? {
        guard !values.isEmpty else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        guard values.count > 1 else { return (mean, nil) }
        let sum = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (sum / Double(values.count - 1)).squareRoot())
    }
}
