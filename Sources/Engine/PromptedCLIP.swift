/// What one training step measured.
public struct StepOutcome: Sendable, Equatable {
    /// Mean cross-entropy of the batch, before the update.
    public var loss: Float
    /// Images whose likeliest class is right.
    public var correct: Int
    /// The first tensor that is not finite, when the loss or a gradient is not; no update was made then.
    public var nonFinite: String?
}

/// A prompt learning method with its list of training classes: whole training steps.
///
/// Not safe for use from several threads at once: its owner is the training queue.
public final class PromptedCLIP {
    public let prompts: LearnedPrompts
    /// The most images of a step.
    public let batch: Int
    /// The class list's token tree; of one image where each image has its own.
    public let plan: TextPlan
    public private(set) var stepsTaken = 0
    let model: any TrainingModel<Float>
    private let optimiser: SGD

    /// - Parameter sentences: token ids of each training class's sentence, from the start to the end token, with stand-ins at
    ///   the places that learned tokens take.
    /// - Throws: `EngineError.noClasses`, `.contextTooLong`, `.token`.
    public init(
        prompts: LearnedPrompts, sentences: [[Int32]], batch: Int, momentum: Double, weightDecay: Double
    ) throws(EngineError) {
        guard batch >= 1 else { throw .value("the batch must hold at least one image") }
        let clip = prompts.clip
        self.prompts = prompts
        self.batch = batch
        let method = prompts.method
        try prompts.bind(to: sentences)
        if let learner = prompts.learner as? CoCoOp<Float> {
            let model = try ConditionalModel(
                weights: clip.weights, start: clip.start, learner: learner, batch: batch,
                workers: clip.workers
            ) { method.sentences(sentences, copies: $0) }
            plan = model.texts.plan
            self.model = model
        } else {
            plan = try TextPlan(
                sentences: method.sentences(sentences), window: clip.shape.contextLength, vocabulary: clip.shape.vocabulary)
            model = Model(
                weights: clip.weights, start: clip.start, learner: prompts.learner, plan: plan, batch: batch,
                workers: clip.workers)
        }
        optimiser = SGD(momentum: momentum, weightDecay: weightDecay)
    }

    public var classes: Int { plan.readouts.count }
    /// For a run that goes on: how many steps the restored momentum has seen.
    public func restore(stepsTaken: Int) { self.stepsTaken = stepsTaken }

    /// Loss and gradients of a batch without an update, as in the first half of a step.
    ///
    /// - Parameter images: (labels.count, 3, size, size), normalised.
    public func gradients(images: UnsafePointer<Float>, labels: UnsafeBufferPointer<Int32>) -> Float {
        model.gradients(images, labels: labels)
    }

    /// One step of stochastic gradient descent. Allocates nothing.
    ///
    /// - Parameters:
    ///   - images: (labels.count, 3, size, size), normalised.
    ///   - labels: class indices; at most `batch`.
    public func step(
        images: UnsafePointer<Float>, labels: UnsafeBufferPointer<Int32>, learningRate: Double
    ) -> StepOutcome {
        let loss = model.gradients(images, labels: labels)
        let logits = model.logits, parameters = prompts.learner.parameters
        var correct = 0
        for (i, label) in labels.enumerated() {
            let row = logits.row(i)
            var best = 0
            for c in 1..<max(classes, 1) where row[c] > row[best] { best = c }
            if best == Int(label) { correct += 1 }
        }
        var finite = loss.isFinite
        for (i, p) in parameters.enumerated() {
            let norm = Float(Float.squares(p.gradient.base, nil, p.gradient.count).squareRoot())
            prompts.gradientNorms[i] = norm
            finite = finite && norm.isFinite
        }
        guard finite else {
            return StepOutcome(
                loss: loss, correct: correct, nonFinite: model.firstNonFinite(count: labels.count) ?? "loss")
        }
        optimiser.step(parameters, learningRate: learningRate, first: stepsTaken == 0)
        stepsTaken += 1
        return StepOutcome(loss: loss, correct: correct, nonFinite: nil)
    }

    /// (count, classes) logits of a batch with the parameters as they are.
    public func logits(images: UnsafePointer<Float>, count: Int) -> [Float] {
        model.forward(images, count: count)
        return Array(UnsafeBufferPointer(start: model.logits.base, count: count * classes))
    }

    /// Features of the last forward pass, before normalisation: (count, embedding) of the images; (classes, embedding) of the
    /// text, or (count, classes, embedding) where each image has its own.
    public func rawFeatures(count: Int) -> (image: [Float], text: [Float]) {
        let e = prompts.clip.shape.embedding
        let texts = prompts.method.isConditional ? count * classes : classes
        return (
            Array(UnsafeBufferPointer(start: model.imageFeatures.base, count: count * e)),
            Array(UnsafeBufferPointer(start: model.textFeatures.base, count: texts * e))
        )
    }
}
