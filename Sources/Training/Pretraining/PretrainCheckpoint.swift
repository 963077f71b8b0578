import Engine
import Formats
import RunModel

/// Where a pretraining run stands: enough, with the tensors, to go on bit for bit.
public struct PretrainState: Sendable, Equatable {
    /// Optimiser steps taken. What a batch holds follows from its number.
    public var step: Int
    public var seed: Int
    /// The learning rate set by hand over that of the schedule; nil when it was left alone.
    public var rateFactor: Double?
    public var dataFingerprint: String
}

/// Pretraining checkpoints in safetensors: all weights by their Hugging Face names, so that the file also serves as
/// `model.safetensors`, and AdamW's moments under `adamw/first/` and `adamw/second/`.
public enum PretrainCheckpoint {
    static let version = "pretrain-1"

    /// Writes `path` whole or not at all. Throws `FormatError.write`; an older file stays.
    public static func write(_ clip: TrainableCLIP, _ state: PretrainState, to path: String) throws {
        var tensors: [TensorToWrite] = []
        let states = clip.states
        for t in states { tensors.append(TensorToWrite(t.name, shape: t.shape, floats: Array(t.value))) }
        for t in states { tensors.append(TensorToWrite("adamw/first/" + t.name, shape: t.shape, floats: Array(t.firstMoment))) }
        for t in states { tensors.append(TensorToWrite("adamw/second/" + t.name, shape: t.shape, floats: Array(t.secondMoment))) }
        let metadata = [
            "format": "pt", "maple": version, "step": "\(state.step)", "seed": "\(state.seed)",
            "generator": "counters of seed \(state.seed)", "rate_factor": state.rateFactor.map { "\($0)" } ?? "none",
            "data": state.dataFingerprint,
        ]
        try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    }

    public static func state(path: String) throws -> PretrainState { try state(SafetensorsFile(path: path)) }

    /// Fills weights and moments, all or none.
    ///
    /// - Throws: `TrainingError.checkpoint`, `.checkpointTensor`, `FormatError`.
    public static func restore(_ clip: TrainableCLIP, from path: String) throws -> PretrainState {
        let file = try SafetensorsFile(path: path)
        let state = try state(file)
        let parts: [(prefix: String, of: (TrainableCLIP.State) -> UnsafeMutableBufferPointer<Float>)] = [
            ("", \.value), ("adamw/first/", \.firstMoment), ("adamw/second/", \.secondMoment),
        ]
        for t in clip.states {
            for part in parts {
                let name = part.prefix + t.name
                guard let stored = file[name], stored.shape == t.shape, stored.type == .f32 else {
                    throw TrainingError.checkpoint(
                        path: path, what: "\(name) of shape \(t.shape) is missing or has another shape. Was model.* of the session changed?")
                }
                guard stored.isFinite else {
                    throw TrainingError.checkpoint(path: path, what: "\(name) holds NaN or infinity. Use an earlier checkpoint.")
                }
            }
        }
        for t in clip.states {
            for part in parts { try file[part.prefix + t.name]?.copyFloats(into: part.of(t)) }
        }
        clip.restore(stepsTaken: state.step)
        return state
    }

    private static func state(_ file: SafetensorsFile) throws -> PretrainState {
        guard file.metadata["maple"] == version else {
            throw TrainingError.checkpoint(path: file.path, what: "it is no pretraining checkpoint of this version. Use another.")
        }
        let factor = file.metadata["rate_factor"] ?? "none"
        guard let step = file.metadata["step"].flatMap({ Int($0) }), step >= 0, let seed = file.metadata["seed"].flatMap({ Int($0) }),
            let data = file.metadata["data"], factor == "none" || Double(factor)?.isFinite == true
        else { throw TrainingError.checkpoint(path: file.path, what: "its notes cannot be read. Use another checkpoint.") }
        return PretrainState(step: step, seed: seed, rateFactor: Double(factor), dataFingerprint: data)
    }
}
