#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// McNemar's test: do two classifiers differ on the same images?
///
/// Only images that exactly one of them gets right count. With fewer than 25 of them the two-sided exact binomial probability is
/// used, else chi-square with continuity correction and one degree of freedom.
public struct McNemar: Sendable, Equatable {
    /// Right before, wrong after.
    public var lost: Int
    /// Wrong before, right after.
    public var gained: Int
    public var isExact: Bool
    /// 0 for the exact test.
    public var chiSquare: Double
    public var pValue: Double

    public init(lost: Int, gained: Int) {
        self.lost = max(0, lost)
        self.gained = max(0, gained)
        let n = self.lost + self.gained
        isExact = n < 25
        chiSquare = 0
        if n == 0 {
            pValue = 1
        } else if isExact {
            var term = pow(0.5, Double(n))
            var tail = term
            let least = min(self.lost, self.gained)
            for k in 0..<least {
                term *= Double(n - k) / Double(k + 1)
                tail += term
            }
            pValue = min(1, 2 * tail)
        } else {
            let difference = max(0, Double(abs(self.lost - self.gained)) - 1)
            chiSquare = difference * difference / Double(n)
            pValue = erfc((chiSquare / 2).squareRoot())
        }
    }
}
