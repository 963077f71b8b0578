import Datasets
import Foundation
import RunModel
import TestSupport
import Testing

@testable import Training

/// A micro CLIP, a drawn data set and whatever a run on them tells.
///
/// Four classes (base: ash tree, bat; new: cat, dog) of six training and three test images; 3 steps of 4 base images an epoch.
final class Laboratory {
    static let modelPath = Places.fixtures.appendingPathComponent("goldens/micro-clip/model").path
    static let classes = ["ash_tree", "bat", "cat", "dog"]

    let folder: String
    let model: ModelFolder
    var data: String { folder + "/data" }

    init(_ folder: URL, classes: [String] = Laboratory.classes, train: Int = 6, test: Int = 3) throws {
        self.folder = folder.path
        model = try ModelFolder(path: Self.modelPath, threads: 1)
        try Pictures.classFolders(in: data, classes: classes, train: train, test: test)
    }

    /// A session of three epochs at a constant rate; evaluations at the end alone.
    func spec(_ change: (inout SessionSpec) -> Void = { _ in }) -> SessionSpec {
        var spec = SessionSpec(name: "micro", seed: 3, model: ModelSpec(path: Self.modelPath), data: DataSpec(path: data))
        spec.method.depth = 2
        spec.optim.epochs = 3
        spec.optim.warmupEpochs = 1
        spec.eval.every = 0
        spec.eval.zeroShot = false
        change(&spec)
        return spec
    }

    /// What one stretch of a run told and how it ended.
    struct Stretch {
        var events: [RunEvent] = []
        var summary: RunSummary?
        var error: (any Error)?

        var points: [MetricPoint] { events.compactMap { if case .step(let point) = $0 { point } else { nil } } }
        var warnings: [String] { events.compactMap { if case .warning(let text) = $0 { text } else { nil } } }
        var evaluations: [EvaluationResult] { events.compactMap { if case .evaluated(let r) = $0 { r } else { nil } } }
        var checkpoints: [String] { events.compactMap { if case .checkpointWritten(let file, _) = $0 { file } else { nil } } }
        /// Events in one word each.
        var words: [String] {
            events.compactMap { event in
                switch event {
                case .started(let total, let perEpoch, let from): "started \(total) \(perEpoch) \(from)"
                case .step(let point): "step \(point.step)"
                case .evaluationProgress: nil
                case .evaluated(let result): "evaluated \(result.classes) at \(result.step)"
                case .checkpointWritten(let file, let step): "\(file) at \(step)"
                case .commandTaken(let command, let step): "\(command) at \(step)"
                case .paused(let step): "paused at \(step)"
                case .proceeding(let step): "proceeding at \(step)"
                // The laboratory's classes are all below the usual shots.
                case .warning(let text): text.contains("fewer than") ? nil : "warning: \(text)"
                case .stopped(let step): "stopped at \(step)"
                case .finished(let summary): "finished at \(summary.steps)"
                case .failed(let text): "failed: \(text)"
                }
            }
        }
    }

    /// Trains in `run`, a folder for checkpoints.
    /// - Parameter react: called with every event, to post commands.
    func train(
        _ spec: SessionSpec, in run: String, from checkpoint: String? = nil, seconds: Double = 0,
        evaluated: [ClassSubset: Double] = [:], react: (RunEvent, CommandMailbox) -> Void = { _, _ in }
    ) throws -> Stretch {
        let path = folder + "/" + run
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let images = try ImageDataset.open(path: spec.data.path, split: spec.data.split)
        var stretch = Stretch()
        let commands = CommandMailbox()
        try withoutActuallyEscaping(react) { react in
            let trainer = try Trainer(
                Trainer.Inputs(spec: spec, model: model, data: images),
                continuing: checkpoint.map { Trainer.Continuation(checkpoint: $0, seconds: seconds, evaluated: evaluated) },
                commands: commands
            ) { event in
                stretch.events.append(event)
                react(event, commands)
            }
            trainer.checkpointFolder = path
            do {
                stretch.summary = try trainer.run()
            } catch {
                stretch.error = error
            }
        }
        return stretch
    }

    /// The checkpoint in `run` with the most steps; of equal ones the whole epoch's.
    func newest(_ run: String) throws -> String {
        let path = folder + "/" + run
        let files = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".safetensors") }
        let newest = try files.max { a, b in
            let (x, y) = (try Checkpoint.state(path: path + "/" + a).step, try Checkpoint.state(path: path + "/" + b).step)
            return x == y ? a > b : x < y
        }
        return path + "/" + (try #require(newest))
    }

    func bytes(_ file: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file)) }
}

/// Runs `body` with a laboratory in a folder that is deleted afterwards.
func withLaboratory(
    classes: [String] = Laboratory.classes, train: Int = 6, test: Int = 3, _ body: (Laboratory) throws -> Void
) throws {
    try Places.withTemporaryFolder { try body(Laboratory($0, classes: classes, train: train, test: test)) }
}
