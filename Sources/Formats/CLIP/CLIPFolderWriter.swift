import Foundation

/// Writes a Hugging Face CLIP folder, as `CLIPModel.from_pretrained` and `CLIPFolder` read it.
///
/// `config.json`, `preprocessor_config.json`, `tokenizer_config.json`, `vocab.json`, `merges.txt` and, last, `model.safetensors`, each
/// whole or not at all.
public struct CLIPFolderWriter {
    public var configuration: CLIPConfiguration
    /// A folder with the vocab.json and merges.txt that are copied.
    public var vocabulary: String
    /// F16 halves the file; the values are rounded to the nearest.
    public var isHalf: Bool

    public init(configuration: CLIPConfiguration, vocabulary: String, isHalf: Bool) {
        self.configuration = configuration
        self.vocabulary = vocabulary
        self.isHalf = isHalf
    }

    /// Makes the folder where it is missing. Files of other names stay.
    ///
    /// - Parameter weights: every tensor by its Hugging Face name.
    /// - Throws: `FormatError.write`.
    public func write(_ weights: [(name: String, shape: [Int], values: [Float])], to folder: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw FormatError.write(path: folder, reason: "the folder cannot be made")
        }
        for (name, text) in [
            ("config.json", configurationText), ("preprocessor_config.json", preprocessingText),
            ("tokenizer_config.json", tokenizerText),
        ] {
            try AtomicFile.replace(path: "\(folder)/\(name)") { try $0.append(Array(text.utf8)) }
        }
        for name in ["vocab.json", "merges.txt"] where "\(vocabulary)/\(name)" != "\(folder)/\(name)" {
            let file = try MappedFile(path: "\(vocabulary)/\(name)", limit: BytePairVocabulary.fileLimit)
            try AtomicFile.replace(path: "\(folder)/\(name)") { try $0.append(file.bytes) }
        }
        let tensors = weights.map { name, shape, values in
            guard isHalf else { return TensorToWrite(name, shape: shape, floats: values) }
            return TensorToWrite(
                name, type: .f16, shape: shape,
                bytes: values.flatMap { withUnsafeBytes(of: Float16($0).bitPattern.littleEndian, Array.init) })
        }
        try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: folder + "/model.safetensors")
    }

    private var configurationText: String {
        func tower(_ kind: String, _ tower: CLIPConfiguration.Tower, _ more: [String]) -> String {
            ([
                "    \"model_type\": \"clip_\(kind)_model\"", "    \"hidden_size\": \(tower.width)",
                "    \"intermediate_size\": \(tower.feedForwardWidth)", "    \"projection_dim\": \(configuration.embeddingWidth)",
                "    \"num_hidden_layers\": \(tower.layers)", "    \"num_attention_heads\": \(tower.heads)",
                "    \"hidden_act\": \"\(tower.activation.rawValue)\"", "    \"layer_norm_eps\": \(tower.layerNormEpsilon)",
                "    \"attention_dropout\": 0.0",
            ] + more.map { "    " + $0 }).joined(separator: ",\n")
        }
        let text = tower(
            "text", configuration.text,
            [
                "\"vocab_size\": \(configuration.vocabularySize)", "\"max_position_embeddings\": \(configuration.contextLength)",
                "\"bos_token_id\": \(configuration.endToken - 1)", "\"eos_token_id\": \(configuration.endToken)",
                "\"pad_token_id\": \(configuration.endToken)",
            ])
        let vision = tower(
            "vision", configuration.vision,
            [
                "\"num_channels\": 3", "\"image_size\": \(configuration.imageSize)", "\"patch_size\": \(configuration.patchSize)",
            ])
        return """
            {
              "architectures": ["CLIPModel"],
              "model_type": "clip",
              "initializer_factor": 1.0,
              "logit_scale_init_value": \(configuration.initialLogitScale),
              "projection_dim": \(configuration.embeddingWidth),
              "torch_dtype": "\(isHalf ? "float16" : "float32")",
              "text_config": {
            \(text)
              },
              "vision_config": {
            \(vision)
              }
            }

            """
    }

    private var preprocessingText: String {
        let side = configuration.imageSize
        return """
            {
              "image_processor_type": "CLIPImageProcessor",
              "feature_extractor_type": "CLIPFeatureExtractor",
              "do_resize": true,
              "size": {"shortest_edge": \(side)},
              "resample": 3,
              "do_center_crop": true,
              "crop_size": {"height": \(side), "width": \(side)},
              "do_rescale": true,
              "rescale_factor": 0.00392156862745098,
              "do_normalize": true,
              "image_mean": \(ImagePreprocessing.clipMean),
              "image_std": \(ImagePreprocessing.clipDeviation),
              "do_convert_rgb": true
            }

            """
    }

    private var tokenizerText: String {
        """
        {
          "tokenizer_class": "CLIPTokenizer",
          "bos_token": "\(BytePairVocabulary.startOfText)",
          "eos_token": "\(BytePairVocabulary.endOfText)",
          "unk_token": "\(BytePairVocabulary.endOfText)",
          "pad_token": "\(BytePairVocabulary.endOfText)",
          "add_prefix_space": false,
          "errors": "replace",
          "do_lower_case": true,
          "model_max_length": \(configuration.contextLength)
        }

        """
    }
}
