import Foundation
import TestSupport
import Testing

@testable import Formats

/// A small CLIP folder with seeded weights and the fixture vocabulary, to damage at will.
struct ModelFolder {
    let url: URL
    static let configuration = CLIPConfiguration(
        text: .init(width: 8, feedForwardWidth: 12, layers: 2, heads: 2),
        vision: .init(width: 6, feedForwardWidth: 10, layers: 1, heads: 3, activation: .gelu), contextLength: 20,
        vocabularySize: 714, endToken: 713, imageSize: 8, patchSize: 4, embeddingWidth: 5)
    static let text = """
        {"model_type": "clip", "projection_dim": 5,
         "text_config": {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2,
           "max_position_embeddings": 20, "vocab_size": 714, "eos_token_id": 713},
         "vision_config": {"hidden_size": 6, "intermediate_size": 10, "num_hidden_layers": 1, "num_attention_heads": 3,
           "image_size": 8, "patch_size": 4, "hidden_act": "gelu"}}
        """

    init(_ url: URL) throws {
        self.url = url
        try put("config.json", Self.text)
        for name in ["vocab.json", "merges.txt"] {
            try FileManager.default.copyItem(at: BPETokenizerTests.fixture.appendingPathComponent(name), to: url.appendingPathComponent(name))
        }
        try putWeights()
    }

    var path: String { url.path }
    func file(_ name: String) -> String { url.appendingPathComponent(name).path }
    func put(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: url.appendingPathComponent(name)) }
    func remove(_ name: String) throws { try FileManager.default.removeItem(at: url.appendingPathComponent(name)) }

    static func tensors(_ change: (inout (name: String, shape: [Int], values: [Float])) -> Void = { _ in }) -> [TensorToWrite] {
        var generator = SeededGenerator(seed: 5)
        let weights = configuration.expectedTensors.map { name, shape in
            var tensor = (name: name, shape: shape, values: [Float]())
            tensor.values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &generator) }
            change(&tensor)
            return TensorToWrite(tensor.name, shape: tensor.shape, floats: tensor.values)
        }
        return weights + [TensorToWrite("text_model.embeddings.position_ids", shape: [1, 20], integers: (0..<20).map { $0 })]
    }

    func putWeights(_ tensors: [TensorToWrite] = tensors()) throws {
        try SafetensorsWriter.write(tensors, to: file("model.safetensors"))
    }
}

struct CLIPFolderTests {
    private func withModel(_ body: (ModelFolder) throws -> Void) throws {
        try Places.withTemporaryFolder { try body(ModelFolder($0)) }
    }

    @Test func opens() throws {
        try withModel { model in
            let clip = try CLIPFiles(path: model.path)
            #expect(clip.configuration == ModelFolder.configuration)
            #expect(clip.preprocessing == ImagePreprocessing(imageSize: 8))
            #expect(clip.weights["text_model.embeddings.position_ids"] != nil)
            #expect(try CLIPFiles(path: model.path + "/").fingerprint == clip.fingerprint)
        }
    }

    @Test func fingerprintTellsWeightsApart() throws {
        try withModel { model in
            let first = try CLIPFiles(path: model.path).fingerprint
            #expect(first.count == 16)
            try model.putWeights(ModelFolder.tensors { if $0.name == "visual_projection.weight" { $0.values[29] += 0.5 } })
            #expect(try CLIPFiles(path: model.path).fingerprint != first)
            // The order of the tensors in the file and what the model does not need leave it alone.
            try model.putWeights(ModelFolder.tensors().reversed().filter { !$0.name.hasSuffix("position_ids") })
            #expect(try CLIPFiles(path: model.path).fingerprint == first)
        }
    }

    @Test func shardsGiveTheSameModel() throws {
        try withModel { model in
            let whole = try CLIPFiles(path: model.path).fingerprint
            try model.remove("model.safetensors")
            let tensors = ModelFolder.tensors()
            var map: [String] = []
            for (part, range) in [0..<20, 20..<tensors.count].enumerated() {
                let name = "model-0000\(part + 1)-of-00002.safetensors"
                try SafetensorsWriter.write(Array(tensors[range]), to: model.file(name))
                map += tensors[range].map { "\"\($0.name)\":\"\(name)\"" }
            }
            try model.put("model.safetensors.index.json", "{\"weight_map\":{\(map.joined(separator: ","))}}")
            #expect(try CLIPFiles(path: model.path).fingerprint == whole)
        }
    }

    @Test func tokenizerJSONStandsIn() throws {
        try withModel { model in
            let files = try CLIPFiles(path: model.path).tokenizer
            try model.put("tokenizer.json", try BPETokenizerTests.tokenizerJSON(arrays: true))
            try model.remove("merges.txt")
            let single = try CLIPFiles(path: model.path).tokenizer
            #expect(single.encode("a photo of a tabby cat.") == files.encode("a photo of a tabby cat."))
            try model.remove("tokenizer.json")
            #expect(throws: FormatError.folder(path: model.path, .noVocabulary)) { try CLIPFiles(path: model.path) }
        }
    }

    @Test func damagedWeightsNameTheTensor() throws {
        try withModel { model in
            let path = model.file("model.safetensors")
            let name = "vision_model.encoder.layers.0.mlp.fc1.weight"
            try model.putWeights(ModelFolder.tensors { if $0.name == name { $0.values[7] = .nan } })
            #expect(throws: FormatError.weights(path: path, .notFinite(name: name))) { try CLIPFiles(path: model.path) }
            #expect(throws: Never.self) { try CLIPFiles(path: model.path, checkingFinite: false) }

            try model.putWeights(
                ModelFolder.tensors {
                    if $0.name == "text_projection.weight" {
                        $0.shape = [5, 7]
                        $0.values.removeLast(5)
                    }
                })
            #expect(
                throws: FormatError.weights(path: path, .wrongShape(name: "text_projection.weight", expected: [5, 8], found: [5, 7]))
            ) { try CLIPFiles(path: model.path) }

            try model.putWeights(ModelFolder.tensors().filter { !$0.name.hasPrefix("text_projection") && !$0.name.hasPrefix("visual") })
            #expect(throws: FormatError.weights(path: path, .missing(name: "text_projection.weight", shape: [5, 8], others: 1))) {
                try CLIPFiles(path: model.path)
            }

            try model.putWeights(
                ModelFolder.tensors().map {
                    $0.name == "logit_scale" ? TensorToWrite("logit_scale", type: .i8, shape: [], bytes: [1]) : $0
                })
            #expect(throws: FormatError.weights(path: path, .notFloat(name: "logit_scale", type: .i8))) {
                try CLIPFiles(path: model.path)
            }
        }
    }

    @Test func missingPartsSayWhatToFetch() throws {
        try withModel { model in
            #expect(throws: FormatError.folder(path: model.path + "x", .missing)) { try CLIPFiles(path: model.path + "x") }
            let file = model.file("config.json")
            #expect(throws: FormatError.file(path: file, .foreign(kind: "a JSON text"))) { try CLIPFiles(path: file) }
            try model.remove("model.safetensors")
            try model.put("tf_model.h5", "x")
            #expect(throws: FormatError.folder(path: model.path, .noWeights(present: ["tf_model.h5"]))) { try CLIPFiles(path: model.path) }
            try model.remove("config.json")
            try model.put("adapter_config.json", "{}")
            #expect(throws: FormatError.folder(path: model.path, .noConfiguration(adapter: true))) { try CLIPFiles(path: model.path) }
            let empty = model.file("empty")
            try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
            #expect(throws: FormatError.folder(path: empty, .empty)) { try CLIPFiles(path: empty) }
        }
    }

    @Test func partsThatDisagreeAreRefused() throws {
        try withModel { model in
            try model.put("config.json", ModelFolder.text.replacingOccurrences(of: "\"eos_token_id\": 713", with: "\"eos_token_id\": 3"))
            #expect(throws: FormatError.folder(path: model.path, .endTokenDiffers(vocabulary: 713, configuration: 3))) {
                try CLIPFiles(path: model.path)
            }
            // The legacy id 2 means the largest id, which the end token is.
            try model.put("config.json", ModelFolder.text.replacingOccurrences(of: "\"eos_token_id\": 713", with: "\"eos_token_id\": 2"))
            #expect(try CLIPFiles(path: model.path).configuration.poolsAtLargestID)
            try model.put(
                "config.json",
                ModelFolder.text.replacingOccurrences(of: "\"vocab_size\": 714, \"eos_token_id\": 713", with: "\"vocab_size\": 700, \"eos_token_id\": 699"))
            // Weights and configuration agree on 700 tokens, the vocabulary has more.
            try model.putWeights(
                ModelFolder.tensors {
                    if $0.name == "text_model.embeddings.token_embedding.weight" { ($0.shape, $0.values) = ([700, 8], Array($0.values.prefix(5600))) }
                })
            #expect(throws: FormatError.folder(path: model.path, .tokenBeyondVocabulary(token: "<|endoftext|>", id: 713, size: 700))) {
                try CLIPFiles(path: model.path)
            }
            try model.put("config.json", ModelFolder.text)
            try model.putWeights()
            try model.put("preprocessor_config.json", #"{"crop_size": 224}"#)
            #expect(throws: FormatError.folder(path: model.path, .cropDiffers(crop: [224, 224], imageSize: 8))) {
                try CLIPFiles(path: model.path)
            }
        }
    }
}
