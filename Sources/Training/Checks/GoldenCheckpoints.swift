import Engine
import Formats
import Foundation
import RunModel

/// The golden cases of `<model>/checkpoints`: the same weights in other containers, and checkpoints of the reference's trainer.
extension GoldenModel {
    private struct Listing: Decodable {
        var classnames: [String]
        var zeroshot_template: String
        var zeroshot_classnames: [String]
    }

    /// Names and checks of what there is.
    func checkpointCases() -> [(name: String, check: () throws -> GoldenResult)] {
        let place = folder + "/checkpoints"
        guard FileManager.default.fileExists(atPath: place + "/expected.json") else { return [] }
        let stem = (folder as NSString).lastPathComponent + "/checkpoints/"
        var cases: [(name: String, check: () throws -> GoldenResult)] = []
        for (file, key) in [
            ("pytorch_model.bin", "pytorch_model_bin"), ("openai_state_dict_fp16.pth", "openai_fp16"),
            ("openai_torchscript_fp16.pt", "openai_fp16"), ("model_mixed_dtype.safetensors", "model_mixed_dtype"),
        ] where FileManager.default.fileExists(atPath: "\(place)/\(file)") {
            cases.append((stem + file, { try self.container("\(place)/\(file)", stem + file, key) }))
        }
        cases.append((stem + "fp32", { try self.container(self.folder + "/model", stem + "fp32", "fp32") }))
        if let file = PromptFile.newest(in: place + "/MultiModalPromptLearner") {
            cases.append((stem + "MultiModalPromptLearner", { try self.maple(file, stem + "MultiModalPromptLearner") }))
        }
        let halves = place + "/maple_prompts_fp16.pth"
        if FileManager.default.fileExists(atPath: halves) {
            cases.append((stem + "maple_prompts_fp16.pth", { try self.halves(halves, stem + "maple_prompts_fp16.pth") }))
        }
        if let file = PromptFile.newest(in: place + "/prompt_learner") {
            cases.append((stem + "prompt_learner", { try self.coop(file, stem + "prompt_learner") }))
        }
        return cases
    }

    private func listing() throws -> Listing {
        try JSONDecoder().decode(Listing.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/checkpoints/expected.json")))
    }

    private func expected(_ name: String = "expected") throws -> SafetensorsFile {
        try SafetensorsFile(path: "\(folder)/checkpoints/\(name).safetensors")
    }

    /// Zero-shot logits of a whole model.
    private func container(_ path: String, _ name: String, _ key: String) throws -> GoldenResult {
        var c = GoldenComparison(name)
        let listing = try listing()
        let other = try ModelFolder(path: path, vocabulary: folder + "/model", threads: model.clip.workers.count)
        let sentences = ClassSentences(
            classNames: listing.zeroshot_classnames, template: listing.zeroshot_template, tokenizer: other.tokenizer,
            window: other.configuration.contextLength)
        let logits = try score(sentences.tokens, prompts: nil, on: other).logits
        c.compare("logits", logits, try expected().tensor("logits/" + key).floats(), absolute: tolerance.logits)
        return c.result
    }

    private func logits(_ opened: OpenedPrompts, _ names: [String]) throws -> [Float] {
        let words = PromptWords(opened.method, tokenizer: model.tokenizer)
        let sentences = ClassSentences(
            classNames: names, tokenizer: model.tokenizer, window: model.configuration.contextLength, sentence: words.sentence)
        return try score(sentences.tokens, prompts: opened.prompts).logits
    }

    private func checkClassNames(_ opened: OpenedPrompts, _ names: [String], _ c: inout GoldenComparison) {
        // Names come back as their tokens are spelled.
        let wanted = names.map { model.tokenizer.decode(model.tokenizer.encode($0.replacing("_", with: " "))).split(separator: " ").joined(separator: " ") }
        c.expectEqual("class names read back", opened.classNames, wanted, count: names.count)
    }

    private func maple(_ path: String, _ name: String) throws -> GoldenResult {
        var c = GoldenComparison(name)
        let listing = try listing(), wanted = try expected()
        let opened = try OpenedPrompts(PromptCheckpoint(path: path), model: model)
        for tensor in opened.prompts.trainable {
            let final = try wanted.tensor("maple_final/" + tensor.name, shape: tensor.shape).floats()
            c.expectEqual(
                "maple_final/" + tensor.name, tensor.value.map(\.bitPattern), final.map(\.bitPattern), count: final.count)
        }
        c.expectEqual("number of tensors", opened.prompts.trainable.count, wanted.names.filter { $0.hasPrefix("maple_final/") }.count)
        checkClassNames(opened, listing.classnames, &c)
        c.compare("maple_logits", try logits(opened, listing.classnames), try wanted.tensor("maple_logits").floats(), absolute: tolerance.logits)
        return c.result
    }

    private func halves(_ path: String, _ name: String) throws -> GoldenResult {
        var c = GoldenComparison(name)
        let wanted = try expected()
        let opened = try OpenedPrompts(PromptCheckpoint(path: path), model: model)
        for tensor in opened.prompts.trainable {
            // Half precision keeps 11 bits.
            c.compare(
                "maple_final/" + tensor.name, Array(tensor.value),
                try wanted.tensor("maple_final/" + tensor.name, shape: tensor.shape).floats(), absolute: 1e-7, relative: 0x1p-11)
        }
        return c.result
    }

    private func coop(_ path: String, _ name: String) throws -> GoldenResult {
        var c = GoldenComparison(name)
        let listing = try listing(), wanted = try expected("expected_coop")
        let opened = try OpenedPrompts(PromptCheckpoint(path: path), model: model)
        guard let context = opened.prompts.trainable.first, opened.prompts.trainable.count == 1 else {
            throw TrainingError.goldens("\(path) is no checkpoint of CoOp")
        }
        let final = try wanted.tensor("ctx", shape: context.shape).floats()
        c.expectEqual("ctx", context.value.map(\.bitPattern), final.map(\.bitPattern), count: final.count)
        checkClassNames(opened, listing.classnames, &c)
        c.compare("logits", try logits(opened, listing.classnames), try wanted.tensor("logits").floats(), absolute: tolerance.logits)
        return c.result
    }
}
