/// The two directions in which points vary most, by orthogonal iteration.
public struct PrincipalComponents: Sendable, Equatable {
    /// Each point along the two directions, the mean at the origin.
    public var points: [SIMD2<Double>]
    /// Share of the variance along each, 0..1.
    public var explained: SIMD2<Double>

    /// Deterministic: the directions start from the seed 0, and each points to where its largest component is positive.
    public init(_ features: FeatureSet) {
        let n = features.count, d = features.dimensions
        var mean = [Double](repeating: 0, count: d)
        for i in 0..<n { for k in 0..<d { mean[k] += Double(features.values[i * d + k]) } }
        for k in 0..<d { mean[k] /= Double(max(1, n)) }
        var centred = [Double](repeating: 0, count: n * d)
        var total = 0.0
        for i in 0..<n {
            for k in 0..<d {
                let value = Double(features.values[i * d + k]) - mean[k]
                centred[i * d + k] = value
                total += value * value
            }
        }
        var numbers = SeededNumbers(seed: 0)
        var first = (0..<d).map { _ in numbers.normal() }, second = (0..<d).map { _ in numbers.normal() }
        Self.orthonormal(&first, &second)
        var eigenvalues = SIMD2<Double>.zero
        for _ in 0..<300 {
            var (a, b) = (Self.covarianceTimes(centred, n, d, first), Self.covarianceTimes(centred, n, d, second))
            let before = eigenvalues
            eigenvalues = SIMD2(Self.dot(a, first), Self.dot(b, second))
            Self.orthonormal(&a, &b)
            (first, second) = (a, b)
            let change = max(abs(eigenvalues.x - before.x), abs(eigenvalues.y - before.y))
            if change <= 1e-12 * max(total, 1e-300) { break }
        }
        for keyPath in 0..<2 {
            let direction = keyPath == 0 ? first : second
            let largest = direction.max { abs($0) < abs($1) } ?? 0
            if largest < 0 { if keyPath == 0 { first = first.map { -$0 } } else { second = second.map { -$0 } } }
        }
        points = (0..<n).map { i in
            let row = centred[i * d..<(i + 1) * d]
            return SIMD2(zip(row, first).reduce(0) { $0 + $1.0 * $1.1 }, zip(row, second).reduce(0) { $0 + $1.0 * $1.1 })
        }
        explained = total > 0 ? SIMD2(max(0, eigenvalues.x), max(0, eigenvalues.y)) / total : .zero
    }

    /// X^T (X v)
    private static func covarianceTimes(_ x: [Double], _ n: Int, _ d: Int, _ v: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: d)
        x.withUnsafeBufferPointer { x in
            v.withUnsafeBufferPointer { v in
                result.withUnsafeMutableBufferPointer { result in
                    for i in 0..<n {
                        var product = 0.0
                        for k in 0..<d { product += x[i * d + k] * v[k] }
                        for k in 0..<d { result[k] += product * x[i * d + k] }
                    }
                }
            }
        }
        return result
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    private static func orthonormal(_ a: inout [Double], _ b: inout [Double]) {
        func normalise(_ v: inout [Double]) {
            let length = dot(v, v).squareRoot()
            if length > 1e-300 { for k in v.indices { v[k] /= length } }
        }
        normalise(&a)
        let along = dot(a, b)
        for k in b.indices { b[k] -= along * a[k] }
        normalise(&b)
    }
}
