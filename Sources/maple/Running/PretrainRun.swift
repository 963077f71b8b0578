import Datasets
import Dispatch
import Engine
import Formats
import Foundation
import RunModel
import RunStore
import SessionFile
import Synchronization
import Training

/// Wires one pretraining: session, pairs and vocabulary to the pretrainer, its events to the run folder and the progress line.
struct PretrainRun: Sendable {
    enum Start: Sendable {
        /// A new folder below this root.
        case new(root: String)
        /// Goes on from the newest checkpoint.
        case resume(RunFolder)
    }

    struct Outcome: Sendable {
        var folder: RunFolder
        /// Nil when the run was stopped.
        var summary: RunSummary?
        var stoppedAt: Int
        var parameters: Int
        var scale: Float
        var zeroShot: Double?
        var retrieval: EvaluationResult?
        var speed: Pretrainer.Speed?
    }

    var spec: PretrainSpec
    var start: Start
    var threads: Int
    var progress: ProgressLine
    /// Where the finished model is written too.
    var output: String?

    /// The finished model within a run's folder.
    static func modelFolder(_ run: RunFolder) -> String { run.path + "/model" }
    /// The vocabulary that the run learned, or took from elsewhere.
    private static func vocabularyFolder(_ run: RunFolder) -> String { run.path + "/vocabulary" }

    /// Trains on the background queue until the end or a signal.
    func run() throws -> Outcome {
        let commands = CommandMailbox()
        let recorder = Mutex<RunRecorder?>(nil)
        let signals = StopSignals { [progress] in
            progress.line("stopping: the step is finished and a checkpoint written (again: leave at once)")
            commands.post(.stop)
        }
        defer { signals.end() }
        let inbox = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "maple.inbox"))
        inbox.schedule(deadline: .now() + 0.3, repeating: 0.3)
        inbox.setEventHandler {
            guard let recorder = recorder.withLock({ $0 }) else { return }
            for command in (try? recorder.takeCommands()) ?? [] { commands.post(command) }
        }
        inbox.resume()
        defer { inbox.cancel() }
        let done = DispatchSemaphore(value: 0)
        let outcome = Mutex<Result<Outcome, any Error>?>(nil)
        TrainingQueue().submit { try train(commands) { made in recorder.withLock { $0 = made } } } completion: { result in
            outcome.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        recorder.withLock { $0 = nil }
        guard let result = outcome.withLock({ $0 }) else { preconditionFailure("the queue ended without an outcome") }
        return try result.get()
    }

    /// On the training queue: opens everything, trains, records, writes the model.
    private func train(_ commands: CommandMailbox, _ made: (RunRecorder) -> Void) throws -> Outcome {
        let source = try source()
        var isNew = false
        let folder: RunFolder
        var continuation: Pretrainer.Continuation?
        switch start {
        case .new(let root):
            folder = try RunFolder.create(in: root, name: spec.name, seed: spec.seed)
            isNew = true
        case .resume(let run):
            folder = run
            continuation = try Self.continuation(run)
        }
        // Recording may fail on a full disk while an event is under way: the run then stops at the next step.
        let fault = Mutex<(any Error)?>(nil)
        let current = Mutex<RunRecorder?>(nil)
        let retrieval = Mutex<EvaluationResult?>(nil)
        let trainer: Pretrainer, recorder: RunRecorder
        do {
            if isNew { try makeVocabulary(source, in: folder) }
            trainer = try Pretrainer(
                Pretrainer.Inputs(spec: spec, source: source, vocabulary: Self.vocabularyFolder(folder), threads: threads),
                continuing: continuation, commands: commands
            ) { event in
                if case .evaluated(let result) = event, result.classes == .all { retrieval.withLock { $0 = result } }
                do {
                    try current.withLock { $0 }?.record(event)
                } catch {
                    let isFirst = fault.withLock { fault in
                        defer { fault = fault ?? error }
                        return fault == nil
                    }
                    if isFirst { commands.post(.stop) }
                }
                show(event)
            }
            let subject = RunRecorder.Subject(name: spec.name, seed: spec.seed, data: source.name, subset: .test)
            recorder =
                isNew
                ? try RunRecorder(
                    new: folder, subject: subject, session: PretrainFile.write(spec, provenance: provenance(source, trainer)))
                : try RunRecorder(resuming: folder, subject: subject, afterStep: trainer.step)
        } catch {
            // Nothing has been trained: half a folder helps nobody.
            if isNew { try? FileManager.default.removeItem(atPath: folder.path) }
            throw error
        }
        trainer.checkpointFolder = folder.checkpointsFolder
        current.withLock { $0 = recorder }
        made(recorder)
        progress.remark(
            "run \(folder.path): \(trainer.parameterCount) weights, \(source.pairs) pairs an epoch, vocabulary of \(trainer.configuration.vocabularySize)")
        defer { recorder.close() }
        do {
            let summary = try trainer.run()
            if let error = fault.withLock({ $0 }) { throw error }
            if summary != nil {
                try trainer.writeModel(to: Self.modelFolder(folder))
                if let output { try trainer.writeModel(to: output) }
            }
            return Outcome(
                folder: folder, summary: summary, stoppedAt: trainer.step, parameters: trainer.parameterCount,
                scale: trainer.scale, zeroShot: summary?.new, retrieval: retrieval.withLock { $0 }, speed: trainer.speed)
        } catch {
            try? recorder.record(.failed("\(error)"))
            throw RunFailure(error: error, folder: folder.path)
        }
    }

    private func source() throws -> any PairSource {
        let mean = ImagePreprocessing.clipMean.map(Float.init), std = ImagePreprocessing.clipDeviation.map(Float.init)
        let geometry = try ImageGeometry(resize: spec.model.image, crop: spec.model.image, mean: mean, std: std)
        switch spec.data.source {
        case .drawn:
            return DrawnPairs(
                geometry: geometry, pairs: spec.data.pairs, validation: spec.data.validation, alike: spec.data.alike,
                seed: spec.seed)
        case .captions:
            return try FolderPairs(
                folder: CaptionFolder(path: spec.data.path ?? "", file: spec.data.captions), geometry: geometry,
                validation: spec.data.validation, batch: spec.optim.batch, seed: spec.seed)
        }
    }

    /// Learns the vocabulary, or takes the one that the session names.
    private func makeVocabulary(_ source: any PairSource, in run: RunFolder) throws {
        let folder = Self.vocabularyFolder(run)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if let given = spec.model.vocabularyPath {
            for name in ["vocab.json", "merges.txt"] {
                try FileManager.default.copyItem(atPath: "\(given)/\(name)", toPath: "\(folder)/\(name)")
            }
            return
        }
        var learner = BytePairLearner()
        source.captions().forEach { learner.add($0) }
        try learner.learn(size: spec.model.vocabulary).write(to: folder)
    }

    /// The newest checkpoint of a run whose steps were all recorded, and what is known at its step.
    private static func continuation(_ folder: RunFolder) throws -> Pretrainer.Continuation? {
        let metrics = try folder.metrics()
        let measured = metrics.points.last?.step ?? .max
        guard let checkpoint = try folder.checkpoints().last(where: { ($0.step ?? 0) <= measured }) else { return nil }
        let path = folder.path + "/" + checkpoint.file
        let step = try PretrainCheckpoint.state(path: path).step
        var evaluated: [ClassSubset: Double] = [:]
        for recorded in try folder.events() {
            if case .evaluated(let result) = recorded.event, result.step == step { evaluated[result.classes] = result.accuracy }
        }
        return Pretrainer.Continuation(
            checkpoint: path, seconds: metrics.points.last { $0.step <= step }?.time ?? 0, evaluated: evaluated)
    }

    private func provenance(_ source: any PairSource, _ trainer: Pretrainer) -> Provenance {
        Provenance(
            model: "from nothing, seed \(spec.seed)", data: source.fingerprint, blasCore: BLAS.coreName, threads: trainer.threads,
            host: ProcessInfo.processInfo.hostName, created: Date().formatted(.iso8601),
            versions: ["maple": Maple.version, "openblas": BLAS.configuration])
    }

    /// Evaluations have other names here than base and new.
    private func show(_ event: RunEvent) {
        guard case .evaluated(let result) = event else { return progress.show(event) }
        let what = result.classes == .new ? "zero-shot on unseen combinations" : "retrieval, recall at 1"
        progress.remark("step \(result.step)  \(what) \(percent(result.accuracy)) %  (\(result.count) in \(duration(result.seconds)))")
    }
}
