import Foundation
import RunModel
import RunStore
import TestSupport
import Testing

/// Runs that are killed, stopped, crowded or starved go on where they were.
@Suite(.serialized) struct InterruptionTests {
    @Test func killedAtARandomMomentAndResumed() throws {
        let seed = UInt64.random(in: 0...9999)
        print("seed of the killings: \(seed)")
        var generator = SeededGenerator(seed: seed)
        try withWorkplace { place in
            let epochs = 100, total = 2 * epochs
            let session = try place.session(epochs: epochs, every: 20)
            #expect(try place.maple("train", session, "--quiet").code == 0)
            let whole = try place.onlyRun()
            let expected = try Workplace.checkpoint(whole, epoch: epochs)
            let figures = try #require(RunList.overview(whole))

            var killings = 0
            for round in 0..<4 {
                let before = Set(try place.runFolders())
                var process = try place.start("train", session)
                var run: RunFolder?
                var killedAfter: [Int] = []
                // Some are killed twice.
                for _ in 0...(round % 2) {
                    try process.line(of: .errors) { $0.hasPrefix("run ") }
                    let folder = RunFolder(path: try #require(Set(try place.runFolders()).subtracting(before).first))
                    run = folder
                    let least = Int.random(in: 0..<(total * 3 / 4), using: &generator)
                    let came = try waitUntil { try !process.isRunning || (try? Workplace.steps(folder).count) ?? 0 >= least }
                    process.send(SIGKILL)
                    let ending = process.wait()
                    // On a busy machine it may have come to its end meanwhile.
                    #expect(came && (ending.signal == SIGKILL || ending.code == 0), "round \(round), step \(least): \(ending)")
                    killedAfter.append((try? Workplace.steps(folder).count) ?? 0)
                    if ending.code == nil { killings += 1 }
                    if killedAfter.last ?? 0 < total { #expect(RunList.overview(folder)?.state == .interrupted) }
                    process = try place.start("resume", folder.path, "--json")
                }
                let ending = process.wait()
                print("killed after \(killedAfter) steps of \(total)")
                let resumed = try #require(run)
                #expect(ending.code == 0, "\(ending)")
                #expect(try Workplace.checkpoint(resumed, epoch: epochs) == expected, "killed after \(killedAfter)")
                #expect(try Workplace.steps(resumed) == Array(1...total))
                let overview = try #require(RunList.overview(resumed))
                #expect(overview.state == .finished && overview.harmonicMean == figures.harmonicMean && overview.loss == figures.loss)
                // Each epoch's evaluation is there.
                #expect(try resumed.evaluationFiles() == whole.evaluationFiles())
            }
            #expect(killings > 0)
        }
    }

    @Test(arguments: [SIGINT, SIGTERM]) func askedToStop(_ signal: Int32) throws {
        try withWorkplace { place in
            let session = try place.session(epochs: 50_000)
            let process = try place.start("train", session, "--json")
            try process.line(of: .errors) { $0.hasPrefix("step ") }
            process.send(signal)
            let ending = process.wait()
            // The signal is raised again: a script sees that its command was broken off.
            #expect(ending.signal == signal, "\(ending)")
            #expect(ending.errors.contains("stopping: the step is finished and a checkpoint written"))
            let run = try place.onlyRun()
            #expect(ending.errorLines.last?.hasSuffix("To go on: maple resume \(run.path)") == true, "\(ending.errors)")
            let report = try ending.object()
            let step = try #require(report["steps"] as? Int)
            #expect(report["state"] as? String == "stopped" && step > 0)
            #expect(try run.checkpoints().last?.step == step && Workplace.steps(run) == Array(1...step))
            #expect(RunList.overview(run)?.state == .stopped)

            // And on it goes.
            let second = try place.start("resume", "last")
            try second.line(of: .errors) { $0.hasPrefix("step ") }
            second.send(signal)
            #expect(second.wait().signal == signal)
            let steps = try Workplace.steps(run)
            #expect(steps == Array(1...steps.count) && steps.count > step)
        }
    }

    @Test func theSecondSignalLeavesAtOnce() throws {
        try withWorkplace(classes: nil) { place in
            // Large pictures: a step takes seconds to read.
            for name in ["a", "b"] {
                try Pictures.write("\(place.data)/train/\(name)/0.png", label: 1, number: 0, side: 3000)
                try Pictures.write("\(place.data)/test/\(name)/0.png", label: 1, number: 1)
                for i in 1..<60 {
                    try FileManager.default.linkItem(
                        atPath: "\(place.data)/train/\(name)/0.png", toPath: "\(place.data)/train/\(name)/\(i).png")
                }
            }
            let session = try place.session(more: "")
            let process = try place.start(
                "train", session, "--set", "data.shots=60", "--set", "optim.batch=60", "--set", "data.classes=all")
            try process.line(of: .errors) { $0.hasPrefix("run ") }
            process.send(SIGINT)
            try process.line(of: .errors) { $0.hasPrefix("stopping: ") }
            process.send(SIGINT)
            let ending = process.wait()
            #expect(ending.signal == SIGINT, "\(ending)")
            #expect(!ending.errors.contains("stopped after step") && !ending.isLate)
        }
    }

    @Test func onlyOneProcessTrainsARun() throws {
        try withWorkplace { place in
            let process = try place.start("train", place.session(epochs: 50_000))
            try process.line(of: .errors) { $0.hasPrefix("step ") }
            let run = try place.onlyRun()
            // Paused, it stays while the others try.
            try run.send(.pause)
            try process.line(of: .errors) { $0.hasPrefix("paused at step") }
            let steps = try Workplace.steps(run)
            try place.maple("resume", run.path, "--json")
                .expectRefusal("is being trained by process \(process.process) on ", "Stop that one first")
            let rows = try JSONSerialization.jsonObject(with: Data(place.maple("runs", "--json").output.utf8)) as? [[String: Any]]
            #expect(rows?.first?["state"] as? String == "running")
            #expect(try place.maple("eval", run.path, "--json", "--quiet").code == 0)
            #expect(try Workplace.steps(run) == steps)
            try run.send(.stop)
            #expect(process.wait().code == 0)
            #expect(try place.maple("runs", "--json").output.contains("\"state\":\"stopped\""))
        }
    }

    @Test func closedPipesDoNotEndARun() throws {
        try withWorkplace { place in
            let process = try place.start("train", place.session(epochs: 300), "--json")
            try process.line(of: .errors) { $0.hasPrefix("run ") }
            process.closePipes()
            let ending = process.wait()
            #expect(ending.code == 0, "\(ending)")
            let run = try place.onlyRun()
            #expect(RunList.overview(run)?.state == .finished)
            #expect(try Workplace.steps(run).count == 600)
        }
    }

    @Test func resultsThatCannotBeWrittenAreAFailure() throws {
        try withWorkplace { place in
            let ending = try Program.run(
                "/bin/sh", ["-c", "exec \"$@\" > /dev/full", "sh", Program.products + "/maple", "inspect", Workplace.model])
            ending.expectRefusal("No space left on device")
        }
    }

    @Test func aLossThatIsNotFinite() throws {
        try withWorkplace { place in
            let ending = try place.maple("train", place.session(), "--quiet", "--json", "--set", "optim.lr=1e30")
            #expect(ending.code == 1 && ending.output.isEmpty)
            let run = try place.onlyRun()
            let lines = ending.errorLines.suffix(2)
            #expect(lines.first?.hasPrefix("error: step ") == true && lines.first?.contains("is not finite") == true, "\(ending.errors)")
            #expect(lines.last?.contains(run.path) == true && lines.last?.contains("start a new one") == true)
            #expect(RunList.overview(run)?.state.word == "failed")
            #expect(try place.maple("eval", "last", "--json", "--quiet").code == 0)
        }
    }

    @Test func theDataAndModelOfARunMustBeTheSame() throws {
        try withWorkplace { place in
            let process = try place.start("train", place.session(epochs: 50_000))
            try process.line(of: .errors) { $0.hasPrefix("step ") }
            process.send(SIGINT)
            process.wait()
            try Pictures.write(place.data + "/train/bat/000.png", label: 1, number: 77)
            try FileManager.default.removeItem(atPath: place.data + "/train/bat/100.png")
            try place.maple("resume", "last").expectRefusal("training images of this run", place.data)
            try FileManager.default.removeItem(atPath: place.data)
            try place.maple("resume", "last").expectRefusal("data.path", "does not exist")
            try place.maple("eval", "last").expectRefusal("data.path", "does not exist")
        }
    }

    // MARK: A full disk

    /// Whether small file systems can be mounted for a test.
    static let mounts: Bool = {
        (try? Places.withTemporaryFolder { folder in
            let ending = try Program.run(
                "/bin/sh", ["-c", "mount -t tmpfs -o size=64k tmpfs \"$1\" && umount \"$1\"", "sh", folder.path])
            return ending.code == 0
        }) ?? false
    }()

    @Test(.enabled(if: InterruptionTests.mounts, "mounting a small file system is not allowed here")) func aFullDisk() throws {
        try withWorkplace { place in
            let whole = try place.maple("train", place.session(epochs: 40), "--quiet")
            #expect(whole.code == 0)
            let expected = try Workplace.checkpoint(place.onlyRun(), epoch: 40)

            let disk = place.folder + "/disk"
            try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
            #expect(try Program.run("/bin/mount", ["-t", "tmpfs", "-o", "size=600k", "tmpfs", disk]).code == 0)
            defer { _ = try? Program.run("/bin/umount", ["-l", disk]) }
            let ending = try place.maple("train", place.session(epochs: 40), "--runs", disk + "/runs", "--json", "--quiet")
            #expect(ending.code == 1 && ending.output.isEmpty)
            #expect(ending.errors.contains("No space left on device") && ending.errors.contains("maple resume \(disk)/runs/"), "\(ending.errors)")
            let run = RunFolder(path: disk + "/runs/" + (try #require(FileManager.default.contentsOfDirectory(atPath: disk + "/runs").first)))
            // Whole checkpoints alone, no remains of the one that did not fit.
            let files = try FileManager.default.contentsOfDirectory(atPath: run.checkpointsFolder)
            #expect(files.allSatisfy { $0.hasSuffix(".safetensors") && !$0.hasPrefix(".") } && files.count > 1, "\(files)")
            print("the disk was full after \(files.count) checkpoints: \(ending.errors)")
            for file in files { #expect(try place.maple("inspect", run.checkpointsFolder + "/" + file).code == 0) }
            // Still full: said again, nothing lost.
            let again = try place.maple("resume", run.path, "--quiet")
            #expect(again.code == 1 && again.errors.contains("No space left on device"), "\(again)")
            #expect(try Program.run("/bin/mount", ["-o", "remount,size=20m", disk]).code == 0)
            let resumed = try place.maple("resume", run.path, "--quiet", "--json")
            #expect(resumed.code == 0, "\(resumed.errors)")
            #expect(try Workplace.checkpoint(run, epoch: 40) == expected)
            #expect(try Workplace.steps(run) == Array(1...80))
        }
    }
}
