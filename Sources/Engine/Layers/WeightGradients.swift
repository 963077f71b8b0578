/// Where the gradients of a linear layer's weights are added up, laid out as the weights are.
struct LinearGradient<R: Real> {
    let weight: UnsafeMutablePointer<R>
    let bias: UnsafeMutablePointer<R>
    let input: Int
    let output: Int

    /// - Parameter view: a view of memory that is written to, not of weights.
    init(_ view: LinearWeights<R>) {
        weight = UnsafeMutablePointer(mutating: view.weight)
        bias = UnsafeMutablePointer(mutating: view.bias)
        input = view.input
        output = view.output
    }

    /// y = x W^T + b:  dW += dy^T x;  db += column sums of dy.
    ///
    /// - Parameters:
    ///   - dy: (n, output), rows `lddy` apart.
    ///   - x: (n, input), rows `ldx` apart.
    func add(_ dy: UnsafePointer<R>, _ lddy: Int, input x: UnsafePointer<R>, _ ldx: Int, rows n: Int) {
        guard n > 0 else { return }
        R.gemm(true, false, output, input, n, 1, dy, lddy, x, ldx, 1, weight, input)
        R.addRows(bias, 0, dy, lddy, n, output)
    }
}

/// Where the gradients of a layer normalisation's gain and bias are added up.
struct NormGradient<R: Real> {
    let gamma: UnsafeMutablePointer<R>
    let beta: UnsafeMutablePointer<R>

    init(_ view: NormWeights<R>) {
        gamma = UnsafeMutablePointer(mutating: view.gamma)
        beta = UnsafeMutablePointer(mutating: view.beta)
    }

    /// y = (x - mean) rstd gamma + beta:  dgamma += sum dy (x - mean) rstd;  dbeta += sum dy.
    func add(
        _ dy: UnsafePointer<R>, _ lddy: Int, input x: UnsafePointer<R>, _ ldx: Int, rows n: Int, width: Int,
        mean: UnsafePointer<R>, rstd: UnsafePointer<R>
    ) {
        R.layerNormWeights(dy, lddy, x, ldx, n, width, mean, rstd, gamma, beta)
    }
}

/// Where the gradients of a block's weights are added up.
struct BlockGradient<R: Real> {
    let norm1: NormGradient<R>
    let query: LinearGradient<R>
    let key: LinearGradient<R>
    let value: LinearGradient<R>
    let output: LinearGradient<R>
    let norm2: NormGradient<R>
    let fc1: LinearGradient<R>
    let fc2: LinearGradient<R>

    init(_ view: BlockWeights<R>) {
        norm1 = NormGradient(view.norm1)
        query = LinearGradient(view.query)
        key = LinearGradient(view.key)
        value = LinearGradient(view.value)
        output = LinearGradient(view.output)
        norm2 = NormGradient(view.norm2)
        fc1 = LinearGradient(view.fc1)
        fc2 = LinearGradient(view.fc2)
    }
}

/// Where all weights' gradients are added up: a whole set for each worker, so that no two threads add to one place and the
/// sums are the same in every run with as many threads.
///
/// After a backward pass `TrainableWeights.reduce` adds the sets up in the workers' order.
final class CLIPGradients<R: Real> {
    /// One for each worker. What is not split by rows is added to the first.
    let sets: [CLIPWeights<R>]
    /// [layer][worker]
    let textBlocks: [[BlockGradient<R>]]
    let visionBlocks: [[BlockGradient<R>]]
    /// One for each worker.
    let visionPreNorm: [NormGradient<R>]

    init(sets: [CLIPWeights<R>], shape: CLIPShape) {
        self.sets = sets
        textBlocks = (0..<shape.text.layers).map { layer in sets.map { BlockGradient($0.textBlocks[layer]) } }
        visionBlocks = (0..<shape.vision.layers).map { layer in sets.map { BlockGradient($0.visionBlocks[layer]) } }
        visionPreNorm = sets.map { NormGradient($0.visionPreNorm) }
    }
}
