import Files
import RunModel

/// A line of `metrics.jsonl`:
///
/// ```
/// {"step":1,"epoch":0,"loss":2.3,"accuracy":0.25,"lr":1e-05,"time":0.8,"images_per_second":5.1,
///  "norms":[{"kind":"text","depth":0,"tokens":[1.5,1.25],"gradient":0.1,"moved":0.0}]}
/// ```
/// `norms` is left out when there are none, and so is a figure that the log of another program does not have at the step. A number
/// that is not finite is `null` beside `<key>_is`; among `tokens` it is `null` and reads back as NaN. Fields that are not known are
/// stepped over.
enum MetricLine {
    /// What to do with the norms, which are most of a line.
    enum Norms {
        case read
        /// Step over them, so that a damaged line is found.
        case skip
        /// Believe what comes before them: a line's end is then found by its line end alone.
        case leave
    }

    static func encode(_ point: MetricPoint) -> [UInt8] {
        JSONText.object { text in
            text.field("step", point.step)
            text.field("epoch", point.epoch)
            if point.measured.contains(.loss) { text.field("loss", point.loss) }
            if point.measured.contains(.accuracy) { text.field("accuracy", point.accuracy) }
            if point.measured.contains(.learningRate) { text.field("lr", point.learningRate) }
            text.field("time", point.time)
            if point.measured.contains(.imagesPerSecond) { text.field("images_per_second", point.imagesPerSecond) }
            if !point.norms.isEmpty {
                text.list("norms", point.norms) { text, norm in
                    text.element { text in
                        text.field("kind", norm.kind.rawValue)
                        text.field("depth", norm.depth)
                        text.list("tokens", norm.tokens) { $0.element($1) }
                        text.field("gradient", norm.gradient)
                        text.field("moved", norm.moved)
                    }
                }
            }
        }
    }

    /// Reads the line in `start..<end`; nil where it is no metric line.
    @inline(__always)
    static func decode(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int, norms: Norms) -> MetricPoint? {
        var scanner = JSONScanner(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<end]))
        return try? decode(&scanner, norms: norms)
    }

    private static func decode(_ scanner: inout JSONScanner, norms: Norms) throws(JSONProblem) -> MetricPoint? {
        var step = -1, epoch = 0
        var loss = Double.nan, accuracy = Double.nan, rate = Double.nan, time = Double.nan, speed = Double.nan
        var list: [PromptNorm] = []
        var measured: MetricPoint.Figures = []
        try scanner.beginObject()
        while let key = try scanner.nextKeyBytes() {
            if scanner.matches(key, "step") {
                guard let value = try scanner.numberOrNull(), let whole = Int(exactly: value), whole >= 0 else { return nil }
                step = whole
            } else if scanner.matches(key, "epoch") {
                epoch = try scanner.numberOrNull().flatMap { Int(exactly: $0) } ?? 0
            } else if scanner.matches(key, "loss") {
                loss = try scanner.numberOrNull() ?? .nan
                measured.insert(.loss)
            } else if scanner.matches(key, "accuracy") {
                accuracy = try scanner.numberOrNull() ?? .nan
                measured.insert(.accuracy)
            } else if scanner.matches(key, "lr") {
                rate = try scanner.numberOrNull() ?? .nan
                measured.insert(.learningRate)
            } else if scanner.matches(key, "time") {
                time = try scanner.numberOrNull() ?? .nan
            } else if scanner.matches(key, "images_per_second") {
                speed = try scanner.numberOrNull() ?? .nan
                measured.insert(.imagesPerSecond)
            } else if norms != .skip, scanner.matches(key, "norms") {
                guard norms == .read else {
                    guard step >= 0, scanner.skipToClosingBrace() else { return nil }
                    continue
                }
                list = try self.norms(&scanner)
            } else if scanner.matches(key, "loss_is") {
                loss = try notFinite(&scanner)
            } else if scanner.matches(key, "accuracy_is") {
                accuracy = try notFinite(&scanner)
            } else if scanner.matches(key, "lr_is") {
                rate = try notFinite(&scanner)
            } else if scanner.matches(key, "time_is") {
                time = try notFinite(&scanner)
            } else if scanner.matches(key, "images_per_second_is") {
                speed = try notFinite(&scanner)
            } else {
                try scanner.skipValue()
            }
        }
        try scanner.end()
        guard step >= 0 else { return nil }
        return MetricPoint(
            step: step, epoch: epoch, loss: loss, accuracy: accuracy, learningRate: rate, time: time, imagesPerSecond: speed,
            norms: list, measured: measured)
    }

    private static func notFinite(_ scanner: inout JSONScanner) throws(JSONProblem) -> Double {
        let word = try scanner.stringBytes()
        return scanner.matches(word, "inf") ? .infinity : scanner.matches(word, "-inf") ? -.infinity : .nan
    }

    private static func norms(_ scanner: inout JSONScanner) throws(JSONProblem) -> [PromptNorm] {
        var list: [PromptNorm] = []
        try scanner.beginArray()
        while try scanner.nextElement() {
            if let norm = try norm(&scanner) { list.append(norm) }
        }
        return list
    }

    /// Nil for a kind that is not known.
    private static func norm(_ scanner: inout JSONScanner) throws(JSONProblem) -> PromptNorm? {
        var norm = PromptNorm(kind: .text, depth: 0, tokens: [], gradient: .nan, moved: .nan)
        var kind: PromptNorm.Kind?
        try scanner.beginObject()
        while let key = try scanner.nextKeyBytes() {
            if scanner.matches(key, "kind") {
                let word = try scanner.stringBytes()
                kind = scanner.matches(word, "text") ? .text : scanner.matches(word, "vision") ? .vision
                    : scanner.matches(word, "coupler") ? .coupler : scanner.matches(word, "meta_net") ? .metaNet : nil
            } else if scanner.matches(key, "depth") {
                norm.depth = try scanner.numberOrNull().flatMap { Int(exactly: $0) } ?? 0
            } else if scanner.matches(key, "tokens") {
                try scanner.beginArray()
                while try scanner.nextElement() { norm.tokens.append(try scanner.floatOrNull() ?? .nan) }
            } else if scanner.matches(key, "gradient") {
                norm.gradient = try scanner.floatOrNull() ?? .nan
            } else if scanner.matches(key, "moved") {
                norm.moved = try scanner.floatOrNull() ?? .nan
            } else if scanner.matches(key, "gradient_is") {
                norm.gradient = Float(try notFinite(&scanner))
            } else if scanner.matches(key, "moved_is") {
                norm.moved = Float(try notFinite(&scanner))
            } else {
                try scanner.skipValue()
            }
        }
        guard let kind else { return nil }
        norm.kind = kind
        return norm
    }
}
