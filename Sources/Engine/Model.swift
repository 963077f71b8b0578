/// A frozen CLIP, a prompt learner and one list of training classes: a whole training step.
final class Model<R: Real> {
    let weights: CLIPWeights<R>
    let learner: any PromptLearner<R>
    let text: TextTower<R>
    let vision: VisionTower<R>
    let head: CosineHead<R>
    private(set) var stepsTaken = 0
    private let workers: Workers
    private let arena = Arena<R>()
    /// (batch)
    private let labels: UnsafeMutablePointer<Int32>

    init(
        weights: CLIPWeights<R>, start: StartToken<R>, learner: any PromptLearner<R>, plan: TextPlan, batch: Int,
        workers: Workers
    ) {
        self.weights = weights
        self.learner = learner
        self.workers = workers
        let prompts = learner.prompts
        text = TextTower(
            weights: weights, start: start, plan: plan, textDepth: prompts.text.count, training: !prompts.text.isEmpty,
            workers: workers)
        vision = VisionTower(
            weights: weights, capacity: batch, prompts: prompts.visionTokens, depth: prompts.vision.count,
            training: !prompts.vision.isEmpty, workers: workers)
        head = CosineHead(
            scale: weights.scale, images: batch, classes: plan.readouts.count, embedding: weights.shape.embedding,
            workers: workers, arena: arena)
        labels = .allocate(capacity: batch)
    }

    deinit { labels.deallocate() }

    /// Fills `head.logits` (count, classes) with the parameters as they are.
    func forward(_ pixels: UnsafePointer<R>, count: Int) {
        learner.forward()
        text.forward(learner.prompts.text)
        vision.forward(pixels, count: count, learner.prompts.vision)
        head.forward(imageFeatures: vision.features, count: count, textFeatures: text.features)
    }

    /// Forward and backward: the mean loss, gradients left in the parameters.
    func gradients(_ pixels: UnsafePointer<R>, labels batch: UnsafeBufferPointer<Int32>) -> R {
        forward(pixels, count: batch.count)
        for (i, label) in batch.enumerated() { labels[i] = label }
        let loss = head.backward(labels: labels, count: batch.count)
        let prompts = learner.prompts
        for m in prompts.textGradient { m.fill(0) }
        for m in prompts.visionGradient { m.fill(0) }
        vision.backward(head.imageGradient, prompts.visionGradient)
        text.backward(head.textGradient, prompts.textGradient)
        learner.backward()
        return loss
    }

    /// One optimiser step over gradients that `gradients` left.
    func update(_ optimiser: SGD, learningRate: Double) {
        optimiser.step(learner.parameters, learningRate: learningRate, first: stepsTaken == 0)
        stepsTaken += 1
    }

    /// For a run that goes on: steps that the momentum has seen.
    func restore(stepsTaken: Int) { self.stepsTaken = stepsTaken }

    /// The first tensor that holds a value that is not finite, in the order of the computation.
    func firstNonFinite(count: Int) -> String? {
        for p in learner.parameters where !R.allFinite(p.value.base, p.value.count) { return p.name }
        let suspects: [(String, Matrix<R>, Int)] = [
            ("text features", text.features, text.features.count),
            ("image features", vision.features, count * vision.features.columns),
            ("logits", head.logits, count * head.logits.columns),
        ]
        for (name, matrix, n) in suspects where !R.allFinite(matrix.base, n) { return name }
        for p in learner.parameters where !R.allFinite(p.gradient.base, p.gradient.count) { return "gradient of \(p.name)" }
        return nil
    }
}
