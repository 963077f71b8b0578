import Engine
import Formats
import RunModel

/// Where a run stands: enough, with the tensors, to go on bit for bit.
///
/// Order of images, crops and flips come from counters (seed, epoch, place), so the position is the generator's state.
public struct CheckpointState: Sendable, Equatable {
    /// Optimiser steps taken.
    public var step: Int
    /// The epoch of the next batch, from 0, and the batch within it.
    public var epoch: Int
    public var batch: Int
    public var seed: Int
    /// The learning rate set by hand over that of the schedule without its warm-up; nil when it was left alone.
    public var rateFactor: Double?
    public var modelFingerprint: String
    public var method: MethodSpec
}

/// Checkpoints in safetensors: trainable tensors under the reference's names, momentum under `momentum/`, the rest as text.
///
/// Equal states give equal bytes.
public enum Checkpoint {
    static let version = "1"

    /// Writes `path` whole or not at all. Throws `FormatError.write` on a full disk; an older file stays.
    public static func write(_ prompts: LearnedPrompts, _ state: CheckpointState, to path: String) throws {
        var tensors: [TensorToWrite] = []
        for t in prompts.trainable { tensors.append(TensorToWrite(t.name, shape: t.shape, floats: Array(t.value))) }
        for t in prompts.trainable {
            tensors.append(TensorToWrite("momentum/" + t.name, shape: t.shape, floats: Array(t.momentum)))
        }
        let metadata = [
            "maple": version, "step": "\(state.step)", "epoch": "\(state.epoch)", "batch": "\(state.batch)",
            "generator": "counters of seed \(state.seed)", "seed": "\(state.seed)",
            // Exact: Swift prints the shortest text that reads back as the same number.
            "rate_factor": state.rateFactor.map { "\($0)" } ?? "none", "model": state.modelFingerprint, "method": state.method.name.rawValue,
            "context": "\(state.method.context)", "depth": "\(state.method.depth)", "init": state.method.initialWords,
        ]
        try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    }

    /// Reads the position without the tensors' values.
    public static func state(path: String) throws -> CheckpointState { try state(SafetensorsFile(path: path)) }

    /// Fills the tensors and their momentum, all or none.
    ///
    /// - Throws: `TrainingError.checkpointTensor` naming what is missing or misshapen; `FormatError`.
    public static func restore(_ prompts: LearnedPrompts, from path: String) throws -> CheckpointState {
        let file = try SafetensorsFile(path: path)
        let state = try state(file)
        var known: Set<String> = []
        for t in prompts.trainable {
            for name in [t.name, "momentum/" + t.name] {
                guard let stored = file[name] else {
                    throw TrainingError.checkpointTensor(path: path, name: name, expected: t.shape, found: nil)
                }
                guard stored.shape == t.shape, stored.type == .f32 else {
                    throw TrainingError.checkpointTensor(path: path, name: name, expected: t.shape, found: stored.shape)
                }
                guard stored.isFinite else {
                    throw TrainingError.checkpoint(path: path, what: "\(name) holds NaN or infinity. Use an earlier checkpoint.")
                }
                known.insert(name)
            }
        }
        if let extra = file.names.first(where: { !known.contains($0) }) {
            throw TrainingError.checkpoint(
                path: path, what: "it holds \(extra), which this method does not have. Do method.name and method.depth match?")
        }
        for t in prompts.trainable {
            try file[t.name]?.copyFloats(into: t.value)
            try file["momentum/" + t.name]?.copyFloats(into: t.momentum)
        }
        return state
    }

    private static func state(_ file: SafetensorsFile) throws -> CheckpointState {
        func field(_ name: String) throws -> String {
            guard let text = file.metadata[name] else {
                throw TrainingError.checkpoint(path: file.path, what: "it does not say \"\(name)\". Was it written by maple?")
            }
            return text
        }
        func number(_ name: String) throws -> Int {
            guard let value = Int(try field(name)), value >= 0 || name == "seed" else {
                throw TrainingError.checkpoint(path: file.path, what: "its \"\(name)\" is no number. Use another checkpoint.")
            }
            return value
        }
        let written = try field("maple")
        guard written == version else {
            throw TrainingError.checkpoint(path: file.path, what: "its version is \(written), this program knows \(version). Update maple.")
        }
        let factorText = try field("rate_factor")
        let factor = Double(factorText)
        guard factorText == "none" || factor?.isFinite == true, let method = MethodName(rawValue: try field("method"))
        else { throw TrainingError.checkpoint(path: file.path, what: "its notes cannot be read. Use another checkpoint.") }
        return CheckpointState(
            step: try number("step"), epoch: try number("epoch"), batch: try number("batch"), seed: try number("seed"),
            rateFactor: factor, modelFingerprint: try field("model"),
            method: MethodSpec(
                name: method, context: try number("context"), depth: try number("depth"), initialWords: try field("init")))
    }
}
