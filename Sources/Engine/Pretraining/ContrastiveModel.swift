/// CLIP's own training: images and captions that belong together, all weights trained.
///
///     logits = s i t^T,  loss = (cross-entropy of the rows + cross-entropy of the columns) / 2
///
/// with pair k in row k and column k (Radford et al., 2021, section 2.3), s = exp(logit_scale). Backward, G being the gradient
/// of the logits: d logit_scale = sum of G * logits, since d s / d logit_scale = s.
final class ContrastiveModel<R: Real> {
    let trained: TrainableWeights<R>
    let vision: VisionTower<R>
    let text: TextTower<R>
    private(set) var head: CosineHead<R>
    let batch: Int
    private let arena = Arena<R>()
    /// (batch): 0, 1, 2, ...
    private let diagonal: UnsafeMutablePointer<Int32>
    /// (batch, batch): the logits' columns as rows, and their gradient.
    private let columns: Matrix<R>
    private let columnGradient: Matrix<R>

    /// - Parameter plan: a first batch of captions.
    init(trained: TrainableWeights<R>, plan: TextPlan, workers: Workers) {
        self.trained = trained
        batch = plan.readouts.count
        let weights = trained.weights
        vision = VisionTower(
            weights: weights, capacity: batch, prompts: 0, depth: 0, training: true, gradients: trained.gradients,
            workers: workers)
        text = TextTower(weights: weights, gradients: trained.gradients, plan: plan, workers: workers)
        head = CosineHead(
            scale: 1, images: batch, classes: batch, embedding: weights.shape.embedding, workers: workers, arena: arena)
        columns = arena.matrix(batch, batch)
        columnGradient = arena.matrix(batch, batch)
        diagonal = .allocate(capacity: batch)
        for i in 0..<batch { diagonal[i] = Int32(i) }
    }

    deinit { diagonal.deallocate() }

    /// (batch, batch): images by captions.
    var logits: Matrix<R> { head.logits }

    /// Forward and backward: the loss; the gradient is left in `trained.gradient`.
    ///
    /// - Parameters:
    ///   - pixels: (batch, 3, size, size), normalised.
    ///   - plan: the captions of the images, in their order.
    func gradients(_ pixels: UnsafePointer<R>, plan: TextPlan) -> R {
        text.load(plan)
        trained.clearGradients()
        text.forward([])
        vision.forward(pixels, count: batch, [])
        head.scale = trained.weights.scale
        head.forward(imageFeatures: vision.features, count: batch, textFeatures: text.features)

        let n = batch, g = head.logitGradient
        for i in 0..<n {
            for j in 0..<n { columns.base[j * n + i] = logits.base[i * n + j] }
        }
        let rowLoss = R.crossEntropy(logits.base, diagonal, n, n, g.base)
        let columnLoss = R.crossEntropy(columns.base, diagonal, n, n, columnGradient.base)
        var slope: R = 0
        for i in 0..<n {
            for j in 0..<n {
                let both = (g.base[i * n + j] + columnGradient.base[j * n + i]) / 2
                g.base[i * n + j] = both
                slope += both * logits.base[i * n + j]
            }
        }
        UnsafeMutablePointer(mutating: trained.gradients.sets[0].logScale).pointee += slope
        head.featureGradients(n)
        vision.backward(head.imageGradient, [])
        text.backward(head.textGradient, [])
        trained.reduce()
        return (rowLoss + columnLoss) / 2
    }
}
