/// The text encoder over one class list.
final class TextTower<R: Real> {
    let plan: TextPlan
    /// (classes, embedding), before normalisation.
    let features: Matrix<R>
    private let weights: CLIPWeights<R>
    private let start: StartToken<R>
    private let workers: Workers
    private let arena = Arena<R>()
    private let attention: TreeAttention<R>
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

    init(weights: CLIPWeights<R>, start: StartToken<R>, plan: TextPlan, textDepth: Int, training: Bool, workers: Workers) {
        self.weights = weights
        self.start = start
        self.plan = plan
        self.workers = workers
        self.training = training
        let shape = weights.shape.text, d = shape.width, arena = arena
        let ends = plan.rows - plan.firstReadout
        let links = plan.ancestors.count
        features = arena.matrix(plan.readouts.count, weights.shape.embedding)
        memories = (0..<(training ? shape.layers : 1)).map { layer in
            let active = training ? Self.active(plan, layer: layer, of: shape.layers, depth: textDepth).count : plan.rows
            return BlockMemory(
                arena: arena, shape: shape, rows: plan.rows, fixedRows: 1, active: active, probabilities: shape.heads * links)
        }
        scratch = BlockScratch(arena: arena, shape: shape, rows: plan.rows, backward: training)
        last = arena.matrix(ends, d)
        normalised = arena.matrix(ends, d)
        mean = arena.buffer(ends)
        rstd = arena.buffer(ends)
        gradient = arena.matrix(training ? plan.rows : 0, d)
        projected = arena.matrix(ends, weights.shape.embedding)
        let integers = IntegerArena()
        attention = TreeAttention(
            shape: shape, workers: workers, start: integers.copy(plan.ancestorStart),
            ancestors: integers.copy(plan.ancestors), links: links, work: arena.matrix(workers.count, plan.longestWay),
            owner: integers)
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
            memory.key.row(plan.rows).update(from: start.keys.row(layer), count: d)
            memory.value.row(plan.rows).update(from: start.values.row(layer), count: d)
            let active = Self.active(plan, layer: layer, of: layers, depth: prompts.count)
            let output =
                layer == layers - 1 ? last.base : memories[training ? layer + 1 : 0].input.row(active.start)
            Block(weights: weights.textBlocks[layer], shape: shape, workers: workers).forward(
                memory, scratch, rows: plan.rows, active: active, attention: attention, output: output)
        }
        let norm = weights.textFinalNorm
        R.layerNorm(last.base, d, ends, d, norm.gamma, norm.beta, R(shape.epsilon), normalised.base, d, mean, rstd)
        let e = features.columns
        workers.gemm(false, true, ends, e, d, normalised.base, d, weights.textProjection, d, 0, projected.base, e)
        for (index, row) in plan.readouts.enumerated() {
            features.row(index).update(from: projected.row(row - plan.firstReadout), count: e)
        }
    }

    /// Adds to the prompts' gradients what `featureGradient` (classes, embedding) of the last forward pass implies.
    func backward(_ featureGradient: Matrix<R>, _ promptGradients: [Matrix<R>]) {
        guard !promptGradients.isEmpty, plan.contextRows > 0 else { return }
        let d = shape.width, e = features.columns, layers = shape.layers
        projected.fill(0)
        for (index, row) in plan.readouts.enumerated() {
            R.addRows(projected.row(row - plan.firstReadout), e, featureGradient.row(index), e, 1, e)
        }
        workers.gemm(false, false, ends, d, e, projected.base, e, weights.textProjection, d, 0, normalised.base, d)
        R.layerNormBackward(
            normalised.base, d, last.base, d, ends, d, weights.textFinalNorm.gamma, mean, rstd, gradient.row(plan.firstReadout),
            d, false)
        for layer in (0..<layers).reversed() {
            let active = Self.active(plan, layer: layer, of: layers, depth: promptGradients.count)
            // Below the first block only the context tokens are learned.
            let needed = layer == 0 ? 0..<plan.contextRows : 0..<plan.rows
            Block(weights: weights.textBlocks[layer], shape: shape, workers: workers).backward(
                memories[layer], scratch, rows: plan.rows, active: active, needed: needed, attention: attention,
                gradient: gradient)
            if layer < promptGradients.count {
                for row in 0..<plan.contextRows {
                    R.addRows(promptGradients[layer].row(plan.contextSlots[row]), d, gradient.row(row), d, 1, d)
                }
            }
        }
    }
}

/// Index tables with stable addresses.
final class IntegerArena {
    private var blocks: [UnsafeMutablePointer<Int32>] = []

    deinit { blocks.forEach { $0.deallocate() } }

    func copy(_ values: [Int32]) -> UnsafePointer<Int32> {
        let block = UnsafeMutablePointer<Int32>.allocate(capacity: max(values.count, 1))
        for (i, value) in values.enumerated() { block[i] = value }
        blocks.append(block)
        return UnsafePointer(block)
    }
}
