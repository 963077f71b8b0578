import Files

extension CLIPConfiguration {
    /// Reads a Hugging Face `config.json`. Throws `FormatError` naming the file and the key at fault, or the architecture it
    /// describes when that is no CLIP.
    public init(path: String) throws(FormatError) {
        try self.init(ConfigurationSection(path: path, prefix: "", members: try JSONValue.load(path: path)))
    }

    init(_ root: ConfigurationSection) throws(FormatError) {
        try Self.checkKind(root)
        let text = try Self.tower(root, "text_config")
        let vision = try Self.tower(root, "vision_config")
        let sides = 1...16_384
        try self.init(
            text: Self.transformer(text, width: 512, feedForward: 2048, heads: 8),
            vision: Self.transformer(vision, width: 768, feedForward: 3072, heads: 12),
            contextLength: text.integer("max_position_embeddings", default: 77, in: 3...65_536),
            vocabularySize: text.integer("vocab_size", default: 49408, in: 1...(1 << 24)),
            endToken: text.integer("eos_token_id", default: 49407, in: 0...(1 << 24)),
            imageSize: vision.integer("image_size", default: 224, in: sides),
            patchSize: vision.integer("patch_size", default: 32, in: sides),
            embeddingWidth: root.integer("projection_dim", default: 512, in: 1...65_536),
            initialLogitScale: root.real("logit_scale_init_value", default: 2.6592, in: -100...100))
        poolsAtLargestID = endToken == 2
        let channels = try vision.integer("num_channels", default: 3, in: 1...1024)
        guard channels == 3 else { throw vision.problem("num_channels", .whole(channels), wanted: "3") }
        guard imageSize % patchSize == 0 else {
            throw vision.problem("image_size", .whole(imageSize), wanted: "a multiple of patch_size (\(patchSize))")
        }
        guard patches < 1 << 20 else {
            throw vision.problem("patch_size", .whole(patchSize), wanted: "large enough for less than 1,048,576 patches")
        }
        guard poolsAtLargestID || endToken < vocabularySize else {
            throw text.problem("eos_token_id", .whole(endToken), wanted: "below vocab_size (\(vocabularySize))")
        }
    }

    /// Throws where the file names a kind of model that is no CLIP; what else it says is not looked at.
    static func refuseOtherKind(path: String) throws(FormatError) {
        let root = ConfigurationSection(path: path, prefix: "", members: try JSONValue.load(path: path))
        if case .string = root["model_type"] { try checkKind(root) }
    }

    /// Refuses what is no CLIP, and says what it is.
    private static func checkKind(_ root: ConfigurationSection) throws(FormatError) {
        if let kind = try root.text("peft_type") {
            throw .configuration(path: root.path, .adapter(kind: kind, base: try root.text("base_model_name_or_path")))
        }
        if root["model_cfg"] != nil { throw .configuration(path: root.path, .otherModel(kind: "open_clip's, without open_clip_config.json")) }
        if let kind = try root.text("model_type"), kind != "clip" {
            let alone = ["clip_text_model": "text", "clip_vision_model": "vision"][kind]
            if let alone { throw .configuration(path: root.path, .otherModel(kind: "the \(alone) tower of a CLIP alone")) }
            throw .configuration(path: root.path, .otherModel(kind: "\(kind) model"))
        }
        guard root["model_type"] == nil else { return }
        for key in ["text_config", "vision_config"] where root[key] == nil && root["\(key)_dict"] == nil {
            throw .configuration(path: root.path, .missingKey(key))
        }
    }

    /// The object of one tower. A legacy `..._dict` twin, where it is not null, replaces it, as in the library that wrote it.
    private static func tower(_ root: ConfigurationSection, _ key: String) throws(FormatError) -> ConfigurationSection {
        if let twin = try root.section("\(key)_dict") { return twin }
        if let section = try root.section(key) { return section }
        return ConfigurationSection(path: root.path, prefix: "\(key).", members: .object([:]))
    }

    private static func transformer(
        _ section: ConfigurationSection, width: Int, feedForward: Int, heads: Int
    ) throws(FormatError) -> Tower {
        let tower = try Tower(
            width: section.integer("hidden_size", default: width, in: 1...65_536),
            feedForwardWidth: section.integer("intermediate_size", default: feedForward, in: 1...(1 << 20)),
            layers: section.integer("num_hidden_layers", default: 12, in: 1...1024),
            heads: section.integer("num_attention_heads", default: heads, in: 1...4096),
            activation: activation(section),
            layerNormEpsilon: section.real("layer_norm_eps", default: 1e-5, in: 0...1))
        guard tower.width % tower.heads == 0 else {
            throw section.problem(
                "hidden_size", .whole(tower.width), wanted: "a multiple of num_attention_heads (\(tower.heads))")
        }
        return tower
    }

    private static func activation(_ section: ConfigurationSection) throws(FormatError) -> Activation {
        switch try section.text("hidden_act") ?? "quick_gelu" {
        case "quick_gelu": return .quickGELU
        // Both are the exact error-function form; the tanh approximations have other names.
        case "gelu", "gelu_python": return .gelu
        case let name:
            throw .configuration(path: section.path, .activation(key: section.prefix + "hidden_act", name: name))
        }
    }
}
