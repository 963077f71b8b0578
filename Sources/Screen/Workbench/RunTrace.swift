import RunModel

/// Everything the screen knows of one run: curves, norms, evaluations, log. Grows by events or is filled at once by a reader.
public struct RunTrace: Sendable {
    public struct LogLine: Sendable, Equatable {
        public var step: Int
        public var text: String
        public var role: Role

        public init(step: Int, text: String, role: Role = .text) {
            self.step = step
            self.text = text
            self.role = role
        }
    }

    public var row: RunRow
    public private(set) var places = CurvePlaces()
    public private(set) var loss = Curve()
    public private(set) var accuracy = Curve()
    public private(set) var learningRate = Curve()
    public private(set) var throughput = Curve()
    public private(set) var norms = NormHistory()
    public private(set) var lastPoint: MetricPoint?
    /// Predictions may be left out (`predictions` empty, `count` above 0): the screen asks for them when it needs them.
    public var evaluations: [EvaluationResult] = []
    public var checkpoints: [CheckpointEntry] = []
    public var log: [LogLine] = []
    /// A running evaluation's progress.
    public var evaluating: (classes: ClassSubset, done: Int, total: Int)?
    /// Steps at which the learning rate was changed by hand.
    public var rateChanges: [Int] = []

    public init(row: RunRow, stepsPerEpoch: Int = 1) {
        self.row = row
        places.stepsPerEpoch = max(1, stepsPerEpoch)
    }

    public var stepsPerEpoch: Int {
        get { places.stepsPerEpoch }
        set { places.stepsPerEpoch = max(1, newValue) }
    }

    /// Fills the curves at once from columns of equal length; for readers of long runs.
    public mutating func setColumns(steps: [Int32], times: [Float], loss: [Float], accuracy: [Float], learningRate: [Float], throughput: [Float]) {
        let count = min(steps.count, times.count, loss.count, accuracy.count, learningRate.count, throughput.count)
        let weight = self.loss.smoothingWeight
        func cut(_ values: [Float]) -> [Float] { values.count == count ? values : Array(values[0..<count]) }
        places = CurvePlaces(
            steps: steps.count == count ? steps : Array(steps[0..<count]), times: cut(times), stepsPerEpoch: places.stepsPerEpoch)
        self.loss = Curve(cut(loss), smoothing: weight)
        self.accuracy = Curve(cut(accuracy), smoothing: weight)
        self.learningRate = Curve(cut(learningRate))
        self.throughput = Curve(cut(throughput))
    }

    /// Fills the norms of a run whose curves were filled by `setColumns` from points spread over it, the last step among them.
    public mutating func setNorms(_ points: [MetricPoint]) {
        norms = NormHistory()
        for point in points { norms.add(point) }
        lastPoint = points.last
    }

    /// Adds a step; one that is not after the last takes the place of what followed it (a resumed run).
    public mutating func append(_ point: MetricPoint) {
        let step = Int32(clamping: point.step)
        if let last = places.steps.last, step <= last {
            let keep = places.firstIndex(from: Double(step), .step)
            places.truncate(to: keep)
            loss.truncate(to: keep)
            accuracy.truncate(to: keep)
            learningRate.truncate(to: keep)
            throughput.truncate(to: keep)
        }
        places.append(step: step, time: Float(point.time))
        loss.append(Float(point.loss))
        accuracy.append(Float(point.accuracy))
        learningRate.append(Float(point.learningRate))
        throughput.append(Float(point.imagesPerSecond))
        norms.add(point)
        lastPoint = point
        row.step = point.step
        row.seconds = point.time
        row.loss = point.loss
    }

    /// Takes an event that may be part of what was read already.
    mutating func catchUp(_ event: RunEvent) {
        switch event {
        case .step(let point): if point.step > places.steps.last.map(Int.init) ?? 0 { append(point) }
        case .evaluationProgress, .evaluated: apply(event)
        default:
            var after = self
            after.apply(event)
            // The same words at the same step: it was read.
            if let line = after.log.last, log.suffix(20).contains(line) { return }
            self = after
        }
    }

    public mutating func setSmoothing(_ weight: Double) {
        guard weight != loss.smoothingWeight else { return }
        loss.setSmoothing(weight)
        accuracy.setSmoothing(weight)
    }

    /// Takes one event of the run.
    public mutating func apply(_ event: RunEvent) {
        switch event {
        case .started(let total, let perEpoch, let from):
            row.totalSteps = total
            stepsPerEpoch = perEpoch
            row.status = .running
            note(from, from == 0 ? "started: \(NumberText.grouped(total)) steps" : "resumed at step \(NumberText.grouped(from))")
        case .step(let point):
            append(point)
            if !point.loss.isFinite { note(point.step, "loss is \(NumberText.fixed(point.loss, 0))", .bad) }
        case .evaluationProgress(let classes, let done, let total):
            evaluating = (classes, done, total)
            if row.status == .running { row.status = .evaluating }
        case .evaluated(let result):
            evaluating = nil
            if row.status == .evaluating { row.status = .running }
            add(result)
            let kind = result.method == .zeroshot && row.spec.method.name != .zeroshot ? "zero-shot CLIP, " : ""
            note(result.step, "\(kind)\(result.classes.rawValue) classes: \(NumberText.percent(result.accuracy)) of \(NumberText.grouped(result.count)) images", .accent)
        case .checkpointWritten(let file, let step):
            checkpoints.removeAll { $0.file == file }
            checkpoints.append(CheckpointEntry(file: file, step: step, epoch: step / stepsPerEpoch))
            let line = "checkpoint \(lastPathPart(file))"
            // Of epochs' checkpoints in a row the last is told: short epochs would leave room for nothing else.
            let isEpoch = { (text: String) in text.hasPrefix("checkpoint epoch-") }
            if isEpoch(line), let last = log.last, isEpoch(last.text) { log.removeLast() }
            note(step, line)
        case .commandTaken(let command, let step): take(command, step)
        case .paused(let step):
            row.status = .paused
            note(step, "paused", .warning)
        case .proceeding(let step):
            row.status = .running
            note(step, "going on")
        case .warning(let text): note(row.step, text, .warning)
        case .stopped(let step):
            row.status = .stopped
            evaluating = nil
            note(step, "stopped; it can be resumed", .warning)
        case .finished(let summary):
            row.status = .finished
            evaluating = nil
            row.seconds = summary.seconds
            row.base = summary.base ?? row.base
            row.new = summary.new ?? row.new
            row.all = summary.all ?? row.all
            note(summary.steps, "finished in \(NumberText.duration(summary.seconds))", .good)
        case .failed(let text):
            row.status = .failed
            evaluating = nil
            note(row.step, text, .bad)
        }
    }

    private mutating func take(_ command: RunCommand, _ step: Int) {
        switch command {
        case .setLearningRate(let rate):
            rateChanges.append(step)
            note(step, "learning rate set to \(NumberText.general(rate, 3))", .accent)
        case .note(let text): note(step, "note: \(text)", .accent)
        default: break
        }
    }

    private mutating func add(_ result: EvaluationResult) {
        evaluations.removeAll { EvaluationKey($0) == EvaluationKey(result) }
        evaluations.append(result)
        var figures = result
        (figures.perClass, figures.predictions, figures.skipped) = ([], [], [])
        row.evaluations.removeAll { EvaluationKey($0) == EvaluationKey(result) }
        row.evaluations.append(figures)
        guard isOwn(result) else { return }
        switch result.classes {
        case .base: row.base = result.accuracy
        case .new: row.new = result.accuracy
        case .all: row.all = result.accuracy
        }
    }

    private mutating func note(_ step: Int, _ text: String, _ role: Role = .text) {
        log.append(LogLine(step: step, text: text, role: role))
        if log.count > 2000 { log.removeFirst(log.count - 1500) }
    }

    /// Whether it scores the run's method on the run's data: not the zero-shot figures it is measured against, no other data set.
    public func isOwn(_ result: EvaluationResult) -> Bool {
        result.method == row.spec.method.name && isOfOwnData(result)
    }

    private func isOfOwnData(_ result: EvaluationResult) -> Bool {
        result.subset == row.spec.eval.subset && (result.data.isEmpty || result.data == row.spec.data.path)
    }

    /// The newest evaluation of a class list, or the newest at or before a step; of the run's method if there is one.
    public func evaluation(_ classes: ClassSubset, atMost step: Int? = nil) -> Int? {
        let fitting = evaluations.indices.filter {
            evaluations[$0].classes == classes && (step == nil || evaluations[$0].step <= step ?? 0) && isOfOwnData(evaluations[$0])
        }
        return fitting.filter { isOwn(evaluations[$0]) }.max { evaluations[$0].step < evaluations[$1].step } ?? fitting.last
    }

    /// What plain zero-shot CLIP reached on a class list, or else the untrained method.
    public func baseline(_ classes: ClassSubset) -> EvaluationResult? {
        let fitting = evaluations.filter { $0.classes == classes && isOfOwnData($0) }
        return fitting.first { $0.method == .zeroshot } ?? fitting.first { $0.step == 0 }
    }

    /// Evaluated accuracy over steps, as a curve of its own.
    public func evaluationCurve(_ classes: ClassSubset) -> (places: CurvePlaces, curve: Curve) {
        let own = evaluations.filter { $0.classes == classes && isOwn($0) }.sorted { $0.step < $1.step }
        let times = own.map { result -> Float in
            let index = places.firstIndex(from: Double(result.step), .step)
            return places.count == 0 ? 0 : places.times[min(places.count - 1, index)]
        }
        return (
            CurvePlaces(steps: own.map { Int32(clamping: $0.step) }, times: times, stepsPerEpoch: places.stepsPerEpoch),
            Curve(own.map { Float($0.accuracy) })
        )
    }

    /// Seconds until the last step at the pace of the run so far.
    public var timeLeft: Double? {
        guard row.status.isActive, row.totalSteps > row.step, let first = places.times.first, let last = places.times.last, places.count > 1, last > first
        else { return nil }
        // The pace of the last hundred steps follows changes of load.
        let from = max(0, places.count - 100)
        let steps = Double(places.steps[places.count - 1] - places.steps[from])
        guard steps > 0 else { return nil }
        return Double(places.times[places.count - 1] - places.times[from]) / steps * Double(row.totalSteps - row.step)
    }
}

/// Prompt norms over a run, thinned out so that a long run keeps a few hundred samples.
public struct NormHistory: Sendable {
    public struct Track: Sendable, Equatable {
        public var kind: PromptNorm.Kind
        public var depth: Int
        /// Mean token norm at each sample.
        public var history: [Float]
        public var first: PromptNorm
        public var last: PromptNorm
    }

    public private(set) var tracks: [Track] = []
    private var stride = 1
    private var seen = 0

    public init() {}

    public mutating func add(_ point: MetricPoint) {
        guard !point.norms.isEmpty else { return }
        let isSample = seen % stride == 0
        seen += 1
        for norm in point.norms {
            let mean = norm.tokens.isEmpty ? 0 : norm.tokens.reduce(0, +) / Float(norm.tokens.count)
            if let place = tracks.firstIndex(where: { $0.kind == norm.kind && $0.depth == norm.depth }) {
                tracks[place].last = norm
                if isSample { tracks[place].history.append(mean) }
            } else {
                tracks.append(Track(kind: norm.kind, depth: norm.depth, history: [mean], first: norm, last: norm))
                tracks.sort { (Self.rank($0.kind), $0.depth) < (Self.rank($1.kind), $1.depth) }
            }
        }
        if let count = tracks.first?.history.count, count >= 512 {
            stride *= 2
            for place in tracks.indices {
                tracks[place].history = tracks[place].history.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
            }
        }
    }

    public func tracks(_ kind: PromptNorm.Kind) -> [Track] { tracks.filter { $0.kind == kind } }

    public var kinds: [PromptNorm.Kind] { [.text, .vision, .coupler].filter { kind in tracks.contains { $0.kind == kind } } }

    private static func rank(_ kind: PromptNorm.Kind) -> Int { kind == .text ? 0 : (kind == .vision ? 1 : 2) }
}
