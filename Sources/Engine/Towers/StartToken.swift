/// The start token's keys and values in every block: it sees only itself, so they are constants of the model.
struct StartToken<R: Real> {
    /// (layers, text width)
    let keys: Matrix<R>
    let values: Matrix<R>
    private let arena = Arena<R>()

    init(weights: CLIPWeights<R>, id: Int32) {
        let shape = weights.shape.text, d = shape.width
        keys = arena.matrix(shape.layers, d)
        values = arena.matrix(shape.layers, d)
        let scratch = Arena<R>()
        let x = scratch.buffer(d), n = scratch.buffer(d), m = scratch.buffer(d)
        let h = scratch.buffer(shape.hidden), a = scratch.buffer(shape.hidden), statistics = scratch.buffer(2)
        x.update(from: weights.tokenEmbedding + Int(id) * d, count: d)
        R.addRows(x, d, weights.textPositions, d, 1, d)
        for (layer, w) in weights.textBlocks.enumerated() {
            /// y = x W^T + b, or that added to `base`.
            func project(
                _ x: UnsafePointer<R>, _ w: LinearWeights<R>, _ y: UnsafeMutablePointer<R>, base: UnsafePointer<R>? = nil
            ) {
                R.startRows(y, w.output, w.bias, base, w.output, 1, w.output)
                R.gemm(false, true, 1, w.output, w.input, 1, x, w.input, w.weight, w.input, 1, y, w.output)
            }
            let key = keys.row(layer), value = values.row(layer), epsilon = R(shape.epsilon)
            R.layerNorm(x, d, 1, d, w.norm1.gamma, w.norm1.beta, epsilon, n, d, statistics, statistics + 1)
            project(n, w.key, key)
            project(n, w.value, value)
            // Attention over one key gives its value.
            project(value, w.output, m, base: x)
            R.layerNorm(m, d, 1, d, w.norm2.gamma, w.norm2.beta, epsilon, n, d, statistics, statistics + 1)
            project(n, w.fc1, h)
            R.activate(h, shape.hidden, shape.activation, a)
            project(a, w.fc2, x, base: m)
        }
    }
}
