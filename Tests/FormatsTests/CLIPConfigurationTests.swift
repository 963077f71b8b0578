import Foundation
import TestSupport
import Testing

@testable import Files
@testable import Formats

private func root(_ text: String) throws -> ConfigurationSection {
    let file = MappedFile(path: "config.json", content: Array(text.utf8))
    return ConfigurationSection(path: "config.json", prefix: "", members: try JSONValue.load(file))
}

private func configuration(_ text: String) throws -> CLIPConfiguration { try CLIPConfiguration(root(text)) }
private func preprocessing(_ text: String) throws -> ImagePreprocessing { try ImagePreprocessing(root(text), imageSize: 96) }

struct CLIPConfigurationTests {
    @Test func absentKeysTakeTheDocumentedDefaults() throws {
        let standard = try configuration(#"{"model_type":"clip"}"#)
        #expect(standard == CLIPConfiguration())
        #expect(standard.text.headWidth == 64 && standard.vision.headWidth == 64 && standard.patches == 49)
        #expect(!standard.poolsAtLargestID)
        #expect(try configuration(#"{"text_config":{},"vision_config":{},"text_config_dict":null}"#) == standard)
    }

    @Test func readsEveryKey() throws {
        let read = try configuration(
            """
            {"model_type": "clip", "projection_dim": 20, "logit_scale_init_value": 4,
             "text_config": {"hidden_size": 12, "intermediate_size": 30, "num_hidden_layers": 3, "num_attention_heads": 2,
               "max_position_embeddings": 16, "vocab_size": 700, "eos_token_id": 699, "hidden_act": "gelu", "layer_norm_eps": 1e-6},
             "vision_config": {"hidden_size": 15, "intermediate_size": 31, "num_hidden_layers": 4, "num_attention_heads": 5,
               "image_size": 21, "patch_size": 7, "hidden_act": "gelu_python", "num_channels": 3}}
            """)
        #expect(
            read
                == CLIPConfiguration(
                    text: .init(width: 12, feedForwardWidth: 30, layers: 3, heads: 2, activation: .gelu, layerNormEpsilon: 1e-6),
                    vision: .init(width: 15, feedForwardWidth: 31, layers: 4, heads: 5, activation: .gelu),
                    contextLength: 16, vocabularySize: 700, endToken: 699, imageSize: 21, patchSize: 7, embeddingWidth: 20,
                    initialLogitScale: 4))
        let shapes = Dictionary(uniqueKeysWithValues: read.expectedTensors.map { ($0.name, $0.shape) })
        #expect(shapes.count == read.expectedTensors.count && shapes.count == 16 * 7 + 14)
        #expect(shapes["vision_model.embeddings.position_embedding.weight"] == [10, 15])
        #expect(shapes["vision_model.embeddings.patch_embedding.weight"] == [15, 3, 7, 7])
        #expect(shapes["text_model.encoder.layers.2.mlp.fc1.weight"] == [30, 12])
        #expect(shapes["visual_projection.weight"] == [20, 15])
    }

    @Test func legacyForms() throws {
        let legacy = try configuration(
            #"{"model_type":"clip","text_config":{"eos_token_id":2},"text_config_dict":{"hidden_size":768,"num_attention_heads":12,"eos_token_id":2}}"#)
        #expect(legacy.text.width == 768 && legacy.poolsAtLargestID)
    }

    @Test(arguments: [
        (#"{"model_type":"clip","text_config":{"num_attention_heads":0}}"#, "text_config.num_attention_heads"),
        (#"{"model_type":"clip","text_config":{"hidden_size":100}}"#, "text_config.hidden_size"),
        (#"{"model_type":"clip","vision_config":{"patch_size":30}}"#, "vision_config.image_size"),
        (#"{"model_type":"clip","vision_config":{"image_size":-224}}"#, "vision_config.image_size"),
        (#"{"model_type":"clip","vision_config":{"image_size":99999999999999999999}}"#, "vision_config.image_size"),
        (#"{"model_type":"clip","vision_config":{"image_size":16384,"patch_size":1}}"#, "vision_config.patch_size"),
        (#"{"model_type":"clip","vision_config":{"num_channels":1}}"#, "vision_config.num_channels"),
        (#"{"model_type":"clip","vision_config":{"num_hidden_layers":"12"}}"#, "vision_config.num_hidden_layers"),
        (#"{"model_type":"clip","vision_config":{"num_hidden_layers":1.5}}"#, "vision_config.num_hidden_layers"),
        (#"{"model_type":"clip","text_config":{"eos_token_id":50000}}"#, "text_config.eos_token_id"),
        (#"{"model_type":"clip","text_config":{"layer_norm_eps":-1}}"#, "text_config.layer_norm_eps"),
        (#"{"model_type":"clip","text_config":[]}"#, "text_config"),
        (#"{"model_type":"clip","projection_dim":0}"#, "projection_dim"),
    ])
    func impossibleValuesNameTheKey(text: String, key: String) throws {
        let error = try #require(throws: FormatError.self) { _ = try configuration(text) }
        guard case .configuration("config.json", .badValue(key, _, _)) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(error.description.contains("config.json") && error.description.contains(key))
    }

    @Test func otherModelsAreNamed() throws {
        #expect(throws: FormatError.configuration(path: "config.json", .otherModel(kind: "siglip model"))) {
            try configuration(#"{"model_type":"siglip","text_config":{},"vision_config":{}}"#)
        }
        #expect(throws: FormatError.configuration(path: "config.json", .adapter(kind: "LORA", base: "some/clip"))) {
            try configuration(#"{"peft_type":"LORA","base_model_name_or_path":"some/clip"}"#)
        }
        #expect(throws: FormatError.configuration(path: "config.json", .missingKey("vision_config"))) {
            try configuration(#"{"text_config":{}}"#)
        }
        #expect(
            throws: FormatError.configuration(
                path: "config.json", .activation(key: "vision_config.hidden_act", name: "gelu_new"))
        ) { try configuration(#"{"model_type":"clip","vision_config":{"hidden_act":"gelu_new"}}"#) }
        for text in ["", "[]", "{\"a\":1,\"a\":2}", "{} {}"] { #expect(throws: FormatError.self) { try configuration(text) } }
    }

    @Test func preprocessingForms() throws {
        #expect(try preprocessing("{}") == ImagePreprocessing(imageSize: 96))
        let old = try preprocessing(#"{"size":224,"crop_size":224,"resample":2,"image_mean":[0,0.5,1],"image_std":[1,2,3]}"#)
        #expect(old.resize == .shortestEdge(224) && old.crop! == (224, 224) && old.resampling == .bilinear)
        #expect(old.mean == [0, 0.5, 1] && old.deviation == [1, 2, 3])
        let exact = try preprocessing(#"{"size":{"height":10,"width":20},"crop_size":{"height":5,"width":6},"rescale_factor":1}"#)
        #expect(exact.resize == .exact(height: 10, width: 20) && exact.crop! == (5, 6) && exact.rescaleFactor == 1)
        let off = try preprocessing(#"{"do_resize":false,"do_center_crop":false,"do_rescale":false,"do_normalize":false}"#)
        #expect(off.resize == nil && off.crop == nil && off.rescaleFactor == 1 && off.mean == [0, 0, 0])
        for text in [
            #"{"size":0}"#, #"{"size":{"longest_edge":3}}"#, #"{"crop_size":{"height":3}}"#, #"{"image_mean":[1,2]}"#,
            #"{"image_std":[1,0,1]}"#, #"{"resample":9}"#, #"{"do_resize":1}"#, #"{"crop_size":"big"}"#, #"{"rescale_factor":0}"#,
        ] {
            let error = try #require(throws: FormatError.self) { _ = try preprocessing(text) }
            guard case .configuration(_, .badValue) = error else {
                Issue.record("\(text): \(error)")
                continue
            }
        }
    }

    @Test func mutatedConfigurationsNeverCrash() throws {
        let fixture = Array(
            """
            {"model_type": "clip", "projection_dim": 20, "text_config": {"hidden_size": 12, "num_attention_heads": 2,
             "max_position_embeddings": 16, "vocab_size": 700, "eos_token_id": 699, "hidden_act": "gelu"},
             "vision_config": {"hidden_size": 15, "num_attention_heads": 5, "image_size": 21, "patch_size": 7},
             "size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}, "image_mean": [0.1, 0.2, 0.3]}
            """.utf8)
        let words = ["-1", "0", "9223372036854775807", "1e308", "null", "{}", "[[", "true", "\"x\""]
        try fuzz(fixture, seed: 77, words: words) { bytes in
            let tree = try JSONValue.load(MappedFile(path: "config.json", content: bytes))
            let section = ConfigurationSection(path: "config.json", prefix: "", members: tree)
            _ = try? ImagePreprocessing(section, imageSize: 32)
            _ = try CLIPConfiguration(section).expectedTensors
        }
    }
}
