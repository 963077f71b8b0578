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

    public init(
        step: Int, epoch: Int, batch: Int, seed: Int, rateFactor: Double?, modelFingerprint: String, method: MethodSpec
    ) {
        self.step = step
        self.epoch = epoch
        self.batch = batch
        self.seed = seed
        self.rateFactor = rateFactor
        self.modelFingerprint = modelFingerprint
        self.method = method
    }
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
        let method = state.method
        var metadata = [
            "maple": version, "step": "\(state.step)", "epoch": "\(state.epoch)", "batch": "\(state.batch)",
            "generator": "counters of seed \(state.seed)", "seed": "\(state.seed)",
            // Exact: Swift prints the shortest text that reads back as the same number.
            "rate_factor": state.rateFactor.map { "\($0)" } ?? "none", "model": state.modelFingerprint,
            "method": method.name.rawValue, "context": "\(method.context)", "depth": "\(method.depth)", "init": method.initialWords,
        ]
        // What most methods do not have stays away.
        if method.position != .end { metadata["position"] = method.position.rawValue }
        if method.classSpecific { metadata["class_specific"] = "true" }
        if let tokens = method.visionContext { metadata["vision_context"] = "\(tokens)" }
        if let depth = method.visionDepth { metadata["vision_depth"] = "\(depth)" }
        if let sentences = prompts.ownSentences {
            metadata["sentences"] = sentences.map { $0.map(String.init).joined(separator: " ") }.joined(separator: ";")
        }
        try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    }

    /// Reads the position without the tensors' values.
    public static func state(path: String) throws -> CheckpointState { try state(SafetensorsFile(path: path)) }

    /// The prompts that a checkpoint holds, and its position: all that scoring needs.
    ///
    /// - Throws: as `restore`; `TrainingError.modelChanged` when it was trained on another model.
    public static func open(path: String, model: ModelFolder) throws -> (prompts: LearnedPrompts, state: CheckpointState) {
        let file = try SafetensorsFile(path: path)
        let method = try state(file).method
        var classes: Int?
        if method.classSpecific { classes = try file.tensor("prompt_learner.ctx").shape.first }
        let prompts = try LearnedPrompts(
            clip: model.clip, method: PromptMethod(method, classes: classes),
            initial: PromptWords(method, tokenizer: model.tokenizer).initial, seed: 1)
        let state = try restore(prompts, from: path)
        guard state.modelFingerprint == model.fingerprint else {
            throw TrainingError.modelChanged(expected: state.modelFingerprint, found: model.fingerprint)
        }
        return (prompts, state)
    }

    /// Fills the tensors and their momentum, all or none. Class-specific contexts are bound to their sentences again.
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
        if prompts.method.ownContexts != nil {
            let own = (file.metadata["sentences"] ?? "").split(separator: ";").map { $0.split(separator: " ").map { Int32($0) } }
            let sentences = own.map { $0.compactMap(\.self) }
            guard zip(own, sentences).allSatisfy({ $0.count == $1.count && $1.count >= 2 }) else {
                throw TrainingError.checkpoint(path: path, what: "its class sentences cannot be read. Use another checkpoint.")
            }
            if let before = prompts.ownSentences, before != sentences {
                throw TrainingError.checkpoint(
                    path: path, what: "its contexts belong to other classes. Do data.path and data.classes match?")
            }
            try prompts.bind(to: sentences)
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
        func optional(_ name: String) throws -> Int? { file.metadata[name] == nil ? nil : try number(name) }
        let position = file.metadata["position"] ?? NamePlace.end.rawValue
        guard let position = NamePlace(rawValue: position) else {
            throw TrainingError.checkpoint(path: file.path, what: "its \"position\" cannot be read. Use another checkpoint.")
        }
        let spec = MethodSpec(
            name: method, context: try number("context"), depth: try number("depth"), initialWords: try field("init"),
            position: position, classSpecific: file.metadata["class_specific"] == "true",
            visionContext: try optional("vision_context"), visionDepth: try optional("vision_depth"))
        return CheckpointState(
            step: try number("step"), epoch: try number("epoch"), batch: try number("batch"), seed: try number("seed"),
            rateFactor: factor, modelFingerprint: try field("model"), method: spec)
    }
}
