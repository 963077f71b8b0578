#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Exponential moving average as TensorBoard computes it: from 0, divided by 1 - w^n over the n finite points so far, so that
/// the start is not pulled towards 0. Values that are not finite pass through; a constant series is left alone.
public struct Smoothing: Sendable, Equatable {
    /// Share of the past, 0 (none) up to just below 1.
    public let weight: Double
    private var average: Double = 0
    private var power: Double = 1
    private var first: Double?
    private var isConstant = true

    public init(weight: Double) { self.weight = min(0.9999, max(0, weight)) }

    public mutating func next(_ value: Double) -> Double {
        guard value.isFinite else { return value }
        if first == nil { first = value }
        if value != first { isConstant = false }
        average = average * weight + (1 - weight) * value
        power *= weight
        if isConstant || weight == 0 { return value }
        return average / (1 - power)
    }

    public static func smoothed(_ values: [Float], weight: Double) -> [Float] {
        var state = Smoothing(weight: weight)
        var result = values
        result.withUnsafeMutableBufferPointer { buffer in
            for index in buffer.indices { buffer[index] = Float(state.next(Double(buffer[index]))) }
        }
        return result
    }
}
