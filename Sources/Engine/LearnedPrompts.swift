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
    /// L2 norm of each token (its mean over classes where each class has its own); of the whole weight for a linear map.
    public var tokens: [Float]
    public var gradient: Float
    /// L2 distance from the starting value.
    public var moved: Float
}

/// A method's trained tensors on a frozen CLIP: what a checkpoint holds, and all that scoring needs.
///
/// Not safe for use from several threads at once: its owner is the training queue.
public final class LearnedPrompts {
    public let clip: FrozenCLIP
    public let method: PromptMethod
    let learner: any PromptLearner<Float>
    /// The sentences that class-specific contexts belong to, once they are known: other ones cannot be scored.
    public internal(set) var ownSentences: [[Int32]]?
    /// L2 norm of each parameter's gradient in the last step.
    let gradientNorms: UnsafeMutableBufferPointer<Float>

    /// - Parameters:
    ///   - initial: what the first context tokens start from.
    ///   - equalCouplers: MaPLe's deeper couplers start as copies of one draw, as in the reference; false draws each.
    /// - Throws: `EngineError.depth` and others when the method does not fit the model.
    public init(
        clip: FrozenCLIP, method: PromptMethod, initial: InitialContext, seed: UInt64, equalCouplers: Bool = true
    ) throws(EngineError) {
        try method.check(clip.shape)
        self.clip = clip
        self.method = method
        switch method {
        case .zeroshot: learner = NoPrompts()
        case .coop(let context, _, let classes):
            learner = try CoOp(weights: clip.weights, context: context, classes: classes, initial: initial, seed: seed)
        case .cocoop(let context):
            learner = try CoCoOp(weights: clip.weights, context: context, initial: initial, seed: seed)
        case .vision(let size):
            learner = try IndependentPrompts(weights: clip.weights, text: nil, vision: size, initial: initial, seed: seed)
        case .language(let size):
            learner = try IndependentPrompts(weights: clip.weights, text: size, vision: nil, initial: initial, seed: seed)
        case .independent(let text, let vision):
            learner = try IndependentPrompts(weights: clip.weights, text: text, vision: vision, initial: initial, seed: seed)
        case .maple(let context, let depth):
            learner = try MaPLe(
                weights: clip.weights, context: context, depth: depth, initial: initial, seed: seed, equalCouplers: equalCouplers,
                workers: clip.workers)
        }
        gradientNorms = .allocate(capacity: max(1, learner.parameters.count))
        gradientNorms.initialize(repeating: 0)
        for p in learner.parameters { p.initial.copy(from: p.value.base) }
    }

    deinit { gradientNorms.deallocate() }

    /// Says which sentences class-specific contexts were trained on; other methods know no such limit.
    ///
    /// - Throws: `EngineError.ownContexts` when they are not as many as there are contexts.
    public func bind(to sentences: [[Int32]]) throws(EngineError) {
        guard let classes = method.ownContexts else { return }
        guard sentences.count == classes else { throw .ownContexts(classes: classes) }
        ownSentences = sentences
    }

    /// - Throws: `EngineError.ownContexts` when class-specific contexts are to be used for other classes, `.otherOrder` when for the
    ///   same in another order.
    func checkClasses(_ sentences: [[Int32]]) throws(EngineError) {
        guard let classes = method.ownContexts else { return }
        guard sentences.count == classes else { throw .ownContexts(classes: classes) }
        guard let ownSentences, sentences != ownSentences else { return }
        throw Set(sentences) == Set(ownSentences) ? .otherOrder : .ownContexts(classes: classes)
    }

    public var parameterCount: Int { learner.parameters.reduce(0) { $0 + $1.value.count } }

    public var trainable: [TrainableTensor] {
        learner.parameters.map {
            TrainableTensor(
                name: $0.name, shape: $0.shape, role: $0.role,
                value: UnsafeMutableBufferPointer(start: $0.value.base, count: $0.value.count),
                gradient: UnsafeMutableBufferPointer(start: $0.gradient.base, count: $0.value.count),
                momentum: UnsafeMutableBufferPointer(start: $0.momentum.base, count: $0.value.count),
                initial: UnsafeMutableBufferPointer(start: $0.initial.base, count: $0.value.count))
        }
    }

    /// Norms of prompts and couplers, with the gradients of the last step. Vision prompts are those of the last forward pass.
    public func norms() -> [TensorNorm] {
        var result: [TensorNorm] = []
        func rows(_ m: Matrix<Float>) -> [Float] {
            (0..<m.rows).map { Float(Float.squares(m.row($0), nil, m.columns).squareRoot()) }
        }
        for (i, p) in learner.parameters.enumerated() {
            let moved = Float(Float.squares(p.value.base, p.initial.base, p.value.count).squareRoot())
            switch p.role {
            case .coupler where p.shape.count == 1, .metaNet where p.shape.count == 1: continue
            case .coupler, .metaNet:
                let whole = Float(Float.squares(p.value.base, nil, p.value.count).squareRoot())
                result.append(TensorNorm(role: p.role, tokens: [whole], gradient: gradientNorms[i], moved: moved))
            case .text, .vision:
                var tokens = rows(p.value)
                if p.shape.count == 3, let classes = p.shape.first, classes > 0 {
                    let each = p.shape[1], all = tokens
                    tokens = (0..<each).map { token in
                        (0..<classes).reduce(0) { $0 + all[$1 * each + token] } / Float(classes)
                    }
                }
                result.append(TensorNorm(role: p.role, tokens: tokens, gradient: gradientNorms[i], moved: moved))
            }
        }
        let own = learner.parameters.contains { if case .vision = $0.role { true } else { false } }
        if !own {
            for (k, m) in learner.prompts.vision.enumerated() {
                let g = learner.prompts.visionGradient[k]
                result.append(
                    TensorNorm(
                        role: .vision(depth: k), tokens: rows(m),
                        gradient: Float(Float.squares(g.base, nil, g.count).squareRoot()), moved: 0))
            }
        }
        return result
    }
}
