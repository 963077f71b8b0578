/// Learned prompts as the reference implementations keep them, told apart by the names and shapes of their tensors.
///
///     let file = try PromptCheckpoint(path: "MultiModalPromptLearner/model.pth.tar-5")
///     print(file.method, file.context, file.depth, file.epoch ?? 0)      // maple 2 9 5
///
/// Read are whole training checkpoints (whose frozen weights, fixed words and optimiser state are set apart), files that hold
/// the trained tensors alone in any floating-point type, and this program's own. Nothing is taken silently: a tensor that
/// the method needs and that is missing, misshapen or not finite is an error, and so is one that belongs to no method.
public struct PromptCheckpoint: Sendable {
    public enum Method: String, Sendable {
        case coop, cocoop, vision, language, independent, maple
    }

    public let path: String
    /// The kind of file, in words.
    public let container: String
    public let method: Method
    /// Learned tokens per depth: of the text tower, or of the vision tower where the text tower has none.
    public let context: Int
    public let depth: Int
    /// Of the vision tower, where both towers have their own.
    public let visionContext: Int?
    public let visionDepth: Int?
    /// Classes that have contexts of their own.
    public let classes: Int?
    /// Epochs trained.
    public let epoch: Int?
    /// The trained tensors under the reference's names in its whole model, in the order of `expected`.
    public let tensors: [StoredTensor]
    /// Weights of the CLIP that the file carries along, under OpenAI's names behind `image_encoder.` and `text_encoder.`.
    public let frozen: [StoredTensor]
    /// Embeddings of each class's words after the learned ones, (classes, places, width).
    public let suffix: StoredTensor?
    /// What this program noted when it wrote the file.
    public let metadata: [String: String]

    /// Opens `path`. Throws `FormatError` naming the tensor at fault, with its shapes.
    public init(path: String) throws(FormatError) {
        try self.init(WeightsFile(path: path))
    }

    public init(_ file: WeightsFile) throws(FormatError) {
        switch Architecture(file) {
        case .huggingFace, .openAI: throw .prompts(path: file.path, .model)
        default: break
        }
        let sorted = try PromptNames(file)
        path = file.path
        container = file.container
        frozen = sorted.frozen
        suffix = sorted.suffix
        metadata = PromptNotes.read(file)
        epoch = file.root?["epoch"]?.integer ?? file.metadata["epoch"].flatMap { Int($0) }
        let plan = try PromptPlan(sorted.trained, path: file.path)
        method = plan.method
        context = plan.context
        depth = plan.depth
        visionContext = plan.visionContext
        visionDepth = plan.visionDepth
        classes = plan.classes

        let missing = plan.expected.filter { sorted.trained[$0.name] == nil }
        if let first = missing.first {
            throw .prompts(path: path, .missing(name: first.name, shape: first.shape, method: plan.method.rawValue))
        }
        let wanted = Set(plan.expected.map(\.name))
        if let extra = sorted.trained.keys.sorted().first(where: { !wanted.contains($0) }) {
            throw .prompts(path: path, .extra(name: extra, method: plan.method.rawValue))
        }
        var tensors: [StoredTensor] = []
        for (name, shape) in plan.expected {
            guard let tensor = sorted.trained[name] else { continue }
            guard tensor.shape == shape else { throw .prompts(path: path, .wrongShape(name: name, expected: shape, found: tensor.shape)) }
            guard tensor.type.isFloat else { throw .weights(path: path, .notFloat(name: name, type: tensor.type)) }
            guard tensor.isFinite else { throw .weights(path: path, .notFinite(name: name)) }
            tensors.append(tensor)
        }
        self.tensors = tensors
    }

    public var parameterCount: Int { tensors.reduce(0) { $0 + $1.count } }
}

/// What this program notes beside the tensors of a file in the reference's layout, which has no place for it: the words, where the
/// class name stands, and the sentences of class-specific contexts. Other readers pass over it.
public enum PromptNotes {
    private static let keys = ["init", "position", "sentences"]
    private static let prefix = "maple_"

    /// A file's notes as plain values of a PyTorch file.
    public static func values(_ metadata: [String: String]) -> [(key: String, value: PyTorchWriter.Value)] {
        var notes = metadata
        let method = metadata["method"].flatMap(PromptCheckpoint.Method.init(rawValue:))
        // A place that is not noted is the end; only CoOp has a choice of it. Vision prompts go with any words.
        notes["position"] = method == .coop ? metadata["position"] ?? "end" : nil
        if method == .vision { notes["init"] = nil }
        return keys.compactMap { key in notes[key].map { (prefix + key, .text($0)) } }
    }

    static func read(_ file: WeightsFile) -> [String: String] {
        guard let root = file.root else { return file.metadata }
        return Dictionary(uniqueKeysWithValues: keys.compactMap { key in root[prefix + key]?.text.map { (key, $0) } })
    }
}

/// The tensors of a file of prompts, sorted by what they are.
private struct PromptNames {
    var trained: [String: StoredTensor] = [:]
    var frozen: [StoredTensor] = []
    var suffix: StoredTensor?

    init(_ file: WeightsFile) throws(FormatError) {
        for name in file.names {
            guard let tensor = file[name] else { continue }
            // This program's own checkpoints keep the optimiser's momentum beside the values.
            if name.hasPrefix("momentum/") { continue }
            let bare = name.hasPrefix("prompt_learner.") ? String(name.dropFirst("prompt_learner.".count)) : name
            if bare == "token_suffix" { suffix = tensor }
            if bare == "token_suffix" || bare == "token_prefix" || bare == "token_middle" { continue }
            if name.hasSuffix(".VPT") || name.hasSuffix(".VPT_shallow") {
                trained[name] = tensor
            } else if name.hasPrefix("image_encoder.") || name.hasPrefix("text_encoder.") || name == "logit_scale" {
                frozen.append(tensor)
            } else if name.hasPrefix("prompt_learner.") || Self.isLearner(bare) {
                trained["prompt_learner." + bare] = tensor.renamed("prompt_learner." + bare)
            } else {
                throw .prompts(path: file.path, .extra(name: name, method: nil))
            }
        }
    }

    private static func isLearner(_ name: String) -> Bool {
        name == "ctx" || ["meta_net.", "proj.", "compound_prompts_text.", "compound_prompt_projections."].contains { name.hasPrefix($0) }
    }
}

/// Which method a set of trained tensors belongs to, and what it needs.
private struct PromptPlan {
    var method: PromptCheckpoint.Method
    var context = 0
    var depth = 1
    var visionContext: Int?
    var visionDepth: Int?
    var classes: Int?
    var expected: [(name: String, shape: [Int])] = []

    init(_ trained: [String: StoredTensor], path: String) throws(FormatError) {
        let learner = "prompt_learner."
        func any(_ prefix: String) -> Bool { trained.keys.contains { $0.hasPrefix(prefix) } }
        /// The number of blocks, from 0, up to the last that has a tensor.
        func blocks(_ prefix: String, _ ending: String = "") -> Int {
            var count = 0
            for name in trained.keys where name.hasPrefix(prefix) && name.hasSuffix(ending) {
                if let number = Int(name.dropFirst(prefix.count).prefix { $0 != "." }), number >= 0, number < 1024 { count = max(count, number + 1) }
            }
            return count
        }
        func shape(_ name: String, ranks: ClosedRange<Int>, method: PromptCheckpoint.Method) throws(FormatError) -> [Int] {
            guard let tensor = trained[name] else {
                throw .prompts(path: path, .missing(name: name, shape: nil, method: method.rawValue))
            }
            guard ranks.contains(tensor.shape.count), tensor.shape.allSatisfy({ $0 > 0 }) else {
                throw .weights(path: path, .wrongRank(name: name, rank: ranks.lowerBound, found: tensor.shape))
            }
            return tensor.shape
        }
        let seen = "image_encoder.transformer.resblocks.", read = "text_encoder.transformer.resblocks."
        let hasVision = any("image_encoder."), hasText = any("text_encoder.")
        if any(learner + "proj.") || any(learner + "compound_") {
            method = .maple
            let ctx = try shape(learner + "ctx", ranks: 2...2, method: .maple)
            let bias = try shape(learner + "proj.bias", ranks: 1...1, method: .maple)
            depth = 1 + max(blocks(learner + "compound_prompts_text."), blocks(learner + "compound_prompt_projections."))
            context = ctx[0]
            expected = [(learner + "ctx", ctx)]
            expected += (1..<depth).map { (learner + "compound_prompts_text.\($0 - 1)", ctx) }
            for k in 0..<depth {
                let name = learner + (k == 0 ? "proj" : "compound_prompt_projections.\(k - 1)")
                expected += [(name + ".weight", [bias[0], ctx[1]]), (name + ".bias", bias)]
            }
        } else if any(learner + "meta_net.") {
            method = .cocoop
            let ctx = try shape(learner + "ctx", ranks: 2...2, method: .cocoop)
            let first = try shape(learner + "meta_net.linear1.weight", ranks: 2...2, method: .cocoop)
            context = ctx[0]
            expected = [
                (learner + "ctx", ctx), (learner + "meta_net.linear1.weight", first), (learner + "meta_net.linear1.bias", [first[0]]),
                (learner + "meta_net.linear2.weight", [ctx[1], first[0]]), (learner + "meta_net.linear2.bias", [ctx[1]]),
            ]
        } else if hasVision || hasText {
            let isVision = hasVision && !hasText && !any(learner)
            method = isVision ? .vision : hasVision ? .independent : .language
            if !isVision {
                let ctx = try shape(learner + "ctx", ranks: 2...2, method: method)
                (context, depth) = (ctx[0], max(1, blocks(read, ".VPT_shallow")))
                expected = [(learner + "ctx", ctx)] + (1..<depth).map { ("\(read)\($0).VPT_shallow", ctx) }
            }
            if hasVision {
                let first = try shape("image_encoder.VPT", ranks: 2...2, method: method)
                let own = max(1, blocks(seen, ".VPT_shallow"))
                expected += [("image_encoder.VPT", first)] + (1..<own).map { ("\(seen)\($0).VPT_shallow", first) }
                if isVision { (context, depth) = (first[0], own) } else { (visionContext, visionDepth) = (first[0], own) }
            }
        } else {
            method = .coop
            let ctx = try shape(learner + "ctx", ranks: 2...3, method: .coop)
            if ctx.count == 3 { classes = ctx[0] }
            context = ctx[ctx.count - 2]
            expected = [(learner + "ctx", ctx)]
        }
        guard depth <= 1024 else { throw .prompts(path: path, .extra(name: "block \(depth)", method: method.rawValue)) }
    }
}

extension PromptCheckpoint {
    /// The CLIP weights that the file carries along, under Hugging Face's names; nil where it has none.
    ///
    /// - Throws: `FormatError.weights` naming a tensor that no CLIP has.
    public func frozenWeights() throws(FormatError) -> (any WeightSource)? {
        guard !frozen.isEmpty else { return nil }
        return try OpenAINames(TensorList(path: path, tensors: frozen), text: "text_encoder.", vision: "image_encoder.")
    }
}

/// Tensors that were picked from a file.
private struct TensorList: WeightSource {
    let path: String
    let names: [String]
    private let tensors: [String: StoredTensor]

    init(path: String, tensors: [StoredTensor]) {
        self.path = path
        names = tensors.map(\.name)
        self.tensors = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
    }

    subscript(name: String) -> StoredTensor? { tensors[name] }
}
