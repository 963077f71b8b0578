import Foundation
import RunModel
import TestSupport
import Testing

@testable import RunStore

@Suite struct RunFolderTests {
    @Test func namesFolders() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let date = Date(timeIntervalSince1970: 1_738_333_500.9)
            let runs = root.path + "/deep/runs"
            let first = try RunFolder.create(in: runs, name: "Tiny ImageNet: base → novel!", seed: 1, at: date)
            #expect(first.name == "20250131-142500-tiny-imagenet-base-novel-s1")
            #expect(try RunFolder.create(in: runs, name: "tiny imagenet base novel", seed: 1, at: date).name == first.name + "-2")
            #expect(try RunFolder.create(in: runs, name: "tiny imagenet base novel", seed: 1, at: date).name == first.name + "-3")
            #expect(try RunFolder.create(in: runs, name: "Übung 花 ../..", seed: -4, at: date).name == "20250131-142500-übung-花-s-4")
            #expect(try RunFolder.create(in: runs, name: "//\0", seed: 0, at: date).name == "20250131-142500-run-s0")
            let long = try RunFolder.create(in: runs, name: String(repeating: "花", count: 500), seed: 0, at: date)
            #expect(long.name.utf8.count < 120)
            #expect(try RunFolder.create(in: root.path, name: "x", seed: 1, at: Date(timeIntervalSince1970: -1)).name.hasPrefix("19691231-235959"))
            try Data().write(to: root.appendingPathComponent("file"))
            #expect(throws: RunStoreError.self) { try RunFolder.create(in: root.path + "/file/runs", name: "x", seed: 1) }
            #expect(RunFolder.defaultRoot(environment: ["MAPLE_RUNS": "/r"]) == "/r")
            #expect(RunFolder.defaultRoot(environment: [:]) == "runs")
            #expect(throws: RunStoreError.notARun(path: root.path)) { try RunFolder.open(root.path + "//") }
        }
    }

    @Test func keepsARun() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = try RunFolder.create(in: root.path, name: "pets", seed: 1)
            let samples = DrawnSamples(seed: 1, shots: nil, classes: [.init(name: "ä", label: 0, paths: ["a/1.png", "a/2.png"])])
            let recorder = try RunRecorder(new: run, spec: sampleSpec(), session: "name = \"pets\"\n", samples: samples)
            try recorder.record(.started(totalSteps: 20, stepsPerEpoch: 10, fromStep: 0))
            for step in 1...20 {
                try recorder.record(.step(samplePoint(step, loss: step == 20 ? .infinity : nil, norms: 2)))
                if step % 10 == 0 {
                    let file = RunFolder.checkpointFile(epoch: step / 10)
                    try Data().write(to: URL(fileURLWithPath: run.path + "/" + file))
                    try recorder.record(.checkpointWritten(file: file, step: step))
                    try recorder.record(.evaluated(sampleEvaluation(.base, step: step, accuracy: 0.5 + Double(step) / 100)))
                    if step == 20 {
                        // Base of step 20 without its new is not shown beside the new of step 10.
                        let midway = try #require(try RunList.scan(root.path).first)
                        #expect(midway.base == 0.6 && midway.new == 0.4)
                        #expect(midway.state == .running(process: Int(getpid()), host: RunLock.hostName))
                    }
                    try recorder.record(.evaluated(sampleEvaluation(.new, step: step, accuracy: 0.4)))
                    try recorder.record(.evaluated(sampleEvaluation(.all, step: step, accuracy: 0.1, data: "/data/Other Pets")))
                    try recorder.record(.evaluated(sampleEvaluation(.base, step: step, accuracy: 0.1, subset: .val)))
                }
                try recorder.record(.evaluationProgress(classes: .base, done: 1, total: 2))
            }
            try recorder.flush()
            try recorder.record(.finished(RunSummary(steps: 20, seconds: 16, loss: .infinity, base: 0.7, new: 0.4)))
            recorder.close()

            let opened = try RunFolder.open(run.path)
            #expect(try opened.sessionText() == "name = \"pets\"\n")
            #expect(try opened.samples() == samples)
            #expect(try opened.metrics(norms: true).points == (1...20).map { samplePoint($0, loss: $0 == 20 ? .infinity : nil, norms: 2) })
            #expect(try opened.events().count == 12)
            #expect(
                try opened.evaluationFiles() == [
                    "evaluations/10-all-test-other-pets.json", "evaluations/10-base-test.json", "evaluations/10-base-val.json",
                    "evaluations/10-new-test.json", "evaluations/20-all-test-other-pets.json", "evaluations/20-base-test.json",
                    "evaluations/20-base-val.json", "evaluations/20-new-test.json",
                ])
            #expect(try opened.evaluation("evaluations/20-base-test.json") == sampleEvaluation(.base, step: 20, accuracy: 0.7))
            #expect(try opened.checkpoints().map(\.step) == [10, 20])
            let overview = try #require(RunList.overview(opened))
            #expect(overview.state == .finished && overview.steps == 20 && overview.totalSteps == 20 && overview.loss == .infinity)
            #expect(overview.base == 0.7 && overview.new == 0.4 && overview.harmonicMean == harmonicMean(0.7, 0.4))
            #expect(overview.all == nil)
            #expect(overview.method == .maple && overview.data == "/data/pets" && overview.seed == 1 && overview.shots == 16)
        }
    }

    @Test func sortsCheckpointsWithoutEvents() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = try RunFolder.create(in: root.path, name: "x", seed: 1)
            for name in ["epoch-10", "epoch-9", "step-25", "odd", "epoch-99999999999999999999"] {
                try Data().write(to: URL(fileURLWithPath: run.checkpointsFolder + "/\(name).safetensors"))
            }
            try Data().write(to: URL(fileURLWithPath: run.checkpointsFolder + "/.epoch-1.safetensors.7-1.tmp"))
            #expect(try run.checkpoints().map(\.epoch) == [nil, nil, 9, 10, nil])
            run.append(String(decoding: EventLine.encode(.started(totalSteps: 100, stepsPerEpoch: 10, fromStep: 0), time: 0)!, as: UTF8.self) + "\n", to: run.eventsFile)
            #expect(try run.checkpoints().map(\.step) == [nil, nil, 25, 90, 100])
        }
    }

    @Test func evaluationsWithNumbersThatAreNotFinite() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            var result = sampleEvaluation(.all, step: 1, accuracy: 0)
            result.loss = -.infinity
            result.macroF1 = .nan
            result.split = nil
            result.predictions[0].probability = [.nan]
            let path = root.path + "/e.json"
            try EvaluationFile.write(result, to: path)
            _ = try JSONSerialization.jsonObject(with: try Data(contentsOf: URL(fileURLWithPath: path)))
            let back = try EvaluationFile.read(path)
            #expect(back.loss == -.infinity && back.macroF1.isNaN && back.split == nil)
            #expect(back.predictions[0].probability[0].isNaN && back.predictions[1] == result.predictions[1])
            try AtomicFile.write(Array("{\"method\":1}".utf8), to: path)
            #expect(throws: RunStoreError.self) { try EvaluationFile.read(path) }

            result.predictions = (0..<50_000).map {
                Prediction(path: "class/\($0).jpg", label: $0 % 1000, top: [1, 2, 3, 4, 5], probability: [0.5, 0.25, 0.125, 0.0625, 0.03])
            }
            let clock = ContinuousClock()
            let writing = try clock.measure { try EvaluationFile.write(result, to: path) }
            var read: EvaluationResult?
            let reading = try clock.measure { read = try EvaluationFile.read(path) }
            #expect(read?.predictions == result.predictions)
            print("evaluation of 50000 images: written in \(writing), read in \(reading)")
        }
    }
}

@Suite struct RunLockTests {
    @Test func oneTrainerAtATime() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = try RunFolder.create(in: root.path, name: "x", seed: 1)
            #expect(run.trainer() == nil)
            #expect(throws: RunStoreError.notRunning(path: run.path)) { try run.send(.stop) }
            let recorder = try RunRecorder(new: run, spec: sampleSpec(), session: "")
            // The lock belongs to an open file, not to the process: a second try in the same process is refused as well.
            #expect(run.trainer()?.process == Int(getpid()))
            let refusal = #expect(throws: RunStoreError.self) {
                try RunRecorder(resuming: run, spec: sampleSpec(), afterStep: 0)
            }
            #expect(refusal == .alreadyRunning(path: run.path, process: Int(getpid()), host: RunLock.hostName))
            // Asking does not take it.
            for _ in 0..<100 { _ = run.trainer() }
            recorder.close()
            #expect(run.trainer() == nil)
            let second = try RunRecorder(resuming: run, spec: sampleSpec(), afterStep: 0)
            #expect(run.trainer() != nil)
            second.close()
        }
    }

    @Test func dropsWithTheRecorder() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = try RunFolder.create(in: root.path, name: "x", seed: 1)
            do {
                let recorder = try RunRecorder(new: run, spec: sampleSpec(), session: "")
                try recorder.record(.started(totalSteps: 10, stepsPerEpoch: 5, fromStep: 0))
                for step in 1...7 { try recorder.record(.step(samplePoint(step))) }
            }
            #expect(run.trainer() == nil)
            // No word at its end: interrupted, and the steps are those of the metrics.
            let overview = try #require(RunList.overview(run))
            #expect(overview.state == .interrupted && overview.steps == 7 && overview.loss == samplePoint(7).loss)
        }
    }

    @Test func resumesFromACheckpoint() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = try RunFolder.create(in: root.path, name: "x", seed: 1)
            do {
                let recorder = try RunRecorder(new: run, spec: sampleSpec(), session: "")
                try recorder.record(.started(totalSteps: 10, stepsPerEpoch: 5, fromStep: 0))
                for step in 1...7 { try recorder.record(.step(samplePoint(step))) }
                try recorder.record(.evaluated(sampleEvaluation(.base, step: 5, accuracy: 0.5)))
            }
            let created = try #require(RunList.overview(run)).created
            run.append("{\"step\":8,\"epo", to: run.metricsFile)
            run.append("{\"event\":\"pau", to: run.eventsFile)
            try ControlInbox(folder: run.controlFolder).send(.stop)
            let recorder = try RunRecorder(resuming: run, spec: sampleSpec(), afterStep: 5)
            #expect(try recorder.takeCommands().isEmpty)
            try recorder.record(.started(totalSteps: 10, stepsPerEpoch: 5, fromStep: 5))
            for step in 6...10 { try recorder.record(.step(samplePoint(step))) }
            #expect(try run.metrics().points.map(\.step) == Array(1...10))
            #expect(try run.metrics().damagedLines == 0)
            let events = try run.events()
            #expect(events.count == 3)
            #expect(!run.text(run.eventsFile).contains("pau"))
            let overview = try #require(RunList.overview(run))
            #expect(overview.created == created && overview.base == 0.5 && overview.steps == 10)
            recorder.close()
        }
    }
}

@Suite struct ControlTests {
    @Test func commandsArriveInOrder() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = try RunFolder.create(in: root.path, name: "x", seed: 1)
            let recorder = try RunRecorder(new: run, spec: sampleSpec(), session: "")
            let commands: [RunCommand] = [
                .pause, .singleStep, .proceed, .setLearningRate(0.001), .evaluate([.base, .new]), .snapshot, .note("ü \n"), .stop,
            ]
            for command in commands { try run.send(command) }
            // Half written by somebody else, and nonsense.
            run.append("{", to: run.controlFolder + "/.000.json.tmp")
            run.append("{\"command\":\"dance\"}", to: run.controlFolder + "/000.json")
            mkdir(run.controlFolder + "/111.json", 0o755)
            #expect(try recorder.takeCommands() == commands)
            #expect(try recorder.takeCommands().isEmpty)
            guard case .warning(let text)? = try run.events().last?.event else {
                Issue.record("no warning")
                return
            }
            #expect(text.contains("000.json"))
            let clock = ContinuousClock()
            let polling = try clock.measure { for _ in 0..<1000 { _ = try recorder.takeCommands() } }
            print("control: 1000 looks at an empty inbox in \(polling)")
            recorder.close()
        }
    }
}

@Suite struct RunListTests {
    @Test func listsAThousandRuns() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            for number in 0..<1000 {
                let path = root.path + "/run-\(number)"
                mkdir(path, 0o755)
                var summary = SummaryFile(
                    RunOverview(
                        path: path, state: .finished, name: "n\(number)", method: .maple, data: "/d", model: "/m", classes: .base,
                        shots: 16, seed: number, created: Double(number), updated: Double(number)))
                summary.note(.evaluated(sampleEvaluation(.base, step: 1, accuracy: 0.5, data: "/d")))
                summary.note(.evaluated(sampleEvaluation(.new, step: 1, accuracy: 0.25, data: "/d")))
                try AtomicFile.write(summary.encode(), to: path + "/summary.json", durable: false)
            }
            let clock = ContinuousClock()
            var runs: [RunOverview] = []
            let time = try clock.measure { runs = try RunList.scan(root.path) }
            print("list of 1000 runs: \(time)")
            #expect(runs.count == 1000)
            #expect(runs.first?.seed == 999 && runs.last?.seed == 0)
            #expect(runs.first?.harmonicMean == harmonicMean(0.5, 0.25))
        }
    }

    @Test func brokenFoldersAreListed() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = try RunFolder.create(in: root.path, name: "good", seed: 1)
            try RunRecorder(new: run, spec: sampleSpec(), session: "x").close()
            for name in ["empty", "torn", "alien", ".hidden", "session only"] { mkdir(root.path + "/" + name, 0o755) }
            run.append("{\"name\":", to: root.path + "/torn/summary.json")
            run.append("[1]", to: root.path + "/alien/summary.json")
            run.append("name", to: root.path + "/session only/session.toml")
            run.append("text", to: root.path + "/notes.txt")
            mkdir(root.path + "/torn/metrics.jsonl", 0o755)
            let runs = try RunList.scan(root.path)
            #expect(runs.count == 5)
            let states = Dictionary(uniqueKeysWithValues: runs.map { ($0.folder, $0.state.word) })
            #expect(states == [run.name: "interrupted", "empty": "broken", "torn": "broken", "alien": "broken", "session only": "interrupted"])
            guard case .broken(let reason)? = runs.first(where: { $0.folder == "torn" })?.state else { return }
            #expect(reason.contains("summary.json"))
            #expect(try RunList.scan(root.path + "/none").isEmpty)
            #expect(throws: RunStoreError.self) { try RunList.scan(root.path + "/notes.txt") }
        }
    }

    @Test func summariesAreRebuilt() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = try RunFolder.create(in: root.path, name: "x", seed: 1)
            let recorder = try RunRecorder(new: run, spec: sampleSpec(), session: "session text")
            try recorder.record(.started(totalSteps: 2, stepsPerEpoch: 1, fromStep: 0))
            for step in 1...2 { try recorder.record(.step(samplePoint(step))) }
            try recorder.record(.evaluated(sampleEvaluation(.base, step: 2, accuracy: 0.5)))
            try recorder.record(.evaluated(sampleEvaluation(.new, step: 2, accuracy: 0.25)))
            try recorder.record(.stopped(step: 2))
            recorder.close()
            let before = try #require(RunList.overview(run))
            unlink(run.summaryFile)
            var after = try #require(
                RunList.overview(run) { text in
                    #expect(text == "session text")
                    return sampleSpec()
                })
            #expect(after.state == .stopped && after.base == 0.5 && after.harmonicMean == before.harmonicMean && after.steps == 2)
            after.created = before.created
            after.loss = before.loss
            after.seconds = before.seconds
            after.updated = before.updated
            #expect(after == before)
            #expect(RunList.overview(run)?.method == .maple)
            #expect(RunList.overview(run) { _ in throw RunStoreError.noRuns(root: "r") }?.state.word == "broken")
        }
    }

    @Test func findsRuns() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let root = root.path
            #expect(throws: RunStoreError.noRuns(root: root)) { try RunList.find("last", in: root) }
            #expect(throws: RunStoreError.noRuns(root: root)) { try RunList.find("x", in: root) }
            var runs: [RunFolder] = []
            for (name, second) in [("pets", 1), ("pets", 2), ("Blüten", 3)] {
                let run = try RunFolder.create(in: root, name: name, seed: 1, at: Date(timeIntervalSince1970: Double(second)))
                try RunRecorder(new: run, spec: sampleSpec(name), session: "x").close()
                runs.append(run)
            }
            mkdir(root + "/empty", 0o755)
            #expect(try RunList.find("last", in: root) == runs[2])
            #expect(try RunList.find(runs[0].name, in: root) == runs[0])
            #expect(try RunList.find(runs[1].path + "/", in: "/elsewhere") == runs[1])
            #expect(try RunList.find("19700101-000003", in: root) == runs[2])
            #expect(try RunList.find("19700101-000003-blüten", in: root) == runs[2])
            #expect(try RunList.find("Blüten", in: root) == runs[2])
            #expect(throws: RunStoreError.ambiguous(query: "1970", candidates: runs.map(\.name))) { try RunList.find("1970", in: root) }
            #expect(throws: RunStoreError.noSuchRun(query: "cats", root: root)) { try RunList.find("cats", in: root) }
            #expect(throws: RunStoreError.noSuchRun(query: "", root: root)) { try RunList.find("", in: root) }
            #expect(throws: RunStoreError.notARun(path: root + "/empty")) { try RunList.find("empty", in: root) }
        }
    }
}
