/// Rows of a layer's input that act as queries and go on to the next layer: `count` rows from `start`, `step` apart.
struct RowSet: Equatable {
    var start: Int
    var count: Int
    var step = 1

    var range: Range<Int> { start..<(start + count) }
}

/// What a block keeps of its forward pass for its backward pass.
///
/// N rows come in, A active ones go on. Query, attention and MLP exist for active rows alone; keys and values for all.
struct BlockMemory<R: Real> {
    /// (N, d), the block's input.
    var input: Matrix<R>
    var mean1: UnsafeMutablePointer<R>
    var rstd1: UnsafeMutablePointer<R>
    /// (A, d)
    var query: Matrix<R>
    /// (N + fixed rows, d): rows beyond N belong to tokens that no gradient reaches.
    var key: Matrix<R>
    var value: Matrix<R>
    /// Attention weights, laid out by the attention in use.
    var probability: UnsafeMutablePointer<R>
    /// (A, d), the attention's output; without rows where the weights are frozen.
    var attended: Matrix<R>
    /// (A, d), after the attention's residual.
    var middle: Matrix<R>
    var mean2: UnsafeMutablePointer<R>
    var rstd2: UnsafeMutablePointer<R>
    /// (A, hidden), before the activation.
    var hidden: Matrix<R>

    /// - Parameter trainsWeights: keeps what the gradients of the weights need besides.
    init(
        arena: Arena<R>, shape: TowerShape, rows: Int, fixedRows: Int, active: Int, probabilities: Int, trainsWeights: Bool = false
    ) {
        let d = shape.width
        attended = arena.matrix(trainsWeights ? active : 0, d)
        input = arena.matrix(rows, d)
        mean1 = arena.buffer(rows)
        rstd1 = arena.buffer(rows)
        query = arena.matrix(active, d)
        key = arena.matrix(rows + fixedRows, d)
        value = arena.matrix(rows + fixedRows, d)
        probability = arena.buffer(probabilities)
        middle = arena.matrix(active, d)
        mean2 = arena.buffer(active)
        rstd2 = arena.buffer(active)
        hidden = arena.matrix(active, shape.hidden)
    }
}

/// Buffers that all blocks of a tower share.
struct BlockScratch<R: Real> {
    /// (N, d): normalised input; gradients of it.
    var normalised: Matrix<R>
    /// (N, d): attention's output, then the MLP's input; gradients of either.
    var attended: Matrix<R>
    /// (N, hidden)
    var activated: Matrix<R>
    /// (N, d): gradients of query, key, value.
    var queryGradient: Matrix<R>
    var keyGradient: Matrix<R>
    var valueGradient: Matrix<R>
    /// (N, d): the gradient that arrives, for active rows that are not contiguous.
    var gathered: Matrix<R>

    /// - Parameter gathered: active rows that are not contiguous, at most.
    init(arena: Arena<R>, shape: TowerShape, rows: Int, backward: Bool, gathered count: Int = 0) {
        let d = shape.width
        normalised = arena.matrix(rows, d)
        attended = arena.matrix(rows, d)
        // The MLP's gradient is used up before the attention's gradients are computed: they share its place.
        let wide = arena.buffer(rows * max(shape.hidden, backward ? 3 * d : 0))
        activated = Matrix(base: wide, rows: rows, columns: shape.hidden)
        queryGradient = Matrix(base: wide, rows: backward ? rows : 0, columns: d)
        keyGradient = Matrix(base: wide + rows * d, rows: backward ? rows : 0, columns: d)
        valueGradient = Matrix(base: wide + 2 * rows * d, rows: backward ? rows : 0, columns: d)
        gathered = arena.matrix(backward ? count : 0, d)
    }
}

/// How queries meet keys: dense per image, or along a token tree. Both directions.
protocol Attention<R> {
    associatedtype R: Real
    /// Fills `output` (A, d) and `memory.probability` from query, key and value.
    func forward(_ memory: BlockMemory<R>, active: RowSet, output: Matrix<R>)
    /// From `gradient` (A, d) of the output: writes query gradients (A, d), key and value gradients of the rows in `needed`.
    func backward(
        _ memory: BlockMemory<R>, active: RowSet, needed: Range<Int>, gradient: Matrix<R>, query: Matrix<R>, key: Matrix<R>,
        value: Matrix<R>)
}

/// A pre-norm transformer block:
///
///     x -> m = x + Wo attention(Wq n, Wk n, Wv n),  n = norm1(x)
///       -> y = m + W2 act(W1 norm2(m) + b1) + b2
///
/// Gradients of the input are computed, and those of the weights where `gradients` has places for them.
struct Block<R: Real> {
    let weights: BlockWeights<R>
    let shape: TowerShape
    let workers: Workers
    /// One for each worker, which adds up its own rows; empty where the weights are frozen.
    var gradients: [BlockGradient<R>] = []

    /// Rows that OpenBLAS's register tiles divide evenly; thread ranges begin at multiples of it.
    static var grain: Int { 8 }

    /// Rows that are taken through a fused region at a time: batches that train weights are large.
    private var piece: Int { gradients.isEmpty ? .max : 512 }

    /// - Parameters:
    ///   - rows: N, the rows of `memory.input` in use.
    ///   - output: where active row i goes, at `output + i * d`.
    func forward<A: Attention>(
        _ memory: BlockMemory<R>, _ scratch: BlockScratch<R>, rows: Int, active: RowSet, attention: A,
        output: UnsafeMutablePointer<R>
    ) where A.R == R {
        let d = shape.width, hidden = shape.hidden, w = weights
        let epsilon = R(shape.epsilon)
        let normalised = scratch.normalised, attended = scratch.attended, activated = scratch.activated
        let contiguous = active.step == 1
        workers.split(rows, grain: Self.grain, piece: piece) { _, range in
            let first = range.lowerBound, n = range.count
            let x = normalised.row(first)
            R.layerNorm(
                memory.input.row(first), d, n, d, w.norm1.gamma, w.norm1.beta, epsilon, x, d, memory.mean1 + first,
                memory.rstd1 + first)
            project(x, d, n, w.key, memory.key.row(first))
            project(x, d, n, w.value, memory.value.row(first))
            if contiguous {
                let queries = range.clamped(to: active.range)
                project(
                    normalised.row(queries.lowerBound), d, queries.count, w.query,
                    memory.query.row(queries.lowerBound - active.start))
            }
        }
        if !contiguous {
            workers.split(active.count, grain: Self.grain, piece: piece) { _, range in
                project(
                    normalised.row(active.start + range.lowerBound * active.step), active.step * d, range.count, w.query,
                    memory.query.row(range.lowerBound))
            }
        }
        let output1 = gradients.isEmpty ? attended : memory.attended
        attention.forward(memory, active: active, output: output1)
        workers.split(active.count, grain: Self.grain, piece: piece) { _, range in
            let first = range.lowerBound, n = range.count
            let middle = memory.middle.row(first)
            R.startRows(
                middle, d, w.output.bias, memory.input.row(active.start + first * active.step), active.step * d, n, d)
            R.gemm(false, true, n, d, d, 1, output1.row(first), d, w.output.weight, d, 1, middle, d)
            let x = attended.row(first), a = activated.row(first), h = memory.hidden.row(first)
            R.layerNorm(
                middle, d, n, d, w.norm2.gamma, w.norm2.beta, epsilon, x, d, memory.mean2 + first, memory.rstd2 + first)
            project(x, d, n, w.fc1, h)
            R.activate(h, n * hidden, shape.activation, a)
            let y = output + first * d
            R.startRows(y, d, w.fc2.bias, middle, d, n, d)
            R.gemm(false, true, n, d, hidden, 1, a, hidden, w.fc2.weight, hidden, 1, y, d)
        }
    }

    /// y = x W^T + b for `n` rows of x that lie `ldx` apart.
    private func project(
        _ x: UnsafePointer<R>, _ ldx: Int, _ n: Int, _ w: LinearWeights<R>, _ y: UnsafeMutablePointer<R>
    ) {
        guard n > 0 else { return }
        // The product is added to the bias: OpenBLAS would otherwise write zeros first, and the bias take a pass of its own.
        R.startRows(y, w.output, w.bias, nil, 0, n, w.output)
        R.gemm(false, true, n, w.output, w.input, 1, x, ldx, w.weight, w.input, 1, y, w.output)
    }

    /// Turns the gradient of the active rows' output into the gradient of the needed rows' input.
    ///
    /// - Parameters:
    ///   - needed: the input rows whose gradient is asked for; all where weights are trained.
    ///   - gradient: (N, d). In: row `active.start + i * active.step` holds active row i's gradient; other rows are
    ///     ignored. Out: rows in `needed` hold the input's gradient; other rows are undefined.
    func backward<A: Attention>(
        _ memory: BlockMemory<R>, _ scratch: BlockScratch<R>, rows: Int, active: RowSet, needed: Range<Int>, attention: A,
        gradient: Matrix<R>
    ) where A.R == R {
        let d = shape.width, hidden = shape.hidden, w = weights
        let normalised = scratch.normalised, attended = scratch.attended, activated = scratch.activated
        let contiguous = active.step == 1, epsilon = R(shape.epsilon)
        precondition(gradients.isEmpty || needed == 0..<rows)
        // Active rows of the gradient, without gaps.
        let g = contiguous ? Matrix(base: gradient.row(active.start), rows: active.count, columns: d) : scratch.gathered
        workers.split(active.count, grain: Self.grain, piece: piece) { worker, range in
            let first = range.lowerBound, n = range.count
            let own = gradients.isEmpty ? nil : gradients[worker]
            if !contiguous {
                for i in range { g.row(i).update(from: gradient.row(active.start + i * active.step), count: d) }
            }
            // y = m + W2 act(h) + b2
            let a = activated.row(first)
            if let own {
                R.activate(memory.hidden.row(first), n * hidden, shape.activation, a)
                own.fc2.add(g.row(first), d, input: a, hidden, rows: n)
            }
            R.gemm(false, false, n, hidden, d, 1, g.row(first), d, w.fc2.weight, hidden, 0, a, hidden)
            R.activationBackward(memory.hidden.row(first), a, n * hidden, shape.activation)
            // h = W1 norm2(m) + b1
            let x = attended.row(first)
            if let own {
                R.layerNorm(
                    memory.middle.row(first), d, n, d, w.norm2.gamma, w.norm2.beta, epsilon, x, d, memory.mean2 + first,
                    memory.rstd2 + first)
                own.fc1.add(a, hidden, input: x, d, rows: n)
            }
            R.gemm(false, false, n, d, hidden, 1, a, hidden, w.fc1.weight, d, 0, x, d)
            own?.norm2.add(
                x, d, input: memory.middle.row(first), d, rows: n, width: d, mean: memory.mean2 + first, rstd: memory.rstd2 + first)
            R.layerNormBackward(
                x, d, memory.middle.row(first), d, n, d, w.norm2.gamma, memory.mean2 + first, memory.rstd2 + first,
                g.row(first), d, true)
            // m = x + Wo attention + bo
            own?.output.add(g.row(first), d, input: memory.attended.row(first), d, rows: n)
            R.gemm(false, false, n, d, d, 1, g.row(first), d, w.output.weight, d, 0, x, d)
        }
        attention.backward(
            memory, active: active, needed: needed, gradient: attended, query: scratch.queryGradient,
            key: scratch.keyGradient, value: scratch.valueGradient)
        // Needed rows that are no queries get no gradient from the residual path.
        if !contiguous {
            workers.split(needed.count) { _, range in
                gradient.row(needed.lowerBound + range.lowerBound).update(repeating: 0, count: range.count * d)
            }
        }
        workers.split(needed.count, grain: Self.grain, piece: piece) { worker, range in
            let own = gradients.isEmpty ? nil : gradients[worker]
            let rows = (needed.lowerBound + range.lowerBound)..<(needed.lowerBound + range.upperBound)
            let first = rows.lowerBound, n = rows.count
            let x = normalised.row(first)
            if let own {
                let input = attended.row(first)
                R.layerNorm(
                    memory.input.row(first), d, n, d, w.norm1.gamma, w.norm1.beta, epsilon, input, d, memory.mean1 + first,
                    memory.rstd1 + first)
                own.key.add(scratch.keyGradient.row(first), d, input: input, d, rows: n)
                own.value.add(scratch.valueGradient.row(first), d, input: input, d, rows: n)
            }
            R.gemm(false, false, n, d, d, 1, scratch.keyGradient.row(first), d, w.key.weight, d, 0, x, d)
            R.gemm(false, false, n, d, d, 1, scratch.valueGradient.row(first), d, w.value.weight, d, 1, x, d)
            if contiguous {
                let queries = rows.clamped(to: active.range)
                if !queries.isEmpty {
                    own?.query.add(
                        scratch.queryGradient.row(queries.lowerBound - active.start), d, input: attended.row(queries.lowerBound), d,
                        rows: queries.count)
                    R.gemm(
                        false, false, queries.count, d, d, 1, scratch.queryGradient.row(queries.lowerBound - active.start), d,
                        w.query.weight, d, 1, normalised.row(queries.lowerBound), d)
                }
                for i in rows where !active.range.contains(i) { gradient.row(i).update(repeating: 0, count: d) }
            } else {
                // Active rows of this range: start + i * step.
                let i0 = max(0, (first - active.start + active.step - 1) / active.step)
                let i1 = min(active.count, (rows.upperBound - active.start + active.step - 1) / active.step)
                if i0 < i1 {
                    let row = active.start + i0 * active.step, stride = active.step * d
                    own?.query.add(scratch.queryGradient.row(i0), d, input: attended.row(row), stride, rows: i1 - i0)
                    R.gemm(
                        false, false, i1 - i0, d, d, 1, scratch.queryGradient.row(i0), d, w.query.weight, d, 1,
                        normalised.row(row), stride)
                    R.addRows(gradient.row(row), stride, g.row(i0), d, i1 - i0, d)
                }
            }
            own?.norm1.add(
                x, d, input: memory.input.row(first), d, rows: n, width: d, mean: memory.mean1 + first, rstd: memory.rstd1 + first)
            R.layerNormBackward(
                x, d, memory.input.row(first), d, n, d, w.norm1.gamma, memory.mean1 + first, memory.rstd1 + first,
                gradient.row(first), d, true)
        }
    }
}
