import Formats
import Foundation
import TestSupport
import Testing

/// Wrong input gets one clear line on standard error and nothing on standard output.
@Suite(.serialized) struct WrongInputTests {
    @Test func wrongModels() throws {
        try withWorkplace { place in
            let empty = place.folder + "/empty"
            try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
            let file = try place.session()
            func zeroShot(_ model: String) throws -> Program.Ending {
                try place.maple("zeroshot", "--model", model, "--data", place.data, "--json")
            }
            try zeroShot(place.folder + "/none").expectRefusal("none", "no such file or folder")
            try zeroShot(empty).expectRefusal("empty")
            try zeroShot(file).expectRefusal("s.toml", "it is a text that begins with")
            try place.maple("inspect", place.folder + "/none").expectRefusal("none")
            try place.maple("inspect", empty).expectRefusal("empty")
            try place.maple("inspect", file).expectRefusal("s.toml")
            try place.maple("inspect", "").expectRefusal()
            try place.maple("train", place.session("m.toml", model: empty), "--json").expectRefusal("empty")
            #expect(try place.runFolders().isEmpty)
        }
    }

    /// A model with a tensor missing, and one with a tensor of another shape: name and shapes are said.
    @Test func wrongTensors() throws {
        try withWorkplace(classes: nil) { place in
            let file = try SafetensorsFile(path: Workplace.model + "/model.safetensors")
            func folder(_ name: String, _ change: (StoredTensor) throws -> TensorToWrite?) throws -> String {
                let path = place.folder + "/" + name
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                for part in try FileManager.default.contentsOfDirectory(atPath: Workplace.model) where part != "model.safetensors" {
                    try FileManager.default.createSymbolicLink(atPath: path + "/" + part, withDestinationPath: Workplace.model + "/" + part)
                }
                let tensors = try file.names.compactMap { try change(file.tensor($0)) }
                try SafetensorsWriter.write(tensors, to: path + "/model.safetensors")
                return path
            }
            let name = "text_model.encoder.layers.1.mlp.fc1.bias"
            let missing = try folder("missing") { $0.name == name ? nil : TensorToWrite($0) }
            try place.maple("inspect", missing).expectRefusal("the tensor \(name) of shape (256) is missing")
            let other = try folder("other") {
                $0.name == name ? TensorToWrite(name, shape: [255], floats: Array(repeating: 0, count: 255)) : TensorToWrite($0)
            }
            try place.maple("inspect", other).expectRefusal("the tensor \(name) has shape (255), (256) is expected")
            try Pictures.classFolders(in: place.data, classes: ["a", "b"], train: 1, test: 1)
            try place.maple("train", place.session(model: other)).expectRefusal("(255), (256)")
        }
    }

    @Test func wrongData() throws {
        try withWorkplace { place in
            let empty = place.folder + "/empty"
            try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
            let file = try place.session()
            func check(_ data: String, _ parts: [String]) throws {
                for ending in [
                    try place.maple("zeroshot", "--model", Workplace.model, "--data", data),
                    try place.maple("data", "check", data),
                ] {
                    ending.expectRefusal()
                    for part in parts { #expect(ending.errors.contains(part), "\(ending.errors)") }
                }
            }
            try check(place.folder + "/none", ["none does not exist"])
            try check(empty, ["empty holds no class folders"])
            try check(file, ["s.toml is a file where a data folder is expected"])
            try place.maple("zeroshot", "--model", Workplace.model, "--data", place.data, "--split", "none.json")
                .expectRefusal("none.json does not exist")
            try place.maple("train", place.session("d.toml", data: empty)).expectRefusal("empty holds no class folders")
            #expect(try place.runFolders().isEmpty)
            try place.maple("zeroshot", "--model", Workplace.model, "--data", place.data, "--subset", "val")
                .expectRefusal("no val images")
        }
    }

    /// A split file that does not fit its folder, and one that is wrong in itself.
    @Test func wrongSplits() throws {
        try withWorkplace { place in
            let file = place.data + "/split_micro.json"
            func write(_ extra: String) throws {
                let lists = ["train", "test"].map { part in
                    let entries = ["ash tree", "bat", "cat", "dog"].enumerated().flatMap { label, name in
                        (0..<(part == "train" ? 4 : 2)).map { "[\"\(part)/\(name)/\(100 + $0).png\", \(label), \"\(name)\"]" }
                    }
                    return "\"\(part)\": [\(entries.joined(separator: ", "))\(part == "test" ? extra : "")]"
                }
                try Data("{\(lists.joined(separator: ", "))}".utf8).write(to: URL(fileURLWithPath: file))
            }
            let session = try place.session(epochs: 1)
            try write((0..<11).map { ", [\"test/gone\($0).png\", 0, \"ash tree\"]" }.joined())
            for ending in [
                try place.maple("train", session), try place.maple("zeroshot", "--model", Workplace.model, "--data", place.data),
            ] { ending.expectRefusal("11 of the 35 images", "test/gone0.png", "test/gone9.png and 1 more", "allow_missing") }
            #expect(try place.runFolders().isEmpty)
            #expect(try place.maple("train", session, "--quiet", "--set", "data.allow_missing=true").code == 0)
            #expect(try place.maple("eval", "last", "--quiet").code == 0)
            let told = try place.maple("zeroshot", "--model", Workplace.model, "--data", place.data, "--allow-missing", "--quiet")
            #expect(told.code == 0 && told.errors.contains("11 of 35 images are missing"), "\(told)")
            let check = try place.maple("data", "check", place.data)
            #expect(check.code == 1 && check.errors.contains("11 of 35 images are missing"), "\(check)")

            try write(", [\"test/cat/100.png\", 4, \" \"]")
            try place.maple("train", session).expectRefusal("test/cat/100.png has label 4 without a class name")
            try write(", [\"test/cat/100.png\", 4, \"cat\"]")
            try place.maple("train", session).expectRefusal("class \"cat\" has several labels: 2, 4")
            try write("")
            try place.maple("train", session, "--set", "method.context=64", "--set", "method.init=\"\"", "--set", "method.depth=3")
                .expectRefusal("2 layers")
        }
        let long = Array(repeating: "word", count: 12).joined(separator: " ")
        try withWorkplace(classes: ["ash", "bat", "cat", long]) { place in
            try place.maple("train", place.session(), "--set", "method.context=64")
                .expectRefusal("64 context tokens", "1 class would be cut, \(long).", "Set method.context to at most ")
        }
    }

    @Test func wrongSessions() throws {
        try withWorkplace { place in
            try place.maple("train", "none.toml").expectRefusal("error: none.toml: there is no such file")
            try place.maple("train", place.folder).expectRefusal("this is a folder, not a session file")
            let unknown = try place.session("unknown.toml", more: "sed = 3")
            try place.maple("train", unknown).expectRefusal("unknown.toml:3: unknown key sed. Did you mean seed?")
            let two = try place.session("two.toml", more: "sed = 3\nnam = 1")
            try place.maple("train", two).expectRefusal(lines: 2, "two.toml:3:", "two.toml:4:")
            let type = try place.session("type.toml")
            try place.maple("train", type, "--set", "optim.lr=high").expectRefusal("--set optim.lr=high", "a number above 0")
            try place.maple("train", type, "--set", "optim.epochs=1.5").expectRefusal("whole number")
            try place.maple("train", type, "--set", "optim.epoch=2").expectRefusal("Did you mean optim.epochs?")
            try place.maple("train", type, "--set", "nonsense").expectRefusal("nonsense")
            try place.maple("train", type, "--set", "data.path=elsewhere").expectRefusal("data.path \"elsewhere\" does not exist")
            try place.maple("train", type, "--set", "method.depth=3").expectRefusal("method.depth", "2 layers")
            try place.maple("train", type, "--set", "method.name=mapel").expectRefusal("Did you mean \"maple\"?")
            #expect(try place.runFolders().isEmpty)
        }
    }

    @Test func wrongRuns() throws {
        try withWorkplace(classes: nil) { place in
            for command in ["resume", "eval"] {
                try place.maple(command, "last").expectRefusal("no runs in \(place.runs)")
                try place.maple(command, "none").expectRefusal("no runs")
                try place.maple(command, place.folder).expectRefusal("not a run folder")
                try place.maple(command, "").expectRefusal("no runs")
            }
            let list = try place.maple("runs", "--json")
            #expect(list.code == 0 && list.output == "[]\n" && list.errors.isEmpty)
            let text = try place.maple("runs")
            #expect(text.code == 0 && text.output.isEmpty && text.errorLines.count == 1)
            try Data().write(to: URL(fileURLWithPath: place.runs))
            try place.maple("runs").expectRefusal("Is the path right?")
        }
    }

    @Test func wrongGoldens() throws {
        try withWorkplace(classes: nil) { place in
            try place.maple("doctor", "--goldens", place.folder).expectRefusal("no golden case")
            try place.maple("doctor", "--goldens", place.folder + "/none").expectRefusal("is no folder")
            try place.maple("bench", "--dump", place.folder + "/none").expectRefusal("none")
        }
    }

    /// Hostile files: a line each, no crash, no file made, and no large piece of memory: 400 MB of address space do, libraries included.
    @Test(.enabled(if: Places.hasShared, "needs ../shared")) func hostileFiles() throws {
        try withWorkplace(classes: nil) { place in
            let hostile = try #require(Places.shared).appendingPathComponent("goldens/hostile").path
            let files = try FileManager.default.contentsOfDirectory(atPath: hostile).sorted()
            #expect(files.count == 23)
            let parts = [
                "wrong_shape.safetensors": ["text_projection.weight", "(32, 63)", "(32, 64)"],
                "nan_weights.safetensors": ["vision_model.encoder.layers.1.mlp.fc1.weight"],
                "nan_prompts.pth": ["prompt_learner."], "wrong_shape_prompts.pth": ["prompt_learner.proj.weight", "(64, 63)", "(64, 64)"],
                "missing_key_prompts.pth": ["prompt_learner.compound_prompts_text.0"],
                "pickle_runs_command.pth": ["refused", "system"], "pickle_eval.pth": ["refused", "eval"],
            ]
            for name in files {
                let ending = try Program.run(
                    "/bin/sh",
                    ["-c", "cd \"$0\" && ulimit -v 400000 && exec \"$@\"", place.folder, Program.products + "/maple", "inspect", hostile + "/" + name],
                    environment: ["OPENBLAS_NUM_THREADS": "1"])
                print("\(name): \(ending.errors)", terminator: "")
                // The old format is read, and holds one sound tensor.
                if name == "legacy_non_zip.pth" {
                    #expect(ending.code == 0 && ending.output.contains("ctx"))
                    continue
                }
                ending.expectRefusal()
                for part in parts[name] ?? [] { #expect(ending.errors.contains(part), "\(ending.errors)") }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder).isEmpty)
        }
    }
}
