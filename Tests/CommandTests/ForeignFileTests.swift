import Foundation
import RunStore
import TestSupport
import Testing

/// Models and checkpoints that other programs wrote.
@Suite(.serialized) struct ForeignFileTests {
    private static let checkpoints = Places.fixtures.appendingPathComponent("goldens/micro-clip/checkpoints").path
    private static let archive = checkpoints + "/openai_torchscript_fp16.pt"

    @Test func inspectSaysWhatAFileIsAndLacks() throws {
        try withWorkplace(classes: nil) { place in
            let lone = try place.maple("inspect", Self.archive, "--json").object()
            #expect(lone["layout"] as? String == "OpenAI" && lone["container"] as? String == "TorchScript archive")
            #expect((lone["missing"] as? [String])?.count == 1 && (lone["notes"] as? [String])?.isEmpty == true)
            #expect((lone["vision"] as? [String: Any])?["heads"] as? Int == 1 && lone["image_size"] as? Int == 32)
            let whole = try place.maple("inspect", Self.archive, "--vocabulary", Workplace.model, "--json").object()
            #expect((whole["missing"] as? [String])?.isEmpty == true && whole["tokens"] as? Int == 714)
            #expect(whole["fingerprint"] as? String == lone["fingerprint"] as? String)
            let bin = try place.maple("inspect", Self.checkpoints + "/pytorch_model.bin", "--json").object()
            #expect(bin["layout"] as? String == "Hugging Face" && (bin["notes"] as? [String])?.count == 2)
            let prompts = try place.maple("inspect", Self.checkpoints + "/MultiModalPromptLearner", "--json").object()
            #expect(prompts["kind"] as? String == "prompts" && prompts["method"] as? String == "maple" && prompts["epoch"] as? Int == 5)
            #expect(try place.maple("inspect", Self.checkpoints + "/prompt_learner").output.contains("learned prompts of coop"))
            // A lone tensor in the old format is loaded right.
            let legacy = try place.maple("inspect", Places.fixtures.appendingPathComponent("pytorch/legacy_non_zip.pth").path, "--json").object()
            #expect((legacy["tensors"] as? [[String: Any]])?.first?["shape"] as? [Int] == [8])
        }
    }

    /// A file scores as the folder that it is converted to, answer by answer; a folder is never written over.
    @Test func convertedFoldersAnswerAlike() throws {
        try withWorkplace { place in
            let out = place.folder + "/converted"
            try place.maple("convert", Self.archive, out).expectRefusal("has no vocabulary", "--vocabulary")
            #expect(!FileManager.default.fileExists(atPath: out))
            let done = try place.maple("convert", Self.archive, out, "--vocabulary", Workplace.model)
            #expect(done.code == 0 && done.output == out + "\n", "\(done)")
            func answers(_ arguments: String...) throws -> [[Int]] {
                let ending = try Program(
                    "maple", ["zeroshot", "--data", place.data, "--json", "--predictions", "--threads", "1"] + arguments, in: place.folder
                ).wait()
                let rows = try #require(try ending.object()["predictions"] as? [[String: Any]])
                return try rows.map { try #require($0["top"] as? [Int]) }
            }
            #expect(try answers("--model", Self.archive, "--vocabulary", Workplace.model) == answers("--model", out))
            try place.maple("convert", Self.archive, out, "--vocabulary", Workplace.model).expectRefusal("is there already")
            // A session names the vocabulary too.
            let session = try place.session("v.toml", epochs: 1, model: Self.archive + "\"\nvocabulary = \"" + Workplace.model)
            #expect(try place.maple("train", session, "--quiet").code == 0)
            let run = try place.onlyRun()
            #expect(try run.sessionText().contains("vocabulary = \"\(Workplace.model)\""))
        }
    }

    @Test func promptFilesAreScoredWithoutARun() throws {
        try withWorkplace { place in
            let file = Self.checkpoints + "/MultiModalPromptLearner/model.pth.tar-5"
            let scored = try place.maple("eval", file, "--model", Workplace.model, "--data", place.data, "--json")
            #expect(try scored.object()["method"] as? String == "maple")
            #expect(scored.errors.contains("trained on 5 classes: golden retriever, tabby cat, airplane, "), "\(scored.errors)")
            let bare = try place.maple("eval", file, "--model", Workplace.model)
            #expect(bare.code == 2 && bare.errors.contains("--data"), "\(bare)")
            let pytorch = Places.fixtures.appendingPathComponent("pytorch").path
            for (name, part) in [
                ("missing_key_prompts.pth", "prompt_learner.compound_prompts_text.0 of shape (2, 64) is missing"),
                ("wrong_shape_prompts.pth", "prompt_learner.proj.weight has shape (64, 63), (64, 64) is expected"),
                ("nan_prompts.pth", "holds NaN or infinity"), ("pickle_runs_command.pth", "refused"), ("truncated.pth", "Is the download complete?"),
            ] {
                try place.maple("eval", pytorch + "/" + name, "--model", Workplace.model, "--data", place.data, "--quiet")
                    .expectRefusal(name, part)
            }
        }
    }
}
