/// A CLIP model's frozen weights, ready for use; shared by everything that computes with them.
public final class FrozenCLIP {
    public let shape: CLIPShape
    public let workers: Workers
    let weights: CLIPWeights<Float>
    let start: StartToken<Float>

    /// - Parameters:
    ///   - startToken: the id that every sentence begins with.
    ///   - source: tensors by Hugging Face names; 32-bit floats are used where they lie.
    /// - Throws: `EngineError` naming a tensor that is missing or misshapen.
    public init(shape: CLIPShape, startToken: Int32, source: TensorSource, workers: Workers) throws(EngineError) {
        guard startToken >= 0, Int(startToken) < shape.vocabulary else {
            throw .token(startToken, vocabulary: shape.vocabulary)
        }
        self.shape = shape
        self.workers = workers
        weights = try CLIPWeights(shape: shape, source: source)
        start = StartToken(weights: weights, id: startToken)
    }

    /// exp(logit_scale)
    public var logitScale: Float { weights.scale }
}

/// What one training step measured.
public struct StepOutcome: Sendable, Equatable {
    /// Mean cross-entropy of the batch, before the update.
    public var loss: Float
    /// Images whose likeliest class is right.
    public var correct: Int
    /// The first tensor that is not finite, when the loss or a gradient is not; no update was made then.
    public var nonFinite: String?
}

/// A trainable tensor as a checkpoint holds it.
public struct TrainableTensor {
    public let name: String
    public let shape: [Int]
    public let role: ParameterRole
    public let value: UnsafeMutableBufferPointer<Float>
    public let gradient: UnsafeMutableBufferPointer<Float>
    public let momentum: UnsafeMutableBufferPointer<Float>
    /// The value before the first step.
    public let initial: UnsafeMutableBufferPointer<Float>
}

/// Measurements of one prompted block or coupler.
public struct TensorNorm: Sendable, Equatable {
    public var role: ParameterRole
    /// L2 norm of each token; of the whole weight for a coupler.
    public var tokens: [Float]
    public var gradient: Float
    /// L2 distance from the starting value.
    public var moved: Float
}

/// A prompt learning method on a frozen CLIP with its list of training classes.
///
/// Not safe for use from several threads at once: its owner is the training queue.
public final class PromptedCLIP {
    public let clip: FrozenCLIP
    public let method: PromptMethod
    public let batch: Int
    public let plan: TextPlan
    let model: Model<Float>
    private let optimiser: SGD
    private let gradientNorms: UnsafeMutableBufferPointer<Float>

    /// - Parameters:
    ///   - sentences: token ids of each training class's sentence, from the start to the end token, with stand-ins at the
    ///     places that learned tokens take.
    ///   - initial: what the first context tokens start from.
    ///   - batch: the most images of a step.
    public init(
        clip: FrozenCLIP, method: PromptMethod, sentences: [[Int32]], initial: InitialContext, seed: UInt64, batch: Int,
        momentum: Double, weightDecay: Double
    ) throws(EngineError) {
        try method.check(clip.shape)
        guard batch >= 1 else { throw .value("the batch must hold at least one image") }
        self.clip = clip
        self.method = method
        self.batch = batch
        plan = try TextPlan(
            sentences: sentences.map(method.sentence), window: clip.shape.contextLength, vocabulary: clip.shape.vocabulary)
        let learner: any PromptLearner<Float>
        switch method {
        case .zeroshot: learner = NoPrompts(shape: clip.shape)
        case .maple(let context, let depth):
            learner = try MaPLe(
                weights: clip.weights, context: context, depth: depth, initial: initial, seed: seed, workers: clip.workers)
        }
        model = Model(
            weights: clip.weights, start: clip.start, learner: learner, plan: plan, batch: batch, workers: clip.workers)
        optimiser = SGD(momentum: momentum, weightDecay: weightDecay)
        gradientNorms = .allocate(capacity: max(1, learner.parameters.count))
        gradientNorms.initialize(repeating: 0)
        rememberInitialValues()
    }

    deinit { gradientNorms.deallocate() }

    public var classes: Int { plan.readouts.count }
    public var parameterCount: Int { model.learner.parameters.reduce(0) { $0 + $1.value.count } }
    public var stepsTaken: Int { model.stepsTaken }

    public var trainable: [TrainableTensor] {
        model.learner.parameters.map {
            TrainableTensor(
                name: $0.name, shape: $0.shape, role: $0.role,
                value: UnsafeMutableBufferPointer(start: $0.value.base, count: $0.value.count),
                gradient: UnsafeMutableBufferPointer(start: $0.gradient.base, count: $0.value.count),
                momentum: UnsafeMutableBufferPointer(start: $0.momentum.base, count: $0.value.count),
                initial: UnsafeMutableBufferPointer(start: $0.initial.base, count: $0.value.count))
        }
    }

    /// Makes the present values the ones that `TensorNorm.moved` is measured from.
    public func rememberInitialValues() {
        for p in model.learner.parameters { p.initial.copy(from: p.value.base) }
    }

    /// For a run that goes on: how many steps the restored momentum has seen.
    public func restore(stepsTaken: Int) { model.restore(stepsTaken: stepsTaken) }

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
        var correct = 0
        for (i, label) in labels.enumerated() {
            let row = model.head.logits.row(i)
            var best = 0
            for c in 1..<max(classes, 1) where row[c] > row[best] { best = c }
            if best == Int(label) { correct += 1 }
        }
        var finite = loss.isFinite
        for (i, p) in model.learner.parameters.enumerated() {
            let norm = Float(Float.squares(p.gradient.base, nil, p.gradient.count).squareRoot())
            gradientNorms[i] = norm
            finite = finite && norm.isFinite
        }
        guard finite else {
            return StepOutcome(
                loss: loss, correct: correct, nonFinite: model.firstNonFinite(count: labels.count) ?? "loss")
        }
        model.update(optimiser, learningRate: learningRate)
        return StepOutcome(loss: loss, correct: correct, nonFinite: nil)
    }

    /// Norms of prompts and couplers, with the gradients of the last step. Vision prompts are those of the last forward pass.
    public func norms() -> [TensorNorm] {
        var result: [TensorNorm] = []
        func rows(_ m: Matrix<Float>) -> [Float] {
            (0..<m.rows).map { Float(Float.squares(m.row($0), nil, m.columns).squareRoot()) }
        }
        for (i, p) in model.learner.parameters.enumerated() {
            let moved = Float(Float.squares(p.value.base, p.initial.base, p.value.count).squareRoot())
            switch p.role {
            case .coupler where p.shape.count == 1: continue
            case .coupler:
                let whole = Float(Float.squares(p.value.base, nil, p.value.count).squareRoot())
                result.append(TensorNorm(role: p.role, tokens: [whole], gradient: gradientNorms[i], moved: moved))
            case .text, .vision:
                result.append(TensorNorm(role: p.role, tokens: rows(p.value), gradient: gradientNorms[i], moved: moved))
            }
        }
        let own = model.learner.parameters.contains { if case .vision = $0.role { true } else { false } }
        if !own {
            for (k, m) in model.learner.prompts.vision.enumerated() {
                let g = model.learner.prompts.visionGradient[k]
                result.append(
                    TensorNorm(
                        role: .vision(depth: k), tokens: rows(m),
                        gradient: Float(Float.squares(g.base, nil, g.count).squareRoot()), moved: 0))
            }
        }
        return result
    }

    /// (count, classes) logits of a batch with the parameters as they are.
    public func logits(images: UnsafePointer<Float>, count: Int) -> [Float] {
        model.forward(images, count: count)
        return Array(UnsafeBufferPointer(start: model.head.logits.base, count: count * classes))
    }

    /// (count, embedding) and (classes, embedding) features of the last forward pass, before normalisation.
    public func rawFeatures(count: Int) -> (image: [Float], text: [Float]) {
        let e = clip.shape.embedding
        return (
            Array(UnsafeBufferPointer(start: model.vision.features.base, count: count * e)), model.text.features.array
        )
    }
}
