/// Weights under OpenAI's names, shown under Hugging Face's.
///
/// Renaming and cutting the fused query-key-value matrix (3d, d) into its thirds happens in place; the two projections,
/// which OpenAI keeps as (width, embedding), are transposed into memory of their own. Tensors that are no weights
/// (`input_resolution`, `attn_mask` and the like) are left out. Source: the state dictionaries of OpenAI's CLIP and of open_clip.
struct OpenAINames: WeightSource {
    let path: String
    private(set) var names: [String] = []
    private var tensors: [String: StoredTensor] = [:]

    subscript(name: String) -> StoredTensor? { tensors[name] }

    /// - Parameters:
    ///   - text: what stands before the text tower's names, such as `text.`.
    ///   - vision: what stands before the vision tower's, such as `visual.`.
    ///   - ignoring: names that belong to something else.
    /// - Throws: `FormatError.weights` naming a tensor that does not belong to such a model.
    init(
        _ source: some WeightSource, text: String = "", vision: String = "visual.", ignoring: (String) -> Bool = { _ in false }
    ) throws(FormatError) {
        path = source.path
        for name in source.names where !ignoring(name) {
            guard let tensor = source[name] else { continue }
            try add(tensor, name, text: text, vision: vision)
        }
    }

    private mutating func put(_ tensor: StoredTensor) {
        if tensors.updateValue(tensor, forKey: tensor.name) == nil { names.append(tensor.name) }
    }

    private static let notWeights: Set<String> = ["input_resolution", "context_length", "vocab_size", "attn_mask", "eot_token_id", "dtype"]

    private mutating func add(_ tensor: StoredTensor, _ name: String, text: String, vision: String) throws(FormatError) {
        if name == "logit_scale" { return put(tensor.renamed("logit_scale")) }
        let inVision = name.hasPrefix(vision)
        guard inVision || name.hasPrefix(text) else { return try refuseUnlessKnown(name, name) }
        let rest = String(name.dropFirst(inVision ? vision.count : text.count))
        let plain = inVision ? Self.vision : Self.text
        if let known = plain[rest] { return put(tensor.renamed(known)) }
        if rest == (inVision ? "proj" : "text_projection") {
            let target = inVision ? "visual_projection.weight" : "text_projection.weight"
            guard tensor.shape.count == 2 else {
                throw .weights(path: path, .wrongRank(name: name, rank: 2, found: tensor.shape))
            }
            return put(tensor.transposed(name: target))
        }
        let blocks = "transformer.resblocks."
        if rest.hasPrefix(blocks) {
            let parts = rest.dropFirst(blocks.count).split(separator: ".", maxSplits: 1)
            if parts.count == 2, let layer = Int(parts[0]), layer >= 0, layer < 1024 {
                let block = "\(inVision ? "vision" : "text")_model.encoder.layers.\(layer)."
                if let known = Self.block[String(parts[1])] { return put(tensor.renamed(block + known)) }
                if parts[1] == "attn.in_proj_weight" || parts[1] == "attn.in_proj_bias" {
                    return try split(tensor, name, block, parts[1].hasSuffix("weight") ? "weight" : "bias")
                }
            }
        }
        try refuseUnlessKnown(name, rest)
    }

    /// What is no weight is passed over; a weight that is not known would change the model's answers.
    private func refuseUnlessKnown(_ name: String, _ rest: String) throws(FormatError) {
        if Self.notWeights.contains(rest) || rest.hasSuffix("attn_mask") || rest.hasSuffix("position_ids") { return }
        throw .weights(path: path, .unknownTensor(name: name))
    }

    /// (3d, d) or (3d) into the thirds of query, key and value.
    private mutating func split(_ tensor: StoredTensor, _ name: String, _ block: String, _ part: String) throws(FormatError) {
        guard let rows = tensor.shape.first, rows > 0, rows % 3 == 0 else {
            throw .weights(path: path, .notThreefold(name: name, found: tensor.shape))
        }
        let third = rows / 3
        for (index, letter) in ["q", "k", "v"].enumerated() {
            put(tensor.rows(index * third..<(index + 1) * third, name: "\(block)self_attn.\(letter)_proj.\(part)"))
        }
    }

    private static let text = [
        "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "ln_final.weight": "text_model.final_layer_norm.weight", "ln_final.bias": "text_model.final_layer_norm.bias",
        "text_projection.weight": "text_projection.weight",
    ]

    // The misspelling is the name in every published file.
    private static let vision = [
        "class_embedding": "vision_model.embeddings.class_embedding",
        "positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "ln_pre.weight": "vision_model.pre_layrnorm.weight", "ln_pre.bias": "vision_model.pre_layrnorm.bias",
        "ln_post.weight": "vision_model.post_layernorm.weight", "ln_post.bias": "vision_model.post_layernorm.bias",
    ]

    private static let block: [String: String] = {
        let parts = [
            "ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj", "mlp.c_fc": "mlp.fc1",
            "mlp.c_proj": "mlp.fc2",
        ]
        var names: [String: String] = [:]
        for (own, other) in parts {
            for ending in [".weight", ".bias"] { names[own + ending] = other + ending }
        }
        return names
    }()
}
