import Foundation

/// What a stream of random numbers is for; each purpose has its own, so that one never shifts another.
public struct RandomPurpose: Sendable, Hashable, ExpressibleByStringLiteral {
    public let name: String
    public init(_ name: String) { self.name = name }
    public init(stringLiteral value: String) { name = value }

    /// The order of training images within an epoch.
    public static let order: RandomPurpose = "order"
    /// Crop and flip of one training image.
    public static let augmentation: RandomPurpose = "augmentation"
    /// Dividing class folders into train, val and test.
    public static let split: RandomPurpose = "split"
}

/// Deterministic random numbers that are named by what they are for, not by when they are asked for.
///
///     var generator = RunGenerator(seed: 1, .augmentation, epoch, index)
///     let x = generator.uniform()
///
/// The stream depends on the seed, the purpose and the counters alone: the crop of image `index` in `epoch` is the same in
/// whatever order threads get to it, and a resumed run needs to know only its position. Numbers are xoshiro256** (Blackman
/// and Vigna), its state filled by SplitMix64 from a hash of the name. Same numbers on every platform.
public struct RunGenerator: RandomNumberGenerator, Sendable {
    private var s0: UInt64
    private var s1: UInt64
    private var s2: UInt64
    private var s3: UInt64

    public init(seed: Int, _ purpose: RandomPurpose, _ counters: Int...) {
        var hash = Self.mixed(UInt64(bitPattern: Int64(seed)))
        for byte in purpose.name.utf8 { hash = Self.mixed(hash ^ UInt64(byte)) }
        // Separates the name from the counters.
        hash = Self.mixed(hash ^ 0x100)
        for counter in counters { hash = Self.mixed(hash ^ UInt64(bitPattern: Int64(counter))) }
        var state = hash
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            return Self.finished(state)
        }
        s0 = next()
        s1 = next()
        s2 = next()
        s3 = next()
    }

    /// SplitMix64's step and finish.
    private static func mixed(_ value: UInt64) -> UInt64 { finished(value &+ 0x9E37_79B9_7F4A_7C15) }

    private static func finished(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    public mutating func next() -> UInt64 {
        let product = s1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let shifted = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = (s3 << 45) | (s3 >> 19)
        return result
    }

    /// In [0, 1), 53 bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// In [low, high).
    public mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * uniform() }

    /// In 0..<bound, without bias; 0 for a bound below 2.
    public mutating func below(_ bound: Int) -> Int {
        guard bound > 1 else { return 0 }
        let range = UInt64(bound)
        // Lemire's multiplication; the few low products that would favour small results are drawn again.
        let threshold = (0 &- range) % range
        while true {
            let (high, low) = next().multipliedFullWidth(by: range)
            if low >= threshold { return Int(high) }
        }
    }

    /// Standard normal (Box and Muller's transform, one of the pair).
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * Double.pi * uniform())
    }

    /// Fisher-Yates, from the last place down.
    public mutating func shuffle<T>(_ values: inout [T]) {
        guard values.count > 1 else { return }
        for i in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(i, below(i + 1)) }
    }
}
