/// The image encoder over batches of up to `capacity` images.
final class VisionTower<R: Real> {
    let capacity: Int
    /// (capacity, embedding), before normalisation; the first rows hold the last batch.
    let features: Matrix<R>
    private let weights: CLIPWeights<R>
    /// Nil where the weights are frozen.
    private let gradients: CLIPGradients<R>?
    private let workers: Workers
    private let prompts: Int
    private let depth: Int
    private let training: Bool
    private let arena = Arena<R>()
    let memories: [BlockMemory<R>]
    private let scratch: BlockScratch<R>
    /// (capacity * patches, 3 * patch * patch): pixels of each patch.
    private let unfolded: Matrix<R>
    /// (rows, d): embeddings before the first normalisation, and its statistics.
    private let embedded: Matrix<R>
    private let embeddedMean: UnsafeMutablePointer<R>
    private let embeddedRstd: UnsafeMutablePointer<R>
    /// (capacity, d)
    let last: Matrix<R>
    let normalised: Matrix<R>
    private let mean: UnsafeMutablePointer<R>
    private let rstd: UnsafeMutablePointer<R>
    /// (rows, d)
    private let gradient: Matrix<R>
    private let attentionWork: Matrix<R>
    /// Images of the last forward pass.
    private var images = 0

    private var shape: TowerShape { weights.shape.vision }
    /// [CLS] and patches.
    var tokens: Int { 1 + weights.shape.patches }

    /// - Parameters:
    ///   - prompts: learned tokens appended to each image.
    ///   - depth: blocks that get learned tokens.
    ///   - gradients: where the weights' gradients go when they are trained.
    init(
        weights: CLIPWeights<R>, capacity: Int, prompts: Int, depth: Int, training: Bool, gradients: CLIPGradients<R>? = nil,
        workers: Workers
    ) {
        self.weights = weights
        self.gradients = gradients
        self.capacity = capacity
        self.prompts = prompts
        self.depth = depth
        self.training = training
        self.workers = workers
        let clip = weights.shape, shape = clip.vision, d = shape.width, arena = arena
        let tokens = 1 + clip.patches
        let rows = capacity * (tokens + prompts)
        memories = (0..<(training ? shape.layers : 1)).map { layer in
            let active =
                training
                ? Self.active(images: capacity, tokens: tokens, prompts: prompts, layer: layer, of: shape.layers, depth: depth)
                    .count : rows
            let queries = max(1, active / capacity)
            return BlockMemory(
                arena: arena, shape: shape, rows: rows, fixedRows: 0, active: active,
                probabilities: capacity * shape.heads * queries * (tokens + prompts), trainsWeights: gradients != nil)
        }
        scratch = BlockScratch(arena: arena, shape: shape, rows: rows, backward: training, gathered: capacity)
        unfolded = arena.matrix(capacity * clip.patches, 3 * clip.patchSize * clip.patchSize)
        embedded = arena.matrix(rows, d)
        embeddedMean = arena.buffer(rows)
        embeddedRstd = arena.buffer(rows)
        last = arena.matrix(capacity, d)
        normalised = arena.matrix(capacity, d)
        mean = arena.buffer(capacity)
        rstd = arena.buffer(capacity)
        features = arena.matrix(capacity, clip.embedding)
        gradient = arena.matrix(training ? rows : 0, d)
        let all = tokens + prompts
        attentionWork = arena.matrix(workers.count, training ? all * all : 0)
    }

    private static func active(images: Int, tokens: Int, prompts: Int, layer: Int, of layers: Int, depth: Int) -> RowSet {
        if layer == layers - 1 { return RowSet(start: 0, count: images, step: tokens) }
        // Prompts that the next block replaces are needed for their keys and values alone.
        return RowSet(start: 0, count: images * (layer + 1 < depth ? tokens : tokens + prompts))
    }

    private func attention(_ images: Int) -> ImageAttention<R> {
        ImageAttention(
            shape: shape, workers: workers, images: images, tokens: tokens, prompts: prompts, work: attentionWork)
    }

    /// Fills the first `count` rows of `features`.
    ///
    /// - Parameters:
    ///   - pixels: (count, 3, size, size), normalised.
    ///   - prompts: (learned tokens, d) for each prompted block; empty without prompts.
    func forward(_ pixels: UnsafePointer<R>, count: Int, _ prompts: [Matrix<R>]) {
        precondition(count > 0 && count <= capacity && prompts.count == depth)
        images = count
        // Not `first`: on an array of a generic element it allocates.
        embed(pixels, count, prompts.isEmpty ? nil : prompts[0])
        let d = shape.width, layers = shape.layers, rows = count * (tokens + self.prompts)
        let norm = weights.visionPreNorm
        let first = memories[0].input
        workers.split(rows) { _, range in
            let row = range.lowerBound
            R.layerNorm(
                embedded.row(row), d, range.count, d, norm.gamma, norm.beta, R(shape.epsilon), first.row(row), d,
                embeddedMean + row, embeddedRstd + row)
        }
        for layer in 0..<layers {
            let memory = memories[training ? layer : 0]
            if layer > 0, layer < depth {
                for image in 0..<count {
                    memory.input.row(count * tokens + image * self.prompts).update(
                        from: prompts[layer].base, count: self.prompts * d)
                }
            }
            let active = Self.active(
                images: count, tokens: tokens, prompts: self.prompts, layer: layer, of: layers, depth: depth)
            let output = layer == layers - 1 ? last.base : memories[training ? layer + 1 : 0].input.base
            block(layer).forward(
                memory, scratch, rows: rows, active: active, attention: attention(count), output: output)
        }
        let post = weights.visionPostNorm
        R.layerNorm(last.base, d, count, d, post.gamma, post.beta, R(shape.epsilon), normalised.base, d, mean, rstd)
        let e = features.columns
        workers.gemm(false, true, count, e, d, normalised.base, d, weights.visionProjection, d, 0, features.base, e)
    }

    /// Patch embedding as a product of unfolded pixels, [CLS], positions; the first prompts behind all of them.
    private func embed(_ pixels: UnsafePointer<R>, _ count: Int, _ firstPrompts: Matrix<R>?) {
        let clip = weights.shape, patch = clip.patchSize, size = clip.imageSize, grid = clip.grid, d = shape.width
        let area = unfolded.columns
        workers.split(count * grid) { _, range in
            for line in range {
                let image = line / grid, y = line % grid
                for x in 0..<grid {
                    let target = unfolded.row(image * clip.patches + y * grid + x)
                    for channel in 0..<3 {
                        for dy in 0..<patch {
                            let source = pixels + ((image * 3 + channel) * size + y * patch + dy) * size + x * patch
                            (target + (channel * patch + dy) * patch).update(from: source, count: patch)
                        }
                    }
                }
            }
        }
        for image in 0..<count {
            let row = image * tokens
            workers.gemm(
                false, true, clip.patches, d, area, unfolded.row(image * clip.patches), area, weights.patchEmbedding, area, 0,
                embedded.row(row + 1), d)
            embedded.row(row).update(from: weights.classEmbedding, count: d)
            R.addRows(embedded.row(row), d, weights.visionPositions, d, tokens, d)
            if let firstPrompts {
                embedded.row(count * tokens + image * prompts).update(from: firstPrompts.base, count: prompts * d)
            }
        }
    }

    private func block(_ layer: Int) -> Block<R> {
        Block(
            weights: weights.visionBlocks[layer], shape: shape, workers: workers,
            gradients: gradients?.visionBlocks[layer] ?? [])
    }

    /// Adds to the gradients of prompts and weights what `featureGradient` (images, embedding) of the last forward pass
    /// implies.
    func backward(_ featureGradient: Matrix<R>, _ promptGradients: [Matrix<R>]) {
        guard depth > 0 || gradients != nil else { return }
        let d = shape.width, e = features.columns, layers = shape.layers, count = images
        let rows = count * (tokens + prompts), promptRows = (count * tokens)..<rows
        if let total = gradients?.sets[0] {
            workers.gemm(
                true, false, e, d, count, featureGradient.base, e, normalised.base, d, 1,
                UnsafeMutablePointer(mutating: total.visionProjection), d)
        }
        workers.gemm(false, false, count, d, e, featureGradient.base, e, weights.visionProjection, d, 0, normalised.base, d)
        if let total = gradients?.sets[0] {
            NormGradient(total.visionPostNorm).add(
                normalised.base, d, input: last.base, d, rows: count, width: d, mean: mean, rstd: rstd)
        }
        R.layerNormBackward(
            normalised.base, d, last.base, d, count, d, weights.visionPostNorm.gamma, mean, rstd, gradient.base, tokens * d,
            false)
        for layer in (0..<layers).reversed() {
            let active = Self.active(
                images: count, tokens: tokens, prompts: prompts, layer: layer, of: layers, depth: depth)
            let needed = layer == 0 && gradients == nil ? promptRows : 0..<rows
            block(layer).backward(
                memories[layer], scratch, rows: rows, active: active, needed: needed, attention: attention(count),
                gradient: gradient)
            guard layer < depth else { continue }
            if layer == 0 {
                // The normalisation before the blocks applies to prompts too.
                R.layerNormBackward(
                    gradient.row(promptRows.lowerBound), d, embedded.row(promptRows.lowerBound), d, promptRows.count, d,
                    weights.visionPreNorm.gamma, embeddedMean + promptRows.lowerBound, embeddedRstd + promptRows.lowerBound,
                    gradient.row(promptRows.lowerBound), d, false)
            }
            for image in 0..<count {
                R.addRows(
                    promptGradients[layer].base, d, gradient.row(promptRows.lowerBound + image * prompts), d, prompts, d)
            }
        }
        if let gradients { embeddingGradients(gradients) }
    }

    /// From the gradient of the first block's input to those of the first normalisation, [CLS], positions and patches.
    private func embeddingGradients(_ gradients: CLIPGradients<R>) {
        precondition(prompts == 0)
        let d = shape.width, tokens = tokens, patches = weights.shape.patches, area = unfolded.columns, total = gradients.sets[0]
        // The embeddings are used up row by row: their place takes the patches' gradients, without the gaps of [CLS].
        workers.split(images * tokens) { worker, range in
            let first = range.lowerBound, g = gradient.row(first)
            gradients.visionPreNorm[worker].add(
                g, d, input: embedded.row(first), d, rows: range.count, width: d, mean: embeddedMean + first,
                rstd: embeddedRstd + first)
            R.layerNormBackward(
                g, d, embedded.row(first), d, range.count, d, weights.visionPreNorm.gamma, embeddedMean + first,
                embeddedRstd + first, g, d, false)
        }
        workers.split(images) { _, range in
            for image in range {
                embedded.row(image * patches).update(from: gradient.row(image * tokens + 1), count: patches * d)
            }
        }
        let positions = UnsafeMutablePointer(mutating: total.visionPositions)
        workers.split(tokens) { _, range in
            let first = range.lowerBound
            for image in 0..<images {
                R.addRows(positions + first * d, d, gradient.row(image * tokens + first), d, range.count, d)
            }
        }
        for image in 0..<images {
            R.addRows(UnsafeMutablePointer(mutating: total.classEmbedding), d, gradient.row(image * tokens), d, 1, d)
        }
        workers.gemm(
            true, false, d, area, images * patches, embedded.base, d, unfolded.base, area, 1,
            UnsafeMutablePointer(mutating: total.patchEmbedding), area)
    }
}
