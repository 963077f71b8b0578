import Formats
import Foundation
import RunStore
import TestSupport
import Testing

/// `maple export`.
@Suite(.serialized) struct ExportTests {
    @Test func metricsAsTables() throws {
        try withWorkplace { place in
            #expect(try place.maple("train", place.session(every: 1), "--quiet").code == 0)
            let csv = place.folder + "/m.csv", lines = place.folder + "/m.jsonl"
            let ending = try place.maple("export", "last", "--to", "csv", csv)
            #expect(ending.code == 0 && ending.outputLines == [csv] && ending.errors.isEmpty, "\(ending)")
            let rows = try String(contentsOfFile: csv, encoding: .utf8).split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
            #expect(rows.dropFirst().map { $0[0] } == ["1", "2", "3", "4", "5", "6"] && Set(rows.map(\.count)).count == 1)
            for name in ["loss", "lr", "text_0_token_0", "vision_1_gradient", "coupler_0_moved", "base_accuracy", "harmonic_mean"] {
                #expect(rows[0].contains(Substring(name)), "\(name)")
            }
            try place.maple("export", "last", "--to", "csv", csv).expectRefusal("m.csv", "--force")
            #expect(try place.maple("export", "last", "--to", "csv", "-").output == String(contentsOfFile: csv, encoding: .utf8))
            #expect(try place.maple("export", "last", "--to", "csv", csv, "--force").code == 0)
            try place.maple("export", "last", "--to", "csv", place.folder, "--force").expectRefusal("is a folder")
            try place.maple("export", "last", "--to", "csv", place.folder + "/none/m.csv").expectRefusal("none/m.csv")
            // Nothing of a run, and no device, is ever replaced.
            let kept = try place.onlyRun().path + "/metrics.jsonl"
            try place.maple("export", "last", "--to", "csv", kept, "--force").expectRefusal("run folder")
            let own = try place.onlyRun().path
            try place.maple("export", "last", "--to", "tensorboard", own + "/log").expectRefusal("run folder")
            try place.maple("export", "last", "--to", "huggingface", own).expectRefusal("run folder")
            // A session beside other work makes no run folder.
            let project = place.folder + "/project"
            try FileManager.default.createDirectory(atPath: project, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: own + "/session.toml", toPath: project + "/session.toml")
            #expect(try place.maple("export", "last", "--to", "csv", project + "/m.csv").code == 0)
            try place.maple("export", "last", "--to", "csv", "/dev/null", "--force").expectRefusal("/dev/null is no plain file")
            #expect(try place.maple("export", "last", "--to", "jsonl", lines).code == 0)
            let objects = try String(contentsOfFile: lines, encoding: .utf8).split(separator: "\n")
            let run = try place.onlyRun()
            let points = try run.metrics().points
            #expect(objects.count == 6)
            for (object, point) in zip(objects, points) {
                #expect(try JSONSerialization.jsonObject(with: Data(object.utf8)) is [String: Any])
                #expect(object.hasPrefix("{\"step\":\(point.step),") && object.contains("\"loss\":\(point.loss),"))
            }
            let mean = try #require(RunList.overview(run)?.harmonicMean)
            #expect(objects[5].contains("\"harmonic_mean\":\(mean)}"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder).allSatisfy { !$0.hasSuffix(".tmp") })
            #expect(try place.maple("export", "last", "--to", "parquet", csv).code == 2)
        }
    }
    /// What is written while training and what is exported afterwards is the same, and is read back.
    @Test func tensorBoardLogs() throws {
        try withWorkplace { place in
            let session = try place.session(every: 1)
            #expect(try place.maple("train", session, "--quiet", "--set", "log.tensorboard=true", "--set", "optim.epochs=2").code == 0)
            let run = try place.onlyRun()
            let live = try #require(ScalarLog.folders(below: run.path).first)
            #expect(live.folder == run.path + "/tensorboard" && live.files.count == 1)
            let folder = place.folder + "/tb"
            let ending = try place.maple("export", "last", "--to", "tensorboard", folder)
            #expect(ending.code == 0 && ending.errors.isEmpty && ending.outputLines.first?.hasPrefix(folder + "/events.out.tfevents.") == true, "\(ending)")
            try place.maple("export", "last", "--to", "tensorboard", folder).expectRefusal("exists already", "--force")
            #expect(try place.maple("export", "last", "--to", "tensorboard", folder, "--force").code == 0)
            let exported = try #require(ScalarLog.folders(below: folder).first)
            #expect(exported.files.count == 1)
            let points = try run.metrics(norms: true).points
            let logs = [try ScalarLog(files: live.files), try ScalarLog(files: exported.files)]
            for log in logs {
                #expect(log.problems.isEmpty)
                let losses = points.map { Double(Float($0.loss)) }
                #expect(log["train/loss"]?.points.map(\.value) == losses)
                #expect(log["train/loss"]?.points.map(\.step) == points.map(\.step))
                #expect(log["norms/coupler_0_moved"]?.points.count == points.count)
                #expect(log["eval/harmonic_mean"]?.points.map(\.step) == [2, 4])
            }
            #expect(Set(logs[0].series.map(\.tag)) == Set(logs[1].series.map(\.tag)))
            // Both hold the pictures, the settings and a histogram for each checkpoint.
            for path in [live.files[0], exported.files[0]] {
                let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
                for part in ["samples/ash tree", "samples/bat", "_hparams_/session_start_info", "_hparams_/session_end_info", "prompts/prompt_learner.ctx", "PNG"] {
                    #expect(text.contains(part), "\(part)")
                }
                #expect(text.components(separatedBy: "prompts/prompt_learner.ctx").count == 4)
            }
        }
    }

    /// A resumed run goes on in a second file; readers see each step once.
    @Test func tensorBoardAfterAnInterruption() throws {
        try withWorkplace { place in
            for arguments in [["train", try place.session(epochs: 50_000), "--set", "log.tensorboard=true"], ["resume", "last"]] {
                let process = try place.start(arguments)
                try process.line(of: .errors) { $0.hasPrefix("step ") }
                process.send(SIGINT)
                #expect(process.wait().signal == SIGINT)
            }
            let run = try place.onlyRun()
            let found = try #require(ScalarLog.folders(below: run.path).first)
            let log = try ScalarLog(files: found.files)
            let steps = try Workplace.steps(run)
            #expect(found.files.count == 2 && log["train/loss"]?.points.map(\.step) == steps)
        }
    }

    @Test func othersLogsBecomeRuns() throws {
        try withWorkplace(classes: nil) { place in
            let logs = Places.fixtures.appendingPathComponent("tensorboard").path
            let ending = try place.maple("import", "--tensorboard", logs)
            #expect(ending.code == 0 && ending.errors.contains("loss from train/loss") && ending.errors.contains("left out: odd"), "\(ending)")
            #expect(ending.errors.contains("divided by 100"))
            let run = try place.onlyRun()
            #expect(ending.outputLines == [run.path])
            let points = try run.metrics().points
            let losses: [Double] = [2, 1, Double(Float(2) / 3), 0.5]
            #expect(points.map(\.step) == [0, 1, 2, 3])
            #expect(points.map(\.loss) == losses)
            #expect(points.map(\.learningRate) == [Double](repeating: 1.0 / 3, count: 4))
            #expect(points.map(\.time) == [0, 1, 2, 3])
            let rows = try place.maple("runs", "--json").objects()
            #expect(rows.count == 1 && rows[0]["source"] as? String == logs && rows[0]["state"] as? String == "finished")
            #expect(rows[0]["name"] as? String == "tensorboard" && rows[0]["created"] as? Double == 100)
            try place.maple("resume", "last").expectRefusal("imported from", "read-only")
            try place.maple("eval", "last").expectRefusal("log of another program")
            try place.maple("words", "last").expectRefusal("log of another program")
            let live = try place.maple("show", "live", "--run", "last", "--size", "120x40").output
            #expect(live.contains("log of another program") && live.contains("no evaluation") && !live.contains("e evaluates now"), "\(live)")
            #expect(try place.maple("show", "results", "--size", "120x40").output.contains("tensorboard"))
            #expect(try place.maple("export", "last", "--to", "csv", place.folder + "/m.csv").code == 0)
            #expect(try place.maple("export", "last", "--to", "tensorboard", place.folder + "/tb").code == 0)
            let chosen = try place.maple("import", "--tensorboard", logs, "--loss", "odd", "--name", "mine", "--json")
            #expect(try chosen.objects().count == 1 && chosen.errors.contains("loss from odd"))
            try place.maple("import", "--tensorboard", logs, "--loss", "none").expectRefusal("no scalars under none", "train/loss")
            try place.maple("import", "--tensorboard", place.folder + "/absent").expectRefusal("absent")
            let empty = place.folder + "/empty"
            try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
            try place.maple("import", "--tensorboard", empty).expectRefusal("no event files")
            try Data("not an event file at all".utf8).write(to: URL(fileURLWithPath: empty + "/events.out.tfevents.1"))
            try place.maple("import", "--tensorboard", empty).expectRefusal("checksum")
        }
    }
}

extension Program.Ending {
    fileprivate func objects() throws -> [[String: Any]] {
        try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: Any]])
    }
}
