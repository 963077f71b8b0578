import CKernels
import COpenBLAS

/// The threads that share a step's work. OpenBLAS itself runs on one thread; products are split here by rows or heads, so
/// that the element-wise work between them is split the same way and stays in each core's cache.
public final class Workers {
    let pool: OpaquePointer
    public let count: Int

    /// - Parameter count: threads, the caller included; 0 takes one for each processor.
    public init(count: Int = 0) {
        openblas_set_num_threads(1)
        pool = mk_pool_create(Int32(count > 0 ? count : Int(openblas_get_num_procs())))
        self.count = Int(mk_pool_threads(pool))
    }

    deinit { mk_pool_destroy(pool) }

    /// Splits 0..<n into one contiguous range a thread and runs `body` on each, the caller taking part.
    ///
    /// - Parameters:
    ///   - grain: ranges begin at multiples of this, so that vector tiles stay whole.
    ///   - piece: at most so many at a time, one range after the other on the same thread, so that what a range reads and writes
    ///     stays in the core's cache.
    @inline(__always)
    func split(_ n: Int, grain: Int = 1, piece: Int, _ body: (_ worker: Int, _ range: Range<Int>) -> Void) {
        split(n, grain: grain) { worker, range in
            var first = range.lowerBound
            while first < range.upperBound {
                let last = range.upperBound - first > piece ? first + piece : range.upperBound
                body(worker, first..<last)
                first = last
            }
        }
    }

    /// The same in one range for each thread.
    @inline(__always)
    func split(_ n: Int, grain: Int = 1, _ body: (_ worker: Int, _ range: Range<Int>) -> Void) {
        guard n > 0 else { return }
        let tiles = (n + grain - 1) / grain
        let threads = count
        if threads == 1 || tiles == 1 {
            body(0, 0..<n)
            return
        }
        runRegion(pool) { worker in
            let first = min(n, tiles * worker / threads * grain)
            let last = min(n, tiles * (worker + 1) / threads * grain)
            if first < last { body(worker, first..<last) }
        }
    }

    /// c = op(a) op(b) + beta * c over all threads, split over the longer of c's sides.
    func gemm<R: Real>(
        _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int,
        _ a: UnsafePointer<R>, _ lda: Int, _ b: UnsafePointer<R>, _ ldb: Int, _ beta: R,
        _ c: UnsafeMutablePointer<R>, _ ldc: Int
    ) {
        if m >= n {
            split(m, grain: 8) { _, range in
                let first = range.lowerBound
                R.gemm(
                    transposeA, transposeB, range.count, n, k, 1, a + (transposeA ? first : first * lda), lda, b, ldb, beta,
                    c + first * ldc, ldc)
            }
        } else {
            split(n, grain: 8) { _, range in
                let first = range.lowerBound
                R.gemm(
                    transposeA, transposeB, m, range.count, k, 1, a, lda, b + (transposeB ? first * ldb : first), ldb, beta,
                    c + first, ldc)
            }
        }
    }
}

/// Runs `body` for each worker of a pool. Declared by its symbol because the importer turns closure parameters of C functions
/// into blocks, and a block is allocated for every call; passed as Swift passes it, a closure stays on the stack.
@_silgen_name("mk_pool_run_closure")
private func runRegion(_ pool: OpaquePointer, _ body: (_ worker: Int) -> Void)

/// Facts about the BLAS library in use, to be recorded with every timing.
public enum BLAS {
    /// The kernel family that OpenBLAS chose or was told to use, such as "Haswell" or "Zen".
    public static var coreName: String { String(cString: openblas_get_corename()) }
    /// Version and build options.
    public static var configuration: String { String(cString: openblas_get_config()) }
    public static var processors: Int { Int(openblas_get_num_procs()) }
}
