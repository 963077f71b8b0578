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

/// What a method with word prompts starts from, and the words that stand in its sentences.
public struct PromptWords: Sendable, Equatable {
    /// "a photo of a", or "X X" for tokens that start from random values.
    public let prefix: String
    public let initial: InitialContext

    /// Words start the context when there are enough of them, as in the reference; otherwise it is random and as many X
    /// stand in for it.
    public init(_ method: MethodSpec, tokenizer: BPETokenizer) {
        let ids = tokenizer.encode(method.initialWords.replacing("_", with: " "))
        if ids.count >= method.context, !ids.isEmpty {
            prefix = method.initialWords.replacing("_", with: " ")
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
    /// - Throws: `TrainingError.methodNotBuilt`.
    public init(_ spec: MethodSpec) throws {
        switch spec.name {
        case .zeroshot: self = .zeroshot
        case .maple: self = .maple(context: spec.context, depth: spec.depth)
        default: throw TrainingError.methodNotBuilt(spec.name.rawValue)
        }
    }
}
