/// Starting values from a seed: SplitMix64 (Steele, Lea, Flood 2014) with uniform and Box-Muller normal draws.
struct InitialValues {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    private mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// In 0..<1, with 53 bits.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func uniform<R: Real>(_ target: Matrix<R>, bound: Double) {
        for i in 0..<target.count { target.base[i] = R((2 * unit() - 1) * bound) }
    }

    mutating func normal<R: Real>(_ target: Matrix<R>, deviation: Double) {
        for i in 0..<target.count {
            let radius = (-2 * logarithm(1 - unit())).squareRoot()
            target.base[i] = R(deviation * radius * cosine(2 * .pi * unit()))
        }
    }
}
