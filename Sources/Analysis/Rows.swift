import Dispatch

/// Work on rows that do not touch each other, on all processors. What a row computes depends on the row alone, so results do
/// not depend on the number of threads.
enum Rows {
    static func concurrently(_ count: Int, _ body: @Sendable (Int) -> Void) {
        let block = 16
        DispatchQueue.concurrentPerform(iterations: (count + block - 1) / block) { number in
            for row in (number * block)..<min(count, (number + 1) * block) { body(row) }
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every platform.
struct SeededNumbers {
    private var state: UInt64

    init(seed: Int) { state = UInt64(bitPattern: Int64(seed)) }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// In [0, 1).
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// About standard normal: twelve uniform numbers (Irwin and Hall), without transcendental functions.
    mutating func normal() -> Double { (0..<12).reduce(-6.0) { sum, _ in sum + unit() } }
}
