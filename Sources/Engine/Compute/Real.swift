import CKernels
import COpenBLAS

/// The engine's number: `Float` for work, `Double` for proofs by finite differences.
///
/// Every kernel of `CKernels` and the matrix product are reached through this protocol, so a layer is written once.
/// The meaning of each function's parameters is told in `kernels.h`.
protocol Real: BinaryFloatingPoint, Sendable {
    /// c = alpha * op(a) op(b) + beta * c; op(a) is (m, k), op(b) (k, n), all row-major. Runs on the calling thread.
    static func gemm(
        _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ alpha: Self,
        _ a: UnsafePointer<Self>, _ lda: Int, _ b: UnsafePointer<Self>, _ ldb: Int, _ beta: Self,
        _ c: UnsafeMutablePointer<Self>, _ ldc: Int)

    static func layerNorm(
        _ x: UnsafePointer<Self>, _ ldx: Int, _ rows: Int, _ d: Int, _ gamma: UnsafePointer<Self>,
        _ beta: UnsafePointer<Self>, _ epsilon: Self, _ y: UnsafeMutablePointer<Self>, _ ldy: Int,
        _ mean: UnsafeMutablePointer<Self>, _ rstd: UnsafeMutablePointer<Self>)
    static func layerNormBackward(
        _ dy: UnsafePointer<Self>, _ lddy: Int, _ x: UnsafePointer<Self>, _ ldx: Int, _ rows: Int, _ d: Int,
        _ gamma: UnsafePointer<Self>, _ mean: UnsafePointer<Self>, _ rstd: UnsafePointer<Self>,
        _ dx: UnsafeMutablePointer<Self>, _ lddx: Int, _ accumulate: Bool)
    static func layerNormWeights(
        _ dy: UnsafePointer<Self>, _ lddy: Int, _ x: UnsafePointer<Self>, _ ldx: Int, _ rows: Int, _ d: Int,
        _ mean: UnsafePointer<Self>, _ rstd: UnsafePointer<Self>, _ dgamma: UnsafeMutablePointer<Self>,
        _ dbeta: UnsafeMutablePointer<Self>)
    static func activate(_ h: UnsafePointer<Self>, _ count: Int, _ kind: Activation, _ y: UnsafeMutablePointer<Self>)
    static func activationBackward(
        _ h: UnsafePointer<Self>, _ dy: UnsafeMutablePointer<Self>, _ count: Int, _ kind: Activation)
    static func addBias(_ y: UnsafeMutablePointer<Self>, _ ldy: Int, _ bias: UnsafePointer<Self>, _ rows: Int, _ n: Int)
    static func startRows(
        _ y: UnsafeMutablePointer<Self>, _ ldy: Int, _ bias: UnsafePointer<Self>, _ x: UnsafePointer<Self>?, _ ldx: Int, _ rows: Int,
        _ n: Int)
    static func addRows(
        _ y: UnsafeMutablePointer<Self>, _ ldy: Int, _ x: UnsafePointer<Self>, _ ldx: Int, _ rows: Int, _ n: Int)
    static func softmax(_ s: UnsafeMutablePointer<Self>, _ lds: Int, _ rows: Int, _ n: Int, _ scale: Self)
    static func softmaxBackward(
        _ p: UnsafePointer<Self>, _ ldp: Int, _ dp: UnsafeMutablePointer<Self>, _ lddp: Int, _ rows: Int, _ n: Int,
        _ scale: Self)
    static func treeAttention(
        _ q: UnsafePointer<Self>, _ k: UnsafePointer<Self>, _ v: UnsafePointer<Self>, _ d: Int, _ hd: Int,
        _ head0: Int, _ head1: Int, _ start: UnsafePointer<Int32>, _ ancestors: UnsafePointer<Int32>, _ first: Int,
        _ last: Int, _ links: Int, _ scale: Self, _ p: UnsafeMutablePointer<Self>, _ o: UnsafeMutablePointer<Self>)
    static func treeAttentionBackward(
        _ dout: UnsafePointer<Self>, _ q: UnsafePointer<Self>, _ k: UnsafePointer<Self>, _ v: UnsafePointer<Self>,
        _ p: UnsafePointer<Self>, _ d: Int, _ hd: Int, _ head0: Int, _ head1: Int, _ start: UnsafePointer<Int32>,
        _ ancestors: UnsafePointer<Int32>, _ first: Int, _ last: Int, _ links: Int, _ limit: Int32, _ scale: Self,
        _ work: UnsafeMutablePointer<Self>, _ dq: UnsafeMutablePointer<Self>, _ dk: UnsafeMutablePointer<Self>,
        _ dv: UnsafeMutablePointer<Self>)
    static func unitRows(
        _ x: UnsafePointer<Self>, _ rows: Int, _ n: Int, _ y: UnsafeMutablePointer<Self>,
        _ inverse: UnsafeMutablePointer<Self>)
    static func unitRowsBackward(
        _ dy: UnsafePointer<Self>, _ y: UnsafePointer<Self>, _ inverse: UnsafePointer<Self>, _ rows: Int, _ n: Int,
        _ dx: UnsafeMutablePointer<Self>)
    static func crossEntropy(
        _ logits: UnsafePointer<Self>, _ labels: UnsafePointer<Int32>, _ rows: Int, _ n: Int,
        _ dlogits: UnsafeMutablePointer<Self>) -> Self
    static func sgd(
        _ value: UnsafeMutablePointer<Self>, _ grad: UnsafePointer<Self>, _ m: UnsafeMutablePointer<Self>,
        _ count: Int, _ lr: Self, _ momentum: Self, _ decay: Self, _ first: Bool)
    static func adamW(
        _ value: UnsafeMutablePointer<Self>, _ grad: UnsafePointer<Self>, _ m: UnsafeMutablePointer<Self>,
        _ v: UnsafeMutablePointer<Self>, _ count: Int, _ lr: Self, _ beta1: Self, _ beta2: Self, _ c1: Self, _ c2: Self,
        _ epsilon: Self, _ decay: Self)
    static func squares(_ x: UnsafePointer<Self>, _ y: UnsafePointer<Self>?, _ count: Int) -> Double
    static func allFinite(_ x: UnsafePointer<Self>, _ count: Int) -> Bool
}

extension Float: Real {
    static func gemm(
        _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ alpha: Float,
        _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int, _ beta: Float,
        _ c: UnsafeMutablePointer<Float>, _ ldc: Int
    ) {
        guard m > 0, n > 0 else { return }
        cblas_sgemm(
            CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
            blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
        mk_count_arithmetic(2 * Int64(m) * Int64(n) * Int64(k))
    }

    static func layerNorm(
        _ x: UnsafePointer<Float>, _ ldx: Int, _ rows: Int, _ d: Int, _ gamma: UnsafePointer<Float>,
        _ beta: UnsafePointer<Float>, _ epsilon: Float, _ y: UnsafeMutablePointer<Float>, _ ldy: Int,
        _ mean: UnsafeMutablePointer<Float>, _ rstd: UnsafeMutablePointer<Float>) {
        mk_layer_norm_f32(x, ldx, rows, d, gamma, beta, epsilon, y, ldy, mean, rstd)
    }
    static func layerNormBackward(
        _ dy: UnsafePointer<Float>, _ lddy: Int, _ x: UnsafePointer<Float>, _ ldx: Int, _ rows: Int, _ d: Int,
        _ gamma: UnsafePointer<Float>, _ mean: UnsafePointer<Float>, _ rstd: UnsafePointer<Float>,
        _ dx: UnsafeMutablePointer<Float>, _ lddx: Int, _ accumulate: Bool) {
        mk_layer_norm_backward_f32(dy, lddy, x, ldx, rows, d, gamma, mean, rstd, dx, lddx, accumulate ? 1 : 0)
    }
    static func layerNormWeights(
        _ dy: UnsafePointer<Float>, _ lddy: Int, _ x: UnsafePointer<Float>, _ ldx: Int, _ rows: Int, _ d: Int,
        _ mean: UnsafePointer<Float>, _ rstd: UnsafePointer<Float>, _ dgamma: UnsafeMutablePointer<Float>,
        _ dbeta: UnsafeMutablePointer<Float>) {
        mk_layer_norm_weights_f32(dy, lddy, x, ldx, rows, d, mean, rstd, dgamma, dbeta)
    }
    static func activate(_ h: UnsafePointer<Float>, _ count: Int, _ kind: Activation, _ y: UnsafeMutablePointer<Float>) {
        mk_activate_f32(h, count, kind.kernel, y)
    }
    static func activationBackward(
        _ h: UnsafePointer<Float>, _ dy: UnsafeMutablePointer<Float>, _ count: Int, _ kind: Activation) {
        mk_activation_backward_f32(h, dy, count, kind.kernel)
    }
    static func addBias(
        _ y: UnsafeMutablePointer<Float>, _ ldy: Int, _ bias: UnsafePointer<Float>, _ rows: Int, _ n: Int) {
        mk_add_bias_f32(y, ldy, bias, rows, n)
    }
    static func startRows(
        _ y: UnsafeMutablePointer<Float>, _ ldy: Int, _ bias: UnsafePointer<Float>, _ x: UnsafePointer<Float>?, _ ldx: Int, _ rows: Int,
        _ n: Int) {
        mk_start_rows_f32(y, ldy, bias, x, ldx, rows, n)
    }
    static func addRows(
        _ y: UnsafeMutablePointer<Float>, _ ldy: Int, _ x: UnsafePointer<Float>, _ ldx: Int, _ rows: Int, _ n: Int) {
        mk_add_rows_f32(y, ldy, x, ldx, rows, n)
    }
    static func softmax(_ s: UnsafeMutablePointer<Float>, _ lds: Int, _ rows: Int, _ n: Int, _ scale: Float) {
        mk_softmax_f32(s, lds, rows, n, scale)
    }
    static func softmaxBackward(
        _ p: UnsafePointer<Float>, _ ldp: Int, _ dp: UnsafeMutablePointer<Float>, _ lddp: Int, _ rows: Int, _ n: Int,
        _ scale: Float) {
        mk_softmax_backward_f32(p, ldp, dp, lddp, rows, n, scale)
    }
    static func treeAttention(
        _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>, _ d: Int, _ hd: Int,
        _ head0: Int, _ head1: Int, _ start: UnsafePointer<Int32>, _ ancestors: UnsafePointer<Int32>, _ first: Int,
        _ last: Int, _ links: Int, _ scale: Float, _ p: UnsafeMutablePointer<Float>, _ o: UnsafeMutablePointer<Float>) {
        mk_tree_attention_f32(q, k, v, d, hd, head0, head1, start, ancestors, first, last, links, scale, p, o)
    }
    static func treeAttentionBackward(
        _ dout: UnsafePointer<Float>, _ q: UnsafePointer<Float>, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>,
        _ p: UnsafePointer<Float>, _ d: Int, _ hd: Int, _ head0: Int, _ head1: Int, _ start: UnsafePointer<Int32>,
        _ ancestors: UnsafePointer<Int32>, _ first: Int, _ last: Int, _ links: Int, _ limit: Int32, _ scale: Float,
        _ work: UnsafeMutablePointer<Float>, _ dq: UnsafeMutablePointer<Float>, _ dk: UnsafeMutablePointer<Float>,
        _ dv: UnsafeMutablePointer<Float>) {
        mk_tree_attention_backward_f32(
            dout, q, k, v, p, d, hd, head0, head1, start, ancestors, first, last, links, limit, scale, work, dq, dk,
            dv)
    }
    static func unitRows(
        _ x: UnsafePointer<Float>, _ rows: Int, _ n: Int, _ y: UnsafeMutablePointer<Float>,
        _ inverse: UnsafeMutablePointer<Float>) {
        mk_unit_rows_f32(x, rows, n, y, inverse)
    }
    static func unitRowsBackward(
        _ dy: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ inverse: UnsafePointer<Float>, _ rows: Int, _ n: Int,
        _ dx: UnsafeMutablePointer<Float>) {
        mk_unit_rows_backward_f32(dy, y, inverse, rows, n, dx)
    }
    static func crossEntropy(
        _ logits: UnsafePointer<Float>, _ labels: UnsafePointer<Int32>, _ rows: Int, _ n: Int,
        _ dlogits: UnsafeMutablePointer<Float>) -> Float {
        mk_cross_entropy_f32(logits, labels, rows, n, dlogits)
    }
    static func sgd(
        _ value: UnsafeMutablePointer<Float>, _ grad: UnsafePointer<Float>, _ m: UnsafeMutablePointer<Float>,
        _ count: Int, _ lr: Float, _ momentum: Float, _ decay: Float, _ first: Bool) {
        mk_sgd_f32(value, grad, m, count, lr, momentum, decay, first ? 1 : 0)
    }
    static func adamW(
        _ value: UnsafeMutablePointer<Float>, _ grad: UnsafePointer<Float>, _ m: UnsafeMutablePointer<Float>,
        _ v: UnsafeMutablePointer<Float>, _ count: Int, _ lr: Float, _ beta1: Float, _ beta2: Float, _ c1: Float, _ c2: Float,
        _ epsilon: Float, _ decay: Float) {
        mk_adamw_f32(value, grad, m, v, count, lr, beta1, beta2, c1, c2, epsilon, decay)
    }
    static func squares(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>?, _ count: Int) -> Double {
        mk_squares_f32(x, y, count)
    }
    static func allFinite(_ x: UnsafePointer<Float>, _ count: Int) -> Bool {
        mk_all_finite_f32(x, count) != 0
    }
}

extension Double: Real {
    static func gemm(
        _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ alpha: Double,
        _ a: UnsafePointer<Double>, _ lda: Int, _ b: UnsafePointer<Double>, _ ldb: Int, _ beta: Double,
        _ c: UnsafeMutablePointer<Double>, _ ldc: Int
    ) {
        guard m > 0, n > 0 else { return }
        cblas_dgemm(
            CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
            blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
        mk_count_arithmetic(2 * Int64(m) * Int64(n) * Int64(k))
    }

    static func layerNorm(
        _ x: UnsafePointer<Double>, _ ldx: Int, _ rows: Int, _ d: Int, _ gamma: UnsafePointer<Double>,
        _ beta: UnsafePointer<Double>, _ epsilon: Double, _ y: UnsafeMutablePointer<Double>, _ ldy: Int,
        _ mean: UnsafeMutablePointer<Double>, _ rstd: UnsafeMutablePointer<Double>) {
        mk_layer_norm_f64(x, ldx, rows, d, gamma, beta, epsilon, y, ldy, mean, rstd)
    }
    static func layerNormBackward(
        _ dy: UnsafePointer<Double>, _ lddy: Int, _ x: UnsafePointer<Double>, _ ldx: Int, _ rows: Int, _ d: Int,
        _ gamma: UnsafePointer<Double>, _ mean: UnsafePointer<Double>, _ rstd: UnsafePointer<Double>,
        _ dx: UnsafeMutablePointer<Double>, _ lddx: Int, _ accumulate: Bool) {
        mk_layer_norm_backward_f64(dy, lddy, x, ldx, rows, d, gamma, mean, rstd, dx, lddx, accumulate ? 1 : 0)
    }
    static func layerNormWeights(
        _ dy: UnsafePointer<Double>, _ lddy: Int, _ x: UnsafePointer<Double>, _ ldx: Int, _ rows: Int, _ d: Int,
        _ mean: UnsafePointer<Double>, _ rstd: UnsafePointer<Double>, _ dgamma: UnsafeMutablePointer<Double>,
        _ dbeta: UnsafeMutablePointer<Double>) {
        mk_layer_norm_weights_f64(dy, lddy, x, ldx, rows, d, mean, rstd, dgamma, dbeta)
    }
    static func activate(_ h: UnsafePointer<Double>, _ count: Int, _ kind: Activation, _ y: UnsafeMutablePointer<Double>) {
        mk_activate_f64(h, count, kind.kernel, y)
    }
    static func activationBackward(
        _ h: UnsafePointer<Double>, _ dy: UnsafeMutablePointer<Double>, _ count: Int, _ kind: Activation) {
        mk_activation_backward_f64(h, dy, count, kind.kernel)
    }
    static func addBias(
        _ y: UnsafeMutablePointer<Double>, _ ldy: Int, _ bias: UnsafePointer<Double>, _ rows: Int, _ n: Int) {
        mk_add_bias_f64(y, ldy, bias, rows, n)
    }
    static func startRows(
        _ y: UnsafeMutablePointer<Double>, _ ldy: Int, _ bias: UnsafePointer<Double>, _ x: UnsafePointer<Double>?, _ ldx: Int, _ rows: Int,
        _ n: Int) {
        mk_start_rows_f64(y, ldy, bias, x, ldx, rows, n)
    }
    static func addRows(
        _ y: UnsafeMutablePointer<Double>, _ ldy: Int, _ x: UnsafePointer<Double>, _ ldx: Int, _ rows: Int, _ n: Int) {
        mk_add_rows_f64(y, ldy, x, ldx, rows, n)
    }
    static func softmax(_ s: UnsafeMutablePointer<Double>, _ lds: Int, _ rows: Int, _ n: Int, _ scale: Double) {
        mk_softmax_f64(s, lds, rows, n, scale)
    }
    static func softmaxBackward(
        _ p: UnsafePointer<Double>, _ ldp: Int, _ dp: UnsafeMutablePointer<Double>, _ lddp: Int, _ rows: Int,
        _ n: Int, _ scale: Double) {
        mk_softmax_backward_f64(p, ldp, dp, lddp, rows, n, scale)
    }
    static func treeAttention(
        _ q: UnsafePointer<Double>, _ k: UnsafePointer<Double>, _ v: UnsafePointer<Double>, _ d: Int, _ hd: Int,
        _ head0: Int, _ head1: Int, _ start: UnsafePointer<Int32>, _ ancestors: UnsafePointer<Int32>, _ first: Int,
        _ last: Int, _ links: Int, _ scale: Double, _ p: UnsafeMutablePointer<Double>,
        _ o: UnsafeMutablePointer<Double>) {
        mk_tree_attention_f64(q, k, v, d, hd, head0, head1, start, ancestors, first, last, links, scale, p, o)
    }
    static func treeAttentionBackward(
        _ dout: UnsafePointer<Double>, _ q: UnsafePointer<Double>, _ k: UnsafePointer<Double>,
        _ v: UnsafePointer<Double>, _ p: UnsafePointer<Double>, _ d: Int, _ hd: Int, _ head0: Int, _ head1: Int,
        _ start: UnsafePointer<Int32>, _ ancestors: UnsafePointer<Int32>, _ first: Int, _ last: Int, _ links: Int,
        _ limit: Int32, _ scale: Double, _ work: UnsafeMutablePointer<Double>, _ dq: UnsafeMutablePointer<Double>,
        _ dk: UnsafeMutablePointer<Double>, _ dv: UnsafeMutablePointer<Double>) {
        mk_tree_attention_backward_f64(
            dout, q, k, v, p, d, hd, head0, head1, start, ancestors, first, last, links, limit, scale, work, dq, dk,
            dv)
    }
    static func unitRows(
        _ x: UnsafePointer<Double>, _ rows: Int, _ n: Int, _ y: UnsafeMutablePointer<Double>,
        _ inverse: UnsafeMutablePointer<Double>) {
        mk_unit_rows_f64(x, rows, n, y, inverse)
    }
    static func unitRowsBackward(
        _ dy: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ inverse: UnsafePointer<Double>, _ rows: Int,
        _ n: Int, _ dx: UnsafeMutablePointer<Double>) {
        mk_unit_rows_backward_f64(dy, y, inverse, rows, n, dx)
    }
    static func crossEntropy(
        _ logits: UnsafePointer<Double>, _ labels: UnsafePointer<Int32>, _ rows: Int, _ n: Int,
        _ dlogits: UnsafeMutablePointer<Double>) -> Double {
        mk_cross_entropy_f64(logits, labels, rows, n, dlogits)
    }
    static func sgd(
        _ value: UnsafeMutablePointer<Double>, _ grad: UnsafePointer<Double>, _ m: UnsafeMutablePointer<Double>,
        _ count: Int, _ lr: Double, _ momentum: Double, _ decay: Double, _ first: Bool) {
        mk_sgd_f64(value, grad, m, count, lr, momentum, decay, first ? 1 : 0)
    }
    static func adamW(
        _ value: UnsafeMutablePointer<Double>, _ grad: UnsafePointer<Double>, _ m: UnsafeMutablePointer<Double>,
        _ v: UnsafeMutablePointer<Double>, _ count: Int, _ lr: Double, _ beta1: Double, _ beta2: Double, _ c1: Double, _ c2: Double,
        _ epsilon: Double, _ decay: Double) {
        mk_adamw_f64(value, grad, m, v, count, lr, beta1, beta2, c1, c2, epsilon, decay)
    }
    static func squares(_ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>?, _ count: Int) -> Double {
        mk_squares_f64(x, y, count)
    }
    static func allFinite(_ x: UnsafePointer<Double>, _ count: Int) -> Bool {
        mk_all_finite_f64(x, count) != 0
    }
}
