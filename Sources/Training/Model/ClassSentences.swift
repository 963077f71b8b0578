import Engine
import Formats
import RunModel

/// The sentence of each class as token ids, for a method or for a template.
public struct ClassSentences: Sendable {
    /// Token ids of each class, from the start to the end token.
    public let tokens: [[Int32]]
    /// A line for each class whose name had to be shortened.
    public let warnings: [String]

    /// - Parameter sentence: turns a class name, underscores already spaces, into the whole sentence.
    public init(classNames: [String], tokenizer: BPETokenizer, window: Int, sentence: (String) -> String) {
        var tokens: [[Int32]] = []
        var warnings: [String] = []
        for name in classNames {
            let clean = name.split { $0 == "_" || $0 == " " }.joined(separator: " ")
            var body = tokenizer.encode(sentence(clean))
            // The tower reads the first end token.
            if let end = body.firstIndex(of: tokenizer.endToken) { body = Array(body[..<end]) }
            if body.count + 2 > window {
                // The sentence's last token, mostly a full stop, stays.
                let kept = max(0, window - 3)
                warnings.append(
                    "the name of class \"\(name)\" is too long for the text tower: its sentence has \(body.count + 2) tokens of \(window) and was shortened")
                body = Array(body.prefix(kept)) + body.suffix(1)
            }
            tokens.append([tokenizer.startToken] + body + [tokenizer.endToken])
        }
        self.tokens = tokens
        self.warnings = warnings
    }

    /// Sentences of a template in which `{}` stands for the name.
    public init(classNames: [String], template: String, tokenizer: BPETokenizer, window: Int) {
        self.init(classNames: classNames, tokenizer: tokenizer, window: window) {
            template.replacing("{}", with: $0)
        }
    }
}

extension ClassSentences {
    /// The seven templates that were selected for ImageNet (Radford et al., 2021: the notebook "prompt engineering for
    /// ImageNet").
    public static let selectedTemplates = [
        "itap of a {}.", "a bad photo of the {}.", "a origami {}.", "a photo of the large {}.", "a {} in a video game.",
        "art of the {}.", "a photo of the small {}.",
    ]

    /// Several sentences for each class, those of a class one after the other, as `Scorer` averages them.
    public init(classNames: [String], templates: [String], tokenizer: BPETokenizer, window: Int) {
        let each = templates.map {
            ClassSentences(classNames: classNames, template: $0, tokenizer: tokenizer, window: window)
        }
        tokens = classNames.indices.flatMap { index in each.map { $0.tokens[index] } }
        warnings = each.flatMap(\.warnings)
    }

    /// The sentences of `classNames` under a session's method: the template or the ensemble of zero-shot CLIP, the fixed or
    /// stand-in words of the others.
    public init(classNames: [String], spec: SessionSpec, tokenizer: BPETokenizer, window: Int) {
        guard spec.method.name == .zeroshot else {
            let words = PromptWords(spec.method, tokenizer: tokenizer)
            self.init(classNames: classNames, tokenizer: tokenizer, window: window, sentence: words.sentence)
            return
        }
        let templates: [String]
        switch spec.method.ensemble {
        case .none: templates = [spec.data.template]
        case .selected: templates = Self.selectedTemplates
        case .selectedAndOwn: templates = Self.selectedTemplates + [spec.data.template]
        }
        self.init(classNames: classNames, templates: templates, tokenizer: tokenizer, window: window)
    }
}

extension ClassSentences {
    /// Whether the learned context leaves room for the class names.
    ///
    /// Names that are too long beside the reference's four words as well are no matter of the context: they are shortened.
    ///
    /// - Throws: `TrainingError.contextTooLong` with the classes whose sentences would be cut.
    public static func checkRoom(_ classNames: [String], method: MethodSpec, tokenizer: BPETokenizer, window: Int) throws {
        guard method.name != .zeroshot, method.name != .vision else { return }
        let prefix = tokenizer.encode(PromptWords(method, tokenizer: tokenizer).prefix).count
        let usual = min(prefix, tokenizer.encode(MethodSpec().initialWords).count)
        // Start token, name, full stop and end token.
        let rest = classNames.map { 2 + tokenizer.encode("\($0).").count }
        let cut = classNames.indices.filter { prefix + rest[$0] > window && usual + rest[$0] <= window }
        guard !cut.isEmpty else { return }
        throw TrainingError.contextTooLong(
            context: method.context, window: window, classes: cut.map { classNames[$0] },
            largest: window - (cut.map { rest[$0] }.max() ?? 0))
    }
}

/// What a method with word prompts starts from, and the words that stand in its sentences.
public struct PromptWords: Sendable, Equatable {
    /// "a photo of a", or "X X" for tokens that start from random values.
    public let prefix: String
    public let initial: InitialContext

    /// Words start the context when there are enough of them, as in the reference; otherwise it is random and as many X
    /// stand in for it. Words that are left over stay in the sentence. Vision prompting learns no words: its sentence is
    /// "a photo of a NAME." unless method.init says otherwise.
    public init(_ method: MethodSpec, tokenizer: BPETokenizer) {
        let words = method.initialWords.replacing("_", with: " ")
        if method.name == .vision {
            prefix = words.isEmpty ? MethodSpec().initialWords : words
            initial = .random
            return
        }
        let ids = tokenizer.encode(words)
        if ids.count >= method.context, !ids.isEmpty {
            prefix = words
            initial = .words(Array(ids.prefix(method.context)))
        } else {
            prefix = Array(repeating: "X", count: method.context).joined(separator: " ")
            initial = .random
        }
    }

    /// The sentence of one class.
    public func sentence(_ name: String) -> String { "\(prefix) \(name)." }
}

extension PromptMethod {
    /// - Parameter classes: how many classes are trained; class-specific contexts need it.
    /// - Throws: `TrainingError.classesUnknown`.
    public init(_ spec: MethodSpec, classes: Int? = nil) throws {
        let own = PromptSize(context: spec.context, depth: spec.depth)
        switch spec.name {
        case .zeroshot: self = .zeroshot
        case .coop:
            if spec.classSpecific, classes == nil { throw TrainingError.classesUnknown }
            let position: NamePosition =
                switch spec.position {
                case .end: .end
                case .middle: .middle
                case .front: .front
                }
            self = .coop(context: spec.context, position: position, classes: spec.classSpecific ? classes : nil)
        case .cocoop: self = .cocoop(context: spec.context)
        case .vision: self = .vision(own)
        case .language: self = .language(own)
        case .independent:
            self = .independent(
                text: own,
                vision: PromptSize(context: spec.visionContext ?? spec.context, depth: spec.visionDepth ?? spec.depth))
        case .maple: self = .maple(context: spec.context, depth: spec.depth)
        }
    }
}
