/// Python's `random` module, number for number.
///
///     var random = PythonRandom(seed: 1)
///     random.random()                 // 0.13436424411240122
///     random.sample(of: 100, 16)      // random.sample(range(100), 16)
///
/// The Mersenne Twister MT19937 (Matsumoto and Nishimura) seeded by key, with CPython's ways of making floats, bounded
/// integers, samples and shuffles out of its 32-bit words. Few-shot sets drawn with it are those that the Python
/// reference draws at the same seed.
public struct PythonRandom: Sendable {
    private static let length = 624
    private static let middle = 397
    private var state: [UInt32]
    private var position: Int

    /// Like `random.seed(seed)`; a negative seed acts as its absolute value.
    public init(seed: Int) {
        let magnitude = UInt64(seed.magnitude)
        var key = [UInt32(truncatingIfNeeded: magnitude)]
        if magnitude >> 32 != 0 { key.append(UInt32(truncatingIfNeeded: magnitude >> 32)) }

        var words = [UInt32](repeating: 0, count: Self.length)
        words[0] = 19_650_218
        for i in 1..<Self.length { words[i] = 1_812_433_253 &* (words[i - 1] ^ (words[i - 1] >> 30)) &+ UInt32(i) }
        var i = 1, j = 0
        func wrap() {
            if i >= Self.length {
                words[0] = words[Self.length - 1]
                i = 1
            }
        }
        for _ in 0..<max(Self.length, key.count) {
            words[i] = (words[i] ^ ((words[i - 1] ^ (words[i - 1] >> 30)) &* 1_664_525)) &+ key[j] &+ UInt32(j)
            i += 1
            j = (j + 1) % key.count
            wrap()
        }
        for _ in 0..<Self.length - 1 {
            words[i] = (words[i] ^ ((words[i - 1] ^ (words[i - 1] >> 30)) &* 1_566_083_941)) &- UInt32(i)
            i += 1
            wrap()
        }
        words[0] = 0x8000_0000
        state = words
        position = Self.length
    }

    /// The next 32-bit word.
    public mutating func word() -> UInt32 {
        if position >= Self.length {
            refill()
            position = 0
        }
        var y = state[position]
        position += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C_5680
        y ^= (y << 15) & 0xEFC6_0000
        return y ^ (y >> 18)
    }

    private mutating func refill() {
        for i in 0..<Self.length {
            let y = (state[i] & 0x8000_0000) | (state[(i + 1) % Self.length] & 0x7FFF_FFFF)
            state[i] = state[(i + Self.middle) % Self.length] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
        }
    }

    /// In [0, 1), 53 bits: `random.random()`.
    public mutating func random() -> Double {
        let high = Double(word() >> 5), low = Double(word() >> 6)
        return (high * 67_108_864 + low) / 9_007_199_254_740_992
    }

    /// `random.uniform(low, high)`
    public mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * random() }

    /// `random.getrandbits(count)` for 0 to 64 bits.
    public mutating func bits(_ count: Int) -> UInt64 {
        precondition((0...64).contains(count), "0 to 64 bits")
        if count == 0 { return 0 }
        if count <= 32 { return UInt64(word() >> UInt32(32 - count)) }
        let low = UInt64(word())
        return low | UInt64(word() >> UInt32(64 - count)) << 32
    }

    /// In 0..<bound: `random._randbelow(bound)`; 0 for a bound below 1.
    public mutating func below(_ bound: Int) -> Int {
        guard bound > 0 else { return 0 }
        let count = Int.bitWidth - bound.leadingZeroBitCount
        while true {
            let value = Int(bits(count))
            if value < bound { return value }
        }
    }

    /// `random.sample(range(population), count)`; at most the whole population.
    public mutating func sample(of population: Int, _ count: Int) -> [Int] {
        let count = min(max(0, count), max(0, population))
        var result: [Int] = []
        result.reserveCapacity(count)
        // Python weighs the memory of a set against that of a list, and so must this to draw the same numbers.
        var setSize = 21
        if count > 5 {
            var power = 1
            while power < count * 3 { power *= 4 }
            setSize += power
        }
        if population <= setSize {
            var pool = Array(0..<max(0, population))
            for i in 0..<count {
                let j = below(population - i)
                result.append(pool[j])
                pool[j] = pool[population - i - 1]
            }
        } else {
            var chosen = Set<Int>(minimumCapacity: count)
            for _ in 0..<count {
                var j = below(population)
                while !chosen.insert(j).inserted { j = below(population) }
                result.append(j)
            }
        }
        return result
    }

    /// `random.shuffle(values)`
    public mutating func shuffle<T>(_ values: inout [T]) {
        guard values.count > 1 else { return }
        for i in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(i, below(i + 1)) }
    }
}
