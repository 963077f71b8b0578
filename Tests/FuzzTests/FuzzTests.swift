import Foundation
import TestSupport
import Testing

/// Damaged inputs for every parser of files from others: none may crash, hang, or take memory beyond four times the input and
/// 64 MiB. A program of its own reads them, so that a crash is a failed test that names its input. The long form:
/// `fuzz-trial --parser all --count 100000`.
@Suite(.serialized) struct FuzzTests {
    @Test(arguments: [
        "safetensors", "zip", "pickle", "config", "model", "prompts", "merges", "bpe", "tokenizer", "png", "jpeg", "split", "session", "theme",
        "tensorboard", "captions", "run", "openclip", "index", "classlists",
    ])
    func damagedInputs(parser: String) throws {
        let ending = try Program.run("fuzz-trial", ["--parser", parser, "--count", "2000", "--seed", "20"], limit: 300)
        #expect(ending.code == 0, "\(ending)")
        #expect(ending.outputLines.last?.hasPrefix("\(parser): 2000 inputs") == true, "\(ending)")
    }

    @Test func everyParserIsTried() throws {
        let list = try Program.run("fuzz-trial", ["--list"])
        #expect(list.outputLines.count == 20, "\(list)")
    }

    @Test func anInputCanBeMadeAgain() throws {
        try Places.withTemporaryFolder { folder in
            var inputs: [Data] = []
            for _ in 0..<2 {
                _ = try Program.run("fuzz-trial", ["--parser", "config", "--index", "77", "--folder", folder.path])
                for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/config") {
                    inputs.append(try Data(contentsOf: folder.appendingPathComponent("config/" + name)))
                }
            }
            #expect(inputs.count == 2 && inputs[0] == inputs[1])
        }
    }
}
