import Foundation
import RunStore
import TestSupport
import Testing

/// A protocol that is killed at random moments ends with the table of one that was left alone.
@Suite(.serialized) struct ProtocolKillTests {
    private func steps(in root: String) -> Int {
        let runs = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return runs.reduce(0) { sum, name in
            let metrics = FileManager.default.contents(atPath: RunFolder(path: root + "/" + name).metricsFile) ?? Data()
            return sum + metrics.count { $0 == UInt8(ascii: "\n") }
        }
    }

    private func lines(_ key: String, of ending: Program.Ending) throws -> Data {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any], "\(ending)")
        return try JSONSerialization.data(withJSONObject: try #require(object[key]), options: [.sortedKeys])
    }

    private static let rows = """
        seeds = [1, 2]
        [session]
        data.shots = 4
        method.depth = 2
        optim.epochs = 3
        optim.batch = 2
        [methods.CLIP]
        method.name = "zeroshot"
        [methods.CoOp]
        method.name = "coop"
        [methods.MaPLe]
        method.name = "maple"

        """

    @Test(arguments: [("base-to-novel", "data = [\"data\", \"other\"]\ngeneralised = true\nprobe = true"), ("cross-dataset", "source = \"data\"\ndata = [\"other\"]")])
    func killedThreeTimes(kind: String, data: String) throws {
        let seed = UInt64.random(in: 0...(.max))
        var random = SeededGenerator(seed: seed)
        try withWorkplace { place in
            try Pictures.classFolders(in: place.folder + "/other", classes: ["eel", "fox", "gnu", "hen"], train: 5, test: 2)
            let file = place.folder + "/protocol.toml"
            let text = "kind = \"\(kind)\"\nmodel = \"\(Workplace.model)\"\n\(data)\n" + Self.rows
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            func start(_ root: String) throws -> Program {
                try place.start("protocol", file, "--runs", place.folder + "/" + root, "--threads", "1", "--quiet", "--json")
            }
            let whole = try start("undisturbed").wait()
            #expect(whole.code == 0, "\(whole)")
            let all = steps(in: place.folder + "/undisturbed")
            var kills = 0, from = 0
            for part in 1...3 {
                let root = place.folder + "/killed"
                let moment = Int.random(in: from...max(from, all * part / 4), using: &random)
                let program = try start("killed")
                _ = waitUntil { steps(in: root) >= moment || !program.isRunning }
                program.send(SIGKILL)
                if program.wait().signal == SIGKILL { kills += 1 }
                from = steps(in: root)
            }
            // On a busy machine one may have come to its end meanwhile.
            #expect(kills > 0, "seed \(seed)")
            let last = try start("killed").wait()
            #expect(last.code == 0, "seed \(seed): \(last)")
            let key = kind == "base-to-novel" ? "table" : "transfer"
            #expect(try lines(key, of: last) == lines(key, of: whole), "seed \(seed)")
            if kind == "base-to-novel" { #expect(try lines("probes", of: last) == lines("probes", of: whole), "seed \(seed)") }
        }
    }

    /// A run of a protocol ends at the next step when the protocol is told to.
    @Test(arguments: [SIGTERM, SIGINT]) func endsWhenAskedTo(_ number: Int32) throws {
        try withWorkplace { place in
            let file = place.folder + "/protocol.toml"
            let rows = Self.rows.replacing("epochs = 3", with: "epochs = 2000")
            try Data("kind = \"base-to-novel\"\nmodel = \"\(Workplace.model)\"\ndata = [\"data\"]\n\(rows)".utf8).write(to: URL(fileURLWithPath: file))
            let root = place.folder + "/runs-asked"
            let program = try place.start("protocol", file, "--runs", root, "--threads", "1", "--quiet")
            #expect(waitUntil { steps(in: root) >= 3 })
            program.send(number)
            let ending = program.wait()
            #expect(ending.signal == number, "\(ending)")
            #expect(ending.errors.contains("start the same command again"), "\(ending)")
            let runs = try FileManager.default.contentsOfDirectory(atPath: root).filter { !$0.hasPrefix(".") }
            #expect(try runs.contains { try RunFolder(path: root + "/" + $0).checkpoints().count > 1 }, "what was under way is saved")
        }
    }
}
