import Foundation
import TestSupport
import Testing

@testable import Formats

/// The same small model under OpenAI's names and in open_clip's files.
struct CLIPLayoutTests {
    static let shape = CLIPConfiguration(
        text: .init(width: 64, feedForwardWidth: 80, layers: 2, heads: 1), vision: .init(width: 128, feedForwardWidth: 96, layers: 1, heads: 2),
        contextLength: 20, vocabularySize: 714, endToken: 713, poolsAtLargestID: true, imageSize: 12, patchSize: 4, embeddingWidth: 10)

    static let weights: [String: (shape: [Int], values: [Float])] = {
        var generator = SeededGenerator(seed: 11)
        var result: [String: (shape: [Int], values: [Float])] = [:]
        for (name, shape) in CLIPLayoutTests.shape.expectedTensors {
            result[name] = (shape, (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &generator) })
        }
        return result
    }()

    /// OpenAI's names, written from the facts: fused attention, projections as (width, embedding).
    static func openAI(text: String = "", without: String? = nil) -> [TensorToWrite] {
        var result: [TensorToWrite] = []
        func put(_ name: String, _ source: String) {
            guard let (shape, values) = weights[source] else { return }
            result.append(TensorToWrite(name, shape: shape, floats: values))
        }
        func transposed(_ name: String, _ source: String) {
            guard let (shape, values) = weights[source] else { return }
            let turned = (0..<shape[1]).flatMap { column in (0..<shape[0]).map { values[$0 * shape[1] + column] } }
            result.append(TensorToWrite(name, shape: [shape[1], shape[0]], floats: turned))
        }
        put(text + "token_embedding.weight", "text_model.embeddings.token_embedding.weight")
        put(text + "positional_embedding", "text_model.embeddings.position_embedding.weight")
        put("visual.class_embedding", "vision_model.embeddings.class_embedding")
        put("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight")
        put("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight")
        put("logit_scale", "logit_scale")
        transposed(text + "text_projection", "text_projection.weight")
        transposed("visual.proj", "visual_projection.weight")
        for part in ["weight", "bias"] {
            put(text + "ln_final.\(part)", "text_model.final_layer_norm.\(part)")
            put("visual.ln_pre.\(part)", "vision_model.pre_layrnorm.\(part)")
            put("visual.ln_post.\(part)", "vision_model.post_layernorm.\(part)")
            for (own, tower, layers) in [(text, "text", shape.text.layers), ("visual.", "vision", shape.vision.layers)] {
                for layer in 0..<layers {
                    let from = "\(tower)_model.encoder.layers.\(layer).", to = "\(own)transformer.resblocks.\(layer)."
                    put(to + "ln_1.\(part)", from + "layer_norm1.\(part)")
                    put(to + "ln_2.\(part)", from + "layer_norm2.\(part)")
                    put(to + "attn.out_proj.\(part)", from + "self_attn.out_proj.\(part)")
                    put(to + "mlp.c_fc.\(part)", from + "mlp.fc1.\(part)")
                    put(to + "mlp.c_proj.\(part)", from + "mlp.fc2.\(part)")
                    let thirds = ["q", "k", "v"].compactMap { weights[from + "self_attn.\($0)_proj.\(part)"] }
                    var fused = thirds[0].shape
                    fused[0] *= 3
                    result.append(TensorToWrite(to + "attn.in_proj_" + part, shape: fused, floats: thirds.flatMap(\.values)))
                }
            }
        }
        return result.filter { $0.name != without }
    }

    private func expectWhole(_ files: CLIPWeightFiles) throws {
        for (name, (shape, values)) in Self.weights {
            #expect(try files.weights.tensor(name, shape: shape).floats() == values, "\(name)")
        }
    }

    @Test(arguments: ["", "text."]) func openAINamesGiveTheSameTensors(text: String) throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("clip.safetensors").path
            try SafetensorsWriter.write(Self.openAI(text: text) + [TensorToWrite("context_length", shape: [], integers: [20])], to: path)
            let files = try CLIPWeightFiles(path: path)
            #expect(files.layout == .openAI && files.configuration == Self.shape && files.notes.count == 1)
            try expectWhole(files)
            // The thirds of the fused matrix lie where they are in the file.
            let query = try files.weights.tensor("text_model.encoder.layers.0.self_attn.q_proj.weight")
            let key = try files.weights.tensor("text_model.encoder.layers.0.self_attn.k_proj.weight")
            let first = try #require(query.bytes.baseAddress), second = try #require(key.bytes.baseAddress)
            #expect(second - first == 64 * 64 * 4)
            // A folder with that one file is the same model.
            #expect(try CLIPWeightFiles(path: folder.path).fingerprint == files.fingerprint)
        }
    }

    @Test func openCLIPConfigurationSaysWhatWeightsCannot() throws {
        try Places.withTemporaryFolder { folder in
            func put(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
            func configuration(_ vision: String = "", _ text: String = "", _ more: String = "") -> String {
                """
                {"model_cfg": {"embed_dim": 10, \(more)
                  "vision_cfg": {"image_size": 12, "layers": 1, "width": 128, "patch_size": 4, "mlp_ratio": 0.75 \(vision)},
                  "text_cfg": {"context_length": 20, "vocab_size": 714, "width": 64, "heads": 1, "layers": 2, "mlp_ratio": 1.25 \(text)}},
                 "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bicubic", "resize_mode": "shortest"}}
                """
            }
            try SafetensorsWriter.write(Self.openAI(), to: folder.appendingPathComponent("open_clip_model.safetensors").path)
            try put("open_clip_config.json", configuration())
            let files = try CLIPWeightFiles(path: folder.path)
            #expect(files.layout == .openCLIP && files.notes.isEmpty)
            #expect(files.configuration.text.activation == .gelu && files.configuration.vision.activation == .gelu)
            #expect(files.configuration.vision.feedForwardWidth == 96 && files.configuration.vision.heads == 2)
            #expect(files.preprocessing.mean == [0.5, 0.5, 0.5] && files.preprocessing.deviation == [0.25, 0.25, 0.25])
            try expectWhole(files)
            try put("open_clip_config.json", configuration("", "", "\"quick_gelu\": true,"))
            #expect(try CLIPWeightFiles(path: folder.path).configuration.text.activation == .quickGELU)
            try put("open_clip_config.json", configuration(", \"head_width\": 32"))
            #expect(try CLIPWeightFiles(path: folder.path).configuration.vision.heads == 4)
            let resized = configuration().replacing("shortest", with: "squash").replacing("bicubic", with: "bilinear")
            try put("open_clip_config.json", resized)
            let squashed = try CLIPWeightFiles(path: folder.path).preprocessing
            #expect(squashed.resize == .exact(height: 12, width: 12) && squashed.resampling == .bilinear)
            try put("open_clip_config.json", configuration(", \"patch_dropout\": 0.5, \"act_kwargs\": {}, \"novel\": 3"))
            let notes = try CLIPWeightFiles(path: folder.path).notes
            #expect(notes.count == 1 && notes[0].contains("vision_cfg.novel") && !notes[0].contains("patch_dropout"), "\(notes)")
            // The file does not name the activation; where it does, no other is taken.
            #expect(try CLIPWeightFiles(path: folder.path, activation: .quickGELU).configuration.text.activation == .quickGELU)
            try put("open_clip_config.json", configuration("", "", "\"quick_gelu\": false,"))
            #expect(throws: FormatError.self) { try CLIPWeightFiles(path: folder.path, activation: .quickGELU) }
            #expect(try CLIPWeightFiles(path: folder.path, activation: .gelu).configuration.text.activation == .gelu)
            // What other libraries keep beside open_clip's files is theirs.
            try put("config.json", "{\"architecture\": \"vit_base_patch32_clip_224\", \"lr\": 1}")
            try put("model.safetensors", "timm")
            #expect(try CLIPWeightFiles(path: folder.path).layout == .openCLIP)
            for name in ["config.json", "model.safetensors"] { try FileManager.default.removeItem(at: folder.appendingPathComponent(name)) }
            for (vision, text, more) in [
                (", \"global_average_pool\": true", "", ""), (", \"act_kwargs\": {\"approximate\": \"tanh\"}", "", ""),
                (", \"input_patchnorm\": true", "", ""), ("", ", \"tokenizer_kwargs\": {\"clean\": \"canonicalize\"}", ""),
                ("", ", \"hf_tokenizer_name\": \"bert-base-uncased\"", ""), (", \"timm_model_name\": \"vit_x\"", "", ""),
                ("", ", \"hf_model_name\": \"roberta\"", ""), ("", "", "\"multimodal_cfg\": {},"),
                (", \"attentional_pool\": true", "", ""), ("", ", \"pool_type\": \"last\"", ""),
            ] {
                try put("open_clip_config.json", configuration(vision, text, more))
                let error = try #require(throws: FormatError.self) { try CLIPWeightFiles(path: folder.path) }
                guard case .configuration(_, .otherModel) = error else { Issue.record("\(error)"); continue }
            }
            try FileManager.default.removeItem(at: folder.appendingPathComponent("open_clip_config.json"))
            let bare = try CLIPWeightFiles(path: folder.path)
            #expect(bare.layout == .openCLIP && bare.configuration.text.activation == .gelu && bare.notes.count == 1)
        }
    }

    @Test func missingAndUnknownTensorsAreNamed() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("clip.safetensors").path
            func error(_ tensors: [TensorToWrite]) throws -> String {
                try SafetensorsWriter.write(tensors, to: path)
                return try #require(throws: FormatError.self) { _ = try CLIPWeightFiles(path: path) }.description
            }
            let missing = try error(Self.openAI(without: "transformer.resblocks.1.mlp.c_fc.weight"))
            #expect(missing.contains("text_model.encoder.layers.1.mlp.fc1.weight of shape (80, 64) is missing"), "\(missing)")
            let scaled = TensorToWrite("visual.transformer.resblocks.0.ls_1.gamma", shape: [128], floats: Array(repeating: 1, count: 128))
            #expect(try error(Self.openAI() + [scaled]).contains("ls_1.gamma"))
            let fused = TensorToWrite("transformer.resblocks.0.attn.in_proj_weight", shape: [64, 64], floats: Array(repeating: 1, count: 4096))
            #expect(try error(Self.openAI(without: fused.name) + [fused]).contains("(64, 64)"))
            let places = TensorToWrite("visual.positional_embedding", shape: [9, 128], floats: Array(repeating: 1, count: 1152))
            #expect(try error(Self.openAI(without: places.name) + [places]).contains("no square"))
        }
    }

    /// Under Hugging Face's names: what a tower does not have is refused, what stands beside the towers is told, and so is what looks
    /// like the rest of a download.
    @Test func nothingInAFileIsPassedOverSilently() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("model.safetensors").path
            func put(_ more: [TensorToWrite], zeros: String? = nil, scale: Float? = nil) throws {
                let own = Self.weights.filter { one in !more.contains { $0.name == one.key } }.map { name, tensor in
                    let values = name == zeros ? tensor.values.map { _ in 0 } : name == "logit_scale" ? [scale ?? 1] : tensor.values
                    return TensorToWrite(name, shape: tensor.shape, floats: values)
                }
                try SafetensorsWriter.write(own + more, to: path)
            }
            func extra(_ name: String) -> [TensorToWrite] { [TensorToWrite(name, shape: [1], floats: [1])] }
            func error() throws -> String { try #require(throws: FormatError.self) { _ = try CLIPWeightFiles(path: path) }.description }
            try put([TensorToWrite("text_model.embeddings.position_ids", shape: [1], integers: [0])] + extra("text_model.causal_mask"))
            #expect(try CLIPWeightFiles(path: path).notes.count == 2)
            try put(extra("vision_model.encoder.layers.0.layer_scale1"))
            #expect(try error().contains("layers.0.layer_scale1"))
            try put(extra("decoder.weight"))
            #expect(try CLIPWeightFiles(path: path).notes.last?.contains("decoder.weight") == true)
            try put([], zeros: "text_projection.weight")
            #expect(try CLIPWeightFiles(path: path).notes.last?.contains("a tensor holds nothing but zeros (text_projection.weight)") == true)
            try put([], scale: 100)
            #expect(try error().contains("logit_scale is 100.0"))

            let place = folder.appendingPathComponent("m")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let model = try ModelFolder(place)
            try model.put("config.json", ModelFolder.text.replacing("\"num_hidden_layers\": 2", with: "\"num_hidden_layers\": 1"))
            let fewer = try #require(throws: FormatError.self) { _ = try CLIPFiles(path: model.path) }.description
            #expect(fewer.contains("text_model.encoder.layers.1") && fewer.contains("the last layer is 0"), "\(fewer)")
            try model.put("config.json", ModelFolder.text)
            #expect(try CLIPFiles(path: model.path).notes.isEmpty)
            let merges = try String(contentsOfFile: model.file("merges.txt"), encoding: .utf8).split(separator: "\n")
            try model.put("merges.txt", merges.dropLast(3).joined(separator: "\n") + "\n")
            #expect(try CLIPFiles(path: model.path).notes.first?.contains("no merge makes 3 of the 714 tokens") == true)
        }
    }

    /// Written out as a Hugging Face folder and read again: the same numbers, the same fingerprint.
    @Test func foldersAreWrittenWholeAndNeverOverAnother() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("clip.safetensors").path
            try SafetensorsWriter.write(Self.openAI(), to: path)
            let model = try CLIPFiles(path: path, vocabulary: BPETokenizerTests.fixture.path)
            let writer = CLIPFolderWriter(model.files, tokenizer: model.tokenizer)
            let out = folder.appendingPathComponent("out").path
            try writer.write(to: out, type: .f32)
            let again = try CLIPFiles(path: out)
            #expect(again.files.layout == .huggingFace && again.fingerprint == model.fingerprint)
            #expect(again.configuration.vision == model.configuration.vision && again.configuration.text == model.configuration.text)
            // Real numbers are spelled as such, as transformers demands.
            let numbers = try String(contentsOfFile: out + "/config.json", encoding: .utf8).matches(of: /"([a-z_]+)" : (-?[0-9.e-]+)[,\n]/)
            let reals = numbers.filter { $0.2.contains(".") || $0.2.contains("e") }.map { String($0.1) }
            #expect(Set(reals) == ["logit_scale_init_value", "layer_norm_eps"], "\(reals)")
            #expect(again.preprocessing == model.preprocessing && again.tokenizer.encode("a tabby cat.") == model.tokenizer.encode("a tabby cat."))
            #expect(again.weights["visual_projection.weight"]?.alignedFloats != nil)
            #expect(throws: FormatError.folder(path: out, .exists)) { try writer.write(to: out, type: .f32) }

            let half = folder.appendingPathComponent("half").path
            try writer.write(to: half, type: .f16)
            let halves = try CLIPFiles(path: half)
            for (name, (shape, values)) in Self.weights {
                let found = try halves.weights.tensor(name, shape: shape)
                #expect(found.type == .f16)
                #expect(try zip(found.floats(), values).allSatisfy { abs($0 - $1) <= abs($1) * 0x1p-11 + 0x1p-25 }, "\(name)")
            }
            // Nothing else is left: no temporary folder.
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["clip.safetensors", "half", "out"])

            let large = TensorToWrite("visual.class_embedding", shape: [128], floats: Array(repeating: 70_000, count: 128))
            try SafetensorsWriter.write(Self.openAI(without: large.name) + [large], to: path)
            let loud = try CLIPWeightFiles(path: path)
            let target = folder.appendingPathComponent("loud").path
            #expect(throws: FormatError.weights(path: path, .beyondRange(name: "vision_model.embeddings.class_embedding", type: .f16))) {
                try CLIPFolderWriter(loud, tokenizer: model.tokenizer).write(to: target, type: .f16)
            }
            #expect(!FileManager.default.fileExists(atPath: target))
        }
    }

    @Test func halvesAreRoundedToNearestEven() {
        // Every half, and the middle between it and the next one, whose tie goes to the even one.
        for bits in 0..<UInt16(0x7C00) {
            let value = float(half: bits)
            #expect(halfBits(value) == bits && halfBits(-value) == bits | 0x8000)
            let middle = bits == 0x7BFF ? 65_520 : (value + float(half: bits + 1)) / 2
            #expect(halfBits(middle) == (bits & 1 == 0 ? bits : bits + 1))
            #expect(halfBits(middle.nextDown) == bits && halfBits(middle.nextUp) == bits + 1)
        }
        #expect(halfBits(.infinity) == 0x7C00 && halfBits(-.infinity) == 0xFC00 && halfBits(.nan) & 0x7C00 == 0x7C00 && halfBits(.nan) & 0x3FF != 0)
    }
}

struct ArchitectureTests {
    private func told(_ tensors: [TensorToWrite]) throws -> FormatError {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("x.safetensors").path
            try SafetensorsWriter.write(tensors, to: path)
            let error = try #require(throws: FormatError.self) { _ = try CLIPWeightFiles(path: path) }
            #expect(!error.description.contains("\n"))
            return error
        }
    }

    private func one(_ names: String...) -> [TensorToWrite] { names.map { TensorToWrite($0, shape: [1], floats: [1]) } }

    @Test func whatIsNoCLIPIsSaid() throws {
        #expect(try told(one("visual.layer1.0.conv1.weight", "visual.attnpool.c_proj.weight", "transformer.resblocks.0.ln_1.bias")).description.contains("ResNet"))
        #expect(try told(one("base_model.model.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight")).description.contains("adapter"))
        #expect(try told(one("lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight")).description.contains("lora_down"))
        #expect(try told(one("visual.trunk.blocks.0.attn.qkv.weight", "text.transformer.resblocks.0.ln_1.bias")).description.contains("timm"))
        #expect(try told(one("vision_model.encoder.layers.0.layer_norm1.bias")).description.contains("vision tower alone"))
        #expect(try told(one("logit_bias", "text_model.encoder.layers.0.layer_norm1.bias", "vision_model.head.probe")).description.contains("SigLIP"))
        #expect(try told(one("model.layers.0.self_attn.q_proj.weight")).description.contains("language model"))
        #expect(try told(one("something", "else")).description.contains("something, else"))
        #expect(try told(one("prompt_learner.ctx")).description.contains("learned prompts"))
        #expect(try told(one("visual.conv1.weight", "transformer.resblocks.0.mlp.c_fc.weight.qweight")).description.contains("quantised"))
        var quantised = one("text_model.encoder.layers.0.layer_norm1.bias", "vision_model.encoder.layers.0.layer_norm1.bias")
        quantised.append(TensorToWrite("vision_model.encoder.layers.0.mlp.fc1.weight", type: .i8, shape: [2], bytes: [1, 2]))
        #expect(try told(quantised).description.contains("quantised"))
    }

    private func lone(_ folder: URL) throws -> URL {
        let file = folder.appendingPathComponent("lone.safetensors")
        try SafetensorsWriter.write(one("text_model.encoder.layers.0.layer_norm1.bias"), to: file.path)
        return file
    }

    /// So many names are not searched for every mark.
    @Test func manyTensorsAreNoKnownModel() throws {
        #expect(try told((0..<20_001).map { TensorToWrite("t\($0)", shape: [0], floats: []) }).description.contains("20001 tensors"))
    }

    @Test func filesThatAreNoWeightsAreNamed() throws {
        try Places.withTemporaryFolder { folder in
            func told(_ name: String, _ bytes: [UInt8]) throws -> String {
                let path = folder.appendingPathComponent(name).path
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                return try #require(throws: FormatError.self) { _ = try CLIPWeightFiles(path: path) }.description
            }
            #expect(try told("a.gguf", Array("GGUF\u{3}\0\0\0".utf8)).contains("GGUF"))
            #expect(try told("a.h5", [0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10]).contains("HDF5"))
            #expect(try told("a.pt", Array("<!DOCTYPE html><html></html>".utf8)).contains("web page"))
            #expect(try told("model.safetensors.incomplete", [1, 2, 3]).contains("still being downloaded"))
            #expect(try told("ViT-B-16.pt.crdownload", [1, 2, 3]).contains("still being downloaded"))
            let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 598641023\n"
            #expect(try told("ViT-B-16.pt", Array(pointer.utf8)).contains("598,641,023 bytes"))
            try Data().write(to: folder.appendingPathComponent("b.pt.aria2"))
            #expect(try told("b.pt", Array(repeating: 0, count: 100)).contains("b.pt.aria2"))
            #expect(try told("c.safetensors", Array("Access to model x is restricted.\n".utf8)).contains("a text that begins with 'Access to model x is restricted.'"))
            #expect(try told("c.pt", Array("{\"error\": \"Entry not found\"}".utf8)).contains("a JSON text"))
            #expect(try told("c.onnx", [8, 7, 18, 7]).contains("an ONNX model"))
            #expect(try told("model-00001-of-00002.safetensors", Array(Data(contentsOf: lone(folder)))).contains("model.safetensors.index.json"))
            #expect(try told("model-00001-of-00002.safetensors", Array(Data(contentsOf: lone(folder))).dropLast()).contains("download complete"))
            let waiting = folder.appendingPathComponent("w").path
            try FileManager.default.createDirectory(atPath: waiting, withIntermediateDirectories: true)
            for name in ["config.json", "model.safetensors.part"] { try Data("{}".utf8).write(to: URL(fileURLWithPath: waiting + "/" + name)) }
            #expect(try #require(throws: FormatError.self) { _ = try CLIPWeightFiles(path: waiting) }.description.contains("text_config"))
            try Data(ModelFolder.text.utf8).write(to: URL(fileURLWithPath: waiting + "/config.json"))
            #expect(try #require(throws: FormatError.self) { _ = try CLIPWeightFiles(path: waiting) }.description.contains("ends in .part"))
        }
    }
}
