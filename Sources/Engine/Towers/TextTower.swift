/// The text encoder over one class list or, where weights are trained, over one batch of captions after the other.
final class TextTower<R: Real> {
    private(set) var plan: TextPlan
    /// (classes, embedding), before normalisation.
    let features: Matrix<R>
    private let weights: CLIPWeights<R>
    /// Nil where the start token has a row of its own.
    private let start: StartToken<R>?
    /// Nil where the weights are frozen.
    private let gradients: CLIPGradients<R>?
    private let workers: Workers
    private let arena = Arena<R>()
    private let tables = IntegerArena()
    private var attention: TreeAttention<R>
    /// Rows and attended keys that there is room for.
    private let capacity: (rows: Int, links: Int)
    /// One for each block while training; otherwise a single one that all blocks use.
    let memories: [BlockMemory<R>]
    private let scratch: BlockScratch<R>
    /// (end tokens, d): the last block's output, then normalised.
    private let last: Matrix<R>
    let normalised: Matrix<R>
    private let mean: UnsafeMutablePointer<R>
    private let rstd: UnsafeMutablePointer<R>
    /// (rows, d)
    private let gradient: Matrix<R>
    /// (end tokens, embedding)
    private let projected: Matrix<R>
    private let training: Bool

    private var shape: TowerShape { weights.shape.text }
    private var ends: Int { plan.rows - plan.firstReadout }

    /// A tower for one class list, its weights frozen.
    convenience init(
        weights: CLIPWeights<R>, start: StartToken<R>, plan: TextPlan, textDepth: Int, training: Bool, workers: Workers
    ) {
        self.init(
            weights: weights, start: start, gradients: nil, plan: plan, capacity: (plan.rows, plan.ancestors.count),
            ends: plan.rows - plan.firstReadout, longestWay: plan.longestWay, training: training, workers: workers
        ) { layer in
            training ? Self.active(plan, layer: layer, of: weights.shape.text.layers, depth: textDepth).count : plan.rows
        }
    }

    /// A tower that trains its weights on any batch of captions of the plan's size.
    convenience init(weights: CLIPWeights<R>, gradients: CLIPGradients<R>, plan: TextPlan, workers: Workers) {
        let window = weights.shape.contextLength, captions = plan.readouts.count, layers = weights.shape.text.layers
        // The start token's row, and no beginning shared. Pages that no batch reaches take no memory.
        let rows = 1 + captions * (window - 1)
        self.init(
            weights: weights, start: nil, gradients: gradients, plan: plan, capacity: (rows, rows * window), ends: captions,
            longestWay: window, training: true, workers: workers
        ) { layer in
            layer == layers - 1 ? captions : rows
        }
    }

    private init(
        weights: CLIPWeights<R>, start: StartToken<R>?, gradients: CLIPGradients<R>?, plan: TextPlan,
        capacity: (rows: Int, links: Int), ends: Int, longestWay: Int, training: Bool, workers: Workers,
        active: (_ layer: Int) -> Int
    ) {
        self.weights = weights
        self.start = start
        self.gradients = gradients
        self.plan = plan
        self.capacity = capacity
        self.workers = workers
        self.training = training
        precondition((start == nil) == plan.startHasRow)
        let shape = weights.shape.text, d = shape.width, arena = arena
        features = arena.matrix(plan.readouts.count, weights.shape.embedding)
        memories = (0..<(training ? shape.layers : 1)).map { layer in
            BlockMemory(
                arena: arena, shape: shape, rows: capacity.rows, fixedRows: 1, active: active(layer),
                probabilities: shape.heads * capacity.links, trainsWeights: gradients != nil)
        }
        scratch = BlockScratch(arena: arena, shape: shape, rows: capacity.rows, backward: training)
        last = arena.matrix(ends, d)
        normalised = arena.matrix(ends, d)
        mean = arena.buffer(ends)
        rstd = arena.buffer(ends)
        gradient = arena.matrix(training ? capacity.rows : 0, d)
        projected = arena.matrix(ends, weights.shape.embedding)
        attention = TreeAttention(
            shape: shape, workers: workers, start: tables.copy(plan.ancestorStart, capacity: capacity.rows + 1),
            ancestors: tables.copy(plan.ancestors, capacity: capacity.links), links: plan.ancestors.count,
            work: arena.matrix(workers.count, longestWay))
    }

    /// Goes on to another batch of as many captions.
    func load(_ next: TextPlan) {
        precondition(next.startHasRow && start == nil && next.readouts.count == features.rows)
        precondition(next.rows <= capacity.rows && next.ancestors.count <= capacity.links)
        plan = next
        attention.start.update(from: next.ancestorStart, count: next.ancestorStart.count)
        attention.ancestors.update(from: next.ancestors, count: next.ancestors.count)
        attention.links = next.ancestors.count
    }

    /// The rows that block `layer` must output.
    private static func active(_ plan: TextPlan, layer: Int, of layers: Int, depth: Int) -> RowSet {
        if layer == layers - 1 { return RowSet(start: plan.firstReadout, count: plan.rows - plan.firstReadout) }
        // Context tokens that the next block replaces are needed for their keys and values alone.
        let first = layer + 1 < depth ? plan.contextRows : 0
        return RowSet(start: first, count: plan.rows - first)
    }

    /// Fills `features`.
    ///
    /// - Parameter prompts: context tokens for each prompted block; empty for sentences without learned tokens.
    func forward(_ prompts: [Matrix<R>]) {
        let d = shape.width, layers = shape.layers
        let first = memories[0].input
        workers.split(plan.rows) { [plan, weights] _, range in
            for row in range {
                let x = first.row(row)
                if row < plan.contextRows {
                    x.update(from: prompts[0].row(plan.contextSlots[row]), count: d)
                } else {
                    x.update(from: weights.tokenEmbedding + Int(plan.words[row]) * d, count: d)
                }
                R.addRows(x, d, weights.textPositions + plan.places[row] * d, d, 1, d)
            }
        }
        for layer in 0..<layers {
            let memory = memories[training ? layer : 0]
            if layer > 0, layer < prompts.count {
                for row in 0..<plan.contextRows {
                    memory.input.row(row).update(from: prompts[layer].row(plan.contextSlots[row]), count: d)
                }
            }
            if let start {
                memory.key.row(plan.rows).update(from: start.keys.row(layer), count: d)
                memory.value.row(plan.rows).update(from: start.values.row(layer), count: d)
            }
            let active = Self.active(plan, layer: layer, of: layers, depth: prompts.count)
            let output =
                layer == layers - 1 ? last.base : memories[training ? layer + 1 : 0].input.row(active.start)
            block(layer).forward(
                memory, scratch, rows: plan.rows, active: active, attention: attention, output: output)
        }
        let norm = weights.textFinalNorm, ends = ends
        R.layerNorm(last.base, d, ends, d, norm.gamma, norm.beta, R(shape.epsilon), normalised.base, d, mean, rstd)
        let e = features.columns
        workers.gemm(false, true, ends, e, d, normalised.base, d, weights.textProjection, d, 0, projected.base, e)
        for (index, row) in plan.readouts.enumerated() {
            features.row(index).update(from: projected.row(row - plan.firstReadout), count: e)
        }
    }

    private func block(_ layer: Int) -> Block<R> {
        Block(
            weights: weights.textBlocks[layer], shape: shape, workers: workers, gradients: gradients?.textBlocks[layer] ?? [])
    }

    /// Adds to the gradients of prompts and weights what `featureGradient` (classes, embedding) of the last forward pass
    /// implies.
    func backward(_ featureGradient: Matrix<R>, _ promptGradients: [Matrix<R>]) {
        guard gradients != nil || (!promptGradients.isEmpty && plan.contextRows > 0) else { return }
        let ends = ends
        let d = shape.width, e = features.columns, layers = shape.layers
        projected.fill(0)
        for (index, row) in plan.readouts.enumerated() {
            R.addRows(projected.row(row - plan.firstReadout), e, featureGradient.row(index), e, 1, e)
        }
        if let total = gradients?.sets[0] {
            workers.gemm(
                true, false, e, d, ends, projected.base, e, normalised.base, d, 1,
                UnsafeMutablePointer(mutating: total.textProjection), d)
        }
        workers.gemm(false, false, ends, d, e, projected.base, e, weights.textProjection, d, 0, normalised.base, d)
        if let total = gradients?.sets[0] {
            NormGradient(total.textFinalNorm).add(
                normalised.base, d, input: last.base, d, rows: ends, width: d, mean: mean, rstd: rstd)
        }
        R.layerNormBackward(
            normalised.base, d, last.base, d, ends, d, weights.textFinalNorm.gamma, mean, rstd, gradient.row(plan.firstReadout),
            d, false)
        for layer in (0..<layers).reversed() {
            let active = Self.active(plan, layer: layer, of: layers, depth: promptGradients.count)
            // Below the first block only the context tokens are learned, unless the embeddings are.
            let needed = layer == 0 && gradients == nil ? 0..<plan.contextRows : 0..<plan.rows
            block(layer).backward(
                memories[layer], scratch, rows: plan.rows, active: active, needed: needed, attention: attention,
                gradient: gradient)
            if layer < promptGradients.count {
                for row in 0..<plan.contextRows {
                    R.addRows(promptGradients[layer].row(plan.contextSlots[row]), d, gradient.row(row), d, 1, d)
                }
            }
        }
        if let total = gradients?.sets[0] { embeddingGradients(total) }
    }

    /// Sums the rows' gradients by token and by place. Threads share the columns: many rows add to one token.
    private func embeddingGradients(_ total: CLIPWeights<R>) {
        let tokens = UnsafeMutablePointer(mutating: total.tokenEmbedding)
        let positions = UnsafeMutablePointer(mutating: total.textPositions)
        let d = shape.width
        workers.split(d, grain: Block<R>.grain) { [plan, gradient] _, columns in
            let first = columns.lowerBound, n = columns.count
            for row in plan.contextRows..<plan.rows {
                R.addRows(tokens + Int(plan.words[row]) * d + first, d, gradient.row(row) + first, d, 1, n)
                R.addRows(positions + plan.places[row] * d + first, d, gradient.row(row) + first, d, 1, n)
            }
        }
    }
}

/// Index tables with stable addresses.
final class IntegerArena {
    private var blocks: [UnsafeMutablePointer<Int32>] = []

    deinit { blocks.forEach { $0.deallocate() } }

    /// A table that begins with `values` and has room for `capacity`.
    func copy(_ values: [Int32], capacity: Int) -> UnsafeMutablePointer<Int32> {
        let block = UnsafeMutablePointer<Int32>.allocate(capacity: max(values.count, capacity, 1))
        block.update(from: values, count: values.count)
        blocks.append(block)
        return block
    }
}
