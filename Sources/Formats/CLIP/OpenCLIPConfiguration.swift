import Files

/// The model and its preprocessing as `open_clip_config.json` tells them.
///
/// Source: open_clip's model configurations. Only what a CLIP of two plain transformers needs is known; parts that would
/// change its computation (timm and Hugging Face towers, pooling by attention and others) are refused by name.
struct OpenCLIPConfiguration {
    let path: String
    private let model: ConfigurationSection
    private let text: ConfigurationSection
    private let vision: ConfigurationSection
    let preprocessing: ImagePreprocessing
    let activation: CLIPConfiguration.Activation
    /// Whether the file names the activation; where it does not, open_clip takes gelu.
    let saysActivation: Bool
    /// Settings that are not known, in a line.
    let notes: [String]

    init(path: String) throws(FormatError) {
        self.path = path
        let root = ConfigurationSection(path: path, prefix: "", members: try JSONValue.load(path: path))
        // A bare model configuration has no outer object.
        let model: ConfigurationSection
        if let inner = try root.section("model_cfg") { model = inner } else { model = root }
        guard let text = try model.section("text_cfg") else { throw .configuration(path: path, .missingKey("model_cfg.text_cfg")) }
        guard let vision = try model.section("vision_cfg") else { throw .configuration(path: path, .missingKey("model_cfg.vision_cfg")) }
        (self.model, self.text, self.vision) = (model, text, vision)
        saysActivation = model["quick_gelu"] != nil
        activation = try model.bool("quick_gelu", default: false) ? .quickGELU : .gelu
        try Self.refuseOtherTowers(vision, text, model)
        notes = Self.unknown([vision, text])
        let size = try Self.imageSize(vision)
        preprocessing = try Self.preprocessing(root, imageSize: size)
    }

    private static func refuseOtherTowers(
        _ vision: ConfigurationSection, _ text: ConfigurationSection, _ model: ConfigurationSection
    ) throws(FormatError) {
        func other(_ kind: String) -> FormatError { .configuration(path: vision.path, .otherModel(kind: kind)) }
        if let name = try vision.text("timm_model_name") { throw other("CLIP with the timm vision tower \(name)") }
        if let name = try text.text("hf_model_name") { throw other("CLIP with the text tower \(name)") }
        if case .array = vision["layers"] { throw other("CLIP with a ResNet (only vision transformers are prompted)") }
        if model["multimodal_cfg"] != nil { throw other("CoCa model") }
        for key in Self.otherVision where isSet(vision, key) { throw other("CLIP whose vision_cfg sets \(key)") }
        for key in Self.otherText where isSet(text, key) { throw other("CLIP whose text_cfg sets \(key)") }
        // A text cleaned in another way has other tokens; "lower" is CLIP's own.
        if let clean = try text.section("tokenizer_kwargs")?.text("clean"), clean != "lower" {
            throw other("CLIP whose texts are cleaned by '\(clean)'")
        }
        if let name = try text.text("hf_tokenizer_name"), !name.isEmpty, !name.lowercased().contains("clip") {
            throw other("CLIP with the tokenizer '\(name)'")
        }
        for (section, key, standard) in [
            (vision, "pool_type", "tok"), (text, "pool_type", "argmax"), (vision, "pos_embed_type", "learnable"),
            (text, "proj_type", "linear"),
        ] {
            if let value = try section.text(key), value != standard { throw other("CLIP with \(section.prefix)\(key) '\(value)'") }
        }
    }

    /// What would change the computation, of either tower and of one.
    private static let otherBoth = [
        "act_kwargs", "final_ln_after_pool", "ls_init_value", "qk_norm", "scale_attn", "scale_attn_inner", "scale_fc", "scale_heads",
        "scaled_cosine_attn",
    ]
    private static let otherVision = otherBoth + ["attentional_pool", "global_average_pool", "input_patchnorm", "no_ln_pre"]
    private static let otherText = otherBoth + ["embed_cls", "no_causal_mask", "proj_bias"]
    /// What is read, belongs to training or to towers of other kinds, or says what is computed anyway.
    private static let known: Set<String> = [
        "layers", "width", "heads", "head_width", "mlp_ratio", "patch_size", "image_size", "patch_dropout", "output_tokens", "norm_kwargs", "pool_type",
        "pos_embed_type", "attn_pooler_queries", "attn_pooler_heads", "attn_type", "context_length", "vocab_size", "tokenizer_kwargs", "hf_tokenizer_name",
        "tokenizer_mode", "pad_id", "eos_id", "proj_type", "text_mask", "correct_cls_mask", "block_type",
    ]

    private static func unknown(_ sections: [ConfigurationSection]) -> [String] {
        let keys = sections.flatMap { section -> [String] in
            guard case .object(let members) = section.members else { return [] }
            return members.keys.filter { key in
                !known.contains(key) && !key.hasPrefix("timm_") && !key.hasPrefix("hf_") && isSet(section, key)
            }.map { section.prefix + $0 }
        }
        guard !keys.isEmpty else { return [] }
        return ["open_clip_config.json sets what is not known here and is passed over: \(keys.sorted().joined(separator: ", ").printable)"]
    }

    /// Whether a switch is on; numbers above zero and objects count.
    private static func isSet(_ section: ConfigurationSection, _ key: String) -> Bool {
        switch section[key] {
        case nil, .bool(false), .whole(0), .real(0): false
        case .object(let members) where members.isEmpty: false
        default: true
        }
    }

    private static func imageSize(_ vision: ConfigurationSection) throws(FormatError) -> Int {
        if case .array(let sides) = vision["image_size"] {
            guard sides.count == 2, sides[0] == sides[1], case .whole(let side) = sides[0], (1...16_384).contains(side) else {
                throw vision.problem("image_size", .array(sides), wanted: "the side of a square")
            }
            return side
        }
        return try vision.integer("image_size", default: 224, in: 1...16_384)
    }

    private static func preprocessing(_ root: ConfigurationSection, imageSize: Int) throws(FormatError) -> ImagePreprocessing {
        var result = ImagePreprocessing(imageSize: imageSize)
        guard let section = try root.section("preprocess_cfg") else { return result }
        switch try section.text("resize_mode") ?? "shortest" {
        case "shortest": break
        case "squash": result.resize = .exact(height: imageSize, width: imageSize)
        case let mode: throw section.problem("resize_mode", .string(mode), wanted: "'shortest' or 'squash'")
        }
        switch try section.text("interpolation") ?? "bicubic" {
        case "bicubic": break
        case "bilinear": result.resampling = .bilinear
        case let filter: throw section.problem("interpolation", .string(filter), wanted: "'bicubic' or 'bilinear'")
        }
        result.mean = try ImagePreprocessing.channels(section, "mean", default: result.mean, in: -1e6...1e6)
        result.deviation = try ImagePreprocessing.channels(section, "std", default: result.deviation, in: 1e-6...1e6)
        return result
    }

    /// The whole configuration; numbers of the weights that contradict it are found when the tensors are checked.
    func configuration() throws(FormatError) -> CLIPConfiguration {
        func tower(_ section: ConfigurationSection, width: Int, heads: (Int) -> Int?) throws(FormatError) -> CLIPConfiguration.Tower {
            let width = try section.integer("width", default: width, in: 1...65_536)
            guard let heads = heads(width), heads > 0, width % heads == 0 else {
                throw section.problem("width", .whole(width), wanted: "a multiple of the width of a head")
            }
            let ratio = try section.real("mlp_ratio", default: 4, in: 0.01...64)
            let norm = try section.section("norm_kwargs")
            return CLIPConfiguration.Tower(
                width: width, feedForwardWidth: Int(Double(width) * ratio),
                layers: try section.integer("layers", default: 12, in: 1...1024), heads: heads, activation: activation,
                layerNormEpsilon: try norm?.real("eps", default: 1e-5, in: 0...1) ?? 1e-5)
        }
        let headWidth = try vision.integer("head_width", default: 64, in: 1...65_536)
        let textHeads = try text.integer("heads", default: 8, in: 1...4096)
        let side = try Self.imageSize(vision)
        let patch = try vision.integer("patch_size", default: 16, in: 1...16_384)
        guard side % patch == 0 else {
            throw vision.problem("image_size", .whole(side), wanted: "a multiple of patch_size (\(patch))")
        }
        let vocabulary = try text.integer("vocab_size", default: 49408, in: 1...(1 << 24))
        return CLIPConfiguration(
            text: try tower(text, width: 512) { _ in textHeads },
            vision: try tower(vision, width: 768) { $0 % headWidth == 0 ? $0 / headWidth : nil },
            contextLength: try text.integer("context_length", default: 77, in: 3...65_536), vocabularySize: vocabulary,
            endToken: vocabulary - 1, poolsAtLargestID: true, imageSize: side, patchSize: patch,
            embeddingWidth: try model.integer("embed_dim", default: 512, in: 1...65_536))
    }
}
