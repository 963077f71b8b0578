/// The outcome of one golden case: a line of `maple doctor --goldens`.
public struct GoldenResult: Sendable, Codable, Equatable {
    public enum Status: String, Sendable, Codable { case passed, failed, notRun = "not run" }
    public var name: String
    public var status: Status
    /// Numbers compared.
    public var compared: Int
    /// The largest difference over the largest magnitude of its own tensor; 0 where values must be equal.
    public var relativeError: Double
    /// The quantity that used up most of its tolerance, and that share (1 is the limit).
    public var worst: String
    public var worstShare: Double
    /// What is wrong, or why it was not run.
    public var detail: String

    public init(
        name: String, status: Status, compared: Int = 0, relativeError: Double = 0, worst: String = "", worstShare: Double = 0,
        detail: String = ""
    ) {
        self.name = name
        self.status = status
        self.compared = compared
        self.relativeError = relativeError
        self.worst = worst
        self.worstShare = worstShare
        self.detail = detail
    }

    enum CodingKeys: String, CodingKey {
        case name, status, compared, worst, detail
        case relativeError = "relative_error"
        case worstShare = "worst_share_of_tolerance"
    }
}

/// Collects the comparisons of one case.
struct GoldenComparison {
    let name: String
    private(set) var compared = 0
    private(set) var relativeError = 0.0
    private(set) var worst = ""
    private(set) var worstShare = 0.0
    private(set) var faults: [String] = []

    init(_ name: String) { self.name = name }

    /// Compares within `absolute`, plus `relative` times the largest expected magnitude.
    mutating func compare(
        _ quantity: String, _ found: [Float], _ expected: [Float], absolute: Double, relative: Double = 0
    ) {
        compare(quantity, found.map(Double.init), expected.map(Double.init), absolute: absolute, relative: relative)
    }

    mutating func compare(
        _ quantity: String, _ found: [Double], _ expected: [Double], absolute: Double, relative: Double = 0
    ) {
        guard found.count == expected.count else {
            faults.append("\(quantity): \(found.count) numbers where \(expected.count) are expected")
            return
        }
        compared += found.count
        var difference = 0.0, largest = 0.0
        for (a, b) in zip(found, expected) {
            let d = abs(a - b)
            // A NaN on either side must not pass for small.
            difference = d.isNaN ? .infinity : max(difference, d)
            largest = max(largest, abs(b))
        }
        let tolerance = absolute + relative * largest
        let share = difference == 0 ? 0 : difference / tolerance
        if largest > 0 { relativeError = max(relativeError, difference / largest) }
        if share > worstShare || worst.isEmpty { (worst, worstShare) = (quantity, share) }
        if !(difference <= tolerance) {
            faults.append("\(quantity) is off by \(short(difference)), allowed \(short(tolerance))")
        }
    }

    mutating func expectEqual<T: Equatable>(_ quantity: String, _ found: T, _ expected: T, count: Int = 1) {
        compared += count
        if found != expected { faults.append("\(quantity) differs") }
    }

    mutating func fault(_ text: String) { faults.append(text) }

    var result: GoldenResult {
        GoldenResult(
            name: name, status: faults.isEmpty ? .passed : .failed, compared: compared, relativeError: relativeError,
            worst: worst, worstShare: worstShare,
            detail: faults.count > 3
                ? faults.prefix(3).joined(separator: "; ") + "; and \(faults.count - 3) more" : faults.joined(separator: "; "))
    }
}

/// A number in three digits, such as 1.23e-05.
func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
    var exponent = 0
    var v = abs(value)
    while v >= 10 { v /= 10; exponent += 1 }
    while v < 1 { v *= 10; exponent -= 1 }
    let digits = (v * 100).rounded() / 100
    return (value < 0 ? "-" : "") + "\(digits)e\(exponent)"
}
