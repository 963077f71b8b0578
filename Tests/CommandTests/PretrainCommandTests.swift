import Foundation
import RunStore
import TestSupport
import Testing

/// `maple pretrain` and `maple vocabulary` as processes: on the drawn world, killed, refused.
@Suite(.serialized) struct PretrainCommandTests {
    /// A tiny model: 3 steps an epoch.
    private func session(_ place: Workplace, _ more: String = "", epochs: Int = 4) throws -> String {
        let path = place.folder + "/p.toml"
        let text = """
            kind = "pretrain"
            name = "tiny"
            seed = 9
            [model]
            image = 16
            patch = 8
            vision_width = 16
            vision_layers = 1
            vision_heads = 2
            text_width = 16
            text_layers = 1
            text_heads = 2
            embedding = 8
            vocabulary = 560
            context = 64
            [data]
            pairs = 24
            validation = 6
            [optim]
            batch = 8
            epochs = \(epochs)
            [eval]
            every = 0
            images = 1
            \(more)
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test func killedAndResumedItEndsTheSame() throws {
        try withWorkplace(classes: nil) { place in
            let epochs = 60, session = try session(place, epochs: epochs)
            let whole = try place.maple("pretrain", session, "--quiet", "--json", "--threads", "1", "--output", place.folder + "/out/model")
            let report = try whole.object()
            #expect(report["state"] as? String == "finished" && report["steps"] as? Int == 3 * epochs)
            #expect(report["zero_shot"] is Double && report["recall_image_to_text"] is Double && report["gemm_share"] is Double)
            let first = try place.onlyRun()
            func model(_ folder: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder + "/model.safetensors")) }
            let expected = try model(first.path + "/model")
            #expect(try model(place.folder + "/out/model") == expected)
            #expect(try place.maple("inspect", place.folder + "/out/model").code == 0)

            let process = try place.start("pretrain", session, "--threads", "1")
            try process.line(of: .errors) { $0.hasPrefix("step ") }
            process.send(SIGKILL)
            process.wait()
            let second = RunFolder(path: try #require(try place.runFolders().first { $0 != first.path }))
            let resumed = try place.maple("resume", second.path, "--quiet", "--json")
            #expect(resumed.code == 0, "\(resumed)")
            #expect(try model(second.path + "/model") == expected)
            #expect(try Workplace.steps(second) == Array(1...(3 * epochs)))
            #expect(RunList.overview(second)?.state == .finished && RunList.overview(second)?.new == RunList.overview(first)?.new)
        }
    }

    @Test func whatIsRefused() throws {
        try withWorkplace(classes: nil) { place in
            let session = try session(place)
            func refused(_ arguments: String..., holding parts: [String]) throws {
                let ending = try place.maple(["pretrain", session, "--threads", "1", "--quiet"] + arguments)
                #expect(ending.code == 1 && ending.output.isEmpty, "\(ending)")
                for part in parts { #expect(ending.errors.contains(part), "\(ending.errors)") }
                #expect(try place.runFolders().isEmpty)
            }
            try refused("--set", "model.vocabulary=300", holding: ["vocabulary of 300 tokens", "514"])
            try refused("--set", "model.context=5", holding: ["captions do not fit", "model.context larger"])
            try refused("--set", "optim.batch=25", holding: ["optim.batch is 25, more than the 24"])
            try refused("--set", "data.source=captions", "--set", "data.path=none", holding: ["data.path", "does not exist"])
            // A folder that holds something is asked about before anything is trained.
            let there = place.folder + "/there"
            try FileManager.default.createDirectory(atPath: there, withIntermediateDirectories: true)
            try Data("mine".utf8).write(to: URL(fileURLWithPath: there + "/config.json"))
            let ending = try place.maple("pretrain", session, "--output", there)
            #expect(ending.code != 0 && ending.errors.contains("--replace") && ending.output.isEmpty, "\(ending)")
            #expect(try String(contentsOfFile: there + "/config.json", encoding: .utf8) == "mine" && place.runFolders().isEmpty)
            let hot = try place.maple(
                "pretrain", session, "--threads", "1", "--quiet", "--set", "optim.lr=50", "--set", "optim.warmup_steps=0")
            #expect(hot.code == 1 && hot.errors.contains("the temperature diverges") && !hot.errors.contains("maple resume"), "\(hot)")
            #expect(try RunList.overview(place.onlyRun())?.state.word == "failed")
        }
    }

    @Test func vocabularies() throws {
        try withWorkplace(classes: nil) { place in
            let file = place.folder + "/captions.txt"
            try Data("a red star\na.png\ta blue star\n\n".utf8).write(to: URL(fileURLWithPath: file))
            let made = try place.maple("vocabulary", file, place.folder + "/v", "--size", "520", "--json")
            let report = try made.object()
            #expect(report["captions"] as? Int == 2 && report["words"] as? Int == 4 && (report["tokens"] as? Int ?? 0) <= 520)
            #expect(FileManager.default.fileExists(atPath: place.folder + "/v/merges.txt"))
            try place.maple("vocabulary", file, place.folder + "/v", "--size", "100").expectRefusal("a vocabulary of 100 tokens", "514")
            try place.maple("vocabulary", place.folder + "/none", place.folder + "/v").expectRefusal("no such captions file")
        }
    }
}
