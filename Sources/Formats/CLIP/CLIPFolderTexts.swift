import Foundation

/// The files of a Hugging Face CLIP folder beside its weights: config.json, preprocessor_config.json and the tokenizer's.
public struct CLIPFolderTexts {
    private let configuration: CLIPConfiguration
    private let preprocessing: ImagePreprocessing
    private let tokenizer: BPETokenizer
    /// Tokens after the last row of the embedding.
    private let added: [String]

    public init(
        _ configuration: CLIPConfiguration, preprocessing: ImagePreprocessing, tokenizer: BPETokenizer, added: [String] = []
    ) {
        self.configuration = configuration
        self.preprocessing = preprocessing
        self.tokenizer = tokenizer
        self.added = added
    }

    /// Writes the whole folder, made where it is missing: each file whole or not at all, the weights last. Files of other names stay.
    ///
    /// - Parameters:
    ///   - weights: every tensor by its Hugging Face name.
    ///   - type: of the weights, for config.json.
    ///   - more: further files, by name.
    /// - Throws: `FormatError.write`.
    public func write(
        with weights: [TensorToWrite], type: TensorType, more: [String: String] = [:], to folder: String
    ) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw FormatError.write(path: folder, reason: "the folder cannot be made")
        }
        for (name, text) in try texts(type).merging(more, uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
            try WholeFile.write("\(folder)/\(name)") { try $0.append(Array(text.utf8)) }
        }
        try SafetensorsWriter.write(weights, metadata: ["format": "pt"], to: folder + "/model.safetensors")
    }

    /// File names and contents.
    private func texts(_ type: TensorType) throws -> [String: String] {
        [
            "config.json": try json(Configuration(configuration, tokenizer, added: added.count, type)),
            "preprocessor_config.json": try json(Preprocessor(preprocessing, side: configuration.imageSize)),
            "tokenizer_config.json": try json(TokenizerConfiguration(configuration, added: addedIDs)),
            "special_tokens_map.json": try json(SpecialTokens()),
            "vocab.json": tokenizer.vocabularyText, "merges.txt": tokenizer.mergesText,
        ].merging(added.isEmpty ? [:] : ["added_tokens.json": try json(Dictionary(uniqueKeysWithValues: addedIDs.map { ($1, $0) }))]) { $1 }
    }

    private var addedIDs: [(Int, String)] {
        added.enumerated().map { (configuration.vocabularySize + $0, $1) }
    }

    private func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Readers in Python tell 4 from 4.0, and want the latter where a real number belongs.
        let whole = /("(?:logit_scale_init_value|layer_norm_eps|rescale_factor)" : -?[0-9]+)([,\n])/
        return String(decoding: try encoder.encode(value), as: UTF8.self).replacing(whole) { "\($0.1).0\($0.2)" } + "\n"
    }
}

/// config.json, without the keys whose defaults are whole numbers, such as initializer_factor: they would be written as 1, and transformers 5
/// refuses a whole number where it wants a fraction.
private struct Configuration: Encodable {
    struct Tower: Encodable {
        var model_type: String
        var hidden_size: Int
        var intermediate_size: Int
        var num_hidden_layers: Int
        var num_attention_heads: Int
        var hidden_act: String
        var layer_norm_eps: Double
        var projection_dim: Int
        var vocab_size: Int?
        var max_position_embeddings: Int?
        var bos_token_id: Int?
        var eos_token_id: Int?
        var pad_token_id: Int?
        var image_size: Int?
        var patch_size: Int?
        var num_channels: Int?

        init(_ tower: CLIPConfiguration.Tower, kind: String, embedding: Int) {
            model_type = kind
            hidden_size = tower.width
            intermediate_size = tower.feedForwardWidth
            num_hidden_layers = tower.layers
            num_attention_heads = tower.heads
            hidden_act = tower.activation.rawValue
            layer_norm_eps = tower.layerNormEpsilon
            projection_dim = embedding
        }
    }
    var architectures = ["CLIPModel"]
    var model_type = "clip"
    var projection_dim: Int
    var logit_scale_init_value: Double
    var torch_dtype: String
    var text_config: Tower
    var vision_config: Tower

    init(_ c: CLIPConfiguration, _ tokenizer: BPETokenizer, added: Int, _ type: TensorType) {
        projection_dim = c.embeddingWidth
        logit_scale_init_value = c.initialLogitScale
        torch_dtype = type == .f16 ? "float16" : "float32"
        text_config = Tower(c.text, kind: "clip_text_model", embedding: c.embeddingWidth)
        text_config.vocab_size = c.vocabularySize + added
        text_config.max_position_embeddings = c.contextLength
        text_config.bos_token_id = Int(tokenizer.startToken)
        text_config.eos_token_id = Int(tokenizer.endToken)
        text_config.pad_token_id = Int(tokenizer.endToken)
        vision_config = Tower(c.vision, kind: "clip_vision_model", embedding: c.embeddingWidth)
        vision_config.image_size = c.imageSize
        vision_config.patch_size = c.patchSize
        vision_config.num_channels = 3
    }
}

/// preprocessor_config.json
private struct Preprocessor: Encodable {
    struct Edge: Encodable { var shortest_edge: Int }
    struct Sides: Encodable { var height: Int, width: Int }
    enum Size: Encodable {
        case edge(Int), sides(Int, Int)

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .edge(let side): try Edge(shortest_edge: side).encode(to: encoder)
            case .sides(let height, let width): try Sides(height: height, width: width).encode(to: encoder)
            }
        }
    }
    var image_processor_type = "CLIPImageProcessor"
    var feature_extractor_type = "CLIPFeatureExtractor"
    var do_resize: Bool
    var size: Size
    var resample: Int
    var do_center_crop: Bool
    var crop_size: Sides
    var do_rescale = true
    var rescale_factor: Double
    var do_normalize = true
    var do_convert_rgb = true
    var image_mean: [Double]
    var image_std: [Double]

    init(_ p: ImagePreprocessing, side: Int) {
        do_resize = p.resize != nil
        switch p.resize {
        case .exact(let height, let width): size = .sides(height, width)
        case .shortestEdge(let edge): size = .edge(edge)
        case nil: size = .edge(side)
        }
        resample = p.resampling.rawValue
        do_center_crop = p.crop != nil
        crop_size = Sides(height: p.crop?.height ?? side, width: p.crop?.width ?? side)
        rescale_factor = p.rescaleFactor
        image_mean = p.mean
        image_std = p.deviation
    }
}

/// tokenizer_config.json
private struct TokenizerConfiguration: Encodable {
    struct Token: Encodable {
        var content: String
        var lstrip = false
        var normalized = false
        var rstrip = false
        var single_word = false
        var special = false
    }
    var tokenizer_class = "CLIPTokenizer"
    var model_max_length: Int
    var do_lower_case = true
    var add_prefix_space = false
    var errors = "replace"
    var bos_token = BytePairVocabulary.startOfText
    var eos_token = BytePairVocabulary.endOfText
    var unk_token = BytePairVocabulary.endOfText
    var pad_token = BytePairVocabulary.endOfText
    var added_tokens_decoder: [String: Token]?

    init(_ c: CLIPConfiguration, added: [(Int, String)]) {
        model_max_length = c.contextLength
        guard !added.isEmpty else { return }
        added_tokens_decoder = Dictionary(uniqueKeysWithValues: added.map { ("\($0)", Token(content: $1)) })
    }
}

/// special_tokens_map.json
private struct SpecialTokens: Encodable {
    var bos_token = BytePairVocabulary.startOfText
    var eos_token = BytePairVocabulary.endOfText
    var unk_token = BytePairVocabulary.endOfText
    var pad_token = BytePairVocabulary.endOfText
}
