/// Mean and deviation of a figure over seeds.
public struct Spread: Sendable, Equatable, Codable {
    public var mean: Double
    /// Sample standard deviation (divisor n - 1); nil for a single value.
    public var deviation: Double?
    public var count: Int

    public init(mean: Double, deviation: Double?, count: Int) {
        self.mean = mean
        self.deviation = deviation
        self.count = count
    }

    /// Nil without values.
    public init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        var deviation: Double?
        if values.count > 1 {
            deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
        }
        self.init(mean: mean, deviation: deviation, count: values.count)
    }
}
