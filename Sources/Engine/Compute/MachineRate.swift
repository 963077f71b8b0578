import CKernels
import COpenBLAS

/// Counts the arithmetic of matrix products, to relate a step's time to what the machine can do.
public enum Arithmetic {
    public static func reset() { mk_reset_arithmetic() }
    /// Floating point operations (a multiplication and an addition are two) in products since `reset`.
    public static var operations: Int { Int(mk_arithmetic()) }
}

/// How fast this machine multiplies matrices, in one fixed product.
public final class MachineRate {
    private let workers: Workers
    private let m: Int
    private let n: Int
    private let k: Int
    private let arena = Arena<Float>()
    private let a: Matrix<Float>
    private let b: Matrix<Float>
    private let c: Matrix<Float>

    /// (m, k) times (k, n); the default is the first MLP product of four ViT-B/16 images.
    public init(workers: Workers, m: Int = 796, n: Int = 3072, k: Int = 768) {
        self.workers = workers
        self.m = m
        self.n = n
        self.k = k
        a = arena.matrix(m, k)
        b = arena.matrix(n, k)
        c = arena.matrix(m, n)
        var random = QuickRandom(state: 1)
        for i in 0..<a.count { a.base[i] = random.unit() - 0.5 }
        for i in 0..<b.count { b.base[i] = random.unit() - 0.5 }
    }

    /// Operations per second: the better of OpenBLAS's own threads and of the engine's, the best of `repetitions` each.
    ///
    /// - Parameter seconds: the time source, in seconds.
    public func measure(repetitions: Int = 3, seconds: () -> Double) -> Double {
        var best = Double.infinity
        for _ in 0..<max(1, repetitions) {
            let start = seconds()
            workers.gemm(false, true, m, n, k, a.base, k, b.base, k, 0, c.base, n)
            best = min(best, seconds() - start)
        }
        openblas_set_num_threads(Int32(workers.count))
        for _ in 0..<max(1, repetitions) {
            let start = seconds()
            Float.gemm(false, true, m, n, k, 1, a.base, k, b.base, k, 0, c.base, n)
            best = min(best, seconds() - start)
        }
        openblas_set_num_threads(1)
        return 2 * Double(m) * Double(n) * Double(k) / best
    }

    /// The largest difference of this product from the same sum in double precision, over a sample of elements: some OpenBLAS
    /// builds compute wrong results on new processors. About 1e-5 for single precision.
    public func error() -> Double {
        workers.gemm(false, true, m, n, k, a.base, k, b.base, k, 0, c.base, n)
        var worst = 0.0
        for i in stride(from: 0, to: m, by: 61) {
            for j in stride(from: 0, to: n, by: 97) {
                var sum = 0.0
                for l in 0..<k { sum += Double(a.row(i)[l]) * Double(b.row(j)[l]) }
                worst = max(worst, abs(sum - Double(c.row(i)[j])))
            }
        }
        return worst
    }
}
