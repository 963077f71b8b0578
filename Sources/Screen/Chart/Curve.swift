/// One measured quantity over a run: raw values, their moving average, and a pyramid over each.
public struct Curve: Sendable {
    public private(set) var values: [Float]
    public private(set) var smoothed: [Float]
    private var rawPyramid: Pyramid
    private var smoothPyramid: Pyramid
    private var state: Smoothing

    public init(_ values: [Float] = [], smoothing weight: Double = 0) {
        self.values = values
        rawPyramid = Pyramid(values)
        state = Smoothing(weight: weight)
        smoothed = []
        smoothPyramid = Pyramid()
        resmooth()
    }

    public var count: Int { values.count }
    public var smoothingWeight: Double { state.weight }
    public var last: Float? { values.last }
    /// Whether any of its values is one, neither NaN nor infinite.
    public var hasNumbers: Bool { raw(0..<count).map { $0.low <= $0.high } ?? false }

    public mutating func append(_ value: Float) {
        values.append(value)
        rawPyramid.append(value)
        let average = Float(state.next(Double(value)))
        smoothed.append(average)
        smoothPyramid.append(average)
    }

    public mutating func setSmoothing(_ weight: Double) {
        state = Smoothing(weight: weight)
        resmooth()
    }

    /// Forgets everything from `count` on: a resumed run repeats steps that were taken after its checkpoint.
    public mutating func truncate(to count: Int) {
        guard count < values.count else { return }
        self = Curve(Array(values[0..<max(0, count)]), smoothing: state.weight)
    }

    public func raw(_ range: Range<Int>) -> (low: Float, high: Float, hasGap: Bool)? { rawPyramid.extremes(values, range) }
    public func average(_ range: Range<Int>) -> (low: Float, high: Float, hasGap: Bool)? { smoothPyramid.extremes(smoothed, range) }

    private mutating func resmooth() {
        let weight = state.weight
        state = Smoothing(weight: weight)
        var result = values
        result.withUnsafeMutableBufferPointer { buffer in
            for index in buffer.indices { buffer[index] = Float(state.next(Double(buffer[index]))) }
        }
        smoothed = result
        smoothPyramid = Pyramid(smoothed)
    }
}

/// What the horizontal axis counts.
public enum AxisUnit: String, Sendable, CaseIterable, Equatable {
    case step, epoch, time

    public var title: String {
        switch self {
        case .step: "step"
        case .epoch: "epoch"
        case .time: "time"
        }
    }
}

/// The horizontal places of a curve's points; ascending.
public struct CurvePlaces: Sendable {
    public private(set) var steps: [Int32]
    /// Seconds of training.
    public private(set) var times: [Float]
    public var stepsPerEpoch: Int

    public init(steps: [Int32] = [], times: [Float] = [], stepsPerEpoch: Int = 1) {
        self.steps = steps
        self.times = times
        self.stepsPerEpoch = stepsPerEpoch
    }

    public var count: Int { steps.count }

    mutating func append(step: Int32, time: Float) {
        steps.append(step)
        times.append(max(time, times.last ?? 0))
    }

    mutating func truncate(to count: Int) {
        steps.removeLast(max(0, steps.count - count))
        times.removeLast(max(0, times.count - count))
    }

    public func place(_ index: Int, _ unit: AxisUnit) -> Double {
        switch unit {
        case .step: Double(steps[index])
        case .epoch: Double(steps[index]) / Double(max(1, stepsPerEpoch))
        case .time: Double(times[index])
        }
    }

    /// The first index whose place is not below `target`; `count` when there is none.
    public func firstIndex(from target: Double, _ unit: AxisUnit) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if place(middle, unit) < target { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
