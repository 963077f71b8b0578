/// A frozen CLIP, a prompt learner and one list of training classes: loss, gradients and logits of a batch.
protocol TrainingModel<R>: AnyObject {
    associatedtype R: Real
    var learner: any PromptLearner<R> { get }
    /// (batch, classes), of the last forward pass.
    var logits: Matrix<R> { get }
    /// Before normalisation: (batch, embedding) and (classes, embedding) or, with text features for each image,
    /// (batch * classes, embedding).
    var imageFeatures: Matrix<R> { get }
    var textFeatures: Matrix<R> { get }
    /// Fills `logits` (count, classes) with the parameters as they are.
    func forward(_ pixels: UnsafePointer<R>, count: Int)
    /// Forward and backward: the mean loss, gradients left in the parameters.
    func gradients(_ pixels: UnsafePointer<R>, labels: UnsafeBufferPointer<Int32>) -> R
}

extension TrainingModel {
    /// The first tensor that holds a value that is not finite, in the order of the computation.
    func firstNonFinite(count: Int) -> String? {
        for p in learner.parameters where !R.allFinite(p.value.base, p.value.count) { return p.name }
        let images = max(1, logits.rows)
        let suspects: [(String, Matrix<R>, Int)] = [
            ("image features", imageFeatures, count * imageFeatures.columns),
            (
                "text features", textFeatures,
                textFeatures.rows == logits.columns ? textFeatures.count : textFeatures.count / images * count
            ),
            ("logits", logits, count * logits.columns),
        ]
        for (name, matrix, n) in suspects where !R.allFinite(matrix.base, n) { return name }
        for p in learner.parameters where !R.allFinite(p.gradient.base, p.gradient.count) { return "gradient of \(p.name)" }
        return nil
    }
}

/// The model of every method whose text features are the same for all images.
///
/// A tower without learned tokens keeps nothing for a backward pass; a text tower without them runs once.
final class Model<R: Real>: TrainingModel {
    let learner: any PromptLearner<R>
    let vision: VisionTower<R>
    let head: CosineHead<R>
    /// (classes, embedding), before normalisation.
    let textFeatures: Matrix<R>
    /// Nil when no sentence holds a learned token: `textFeatures` are constants then.
    private let text: TextTower<R>?
    private let arena = Arena<R>()
    /// (batch)
    private let labels: UnsafeMutablePointer<Int32>

    init(
        weights: CLIPWeights<R>, start: StartToken<R>, learner: any PromptLearner<R>, plan: TextPlan, batch: Int,
        workers: Workers
    ) {
        self.learner = learner
        let prompts = learner.prompts
        let tower = TextTower(
            weights: weights, start: start, plan: plan, textDepth: prompts.text.count, training: !prompts.text.isEmpty,
            workers: workers)
        if prompts.text.isEmpty {
            textFeatures = arena.matrix(plan.readouts.count, weights.shape.embedding)
            tower.forward([])
            textFeatures.copy(from: tower.features.base)
            text = nil
        } else {
            textFeatures = tower.features
            text = tower
        }
        vision = VisionTower(
            weights: weights, capacity: batch, prompts: prompts.visionTokens, depth: prompts.vision.count,
            training: !prompts.vision.isEmpty, workers: workers)
        head = CosineHead(
            scale: weights.scale, images: batch, classes: plan.readouts.count, embedding: weights.shape.embedding,
            workers: workers, arena: arena)
        labels = .allocate(capacity: batch)
    }

    deinit { labels.deallocate() }

    var logits: Matrix<R> { head.logits }
    var imageFeatures: Matrix<R> { vision.features }

    func forward(_ pixels: UnsafePointer<R>, count: Int) {
        learner.forward()
        text?.forward(learner.prompts.text)
        vision.forward(pixels, count: count, learner.prompts.vision)
        head.forward(imageFeatures: vision.features, count: count, textFeatures: textFeatures)
    }

    func gradients(_ pixels: UnsafePointer<R>, labels batch: UnsafeBufferPointer<Int32>) -> R {
        forward(pixels, count: batch.count)
        for (i, label) in batch.enumerated() { labels[i] = label }
        let loss = head.backward(labels: labels, count: batch.count)
        let prompts = learner.prompts
        for m in prompts.textGradient { m.fill(0) }
        for m in prompts.visionGradient { m.fill(0) }
        vision.backward(head.imageGradient, prompts.visionGradient)
        text?.backward(head.textGradient, prompts.textGradient)
        learner.backward()
        return loss
    }
}
