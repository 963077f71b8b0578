import Formats
import Foundation
import RunStore
import TestSupport
import Testing

/// Prompts of other programs as runs, and runs as files for other programs.
@Suite(.serialized) struct PromptImportTests {
    private static let reference = Places.fixtures.appendingPathComponent("goldens/micro-clip/checkpoints/MultiModalPromptLearner").path

    @Test func importedPromptsAreRunsThatAreNeverTrained() throws {
        try withWorkplace { place in
            let made = try place.maple("import", Self.reference, "--model", Workplace.model, "--data", place.data, "--name", "theirs", "--threads", "1")
            #expect(made.code == 0, "\(made)")
            let run = try place.onlyRun()
            #expect(made.output == run.path + "\n")
            // It was trained on other classes than the drawn ones, which is said.
            #expect(made.errors.contains("golden retriever") && made.errors.contains("which are not"), "\(made.errors)")
            #expect(try run.evaluationFiles() == ["evaluations/5-base-test.json", "evaluations/5-new-test.json"])
            #expect(try run.checkpoints().map(\.file) == ["checkpoints/epoch-5.safetensors"])
            #expect(try run.samples().classes.map(\.name) == ["ash tree", "bat"])
            let row = try #require(RunList.overview(run))
            #expect(row.method == .maple && row.source?.hasSuffix("model.pth.tar-5") == true && row.base != nil && row.state == .finished)
            // The run scores as the file does.
            let again = try place.maple("eval", "last", "--classes", "base", "--json").object()
            #expect(again["accuracy"] as? Double == row.base)
            let direct = try place.maple("eval", Self.reference, "--model", Workplace.model, "--data", place.data, "--classes", "base", "--json").object()
            #expect(direct["loss"] as? Double == again["loss"] as? Double)
            try place.maple("resume", "last").expectRefusal("read-only")
            // The tensors are the file's, bit for bit.
            let theirs = try PromptCheckpoint(path: Self.reference + "/model.pth.tar-5")
            let ours = try SafetensorsFile(path: run.path + "/checkpoints/epoch-5.safetensors")
            for tensor in theirs.tensors { #expect(try ours.tensor(tensor.name, shape: tensor.shape).floats() == tensor.floats()) }
        }
    }

    @Test func importWithoutDataWaitsForIt() throws {
        try withWorkplace { place in
            #expect(try place.maple("import", Self.reference, "--model", Workplace.model, "--threads", "1").code == 0)
            let run = try place.onlyRun()
            #expect(try run.samples().classes.map(\.name).first == "golden retriever")
            #expect(try place.maple("eval", "last", "--data", place.data, "--json").code == 0)
            try place.maple("eval", "last").expectRefusal("without a data set", "--data")
            #expect(try place.maple("words", "last").code == 0)
            let whole = Places.fixtures.appendingPathComponent("goldens/micro-clip/model/model.safetensors").path
            try place.maple("import", whole, "--model", Workplace.model).expectRefusal("holds a CLIP, not learned prompts")
            try place.maple("eval", Self.reference, "--model", Workplace.model, "--data", place.data, "--position", "front").expectRefusal("--position")
            try place.maple("eval", Self.reference, "--model", Workplace.model, "--data", place.data, "--init", "hello").expectRefusal("--init")
            try place.maple("import", place.folder, "--model", Workplace.model).expectRefusal("no checkpoint of learned prompts")
            let bare = try place.maple("import", Self.reference)
            #expect(bare.code == 2 && bare.errors.contains("--model"), "\(bare)")
        }
    }

    /// What was trained on another CLIP is not scored on this one.
    @Test func promptsOfAnotherModelAreRefused() throws {
        try withWorkplace { place in
            let other = place.folder + "/other"
            try FileManager.default.copyItem(atPath: Workplace.model, toPath: other)
            let file = try SafetensorsFile(path: Workplace.model + "/model.safetensors")
            let name = "vision_model.encoder.layers.1.mlp.fc2.weight"
            let tensors = try file.names.map { each in
                let tensor = try file.tensor(each)
                return each == name ? TensorToWrite(each, shape: tensor.shape, floats: try tensor.floats().map { $0 * 1.1 }) : TensorToWrite(tensor)
            }
            try SafetensorsWriter.write(tensors, to: other + "/model.safetensors")
            try place.maple("eval", Self.reference, "--model", other, "--data", place.data, "--quiet").expectRefusal("another CLIP", name)
        }
    }

    /// The reference starts class-specific contexts from "X X" before the name, and keeps the embeddings of what follows.
    @Test func contextsOfEachClassAreScored() throws {
        try withWorkplace { place in
            let tokenizer = try CLIPFiles(path: Workplace.model).tokenizer, width = 64, places = 20
            let table = try SafetensorsFile(path: Workplace.model + "/model.safetensors").tensor("text_model.embeddings.token_embedding.weight").floats()
            func suffix(_ name: String) -> [Float] {
                let ids = tokenizer.encode("X X \(name).").dropFirst(2) + [tokenizer.endToken]
                return (Array(ids) + Array(repeating: 0, count: places - ids.count)).flatMap { table[Int($0) * width..<(Int($0) + 1) * width] }
            }
            func write(_ names: [String]) throws -> String {
                let path = place.folder + "/model.pth.tar-3"
                try? FileManager.default.removeItem(atPath: path)
                try PyTorchWriter.write(
                    stateDictionary: [
                        TensorToWrite("ctx", shape: [2, 2, width], floats: (0..<4 * width).map { Float($0 % 7) * 0.01 }),
                        TensorToWrite("token_suffix", shape: [2, places, width], floats: names.flatMap(suffix)),
                    ], beside: [("epoch", .integer(3))], to: path)
                return path
            }
            func eval(_ path: String) throws -> Program.Ending {
                try place.maple("eval", path, "--model", Workplace.model, "--data", place.data, "--classes", "base", "--json")
            }
            let scored = try eval(write(["ash tree", "bat"]))
            #expect(scored.code == 0 && scored.errors.contains("trained on 2 classes: ash tree, bat"), "\(scored)")
            try place.maple("eval", place.folder + "/model.pth.tar-3", "--model", Workplace.model, "--data", place.data, "--init", "a photo of a")
                .expectRefusal("started from \"X X\"", "--init")
            let turned = try eval(write(["bat", "ash tree"])), others = try eval(write(["bat", "cow"]))
            #expect(turned.code == 1 && turned.errors.contains("in another order"), "\(turned)")
            #expect(others.code == 1 && others.errors.contains("know the 2 classes"), "\(others)")
        }
    }

    @Test func exportedPromptsComeBackTheSame() throws {
        try withWorkplace { place in
            for (method, more) in [("maple", ""), ("coop", ""), ("independent", ""), ("vision", ""), ("cocoop", "")] {
                let session = try place.session("\(method).toml", epochs: 1, method: method, more: more)
                #expect(try place.maple("train", session, "--quiet").code == 0)
                let run = try #require(try place.runFolders().last)
                let checkpoint = try SafetensorsFile(path: run + "/checkpoints/epoch-1.safetensors")
                let scored = try place.maple("eval", run, "--json").object()
                for (target, ending) in [("reference", "pth.tar-1"), ("safetensors", "safetensors")] {
                    let path = "\(place.folder)/\(method).\(ending)"
                    let done = try place.maple("export", run, "--to", target, path)
                    #expect(done.code == 0 && done.output == path + "\n", "\(done)")
                    let file = try PromptCheckpoint(path: path)
                    #expect(file.method.rawValue == method && file.epoch == 1)
                    #expect(Set(file.tensors.map(\.name)) == Set(checkpoint.names.filter { !$0.hasPrefix("momentum/") }))
                    for tensor in file.tensors { #expect(try checkpoint.tensor(tensor.name, shape: tensor.shape).floats() == tensor.floats()) }
                    let back = try place.maple("eval", path, "--model", Workplace.model, "--data", place.data, "--json").object()
                    #expect(back["loss"] as? Double == scored["loss"] as? Double, "\(method) \(target)")
                    try place.maple("export", run, "--to", target, path).expectRefusal("exists already")
                    if method == "coop" {
                        for option in [["--init", "hello"], ["--position", "front"]] {
                            try place.maple(["eval", path, "--model", Workplace.model, "--data", place.data] + option).expectRefusal(option[0])
                        }
                    }
                }
                try FileManager.default.moveItem(atPath: run, toPath: place.folder + "/done-\(method)")
            }
            // Contexts of each class's own know their sentences again, and the order of their classes.
            let own = try place.session("own.toml", epochs: 1, method: "coop")
            #expect(try place.maple("train", own, "--quiet", "--set", "method.class_specific=true", "--set", "eval.classes=[\"base\"]").code == 0)
            let run = try #require(try place.runFolders().last), path = place.folder + "/own.pth.tar-1"
            #expect(try place.maple("export", run, "--to", "reference", path).code == 0)
            let arguments = ["--data", place.data, "--classes", "base", "--json"]
            let scored = try Program("maple", ["eval", run] + arguments, in: place.folder).wait().object()
            let back = try Program("maple", ["eval", path, "--model", Workplace.model] + arguments, in: place.folder).wait().object()
            #expect(back["loss"] as? Double == scored["loss"] as? Double)
            let folder = place.folder + "/words"
            #expect(try place.maple("export", place.folder + "/done-coop", "--to", "huggingface", folder).code == 0)
            let files = try CLIPFiles(path: folder)
            #expect(files.configuration.vocabularySize == 716)
            let texts = try String(contentsOfFile: folder + "/prompts.json", encoding: .utf8)
            #expect(texts.contains("\"template\" : \"<ctx-1> <ctx-2> of a {}.\""), "\(texts)")
            try place.maple("export", place.folder + "/done-maple", "--to", "huggingface", place.folder + "/no").expectRefusal("transformers")
            #expect(!FileManager.default.fileExists(atPath: place.folder + "/no"))
        }
    }
}
