import Datasets
import Foundation
import RunModel
import RunStore
import SessionFile
import TestSupport
import Testing

@testable import maple

/// Protocols over a tiny model and drawn pictures.
@Suite(.serialized) struct ProtocolTests {
    private func picture(_ path: URL, seed: Int) throws {
        try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
        var generator = RunGenerator(seed: seed, "picture")
        let image = try RGBImage(width: 10, height: 9) { pixels in
            for i in pixels.indices { pixels[i] = UInt8(truncatingIfNeeded: generator.next()) }
        }
        try image.writePNG(toFile: path.path, compression: 1)
    }

    private func dataset(_ folder: URL, classes: Int, seed: Int) throws {
        for label in 0..<classes {
            for i in 0..<4 { try picture(folder.appendingPathComponent("train/thing \(label)/\(i).png"), seed: seed + 100 * label + i) }
            for i in 0..<3 { try picture(folder.appendingPathComponent("test/thing \(label)/\(i).png"), seed: seed + 100 * label + 50 + i) }
        }
    }

    private func text(_ kind: String, model: String, _ rest: String) -> String {
        """
        kind = "\(kind)"
        name = "trial"
        model = "\(model)"
        seeds = [1, 2]
        \(rest)
        [session]
        data.shots = 2
        method.depth = 2
        optim.epochs = 3
        optim.batch = 2
        [methods.CLIP]
        method.name = "zeroshot"
        [methods.MaPLe]
        method.name = "maple"
        optim.lr = 0.01

        """
    }

    private func model() throws -> String {
        try #require(Places.shared).appendingPathComponent("goldens/micro-clip/model").path
    }

    private func plan(_ text: String, in folder: URL) throws -> ProtocolPlan {
        let file = folder.appendingPathComponent("session.toml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return try ProtocolPlan(ProtocolFile.read(path: file.path, workingFolder: folder.path))
    }

    private func runner(_ plan: ProtocolPlan, _ folder: URL, _ name: String) -> ProtocolRunner {
        ProtocolRunner(plan: plan, root: folder.appendingPathComponent(name).path, threads: 1, progress: ProgressLine(quiet: true))
    }

    @Test(.enabled(if: Places.hasShared, "needs ../shared")) func killedProtocolEndsWithTheSameTable() throws {
        try Places.withTemporaryFolder { folder in
            try dataset(folder.appendingPathComponent("a"), classes: 4, seed: 1)
            try dataset(folder.appendingPathComponent("b"), classes: 3, seed: 5000)
            let plan = try plan(
                text("base-to-novel", model: try model(), "data = [\"a\", \"b\", \"eurosat\"]\ngeneralised = true\nprobe = true"), in: folder)
            // CLIP once, MaPLe for two seeds, on two data sets; the third is absent.
            #expect(plan.runs.count == 6)
            #expect(plan.empty.count == 1 && plan.empty[0].hasPrefix("EuroSAT: "))
            #expect(plan.notes.allSatisfy { !$0.contains("fewer than") })
            let undisturbed = runner(plan, folder, "one")
            #expect(try undisturbed.run())
            let table = undisturbed.baseToNovel
            #expect(table.lines.count == 8)
            let average = try #require(table.lines.last)
            #expect(average.datasets == 2 && average.figures?.base.count == 2 && average.generalised != nil)
            #expect(table.lines.filter { $0.dataset == "EuroSAT" }.allSatisfy { $0.figures == nil && $0.paper != nil })
            // Zero-shot at epoch 0, MaPLe after each of three epochs.
            #expect(undisturbed.probes.map(\.epoch) == [0, 1, 2, 3])

            // A second look finds all of it.
            let again = runner(plan, folder, "one")
            #expect(try again.survey().finished == 6)
            #expect(try again.run())
            #expect(again.outcomes.allSatisfy(\.wasThere) && again.baseToNovel == table)

            // Stopped between runs, three times.
            var stops = 0
            for allowed in [1, 2, 4] {
                let part = runner(plan, folder, "two")
                var asked = 0
                part.isStopped = {
                    asked += 1
                    return asked > allowed
                }
                if try !part.run() { stops += 1 }
            }
            #expect(stops == 3)
            // One run is torn as by a kill: no last checkpoint, no summary, half a line of metrics, no evaluation.
            let root = folder.appendingPathComponent("two")
            let torn = try #require(
                try RunList.scan(root.path).first { $0.method == .maple }.map { RunFolder(path: $0.path) })
            try FileManager.default.removeItem(atPath: torn.summaryFile)
            try FileManager.default.removeItem(atPath: torn.checkpointsFolder + "/epoch-3.safetensors")
            for file in try torn.evaluationFiles() { try FileManager.default.removeItem(atPath: torn.path + "/" + file) }
            let metrics = try Data(contentsOf: URL(fileURLWithPath: torn.metricsFile))
            try metrics.prefix(metrics.count - 20).write(to: URL(fileURLWithPath: torn.metricsFile))
            let events = try String(contentsOfFile: torn.eventsFile, encoding: .utf8).split(separator: "\n")
            try (events.prefix { !$0.contains("epoch-3") }.joined(separator: "\n") + "\n").write(toFile: torn.eventsFile, atomically: true, encoding: .utf8)
            // Another was killed before its first line.
            let begun = try RunFolder.create(in: root.path, name: "trial", seed: 2)
            try FileManager.default.copyItem(atPath: torn.sessionFile, toPath: begun.sessionFile)

            let last = runner(plan, folder, "two")
            let survey = try last.survey()
            #expect(survey.finished < 6 && survey.started >= 1)
            #expect(try last.run())
            #expect(last.failures.isEmpty)
            #expect(last.baseToNovel == table)
        }
    }

    @Test(.enabled(if: Places.hasShared, "needs ../shared")) func transfer() throws {
        try Places.withTemporaryFolder { folder in
            for (name, seed) in [("source", 1), ("near", 3000), ("far", 7000)] { try dataset(folder.appendingPathComponent(name), classes: 3, seed: seed) }
            let plan = try plan(
                text("cross-dataset", model: try model(), "source = \"source\"\ndata = [\"near\", \"far\"]"), in: folder)
            #expect(plan.runs.count == 3 && plan.tested.map(\.title) == ["near", "far"])
            let first = runner(plan, folder, "runs")
            #expect(try first.run())
            let table = first.transferTable
            #expect(table.lines.count == 8 && table.lines[0].isSource && table.lines.allSatisfy { $0.accuracy != nil })
            #expect(table.lines[7].dataset == "Average" && table.lines[7].datasets == 2 && table.lines[7].accuracy?.count == 2)
            // A target that was not reached is scored again, the run itself is used.
            let run = try #require(first.outcomes.last)
            for file in try run.folder.evaluationFiles() where file.contains("far") {
                try FileManager.default.removeItem(atPath: run.folder.path + "/" + file)
            }
            let second = runner(plan, folder, "runs")
            #expect(try second.run())
            #expect(second.outcomes.allSatisfy(\.wasThere) && second.transferTable == table)
        }
    }

    @Test(.enabled(if: Places.hasShared, "needs ../shared")) func ablationAndFaults() throws {
        try Places.withTemporaryFolder { folder in
            try dataset(folder.appendingPathComponent("a"), classes: 4, seed: 1)
            let base = "kind = \"ablation\"\nmodel = \"\(try model())\"\ndata = [\"a\"]\nseeds = [1]\n[session]\noptim.epochs = 1\n"
            let plan = try plan(
                base + "data.shots = 9\n[methods.MaPLe]\nmethod.name = \"maple\"\n[vary]\nkey = \"method.depth\"\nvalues = [1, 2, 3]\n", in: folder)
            #expect(plan.rows.map(\.label) == ["depth 1", "depth 2", "depth 3"])
            // The third is beyond the tower's two layers; the classes have four images.
            #expect(plan.runs.map(\.spec.method.depth) == [1, 2] && plan.rows[2].reason?.contains("2 layers") == true)
            #expect(plan.notes.contains { $0.contains("2 classes have fewer than 9") })
            let runner = runner(plan, folder, "runs")
            #expect(try runner.run())
            #expect(runner.baseToNovel.lines.map { $0.figures != nil } == [true, true, false])
            #expect(runner.baseToNovel.lines.allSatisfy { $0.paper == nil })

        }
    }

    @Test func faultsNameTheirLines() throws {
        try Places.withTemporaryFolder { folder in
            func faults(_ text: String) throws -> [SessionDiagnostic] {
                let file = folder.appendingPathComponent("s.toml")
                try text.write(to: file, atomically: true, encoding: .utf8)
                do {
                    _ = try ProtocolFile.read(path: file.path, workingFolder: folder.path)
                    return []
                } catch let error as SessionDiagnostics {
                    return error.diagnostics
                }
            }
            let found = try faults(
                """
                kind = "base-to-nvel"
                model = "nowhere"
                sedes = [1]
                seeds = [1, 1]
                [session]
                optim.lrr = 0.1
                [methods.MaPLe]
                method.name = "mapel"
                method.depth = "deep"
                """)
            #expect(found.map(\.line) == [1, 2, 3, 4, 6, 8, 9])
            #expect(found[0].message.contains("base-to-novel") && found[2].message.contains("seeds"))
            #expect(try faults("kind = \"ablation\"\nmodel = \".\"\n[methods.M]\nmethod.name = \"maple\"\n").first?.key == "vary")
            #expect(try faults("model = \".\"\n").map(\.key).contains("kind"))
            #expect(try faults("kind = ").isEmpty == false)
        }
    }
}
