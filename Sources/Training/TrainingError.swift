import Foundation

/// What can go wrong between a session and its result; `description` says what to do.
public enum TrainingError: Error, CustomStringConvertible, LocalizedError {
    case preprocessing(String)
    case classesUnknown
    /// `classes` are those whose sentences a context of at most `largest` tokens leaves whole.
    case contextTooLong(context: Int, window: Int, classes: [String], largest: Int)
    case emptySubset(subset: String, classes: String, data: String)
    case nonFinite(step: Int, tensor: String, loss: Float, learningRate: Double)
    case checkpoint(path: String, what: String)
    case checkpointTensor(path: String, name: String, expected: [Int], found: [Int]?)
    case modelChanged(expected: String, found: String)
    /// A checkpoint of prompts belongs to another CLIP; `tensor` is where they differ.
    case otherModel(path: String, model: String, tensor: String?)
    /// What a run learned cannot be written in the form that was asked for.
    case export(String)
    case dataChanged(path: String)
    case goldens(String)
    case fewPairs(pairs: Int, validation: Int, batch: Int, data: String)
    case temperature(step: Int, from: Float, to: Float, learningRate: Double)
    case longCaptions(long: Int, of: Int, example: String, tokens: Int, context: Int, vocabulary: Int)

    /// Whether a resumed run would end the same way.
    public var comesAgain: Bool {
        switch self {
        case .nonFinite, .temperature: true
        default: false
        }
    }

    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .preprocessing(let what):
            "preprocessor_config.json describes another pipeline than CLIP's: \(what). Correct the file or remove it to use CLIP's own."
        case .classesUnknown:
            "class-specific contexts need to know how many classes they were trained on. Open the run through its checkpoint."
        case .contextTooLong(let context, let window, let classes, let largest):
            "\(context) context tokens are more than the text tower's \(window) places leave room for: the \(classes.count == 1 ? "sentence of 1 class" : "sentences of \(classes.count) classes") would be cut, "
                + classes.prefix(10).joined(separator: ", ") + (classes.count > 10 ? " and \(classes.count - 10) more" : "")
                + ". Set method.context to at most \(largest)."
        case .emptySubset(let subset, let classes, let data):
            "\(data) has no \(subset) images of \(classes) classes. Check data.path, data.split, data.classes, eval.classes and eval.subset."
        case .nonFinite(let step, let tensor, let loss, let rate):
            "step \(step): \(tensor) is not finite (loss \(loss), learning rate \(rate)). The last checkpoint is kept."
                + " Try a lower optim.lr, a longer warm-up, or a larger batch."
        case .checkpoint(let path, let what):
            "cannot use the checkpoint \(path): \(what)"
        case .checkpointTensor(let path, let name, let expected, let found?):
            "cannot use the checkpoint \(path): \(name) has the shape \(found) where \(expected) is needed. Do method.context, method.depth and the model match?"
        case .checkpointTensor(let path, let name, let expected, nil):
            "cannot use the checkpoint \(path): \(name) of shape \(expected) is missing. Do method.name and method.depth match?"
        case .modelChanged(let expected, let found):
            "the model's fingerprint is \(found), the run was trained on \(expected). Point the run's session.toml at the same weights."
        case .otherModel(let path, let model, let tensor):
            "cannot use the checkpoint \(path): it was trained on another CLIP than \(model)"
                + (tensor.map { " (\($0) differs)" } ?? " (the fingerprints differ)") + ". Name its own with --model."
        case .export(let what): what
        case .dataChanged(let path):
            "the training images of this run are not in \(path) any more. Restore the folder, or start a new run."
        case .goldens(let what):
            what
        case .fewPairs(let pairs, let validation, let batch, let data):
            "\(data) leaves \(pairs) pairs to train on (\(validation) more are kept out), and a batch takes \(batch). Make optim.batch or data.validation smaller, or add pairs."
        case .temperature(let step, let from, let to, let rate):
            "step \(step): the temperature diverges: exp(logit_scale) went from \(from) to \(to) in one step (learning rate \(rate)). The last checkpoint is kept."
                + " Try a lower optim.lr or a longer optim.warmup_steps."
        case .longCaptions(let long, let all, let example, let tokens, let context, let vocabulary):
            "\(long) of \(all) captions do not fit into the text tower: \"\(example.prefix(60))\" takes \(tokens) of its \(context) places."
                + " The vocabulary of \(vocabulary) tokens is too small for this text: make model.vocabulary or model.context larger."
        }
    }
}
