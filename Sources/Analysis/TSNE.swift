import Foundation

/// Exact t-SNE (van der Maaten and Hinton 2008): every pair of points, no trees.
///
///     let map = TSNE(features, perplexity: 30, seed: 1).run { done, total in true }
///
/// Memory: two (n, n) arrays of 32-bit floats. The same seed gives the same picture, whatever the number of threads.
public struct TSNE: Sendable {
    /// More points than this make no picture that is worth its n squared memory.
    public static let pointLimit = 6000

    let count: Int
    /// (n, n) symmetric, summing to 1.
    let affinities: [Float]
    private let start: [SIMD2<Double>]

    /// - Parameter perplexity: effective number of neighbours; lowered to (n - 1) / 3 for few points.
    public init(_ features: FeatureSet, perplexity: Double = 30, seed: Int = 1) {
        count = features.count
        affinities = Self.affinities(features, perplexity: min(perplexity, max(1, Double(features.count - 1) / 3)))
        // Principal components show the large picture; the seed's noise parts points that lie on each other.
        let components = PrincipalComponents(features).points
        let spread = (components.reduce(0) { $0 + $1.x * $1.x } / Double(max(1, features.count))).squareRoot()
        var numbers = SeededNumbers(seed: seed)
        start = components.map { $0 * (spread > 0 ? 1e-4 / spread : 0) + SIMD2(numbers.normal(), numbers.normal()) * 1e-5 }
    }

    /// Iterates by gradient descent with momentum and gains, the affinities exaggerated twelvefold for the first quarter.
    ///
    /// - Parameter progress: called after each iteration; false stops.
    /// - Returns: a point for each input; nil when it was stopped.
    public func run(iterations: Int = 1000, progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }) -> [SIMD2<Double>]? {
        guard count > 1 else { return start }
        var points = start
        var velocity = [SIMD2<Double>](repeating: .zero, count: count)
        var gains = [SIMD2<Double>](repeating: .one, count: count)
        let rate = max(Double(count) / 12 / 4, 50)
        for iteration in 0..<iterations {
            let isEarly = iteration < min(250, iterations / 4)
            let gradient = gradient(points, exaggeration: isEarly ? 12 : 1)
            let momentum = isEarly ? 0.5 : 0.8
            var centre = SIMD2<Double>.zero
            for i in 0..<count {
                for axis in 0..<2 {
                    let against = (gradient[i][axis] > 0) == (velocity[i][axis] > 0)
                    gains[i][axis] = max(0.01, against ? gains[i][axis] * 0.8 : gains[i][axis] + 0.2)
                }
                velocity[i] = momentum * velocity[i] - rate * gains[i] * gradient[i]
                points[i] += velocity[i]
                centre += points[i]
            }
            centre /= Double(count)
            for i in 0..<count { points[i] -= centre }
            if !progress(iteration + 1, iterations) { return nil }
        }
        return points
    }

    /// dC/dy_i = 4 sum_j (p_ij - q_ij) w_ij (y_i - y_j),  w_ij = 1 / (1 + |y_i - y_j|^2),  q = w / sum w.
    func gradient(_ points: [SIMD2<Double>], exaggeration: Double) -> [SIMD2<Double>] {
        let n = count
        // (n) for each row: attraction, repulsion, and the row's sum of w.
        var attraction = [SIMD2<Double>](repeating: .zero, count: n), repulsion = attraction
        var sums = [Double](repeating: 0, count: n)
        let x = points.map { Float($0.x) }, y = points.map { Float($0.y) }
        attraction.withUnsafeMutableBufferPointer { attraction in
            repulsion.withUnsafeMutableBufferPointer { repulsion in
                sums.withUnsafeMutableBufferPointer { sums in
                    affinities.withUnsafeBufferPointer { p in
                        x.withUnsafeBufferPointer { x in
                            y.withUnsafeBufferPointer { y in
                                nonisolated(unsafe) let attraction = attraction, repulsion = repulsion, sums = sums
                                nonisolated(unsafe) let p = p, x = x, y = y
                                Rows.concurrently(n) { i in
                                    let row = Self.row(UnsafeBufferPointer(rebasing: p[i * n..<(i + 1) * n]), x, y, i)
                                    (attraction[i], repulsion[i], sums[i]) = row
                                }
                            }
                        }
                    }
                }
            }
        }
        let total = max(sums.reduce(0, +), 1e-300)
        return (0..<n).map { 4 * (exaggeration * attraction[$0] - repulsion[$0] / total) }
    }

    /// Sixteen points at a time.
    private static func row(
        _ p: UnsafeBufferPointer<Float>, _ x: UnsafeBufferPointer<Float>, _ y: UnsafeBufferPointer<Float>, _ i: Int
    ) -> (SIMD2<Double>, SIMD2<Double>, Double) {
        typealias Lanes = SIMD16<Float>
        let n = p.count, xi = x[i], yi = y[i]
        var ax = Lanes.zero, ay = Lanes.zero, rx = Lanes.zero, ry = Lanes.zero, sum = Lanes.zero
        var j = 0
        guard let px = x.baseAddress, let py = y.baseAddress, let pp = p.baseAddress else { return (.zero, .zero, 0) }
        while j + 16 <= n {
            let dx = Lanes(repeating: xi) - UnsafeRawPointer(px + j).loadUnaligned(as: Lanes.self)
            let dy = Lanes(repeating: yi) - UnsafeRawPointer(py + j).loadUnaligned(as: Lanes.self)
            let w = Lanes.one / (Lanes.one + dx * dx + dy * dy)
            let pull = UnsafeRawPointer(pp + j).loadUnaligned(as: Lanes.self) * w
            let push = w * w
            ax += pull * dx
            ay += pull * dy
            rx += push * dx
            ry += push * dy
            sum += w
            j += 16
        }
        var a = SIMD2(Double(ax.sum()), Double(ay.sum())), r = SIMD2(Double(rx.sum()), Double(ry.sum()))
        var total = Double(sum.sum())
        while j < n {
            let dx = xi - x[j], dy = yi - y[j]
            let w = 1 / (1 + dx * dx + dy * dy)
            let d = SIMD2(Double(dx), Double(dy))
            a += Double(p[j] * w) * d
            r += Double(w * w) * d
            total += Double(w)
            j += 1
        }
        // The point itself has w = 1.
        return (a, r, total - 1)
    }

    /// The Kullback-Leibler divergence that the gradient descends, without exaggeration.
    func cost(_ points: [SIMD2<Double>]) -> Double {
        var total = 0.0
        func weight(_ i: Int, _ j: Int) -> Double {
            let d = points[i] - points[j]
            return 1 / (1 + d.x * d.x + d.y * d.y)
        }
        for i in 0..<count { for j in 0..<count where i != j { total += weight(i, j) } }
        var cost = 0.0
        for i in 0..<count {
            for j in 0..<count where i != j {
                let p = Double(affinities[i * count + j])
                if p > 0 { cost += p * log(p / (weight(i, j) / total)) }
            }
        }
        return cost
    }

    /// Each point's neighbourhood gets the perplexity by bisection of its precision; then p = (p_j|i + p_i|j) / 2n.
    private static func affinities(_ features: FeatureSet, perplexity: Double) -> [Float] {
        let n = features.count
        guard n > 1 else { return [Float](repeating: 0, count: n) }
        var p = features.squaredDistances()
        let entropy = log(perplexity)
        p.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let p = buffer
            Rows.concurrently(n) { i in
                let row = UnsafeMutableBufferPointer(rebasing: p[i * n..<(i + 1) * n])
                var nearest = Float.infinity
                for j in 0..<n where j != i { nearest = min(nearest, row[j]) }
                var low = 0.0, high = Double.infinity, precision = 1.0
                for _ in 0..<64 {
                    var sum = 0.0, weighted = 0.0
                    for j in 0..<n where j != i {
                        // Distances beyond the nearest: the largest term is 1, so nothing underflows to an empty sum.
                        let distance = Double(row[j] - nearest)
                        let value = exp(-distance * precision)
                        sum += value
                        weighted += value * distance
                    }
                    let found = log(sum) + precision * weighted / sum
                    if abs(found - entropy) < 1e-6 { break }
                    if found > entropy {
                        low = precision
                        precision = high.isFinite ? (precision + high) / 2 : precision * 2
                    } else {
                        high = precision
                        precision = (precision + low) / 2
                    }
                }
                var sum = 0.0
                for j in 0..<n where j != i { sum += exp(-Double(row[j] - nearest) * precision) }
                for j in 0..<n { row[j] = i == j ? 0 : Float(exp(-Double(row[j] - nearest) * precision) / sum) }
            }
            for i in 0..<n {
                for j in 0..<i {
                    let mean = (p[i * n + j] + p[j * n + i]) / Float(2 * n)
                    p[i * n + j] = mean
                    p[j * n + i] = mean
                }
            }
        }
        return p
    }
}
