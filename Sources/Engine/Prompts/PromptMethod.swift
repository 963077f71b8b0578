/// Where the class name stands among the learned tokens of a sentence.
public enum NamePosition: String, Sendable, Equatable, CaseIterable {
    /// context, name, full stop
    case end
    /// first half of the context (rounded down), name, second half, full stop
    case middle
    /// name, context, full stop
    case front
}

/// Learned tokens of one tower: `context` in each of the first `depth` blocks.
public struct PromptSize: Sendable, Equatable {
    public var context: Int
    public var depth: Int

    public init(context: Int, depth: Int) {
        self.context = context
        self.depth = depth
    }
}

/// A method and its shape, as the engine needs it.
public enum PromptMethod: Sendable, Equatable {
    /// Nothing is learned.
    case zeroshot
    /// Context tokens in the sentence alone (Zhou et al., IJCV 2022); `classes` of them where each class has its own.
    case coop(context: Int, position: NamePosition, classes: Int?)
    /// Context tokens that a small network shifts for each image (Zhou et al., CVPR 2022).
    case cocoop(context: Int)
    /// Deep vision prompts; the sentences are fixed.
    case vision(PromptSize)
    /// Deep language prompts.
    case language(PromptSize)
    /// Deep prompts in both towers that know nothing of each other.
    case independent(text: PromptSize, vision: PromptSize)
    /// Coupled prompts in both towers: `context` tokens in each of the first `depth` blocks.
    case maple(context: Int, depth: Int)

    /// Learned tokens in each sentence.
    public var textTokens: Int {
        switch self {
        case .zeroshot, .vision: 0
        case .coop(let context, _, _), .cocoop(let context), .maple(let context, _): context
        case .language(let size), .independent(let size, _): size.context
        }
    }

    /// Classes that have contexts of their own; nil when all share one.
    public var ownContexts: Int? {
        if case .coop(_, _, let classes) = self { classes } else { nil }
    }

    /// Whether a class's text feature depends on the image.
    public var isConditional: Bool {
        if case .cocoop = self { true } else { false }
    }

    private var position: NamePosition {
        if case .coop(_, let position, _) = self { position } else { .end }
    }

    /// The class's sentence with learned tokens in their places.
    ///
    /// - Parameter tokens: start token, words or stand-ins for the learned tokens, class name, full stop, end token. Whatever
    ///   lies between the stand-ins and the full stop counts as the name, words before it that are not learned included.
    public func sentence(tokens: [Int32]) -> [TextPlace] { sentence(tokens: tokens, firstSlot: 0) }

    /// The sentences of a class list.
    ///
    /// - Parameter copies: how often the list is repeated, each time with context tokens of its own.
    public func sentences(_ tokens: [[Int32]], copies: Int = 1) -> [[TextPlace]] {
        (0..<max(1, copies)).flatMap { copy in
            tokens.enumerated().map { index, ids in
                sentence(tokens: ids, firstSlot: (ownContexts == nil ? copy : index) * textTokens)
            }
        }
    }

    private func sentence(tokens: [Int32], firstSlot: Int) -> [TextPlace] {
        let words = tokens.map(TextPlace.word), n = textTokens
        let context = (0..<n).map { TextPlace.context(firstSlot + $0) }
        // Start token, context, full stop, end token.
        guard n > 0, tokens.count >= n + 2 else { return words }
        let before: Int
        switch position {
        case .end: before = n
        case .middle: before = n / 2
        case .front: before = 0
        }
        let name = words[(n + 1)..<max(n + 1, tokens.count - 2)], rest = words[max(n + 1, tokens.count - 2)...]
        return [words[0]] + context[..<before] + name + context[before...] + rest
    }

    /// - Throws: `EngineError` when the method does not fit the model.
    func check(_ shape: CLIPShape) throws(EngineError) {
        func check(_ size: PromptSize, _ tower: String, _ layers: Int) throws(EngineError) {
            guard size.context >= 1 else { throw .value("the context length must be at least 1. Set method.context to 1 or more.") }
            guard size.depth >= 1 else { throw .value("the prompt depth must be at least 1. Set method.depth to 1 or more.") }
            if size.depth > layers { throw .depth(asked: size.depth, tower: tower, layers: layers) }
        }
        switch self {
        case .zeroshot: break
        case .coop(let context, _, let classes):
            try check(PromptSize(context: context, depth: 1), "text", shape.text.layers)
            if let classes, classes < 1 { throw .noClasses }
        case .cocoop(let context): try check(PromptSize(context: context, depth: 1), "text", shape.text.layers)
        case .vision(let size): try check(size, "vision", shape.vision.layers)
        case .language(let size): try check(size, "text", shape.text.layers)
        case .independent(let text, let vision):
            try check(text, "text", shape.text.layers)
            try check(vision, "vision", shape.vision.layers)
        case .maple(let context, let depth):
            try check(PromptSize(context: context, depth: depth), "text", shape.text.layers)
            try check(PromptSize(context: context, depth: depth), "vision", shape.vision.layers)
        }
        // Start token, context, one token of a name, full stop, end token.
        let room = shape.contextLength - 4
        if textTokens > room {
            throw .value(
                "\(textTokens) context tokens leave no room for a name in the text tower's \(shape.contextLength) places. Set method.context to at most \(max(0, room)).")
        }
    }
}
