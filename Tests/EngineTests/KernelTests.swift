import Testing

@testable import Engine

/// Every kernel with a backward, by central differences in double precision over odd sizes; and single against double.
@Suite struct KernelTests {
    static let sizes = [1, 2, 7, 64, 77, 197]

    /// A matrix's worth of seeded values around 0.
    static func values(_ count: Int, _ seed: UInt64, scale: Double = 1) -> [Double] {
        var random = InitialValues(seed: seed)
        return (0..<count).map { _ in scale * (2 * random.unit() - 1) }
    }

    /// The largest difference between `gradient` and the central difference of `loss` in `x`, over the largest gradient.
    static func worst(_ x: [Double], _ gradient: [Double], _ loss: ([Double]) -> Double) -> Double {
        // Differences carry about 1e-11 of rounding, which must not count where the gradient is zero.
        let largest = gradient.reduce(0) { max($0, abs($1)) } + 1e-5
        var worst = 0.0
        for i in stride(from: 0, to: x.count, by: max(1, x.count / 23)) {
            var moved = x
            let step = 1e-5
            moved[i] = x[i] + step
            let above = loss(moved)
            moved[i] = x[i] - step
            let below = loss(moved)
            worst = max(worst, abs((above - below) / (2 * step) - gradient[i]) / largest)
        }
        return worst
    }

    /// A loss that weighs every output differently.
    static func dot(_ y: [Double], _ w: [Double]) -> Double { zip(y, w).reduce(0) { $0 + $1.0 * $1.1 } }

    @Test(arguments: sizes, [1, 3]) func layerNorm(d: Int, rows: Int) {
        let x = Self.values(rows * d, 1), w = Self.values(rows * d, 2)
        let gamma = Self.values(d, 3).map { 1 + 0.1 * $0 }, beta = Self.values(d, 4)
        var mean = [Double](repeating: 0, count: rows), rstd = mean
        func forward(_ x: [Double]) -> [Double] {
            var y = [Double](repeating: 0, count: rows * d)
            Double.layerNorm(x, d, rows, d, gamma, beta, 1e-2, &y, d, &mean, &rstd)
            return y
        }
        _ = forward(x)
        var dx = [Double](repeating: 7, count: rows * d)
        Double.layerNormBackward(w, d, x, d, rows, d, gamma, mean, rstd, &dx, d, false)
        #expect(Self.worst(x, dx) { Self.dot(forward($0), w) } < 1e-5)
        // Accumulating adds to what is there.
        _ = forward(x)
        var sum = [Double](repeating: 7, count: rows * d)
        Double.layerNormBackward(w, d, x, d, rows, d, gamma, mean, rstd, &sum, d, true)
        for (a, b) in zip(sum, dx) { #expect(abs(a - b - 7) < 1e-12) }
    }

    @Test(arguments: sizes, [Activation.quickGELU, .gelu]) func activation(n: Int, kind: Activation) {
        let x = Self.values(n, 5, scale: 4), w = Self.values(n, 6)
        func forward(_ x: [Double]) -> [Double] {
            var y = x
            Double.activate(x, n, kind, &y)
            return y
        }
        var dx = w
        Double.activationBackward(x, &dx, n, kind)
        #expect(Self.worst(x, dx) { Self.dot(forward($0), w) } < 1e-5)
    }

    @Test(arguments: sizes, [1, 5]) func softmax(n: Int, rows: Int) {
        let x = Self.values(rows * n, 8, scale: 3), w = Self.values(rows * n, 9)
        func forward(_ x: [Double]) -> [Double] {
            var p = x
            Double.softmax(&p, n, rows, n, 0.7)
            return p
        }
        let p = forward(x)
        for row in 0..<rows { #expect(abs(p[(row * n)..<((row + 1) * n)].reduce(0, +) - 1) < 1e-12) }
        var dx = w
        Double.softmaxBackward(p, n, &dx, n, rows, n, 0.7)
        #expect(Self.worst(x, dx) { Self.dot(forward($0), w) } < 1e-5)
    }

    @Test(arguments: sizes, [1, 4]) func unitRows(n: Int, rows: Int) {
        let x = Self.values(rows * n, 10), w = Self.values(rows * n, 11)
        var inverse = [Double](repeating: 0, count: rows)
        func forward(_ x: [Double]) -> [Double] {
            var y = x
            Double.unitRows(x, rows, n, &y, &inverse)
            return y
        }
        let y = forward(x)
        var dx = w
        Double.unitRowsBackward(w, y, inverse, rows, n, &dx)
        #expect(Self.worst(x, dx) { Self.dot(forward($0), w) } < 1e-5)
    }

    @Test(arguments: [1, 2, 7, 77], [1, 3, 4]) func crossEntropy(classes: Int, rows: Int) {
        let x = Self.values(rows * classes, 12, scale: 5)
        let labels = (0..<rows).map { Int32($0 * 5 % classes) }
        func loss(_ x: [Double]) -> (Double, [Double]) {
            var d = x
            return (Double.crossEntropy(x, labels, rows, classes, &d), d)
        }
        #expect(Self.worst(x, loss(x).1) { loss($0).0 } < 1e-5)
    }

    /// Ways of odd lengths in a random tree, several heads, odd head sizes.
    @Test(arguments: [1, 2, 5, 31], [[1, 1], [1, 64], [3, 5], [2, 64]]) func treeAttention(rows: Int, headsAndSize: [Int]) {
        let heads = headsAndSize[0], size = headsAndSize[1]
        var random = InitialValues(seed: UInt64(rows * 100 + heads * 10 + size))
        var ways: [[Int32]] = []
        for row in 0..<rows {
            // Any earlier row, or the root (numbered `rows`), can be the parent.
            let parent = Int(random.unit() * Double(row + 1)) - 1
            ways.append((parent < 0 ? [Int32(rows)] : ways[parent]) + [Int32(row)])
        }
        let ancestors = ways.flatMap { $0 }
        let start = ways.reduce(into: [Int32(0)]) { $0.append($0[$0.count - 1] + Int32($1.count)) }
        let d = heads * size, links = ancestors.count, scale = 0.6
        let q = Self.values(rows * d, 20), k = Self.values((rows + 1) * d, 21), v = Self.values((rows + 1) * d, 22)
        let w = Self.values(rows * d, 23)
        func forward(_ q: [Double], _ k: [Double], _ v: [Double]) -> (p: [Double], o: [Double]) {
            var p = [Double](repeating: 0, count: heads * links), o = [Double](repeating: 0, count: rows * d)
            Double.treeAttention(q, k, v, d, size, 0, heads, start, ancestors, 0, rows, links, scale, &p, &o)
            return (p, o)
        }
        var dq = [Double](repeating: 0, count: rows * d), dk = [Double](repeating: 0, count: (rows + 1) * d), dv = dk
        var work = [Double](repeating: 0, count: rows + 1)
        Double.treeAttentionBackward(
            w, q, k, v, forward(q, k, v).p, d, size, 0, heads, start, ancestors, 0, rows, links, Int32(rows), scale, &work,
            &dq, &dk, &dv)
        // The root's gradient is not asked for.
        let needed = rows * d
        #expect(Self.worst(q, dq) { Self.dot(forward($0, k, v).o, w) } < 1e-5)
        #expect(Self.worst(Array(k.prefix(needed)), Array(dk.prefix(needed))) {
            Self.dot(forward(q, $0 + k.suffix(d), v).o, w)
        } < 1e-5)
        #expect(Self.worst(Array(v.prefix(needed)), Array(dv.prefix(needed))) {
            Self.dot(forward(q, k, $0 + v.suffix(d)).o, w)
        } < 1e-5)
        #expect(dk.suffix(d).allSatisfy { $0 == 0 } && dv.suffix(d).allSatisfy { $0 == 0 })
    }

    /// Measured: exp 1.2e-7, activations 3e-7 of the largest value, erf 3e-7.
    @Test("single precision follows double over the whole range")
    func singlePrecision() {
        let n = 4001
        let x = (0..<n).map { Float($0 - 2000) / 100 }, wide = x.map(Double.init)
        for kind in [Activation.quickGELU, .gelu] {
            var y = x, dy = [Float](repeating: 1, count: n)
            Float.activate(x, n, kind, &y)
            Float.activationBackward(x, &dy, n, kind)
            var yd = wide, dyd = [Double](repeating: 1, count: n)
            Double.activate(wide, n, kind, &yd)
            Double.activationBackward(wide, &dyd, n, kind)
            var worst = 0.0, worstSlope = 0.0
            for i in 0..<n {
                worst = max(worst, abs(Double(y[i]) - yd[i]) / max(1, abs(yd[i])))
                worstSlope = max(worstSlope, abs(Double(dy[i]) - dyd[i]))
            }
            print("    \(kind): value \(worst), slope \(worstSlope)")
            #expect(worst < 1e-6 && worstSlope < 1e-6)
        }
        var p = x, pd = x.map(Double.init)
        Float.softmax(&p, n, 1, n, 1)
        Double.softmax(&pd, n, 1, n, 1)
        for i in 0..<n { #expect(abs(Double(p[i]) - pd[i]) <= 2e-6 * pd[i] + 1e-12) }
    }

    @Test("NaN and infinity come through and are found")
    func nonFinite() {
        for bad in [Float.nan, .infinity, -.infinity] {
            for place in [0, 3, 8, 16] {
                var x = [Float](repeating: 1, count: 17)
                #expect(Float.allFinite(x, 17))
                x[place] = bad
                #expect(!Float.allFinite(x, 17))
                var p = x
                Float.softmax(&p, 17, 1, 17, 1)
                if bad.isNaN { #expect(p.contains { $0.isNaN }) }
            }
        }
        var x: [Float] = [.nan], y: [Float] = [0]
        for kind in [Activation.quickGELU, .gelu] {
            x = [.nan]
            Float.activate(x, 1, kind, &y)
            #expect(y[0].isNaN, "\(kind)")
        }
    }

    @Test(arguments: [1, 5, 127], [1, 9]) func gemmSplits(m: Int, n: Int) {
        let k = 13, a = Self.values(m * k, 30), b = Self.values(n * k, 31)
        for threads in [1, 2, 5] {
            let workers = Workers(count: threads)
            for (ta, tb) in [(false, true), (false, false), (true, false)] {
                var c = [Double](repeating: 1, count: m * n)
                workers.gemm(ta, tb, m, n, k, a, ta ? m : k, b, tb ? k : n, 1, &c, n)
                for i in 0..<m {
                    for j in 0..<n {
                        var sum = 1.0
                        for l in 0..<k { sum += a[ta ? l * m + i : i * k + l] * b[tb ? j * k + l : l * n + j] }
                        #expect(abs(sum - c[i * n + j]) < 1e-12)
                    }
                }
            }
        }
    }
}
