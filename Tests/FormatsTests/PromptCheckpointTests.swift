import Foundation
import TestSupport
import Testing

@testable import Formats

struct PromptCheckpointTests {
    private func fixture(_ name: String) -> String { Places.fixtures.appendingPathComponent(name).path }

    private func problem(_ path: String) throws -> PromptsProblem {
        let error = try #require(throws: FormatError.self) { _ = try PromptCheckpoint(path: path) }
        guard case .prompts(path, let problem) = error else {
            Issue.record("\(error)")
            return .noCheckpoint
        }
        #expect(!error.description.contains("\n"))
        return problem
    }

    @Test func trainingCheckpointsOfTheReferenceAreTakenApart() throws {
        let place = fixture("goldens/micro-clip/checkpoints")
        let file = try PromptCheckpoint(path: try #require(PromptFile.newest(in: place + "/MultiModalPromptLearner")))
        #expect(file.method == .maple && file.context == 2 && file.depth == 2 && file.epoch == 5)
        #expect(file.tensors.map(\.name).first == "prompt_learner.ctx" && file.tensors.count == 6)
        #expect(file.suffix?.shape == [5, 74, 64])
        let frozen = try #require(try file.frozenWeights())
        #expect(frozen["visual_projection.weight"]?.shape == [32, 64])
        #expect(frozen["text_model.embeddings.token_embedding.weight"] == nil)
        let coop = try PromptCheckpoint(path: try #require(PromptFile.newest(in: place + "/prompt_learner")))
        #expect(coop.method == .coop && coop.context == 4 && coop.epoch == 50 && coop.classes == nil && coop.frozen.isEmpty)
        // The folder above finds the learner's.
        #expect(PromptFile.newest(in: place)?.hasSuffix("MultiModalPromptLearner/model.pth.tar-5") == true)
        #expect(PromptFile.newest(in: Places.fixtures.path) == nil)
    }

    @Test func halfPrecisionPromptsOpen() throws {
        let file = try PromptCheckpoint(path: fixture("pytorch/maple_prompts_fp16.pth"))
        #expect(file.method == .maple && file.tensors.allSatisfy { $0.type == .f16 } && file.frozen.isEmpty)
    }

    @Test func damageIsNamed() throws {
        let missing = try problem(fixture("pytorch/missing_key_prompts.pth"))
        #expect(missing == .missing(name: "prompt_learner.compound_prompts_text.0", shape: [2, 64], method: "maple"))
        let misshapen = try problem(fixture("pytorch/wrong_shape_prompts.pth"))
        #expect(misshapen == .wrongShape(name: "prompt_learner.proj.weight", expected: [64, 64], found: [64, 63]))
        let path = fixture("pytorch/nan_prompts.pth")
        let error = try #require(throws: FormatError.self) { _ = try PromptCheckpoint(path: path) }
        guard case .weights(path, .notFinite(let name)) = error else { Issue.record("\(error)"); return }
        #expect(name.hasPrefix("prompt_learner."))
    }

    /// Every method by its tensors' names and shapes, and what each must not lack or have too many of.
    @Test func methodsAreToldApart() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("prompts.pth").path
            func write(_ tensors: [(String, [Int])]) throws {
                try PyTorchWriter.write(
                    stateDictionary: tensors.map { TensorToWrite($0, shape: $1, floats: Array(repeating: 0.5, count: $1.reduce(1, *))) },
                    beside: [("epoch", .integer(3))], to: path)
            }
            let seen = "image_encoder.transformer.resblocks.", read = "text_encoder.transformer.resblocks."
            try write([("ctx", [5, 4, 8]), ("token_prefix", [5, 1, 8]), ("token_suffix", [5, 3, 8])])
            var file = try PromptCheckpoint(path: path)
            #expect(file.method == .coop && file.classes == 5 && file.context == 4 && file.epoch == 3)
            try write([("ctx", [4, 8]), ("meta_net.linear1.weight", [2, 6]), ("meta_net.linear1.bias", [2]), ("meta_net.linear2.weight", [8, 2]), ("meta_net.linear2.bias", [8])])
            file = try PromptCheckpoint(path: path)
            #expect(file.method == .cocoop && file.tensors.map(\.name)[1] == "prompt_learner.meta_net.linear1.weight")
            try write([("image_encoder.VPT", [4, 8]), (seen + "1.VPT_shallow", [4, 8]), (seen + "2.VPT_shallow", [4, 8])])
            file = try PromptCheckpoint(path: path)
            #expect(file.method == .vision && file.context == 4 && file.depth == 3)
            try write([("prompt_learner.ctx", [4, 8]), (read + "1.VPT_shallow", [4, 8])])
            file = try PromptCheckpoint(path: path)
            #expect(file.method == .language && file.depth == 2)
            try write([("prompt_learner.ctx", [4, 8]), ("image_encoder.VPT", [2, 6]), (seen + "1.VPT_shallow", [2, 6])])
            file = try PromptCheckpoint(path: path)
            #expect(file.method == .independent && file.depth == 1 && file.visionContext == 2 && file.visionDepth == 2)

            try write([("image_encoder.VPT", [4, 8]), (seen + "2.VPT_shallow", [4, 8])])
            #expect(try problem(path) == .missing(name: seen + "1.VPT_shallow", shape: [4, 8], method: "vision"))
            try write([("prompt_learner.ctx", [4, 8]), ("head.weight", [2])])
            #expect(try problem(path) == .extra(name: "head.weight", method: nil))
            try write([("prompt_learner.ctx", [4, 8]), ("prompt_learner.adapter", [2])])
            #expect(try problem(path) == .extra(name: "prompt_learner.adapter", method: "coop"))
        }
    }

    @Test func writtenCheckpointsReadBack() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("model.pth.tar-7").path
            var generator = SeededGenerator(seed: 3)
            let values = (0..<35).map { _ in Float.random(in: -1...1, using: &generator) }
            try PyTorchWriter.write(
                stateDictionary: [
                    TensorToWrite("ctx", shape: [5, 7], floats: values), TensorToWrite("scalar", shape: [], floats: [2]),
                    TensorToWrite("empty", shape: [0, 3], floats: []),
                ],
                beside: [
                    ("epoch", .integer(7)), ("far", .integer(1 << 40)), ("rate", .real(0.25)), ("name", .text("é")), ("optimizer", .none),
                ], to: path)
            let file = try PyTorchFile(path: path)
            #expect(file.names == ["ctx", "scalar", "empty"])
            #expect(try file.tensor("ctx", shape: [5, 7]).floats() == values)
            #expect(try file.tensor("scalar", shape: []).floats() == [2] && file["empty"]?.shape == [0, 3])
            #expect(file.root["epoch"]?.integer == 7 && file.root["far"]?.integer == 1 << 40 && file.root["rate"]?.real == 0.25)
            #expect(file.root["name"]?.text == "é" && file.root["optimizer"]?.isNone == true)
            let start = try #require(try file.tensor("ctx").bytes.baseAddress)
            #expect(Int(bitPattern: start) % 64 == 0)
        }
    }
}

struct GzipTests {
    /// "hello hello hello hello\n" by gzip -9, and the same stored.
    @Test func unpacks() throws {
        let packed: [UInt8] = [
            0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x57, 0xC8, 0x40, 0x27, 0xB9, 0x00,
        ]
        let text = Array("hello hello hello hello\n".utf8)
        let tail: [UInt8] = [0x00, 0x88, 0x59, 0x0B, 0x18, 0x00, 0x00, 0x00]
        #expect(try (packed + tail).withUnsafeBytes { try Gzip.inflate($0, limit: 1000) } == text)
        var wrong = packed + tail
        wrong[12] ^= 1
        #expect(throws: GzipProblem.self) { try wrong.withUnsafeBytes { try Gzip.inflate($0, limit: 1000) } }
        #expect(throws: GzipProblem.self) { try (packed + tail).withUnsafeBytes { try Gzip.inflate($0, limit: 10) } }
        for cut in 0..<packed.count {
            #expect(throws: GzipProblem.self) { try packed[..<cut].withUnsafeBytes { try Gzip.inflate($0, limit: 1000) } }
        }
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<fuzzRounds {
            // A damaged file unpacks or is refused; it neither crashes nor takes more than the limit.
            let bytes = mutated(packed + tail, &generator)
            _ = try? bytes.withUnsafeBytes { try Gzip.inflate($0, limit: 1 << 16) }
        }
    }
}
