import Foundation
import TestSupport
import Testing

@testable import Training

/// The golden cases through the same code as `maple doctor --goldens`.
@Suite(.serialized) struct GoldenFolderTests {
    private static let goldens = Places.fixtures.appendingPathComponent("goldens").path

    private func check(_ path: String) throws -> [GoldenResult] {
        var results: [GoldenResult] = []
        try GoldenFolder(path: path).check { results.append($0) }
        return results
    }

    @Test func everyFixturePasses() throws {
        let results = try check(Self.goldens)
        #expect(results.map(\.name) == [
            "micro-clip/maple_ctx2_depth2", "micro-clip/zeroshot", "micro-clip/checkpoints/pytorch_model.bin",
            "micro-clip/checkpoints/openai_torchscript_fp16.pt", "micro-clip/checkpoints/fp32",
            "micro-clip/checkpoints/MultiModalPromptLearner", "micro-clip/checkpoints/maple_prompts_fp16.pth",
            "micro-clip/checkpoints/prompt_learner", "fewshot.json", "base_new_split.json", "lr_schedule.json",
            "metrics.json", "preprocess",
        ])
        for result in results {
            #expect(result.status == .passed && result.compared > 10 && result.worstShare <= 1, "\(result)")
        }
    }

    /// Every number of the whole folder that this program is meant to meet, none left out.
    @Test(.enabled(if: Places.hasShared, "needs ../shared")) func theWholeFolderPasses() throws {
        let folder = try #require(Places.shared).appendingPathComponent("goldens").path
        let results = try check(folder)
        #expect(results.filter { $0.status == .failed }.isEmpty, "\(results.filter { $0.status == .failed })")
        let passed = Set(results.filter { $0.status == .passed }.map(\.name))
        var wanted: Set<String> = [
            "tokenizer.json", "fewshot.json", "base_new_split.json", "lr_schedule.json", "metrics.json", "preprocess",
        ]
        for model in ["micro-clip", "tiny-clip"] {
            for file in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(model)/cases")
            where file.hasSuffix(".json") && (file.hasPrefix("maple_") || file.hasPrefix("zeroshot")) {
                wanted.insert("\(model)/\(file.dropLast(5))")
            }
            if FileManager.default.fileExists(atPath: "\(folder)/\(model)/hf_parity.json") { wanted.insert("\(model)/hf_parity") }
        }
        wanted.insert("micro-clip/contrastive")
        for file in [
            "pytorch_model.bin", "openai_state_dict_fp16.pth", "openai_torchscript_fp16.pt", "model_mixed_dtype.safetensors", "fp32",
            "MultiModalPromptLearner", "maple_prompts_fp16.pth", "prompt_learner",
        ] { wanted.insert("micro-clip/checkpoints/\(file)") }
        #expect(wanted.count == 24 && wanted.subtracting(passed).isEmpty, "not passed: \(wanted.subtracting(passed))")
    }

    /// A copy with one thing changed: the line of that file must fail, and name what is off.
    private func lineOfChangedCopy(_ file: String, _ name: String, _ change: (inout Data) throws -> Void) throws -> GoldenResult {
        try Places.withTemporaryFolder { folder in
            let copy = folder.appendingPathComponent("goldens")
            try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
            // Links: only what is changed and its neighbours are real.
            for part in ["micro-clip/model", "micro-clip/inputs.safetensors", file] {
                let target = copy.appendingPathComponent(part)
                try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(
                    atPath: target.path, withDestinationPath: Self.goldens + "/" + part)
            }
            if file.contains("/cases/") {
                let stem = (file as NSString).deletingPathExtension
                let twin = stem + (file.hasSuffix(".json") ? ".safetensors" : ".json")
                try FileManager.default.createSymbolicLink(
                    atPath: copy.appendingPathComponent(twin).path, withDestinationPath: Self.goldens + "/" + twin)
            }
            let changed = copy.appendingPathComponent(file)
            var data = try Data(contentsOf: changed)
            try change(&data)
            try FileManager.default.removeItem(at: changed)
            try data.write(to: changed)
            let results = try check(copy.path)
            return try #require(results.first { $0.name == name }, "\(results)")
        }
    }

    private func replace(_ old: String, _ new: String) -> (inout Data) throws -> Void {
        { data in
            let range = try #require(data.range(of: Data(old.utf8)), "\(old) is not there")
            data.replaceSubrange(range, with: Data(new.utf8))
        }
    }

    @Test(arguments: [
        ("metrics.json", "metrics.json", "\"macro_f1\": ", "\"macro_f1\": 1"),
        ("lr_schedule.json", "lr_schedule.json", "\"base_lr\": ", "\"base_lr\": 1"),
        ("fewshot.json", "fewshot.json", "\"next_random\": 0.", "\"next_random\": 0.1"),
        ("base_new_split.json", "base_new_split.json", "\"n_classes\": ", "\"n_classes\": 1"),
        ("micro-clip/cases/maple_ctx2_depth2.json", "micro-clip/maple_ctx2_depth2", "\"momentum\": 0.9", "\"momentum\": 0.8"),
        ("micro-clip/cases/maple_ctx2_depth2.json", "micro-clip/maple_ctx2_depth2", "\"tabby_cat\"", "\"tabby_dog\""),
        ("micro-clip/cases/zeroshot.json", "micro-clip/zeroshot", "a photo of", "a photo by"),
    ])
    func aChangedTextFails(_ file: String, _ name: String, _ old: String, _ new: String) throws {
        let result = try lineOfChangedCopy(file, name, replace(old, new))
        #expect(result.status == .failed && !result.detail.isEmpty, "\(result)")
    }

    /// Moves one float of each quantity by a little more than is allowed.
    @Test(arguments: [
        "final/prompt_learner.ctx", "grad/prompt_learner.proj.weight", "init/prompt_learner.ctx",
        "logits", "logits_final", "text_features_raw", "image_features", "loss_steps",
    ])
    func aChangedTensorFails(_ tensor: String) throws {
        let file = "micro-clip/cases/maple_ctx2_depth2.safetensors"
        let result = try lineOfChangedCopy(file, "micro-clip/maple_ctx2_depth2") { data in
            let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            let header = try #require(JSONSerialization.jsonObject(with: data[8..<(8 + length)]) as? [String: Any])
            let entry = try #require(header[tensor] as? [String: Any], "\(header.keys)")
            let offset = try #require((entry["data_offsets"] as? [Int])?.first) + 8 + length
            let old = data[offset..<(offset + 4)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let new = (Float(bitPattern: old) + 0.01).bitPattern
            for i in 0..<4 { data[offset + i] = UInt8(truncatingIfNeeded: new >> (8 * i)) }
        }
        #expect(result.status == .failed && result.worstShare > 1 && !result.detail.isEmpty, "\(result)")
    }

    @Test func foldersWithoutGoldensAreRefused() throws {
        try Places.withTemporaryFolder { folder in
            #expect(throws: TrainingError.self) { try check(folder.path) }
            #expect(throws: TrainingError.self) { try check(folder.path + "/none") }
        }
    }
}
