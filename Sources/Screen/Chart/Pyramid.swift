/// Minimum and maximum of any range of a long series in a few dozen look-ups, so that a million points draw as fast as a hundred.
///
/// Level k holds one bucket for 16^(k+1) values. Values that are not finite take no part in the extremes but are remembered by
/// a flag, so that a chart can mark where they lie.
public struct Pyramid: Sendable {
    struct Bucket: Sendable {
        var low: Float = .infinity
        var high: Float = -.infinity
        var hasGap = false

        mutating func add(_ value: Float) {
            if value.isFinite {
                if value < low { low = value }
                if value > high { high = value }
            } else {
                hasGap = true
            }
        }

        mutating func merge(_ other: Bucket) {
            if other.low < low { low = other.low }
            if other.high > high { high = other.high }
            hasGap = hasGap || other.hasGap
        }
    }

    static let factor = 16
    private var levels: [[Bucket]] = []
    private(set) var count = 0

    public init() {}

    public init(_ values: [Float]) {
        count = values.count
        guard count > 0 else { return }
        var level: [Bucket] = []
        level.reserveCapacity(count / Self.factor + 1)
        values.withUnsafeBufferPointer { values in
            var start = 0
            while start < values.count {
                var bucket = Bucket()
                for index in start..<min(values.count, start + Self.factor) { bucket.add(values[index]) }
                level.append(bucket)
                start += Self.factor
            }
        }
        levels = [level]
        while let below = levels.last, below.count > Self.factor {
            var next: [Bucket] = []
            var start = 0
            while start < below.count {
                var bucket = Bucket()
                for index in start..<min(below.count, start + Self.factor) { bucket.merge(below[index]) }
                next.append(bucket)
                start += Self.factor
            }
            levels.append(next)
        }
    }

    /// Adds the value that the series grew by.
    public mutating func append(_ value: Float) {
        var index = count / Self.factor
        var level = 0
        count += 1
        while true {
            if level == levels.count {
                // A new level starts as the sum of everything below it.
                guard level == 0 || levels[level - 1].count > Self.factor else { return }
                if level == 0 {
                    levels.append([])
                } else {
                    var made: [Bucket] = []
                    for (place, bucket) in levels[level - 1].enumerated() {
                        if place % Self.factor == 0 { made.append(Bucket()) }
                        made[made.count - 1].merge(bucket)
                    }
                    levels.append(made)
                    level += 1
                    index /= Self.factor
                    continue
                }
            }
            if index == levels[level].count { levels[level].append(Bucket()) }
            levels[level][index].add(value)
            index /= Self.factor
            level += 1
        }
    }

    /// Least and greatest finite value of `values[range]` (nil when none is finite) and whether any is not finite.
    public func extremes(_ values: [Float], _ range: Range<Int>) -> (low: Float, high: Float, hasGap: Bool)? {
        var total = Bucket()
        let range = range.clamped(to: 0..<min(count, values.count))
        guard !range.isEmpty else { return nil }
        collect(values, range, &total)
        return (total.low, total.high, total.hasGap)
    }

    private func collect(_ values: [Float], _ range: Range<Int>, _ total: inout Bucket) {
        var low = range.lowerBound
        var high = range.upperBound
        // The ragged ends are read singly, what lies between goes a level up.
        while low < high, low % Self.factor != 0 {
            total.add(values[low])
            low += 1
        }
        while high > low, high % Self.factor != 0 {
            high -= 1
            total.add(values[high])
        }
        var level = 0
        low /= Self.factor
        high /= Self.factor
        while low < high {
            let isTop = level + 1 >= levels.count
            while low < high, isTop || low % Self.factor != 0 {
                total.merge(levels[level][low])
                low += 1
            }
            while high > low, high % Self.factor != 0 {
                high -= 1
                total.merge(levels[level][high])
            }
            level += 1
            low /= Self.factor
            high /= Self.factor
        }
    }
}
