import Foundation
import TestSupport
import Testing

/// How the program answers right and wrong usage.
@Suite(.serialized) struct UsageTests {
    static let commands: [[String]] = [
        [], ["train"], ["resume"], ["eval"], ["zeroshot"], ["runs"], ["inspect"], ["doctor"], ["bench"], ["data"],
        ["data", "check"], ["data", "draw"], ["demo"], ["protocol"], ["ablation"], ["cost"], ["words"], ["features"], ["compare"], ["show"],
    ]

    @Test(arguments: commands) func help(_ command: [String]) throws {
        let ending = try Program.run("maple", command + ["--help"])
        #expect(ending.code == 0 && ending.errors.isEmpty)
        #expect(ending.output.contains("USAGE: maple") && ending.output.contains("OVERVIEW: "))
    }

    @Test(arguments: commands.dropFirst() + [["nonsense"]]) func unknownOptions(_ command: [String]) throws {
        let ending = try Program.run("maple", command + ["--no-such-option"])
        #expect(ending.code == 2 && ending.output.isEmpty, "\(ending)")
        #expect(ending.errors.hasPrefix("error: "), "\(ending.errors)")
    }

    @Test(arguments: [
        ["train"], ["resume"], ["eval"], ["zeroshot"], ["zeroshot", "--model", "x"], ["inspect"], ["data", "check"], ["bench"],
        ["bench", "--shape", "round"], ["bench", "--shape", "tiny", "--dump", "x"], ["bench", "--shape", "tiny", "--steps", "0"],
        ["train", "a", "b"], ["train", "a", "--threads", "-1"], ["train", "a", "--threads", "many"], ["doctor", "extra"],
        ["zeroshot", "--model", "a", "--data", "b", "--classes", "old"], ["zeroshot", "--model", "a", "--data", "b", "--subset", "x"],
        ["zeroshot", "--model", "a", "--data", "b", "--template", "no place for it"],
    ])
    func wrongUsage(_ words: [String]) throws {
        let ending = try Program.run("maple", words)
        #expect(ending.code == 2 && ending.output.isEmpty && ending.errors.hasPrefix("error: "), "\(ending)")
    }

    /// Random weights and made-up names stand in for a model and data that are not there; a session that is not there is said.
    @Test func costsOfAKnownShape() throws {
        let session = Places.root.appendingPathComponent("sessions/maple.toml").path
        let ending = try Program.run("maple", ["cost", session, "--shape", "vit-b/16", "--count-only"])
        #expect(ending.code == 0 && ending.output.contains("3555072"), "\(ending)")
        let none = try Program.run("maple", ["cost", "no/such.toml", "--shape", "vit-b/16"])
        #expect(none.code == 1 && none.errors.hasPrefix("error: no/such.toml: there is no such file"), "\(none)")
    }

    @Test func version() throws {
        let ending = try Program.run("maple", ["--version"])
        #expect(ending.code == 0 && ending.output.split(separator: ".").count == 3 && ending.errors.isEmpty)
    }

    @Test func startsAtOnce() throws {
        // The best of several: the machine may be busy.
        let best = try (0..<10).map { _ in
            let began = ContinuousClock.now
            _ = try Program.run("maple", ["--help"])
            return began.duration(to: .now)
        }.min() ?? .zero
        print("maple --help: \(best)")
        #expect(best < .milliseconds(200))
    }
}
