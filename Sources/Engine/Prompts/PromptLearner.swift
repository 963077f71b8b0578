/// A method: which tensors are trained, and how they become prompts.
protocol PromptLearner<R>: AnyObject {
    associatedtype R: Real
    var parameters: [Parameter<R>] { get }
    var prompts: Prompts<R> { get }
    /// Parameters to prompts.
    func forward()
    /// Gradients of the prompts to gradients of the parameters.
    func backward()
}

/// A method and its shape, as the engine needs it.
public enum PromptMethod: Sendable, Equatable {
    /// Nothing is learned.
    case zeroshot
    /// Coupled prompts in both towers: `context` tokens in each of the first `depth` blocks.
    case maple(context: Int, depth: Int)

    /// Learned tokens that take the places after the start token of each sentence.
    public var textTokens: Int {
        switch self {
        case .zeroshot: 0
        case .maple(let context, _): context
        }
    }

    /// The class's sentence with its first words replaced by learned tokens.
    ///
    /// - Parameter tokens: start token, words or stand-ins for the learned tokens, class name, end token.
    public func sentence(tokens: [Int32]) -> [TextPlace] {
        tokens.enumerated().map { place, id in
            place >= 1 && place <= textTokens ? .context(place - 1) : .word(id)
        }
    }

    func check(_ shape: CLIPShape) throws(EngineError) {
        guard case .maple(let context, let depth) = self else { return }
        guard context >= 1 else { throw .value("the context length must be at least 1") }
        guard depth >= 1 else { throw .value("the prompt depth must be at least 1") }
        if depth > shape.text.layers { throw .depth(asked: depth, tower: "text", layers: shape.text.layers) }
        if depth > shape.vision.layers { throw .depth(asked: depth, tower: "vision", layers: shape.vision.layers) }
    }
}

/// What context tokens start from.
public enum InitialContext: Sendable, Equatable {
    /// The embeddings of these tokens, one for each context token.
    case words([Int32])
    /// Normal values of deviation 0.02.
    case random
}

/// Zero-shot CLIP: no prompts, nothing to train.
final class NoPrompts<R: Real>: PromptLearner {
    let parameters: [Parameter<R>] = []
    let prompts: Prompts<R>

    init(shape: CLIPShape) {
        prompts = Prompts(shape: shape, textDepth: 0, textTokens: 0, visionDepth: 0, visionTokens: 0)
    }

    func forward() {}
    func backward() {}
}
