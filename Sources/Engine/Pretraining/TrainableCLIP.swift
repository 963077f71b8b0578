/// What one step of pretraining measured.
public struct PretrainOutcome: Sendable, Equatable {
    /// The contrastive loss of the batch, before the update.
    public var loss: Float
    /// Images whose likeliest caption of the batch is their own.
    public var correct: Int
    /// exp(logit_scale) after the update.
    public var scale: Float
    /// Length of the whole gradient.
    public var gradientNorm: Float
    /// What went wrong, if something did.
    public var fault: Fault?

    public enum Fault: Sendable, Equatable {
        /// The first tensor that is not finite; no update was made.
        case nonFinite(String)
        /// logit_scale left all bounds in this step.
        case temperature(from: Float, to: Float)
    }
}

/// A CLIP whose weights are all trained: whole training steps on pairs of images and captions.
///
/// Not safe for use from several threads at once: its owner is the training queue.
public final class TrainableCLIP {
    public let shape: CLIPShape
    public let batch: Int
    public let workers: Workers
    public private(set) var stepsTaken = 0
    private let trained: TrainableWeights<Float>
    private let optimiser: AdamW
    private var model: ContrastiveModel<Float>?

    /// The factor of the cosine is clipped here after each step, as in CLIP.
    public static let largestScale: Float = 100

    /// A model with starting values.
    ///
    /// - Throws: `EngineError.value` for a shape that cannot be.
    public init(shape: CLIPShape, batch: Int, optimiser: AdamW, seed: UInt64, workers: Workers) throws(EngineError) {
        guard batch >= 2 else { throw .value("the contrastive loss compares the pairs of a batch: it needs at least two") }
        for (name, tower) in [("vision", shape.vision), ("text", shape.text)] {
            guard tower.width >= 1, tower.layers >= 1, tower.heads >= 1, tower.width % tower.heads == 0 else {
                throw .value("the \(name) tower's width of \(tower.width) cannot be divided among \(tower.heads) heads")
            }
        }
        guard shape.patchSize >= 1, shape.imageSize >= shape.patchSize, shape.imageSize % shape.patchSize == 0 else {
            throw .value("an image of \(shape.imageSize) pixels cannot be cut into patches of \(shape.patchSize)")
        }
        self.shape = shape
        self.batch = batch
        self.optimiser = optimiser
        self.workers = workers
        trained = try TrainableWeights(shape: shape, workers: workers)
        trained.initialise(seed: seed)
    }

    public var parameterCount: Int { trained.parameterCount }
    /// exp(logit_scale)
    public var scale: Float { trained.weights.scale }

    /// A tensor with its optimiser state, for checkpoints; the views live as long as the model.
    public struct State {
        public let name: String
        public let shape: [Int]
        public let value: UnsafeMutableBufferPointer<Float>
        public let gradient: UnsafeMutableBufferPointer<Float>
        public let firstMoment: UnsafeMutableBufferPointer<Float>
        public let secondMoment: UnsafeMutableBufferPointer<Float>
    }

    /// All weights, in a fixed order.
    public var states: [State] {
        trained.tensors.map { tensor in
            func part(_ base: UnsafeMutablePointer<Float>) -> UnsafeMutableBufferPointer<Float> {
                UnsafeMutableBufferPointer(start: base + tensor.range.lowerBound, count: tensor.range.count)
            }
            return State(
                name: tensor.name, shape: tensor.shape, value: part(trained.values), gradient: part(trained.gradient),
                firstMoment: part(trained.firstMoment), secondMoment: part(trained.secondMoment))
        }
    }

    /// Takes all weights from elsewhere. Throws `EngineError.missingTensor` or `.shape`.
    public func load(_ source: TensorSource) throws(EngineError) { try trained.load(source) }

    /// For a run that goes on: how many steps the restored moments have seen.
    public func restore(stepsTaken: Int) { self.stepsTaken = stepsTaken }

    /// The weights as they are, read in place, for evaluation between steps.
    public func frozen(startToken: Int32) throws(EngineError) -> FrozenCLIP {
        let states = Dictionary(uniqueKeysWithValues: states.map { ($0.name, $0) })
        let source = TensorSource(owner: self) { name in
            states[name].flatMap { state in
                state.value.baseAddress.map { RawTensor(element: .float32, shape: state.shape, bytes: $0) }
            }
        }
        return try FrozenCLIP(shape: shape, startToken: startToken, source: source, workers: workers)
    }

    /// Loss and gradients of a batch, without an update.
    ///
    /// - Parameters:
    ///   - images: (batch, 3, size, size), normalised.
    ///   - captions: the images' captions in their order.
    public func gradients(images: UnsafePointer<Float>, captions: TextPlan) -> Float {
        precondition(captions.readouts.count == batch)
        let model = model ?? ContrastiveModel(trained: trained, plan: captions, workers: workers)
        self.model = model
        return model.gradients(images, plan: captions)
    }

    /// (batch, batch) logits of the last batch, images by captions.
    public var logits: [Float] { model?.logits.array ?? [] }

    /// One step of AdamW; parameters as for `gradients`.
    public func step(images: UnsafePointer<Float>, captions: TextPlan, learningRate: Double) -> PretrainOutcome {
        let loss = gradients(images: images, captions: captions)
        let before = scale
        var outcome = PretrainOutcome(loss: loss, correct: correct, scale: before, gradientNorm: 0)
        outcome.gradientNorm = Float(Float.squares(trained.gradient, nil, trained.count).squareRoot())
        guard loss.isFinite, outcome.gradientNorm.isFinite else {
            outcome.fault = .nonFinite(trained.firstNonFinite() ?? "loss")
            return outcome
        }
        stepsTaken += 1
        trained.step(optimiser, learningRate: learningRate, number: stepsTaken)
        let asked = scale
        // An update is about the learning rate long: whoever leaves these bounds will not come back.
        if !asked.isFinite || asked < 1 || asked > Self.largestScale * 2 {
            outcome.fault = .temperature(from: before, to: asked)
        }
        if asked > Self.largestScale {
            UnsafeMutablePointer(mutating: trained.weights.logScale).pointee = Float(logarithm(Double(Self.largestScale)))
        }
        outcome.scale = scale
        return outcome
    }

    private var correct: Int {
        guard let logits = model?.logits else { return 0 }
        return (0..<batch).count { i in
            let row = logits.row(i)
            return !(0..<batch).contains { row[$0] > row[i] }
        }
    }
}
