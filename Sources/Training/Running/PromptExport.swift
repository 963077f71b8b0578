import Engine
import Formats
import Foundation
import RunModel

/// Writes the prompts of a run's checkpoint for other programs.
public struct PromptExport {
    public let state: CheckpointState
    private let file: SafetensorsFile
    /// The trained tensors, without their momentum.
    private let trained: [StoredTensor]

    /// - Parameter checkpoint: a checkpoint of this program.
    /// - Throws: `FormatError`, `TrainingError.checkpoint`, `TrainingError.export` where nothing was learned.
    public init(checkpoint path: String) throws {
        file = try SafetensorsFile(path: path)
        state = try Checkpoint.state(path: path)
        trained = file.names.filter { !$0.hasPrefix("momentum/") }.compactMap { [file] in file[$0] }
        guard !trained.isEmpty else {
            throw TrainingError.export("\(path) holds nothing that was learned. Use maple convert for the model itself.")
        }
    }

    /// A checkpoint that `torch.load(weights_only=True)` reads and the reference's `load_model` accepts: `state_dict` with the
    /// trained tensors under its names, `epoch`, and the optimiser's and scheduler's places left empty; beside them `PromptNotes`.
    ///
    /// CoOp and Co-CoOp register their learner alone in the reference, the other methods the whole model.
    public func reference(to path: String) throws {
        let bare = state.method.name == .coop || state.method.name == .cocoop
        let prefix = "prompt_learner."
        try PyTorchWriter.write(
            stateDictionary: trained.map {
                TensorToWrite($0, name: bare && $0.name.hasPrefix(prefix) ? String($0.name.dropFirst(prefix.count)) : nil)
            },
            beside: [
                ("epoch", .integer(state.epoch)), ("optimizer", .none), ("scheduler", .none), ("val_result", .none),
            ] + PromptNotes.values(file.metadata), to: path)
    }

    /// The folder and file name under which the reference's evaluation looks for a checkpoint of that method.
    public var referencePlace: String {
        let folder =
            switch state.method.name {
            case .maple: "MultiModalPromptLearner"
            case .independent, .language: "VLPromptLearner"
            case .coop, .cocoop, .vision, .zeroshot: "prompt_learner"
            }
        return "\(folder)/model.pth.tar-\(state.epoch)"
    }

    /// The trained tensors in F32 with what is needed to use them as text beside: method, shape, words, the model's fingerprint.
    public func safetensors(to path: String) throws {
        // What training alone needs stays behind; without "maple" it is no checkpoint to go on from.
        var notes = file.metadata.filter { !["maple", "batch", "generator", "seed", "rate_factor"].contains($0.key) }
        notes["format"] = "pt"
        try SafetensorsWriter.write(trained.map { TensorToWrite($0) }, metadata: notes, to: path)
    }

    // MARK: Hugging Face

    private struct PromptTexts: Encodable {
        struct OfClass: Encodable {
            var name: String
            var prompt: String
        }
        /// With `{}` for the class name; absent where each class has its own tokens.
        var template: String?
        var tokens: [String]
        var classes: [OfClass]
    }

    /// A whole CLIP folder whose vocabulary has the learned tokens appended, so that transformers computes the same text features
    /// from prompts such as `<ctx-1> <ctx-2> dog.`; `prompts.json` holds the prompts.
    ///
    /// - Parameter classNames: those the run was trained on.
    /// - Throws: `TrainingError.export` for methods that learn more than words: deep prompts and vision prompts have no place
    ///   in transformers' CLIP.
    public func huggingFace(_ model: ModelFolder, classNames: [String], to path: String) throws {
        let method = state.method
        guard method.name == .coop || method.name == .language && method.depth == 1, let context = trained.first else {
            throw TrainingError.export(
                "\(method.name.rawValue)\(method.name == .language ? " of depth \(method.depth)" : "") cannot be told to transformers' CLIP: only words that are learned in the sentence can (coop, and language of depth 1). Use --to safetensors or --to reference.")
        }
        guard state.modelFingerprint == model.fingerprint else {
            throw TrainingError.modelChanged(expected: state.modelFingerprint, found: model.fingerprint)
        }
        let rows = context.count / model.clip.shape.text.width
        let own = method.classSpecific
        let tokens = (0..<rows).map { own ? "<class-\($0 / method.context + 1)-ctx-\($0 % method.context + 1)>" : "<ctx-\($0 + 1)>" }
        let words = PromptWords(method, tokenizer: model.tokenizer)
        // What stands between the learned tokens and the name.
        let left = model.tokenizer.decode(Array(model.tokenizer.encode(words.prefix).dropFirst(method.context)))
            .split(separator: " ").joined(separator: " ")
        func sentence(_ learned: ArraySlice<String>, _ name: String) -> String {
            let subject = left.isEmpty ? name : "\(left) \(name)"
            let cut =
                switch method.position {
                case .end: learned.count
                case .middle: learned.count / 2
                case .front: 0
                }
            return (Array(learned.prefix(cut)) + [subject] + Array(learned.dropFirst(cut))).joined(separator: " ") + "."
        }
        let names = classNames.map { $0.split { $0 == "_" || $0 == " " }.joined(separator: " ") }
        let texts = PromptTexts(
            template: own ? nil : sentence(tokens[...], "{}"), tokens: tokens,
            classes: names.enumerated().map { index, name in
                let first = own ? index * method.context : 0
                return .init(name: name, prompt: sentence(tokens[first..<min(tokens.count, first + method.context)], name))
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try CLIPFolderWriter(
            model.files.files, tokenizer: model.tokenizer, added: (tokens, try context.floats())
        ).write(to: path, type: .f32, more: ["prompts.json": String(decoding: try encoder.encode(texts), as: UTF8.self) + "\n"])
    }
}
