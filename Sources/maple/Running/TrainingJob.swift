import Datasets
import Dispatch
import Engine
import Foundation
import RunModel
import RunStore
import SessionFile
import Synchronization
import Training

/// Wires one run: session, model and data to the trainer, its events to the run folder and to whoever watches.
///
/// The command line and the workbench both train through it; it knows neither.
struct TrainingJob: Sendable {
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
    }

    /// A run that is about to take its first step.
    struct Opening: Sendable {
        var folder: RunFolder
        var parameters: Int
        var images: Int
        var classes: Int
    }

    var spec: SessionSpec
    var start: Start
    var threads: Int
    var commands = CommandMailbox()
    /// Told once, when everything is open and the run's folder is this process's.
    var opened: @Sendable (Opening) -> Void
    /// Told every event, after it was recorded, on the training queue.
    var observe: @Sendable (RunEvent) -> Void

    /// Opens everything, trains, records. To be called on the training queue.
    /// - Throws: errors of model, data and session as they are; `RunFailure` once there is a run to go on with.
    func train() throws -> Outcome {
        let model = try ModelFolder(spec.model, threads: threads)
        var continuation: Trainer.Continuation?
        var listing: SplitListing?
        if case .resume(let folder) = start {
            listing = try SplitKeeper.read(folder)
            continuation = try Self.continuation(folder)
        }
        let data = try Self.open(spec.data, listing: listing)
        // Recording may fail on a full disk while an event is under way: the run then stops at the next step.
        let fault = Mutex<(any Error)?>(nil)
        let current = Mutex<RunRecorder?>(nil)
        let board = Mutex<TensorBoardRecorder?>(nil)
        let trainer = try Trainer(
            Trainer.Inputs(spec: spec, model: model, data: data, zeroShot: knownZeroShot(model, data)), continuing: continuation,
            commands: commands
        ) { event in
            do {
                try current.withLock { $0 }?.record(event)
            } catch {
                let isFirst = fault.withLock { fault in
                    defer { fault = fault ?? error }
                    return fault == nil
                }
                if isFirst { commands.post(.stop) }
            }
            board.withLock { $0 }?.record(event)
            observe(event)
        }
        let recorder = try recorder(trainer, model, data)
        trainer.checkpointFolder = recorder.folder.checkpointsFolder
        current.withLock { $0 = recorder }
        if spec.log.tensorBoard {
            let log = TensorBoardRecorder(recorder.folder, spec: spec, samples: trainer.samples) { [observe] text in
                try? recorder.record(.warning(text))
                observe(.warning(text))
            }
            board.withLock { $0 = log }
        }
        let inbox = watchInbox(recorder)
        defer {
            inbox.cancel()
            recorder.close()
        }
        opened(
            Opening(
                folder: recorder.folder, parameters: trainer.parameterCount, images: trainer.training.train.count,
                classes: trainer.training.classNames.count))
        do {
            for line in model.notes {
                try recorder.record(.warning(line))
                observe(.warning(line))
            }
            let summary = try trainer.run()
            if let error = fault.withLock({ $0 }) { throw error }
            return Outcome(folder: recorder.folder, summary: summary, stoppedAt: trainer.step)
        } catch {
            try? recorder.record(.failed("\(error)"))
            board.withLock { $0 }?.record(.failed("\(error)"))
            observe(.failed("\(error)"))
            throw RunFailure(error: error, folder: recorder.folder.path)
        }
    }

    private func recorder(_ trainer: Trainer, _ model: ModelFolder, _ data: ImageDataset) throws -> RunRecorder {
        switch start {
        case .new(let root):
            let folder = try RunFolder.create(in: root, name: spec.name, seed: spec.seed)
            do {
                let recorder = try RunRecorder(
                    new: folder, spec: spec, session: SessionFile.write(spec, provenance: provenance(model, data)),
                    samples: trainer.samples)
                if let drawn = data.drawnSplit { try SplitKeeper.write(drawn, folder) }
                return recorder
            } catch {
                // Nothing has been trained: half a folder helps nobody.
                try? FileManager.default.removeItem(atPath: folder.path)
                throw error
            }
        case .resume(let folder):
            guard try folder.samples() == trainer.samples else { throw TrainingError.dataChanged(path: spec.data.path) }
            return try RunRecorder(resuming: folder, spec: spec, afterStep: trainer.step)
        }
    }

    /// Other processes ask through files; the trainer itself only looks into its mailbox.
    private func watchInbox(_ recorder: RunRecorder) -> any DispatchSourceTimer {
        let inbox = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "maple.inbox"))
        inbox.schedule(deadline: .now() + 0.3, repeating: 0.3)
        inbox.setEventHandler { [commands] in
            for command in (try? recorder.takeCommands()) ?? [] { commands.post(command) }
        }
        inbox.resume()
        return inbox
    }

    /// Opens a session's data set; a division that was drawn for the run is kept.
    static func open(_ spec: DataSpec, listing: SplitListing?) throws -> ImageDataset {
        guard let listing else { return try ImageDataset.open(path: spec.path, split: spec.split) }
        return try ImageDataset.open(root: spec.path, listing: listing, source: spec.path)
    }

    /// The newest checkpoint of a run and what is known at its step.
    private static func continuation(_ folder: RunFolder) throws -> Trainer.Continuation? {
        let metrics = try folder.metrics()
        let lastPoint = metrics.points.last?.step ?? .max
        // A full disk or a power cut may have taken measurements that a later checkpoint builds on: they are made again.
        let kept = try folder.checkpoints().last { ($0.step ?? 0) <= lastPoint }
        guard let checkpoint = kept else { return nil }
        let step = try Checkpoint.state(path: folder.path + "/" + checkpoint.file).step
        var evaluated: [ClassSubset: Double] = [:]
        var zeroShot: Set<ClassSubset> = []
        for case .evaluated(let result) in try folder.events().map(\.event) {
            if result.method == .zeroshot {
                zeroShot.insert(result.classes)
            } else if result.step == step {
                evaluated[result.classes] = result.accuracy
            }
        }
        return Trainer.Continuation(
            checkpoint: folder.path + "/" + checkpoint.file,
            seconds: metrics.points.last { $0.step <= step }?.time ?? 0, evaluated: evaluated, measured: zeroShot)
    }

    /// Zero-shot figures that other runs of the same model, images and sentence have kept.
    private func knownZeroShot(_ model: ModelFolder, _ data: ImageDataset) -> [EvaluationResult] {
        guard spec.method.name != .zeroshot else { return [] }
        let root: String
        switch start {
        case .new(let path): root = path
        case .resume(let folder): root = (folder.path as NSString).deletingLastPathComponent
        }
        return ZeroShotFigures(
            model: model.fingerprint, data: data.fingerprint, template: spec.data.template, subset: spec.eval.subset
        ).find(in: root, classes: spec.eval.classes)
    }

    private func provenance(_ model: ModelFolder, _ data: ImageDataset) -> Provenance {
        Provenance(
            model: model.fingerprint, data: data.fingerprint, blasCore: BLAS.coreName, threads: model.clip.workers.count,
            host: ProcessInfo.processInfo.hostName, created: Date().formatted(.iso8601),
            versions: ["maple": Maple.version, "openblas": BLAS.configuration])
    }
}

/// A run that failed, with the way to go on.
struct RunFailure: Error, CustomStringConvertible {
    let error: any Error
    let folder: String

    var description: String {
        if let error = error as? TrainingError, error.comesAgain {
            return "\(error)\nThe run is kept in \(folder). Resuming it would come to the same numbers: start a new one."
        }
        return "\(error)\nThe run is kept in \(folder). To go on: maple resume \(folder)"
    }
}

extension RunFolder {
    /// The checkpoint with the most steps.
    func newestCheckpoint() throws -> CheckpointFile? { try checkpoints().last }
}

/// `split.json`: the division of class folders that had none of their own.
enum SplitKeeper {
    private static func file(_ folder: RunFolder) -> String { folder.path + "/split.json" }

    static func write(_ listing: SplitListing, _ folder: RunFolder) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(Array(try encoder.encode(listing)) + [0x0A], to: file(folder))
    }

    static func read(_ folder: RunFolder) throws -> SplitListing? {
        guard FileManager.default.fileExists(atPath: file(folder)) else { return nil }
        return try SplitListing(contentsOfFile: file(folder))
    }
}
