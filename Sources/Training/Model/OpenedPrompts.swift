import Engine
import Formats
import RunModel

/// A checkpoint of prompts on the model it belongs to, ready to score.
///
/// Shapes are checked against the model, and the CLIP weights that a whole training checkpoint carries along against the
/// model's own. Such a checkpoint also keeps the embeddings of its sentences: the words after the learned tokens, and with
/// them the class names, are read back from these.
public struct OpenedPrompts {
    public let prompts: LearnedPrompts
    public let method: MethodSpec
    /// Epochs trained; 0 where the file does not say.
    public let epoch: Int
    public let step: Int
    /// The classes it was trained on, where they can be read back.
    public let classNames: [String]?
    /// What had to be assumed; a line each.
    public let notes: [String]

    /// What the file does not say.
    public struct Given: Sendable {
        /// Words that stand in the sentence: those that the context started from, with those that follow it.
        public var words: String?
        /// CoOp: where the class name stands.
        public var position: NamePlace?

        public init(words: String? = nil, position: NamePlace? = nil) {
            self.words = words
            self.position = position
        }
    }

    /// - Throws: `FormatError.prompts` naming a tensor with both its shapes, `TrainingError.otherModel`, `EngineError`.
    public init(_ file: PromptCheckpoint, model: ModelFolder, given: Given = Given()) throws {
        let noted = file.metadata
        if noted["maple"] != nil {
            let (prompts, state) = try Checkpoint.open(path: file.path, model: model)
            self.prompts = prompts
            (method, epoch, step) = (state.method, state.epoch, state.step)
            (classNames, notes) = (nil, [])
            return
        }
        if let fingerprint = noted["model"], fingerprint != model.fingerprint {
            throw TrainingError.otherModel(path: file.path, model: model.path, tensor: nil)
        }
        try Self.compareFrozen(file, model)
        var notes: [String] = []
        if given.position != nil, file.method != .coop {
            throw FormatError.prompts(
                path: file.path,
                .contradiction("the class name has no choice of places in \(file.method.rawValue), and --position names one"))
        }
        var spec = MethodSpec(
            name: MethodName(rawValue: file.method.rawValue) ?? .maple, context: file.context, depth: file.depth,
            position: .end, classSpecific: file.classes != nil, visionContext: file.visionContext, visionDepth: file.visionDepth)
        if spec.name == .coop {
            // This program notes a place that is not the end.
            let own = noted["position"].flatMap(NamePlace.init(rawValue:)) ?? (noted["method"] == nil ? nil : .end)
            let known = own ?? given.position
            if let own, let asked = given.position, asked != own {
                throw FormatError.prompts(
                    path: file.path, .contradiction("the class name stands at its \(own.rawValue), and --position says \(asked.rawValue)"))
            }
            spec.position = known ?? .end
            if known == nil { notes.append("the class name is taken to stand at the end of the sentence; the file does not say (--position)") }
        }
        let sentences = Self.sentences(file, model)
        if let words = given.words {
            try Self.checkWords(words, spec, noted["init"], sentences, file, model)
            spec.initialWords = words
        } else {
            spec.initialWords = noted["init"] ?? Self.words(spec, sentences, model, &notes)
        }
        let words = PromptWords(spec, tokenizer: model.tokenizer)
        prompts = try LearnedPrompts(
            clip: model.clip, method: PromptMethod(spec, classes: file.classes), initial: words.initial, seed: 1)
        for tensor in prompts.trainable {
            guard let stored = file.tensors.first(where: { $0.name == tensor.name }) else {
                throw FormatError.prompts(path: file.path, .missing(name: tensor.name, shape: tensor.shape, method: file.method.rawValue))
            }
            guard stored.shape == tensor.shape else {
                throw FormatError.prompts(path: file.path, .wrongShape(name: tensor.name, expected: tensor.shape, found: stored.shape))
            }
            try stored.copyFloats(into: tensor.value)
            _ = tensor.initial.update(fromContentsOf: tensor.value)
        }
        if let classes = file.classes {
            guard let own = Self.noted(noted["sentences"]) ?? sentences.map({ Self.whole($0, spec.context, model) }), own.count == classes else {
                throw TrainingError.checkpoint(
                    path: file.path,
                    what: "each class has its own context, and the sentences of its classes cannot be read back. Use the whole training checkpoint.")
            }
            try prompts.bind(to: own)
        }
        method = spec
        epoch = file.epoch ?? 0
        step = noted["step"].flatMap { Int($0) } ?? 0
        classNames = sentences.map { Self.names($0, words, spec.context, model) }
        self.notes = notes
    }

    // MARK: The model

    /// The frozen weights in the file must be those of the model: at least to the precision of half floats, and looked at in
    /// up to 4096 places of each tensor.
    private static func compareFrozen(_ file: PromptCheckpoint, _ model: ModelFolder) throws {
        guard let frozen = try file.frozenWeights() else { return }
        for name in frozen.names {
            guard let theirs = frozen[name], let ours = model.files.weights[name], theirs.type.isFloat else { continue }
            guard theirs.shape == ours.shape || theirs.count == 1 && ours.count == 1 else {
                throw TrainingError.otherModel(path: file.path, model: model.path, tensor: name)
            }
            let a = theirs.samples(4096), b = ours.samples(4096)
            let size = b.reduce(0) { max($0, abs($1)) }
            let apart = zip(a, b).reduce(Float(0)) { $1.0.isFinite ? max($0, abs($1.0 - $1.1)) : .infinity }
            guard apart <= 2e-3 * size + 1e-5 else {
                throw TrainingError.otherModel(path: file.path, model: model.path, tensor: name)
            }
        }
    }

    // MARK: Sentences

    /// The tokens of each class after the learned ones, up to the end token, without it; nil where they cannot be read back.
    private static func sentences(_ file: PromptCheckpoint, _ model: ModelFolder) -> [[Int32]]? {
        let width = model.clip.shape.text.width
        guard let suffix = file.suffix, suffix.shape.count == 3, suffix.shape[2] == width, suffix.shape[1] > 0,
            let rows = try? suffix.floats(),
            let embedding = try? model.files.weights.tensor("text_model.embeddings.token_embedding.weight").floats()
        else { return nil }
        let tokens = TokenRows(embedding: embedding, width: width)
        var known: [ArraySlice<Float>: Int32] = [:]
        var result: [[Int32]] = []
        for one in 0..<suffix.shape[0] {
            var ids: [Int32] = []
            var found = false
            for place in 0..<suffix.shape[1] {
                let start = (one * suffix.shape[1] + place) * width
                let row = rows[start..<start + width]
                guard let id = known[row] ?? tokens.token(of: row) else { return nil }
                known[row] = id
                if id == model.tokenizer.endToken {
                    found = true
                    break
                }
                ids.append(id)
            }
            guard found else { return nil }
            result.append(ids)
        }
        return result
    }

    /// Words that are given must be those of the file, as far as it holds them.
    private static func checkWords(
        _ given: String, _ spec: MethodSpec, _ noted: String?, _ sentences: [[Int32]]?, _ file: PromptCheckpoint, _ model: ModelFolder
    ) throws {
        func contradiction(_ own: String) -> FormatError {
            .prompts(path: file.path, .contradiction("\(own), and --init \"\(given)\" says otherwise"))
        }
        // Contexts of each class's own are found again by the words they started from.
        if let own = noted ?? (spec.classSpecific ? standIns(spec.context) : nil) {
            if own == given { return }
            throw contradiction("its context started from \"\(own)\"")
        }
        let left = model.tokenizer.encode(given).dropFirst(spec.context)
        guard let other = sentences?.first(where: { !$0.starts(with: left) }) else { return }
        throw contradiction("\"\(model.tokenizer.decode(other).trimmed)\" follows its \(spec.context) learned tokens")
    }

    /// What the reference writes for learned tokens that start from no words.
    private static func standIns(_ count: Int) -> String { Array(repeating: "X", count: count).joined(separator: " ") }

    /// The words that the context is taken to have started from: the usual ones, unless the sentences say otherwise.
    private static func words(
        _ spec: MethodSpec, _ sentences: [[Int32]]?, _ model: ModelFolder, _ notes: inout [String]
    ) -> String {
        // The reference gives each class its own context only where no words are given.
        if spec.classSpecific { return standIns(spec.context) }
        let usual = MethodSpec().initialWords
        let left = Array(model.tokenizer.encode(usual).dropFirst(spec.context))
        guard !left.isEmpty, spec.name != .vision else { return usual }
        guard let sentences else {
            notes.append("\"\(model.tokenizer.decode(left).trimmed)\" is taken to follow the \(spec.context) learned tokens, as after \"\(usual)\"; the file does not say (--init)")
            return usual
        }
        if sentences.allSatisfy({ $0.starts(with: left) }) { return usual }
        return ""
    }

    private static func names(_ sentences: [[Int32]], _ words: PromptWords, _ context: Int, _ model: ModelFolder) -> [String] {
        let left = model.tokenizer.encode(words.prefix).count - context
        return sentences.map { model.tokenizer.decode(Array($0.dropFirst(max(0, left)).dropLast())).trimmed }
    }

    /// Whole sentences with stand-ins for the learned tokens.
    private static func whole(_ sentences: [[Int32]], _ context: Int, _ model: ModelFolder) -> [[Int32]] {
        let standIn = model.tokenizer.encode("X").first ?? 0
        return sentences.map {
            [model.tokenizer.startToken] + Array(repeating: standIn, count: context) + $0 + [model.tokenizer.endToken]
        }
    }

    private static func noted(_ text: String?) -> [[Int32]]? {
        text.map { $0.split(separator: ";").map { $0.split(separator: " ").compactMap { Int32($0) } } }
    }
}

extension String {
    fileprivate var trimmed: String { split(separator: " ").joined(separator: " ") }
}
