import ArgumentParser
import Engine
import Formats
import Foundation
import Training

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what a model, a checkpoint of prompts or a file of tensors holds.",
        discussion: """
            Reads Hugging Face folders, open_clip and OpenAI files, prompt checkpoints of the reference and any safetensors or \
            PyTorch file. A damaged file, or one that cannot be used here, is an error that says why.
            """)

    @Argument(help: "Folder or file.")
    var path: String

    @Option(help: ArgumentHelp("Folder with vocab.json and merges.txt, where the model has none.", valueName: "folder"))
    var vocabulary: String?

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func run() throws {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        if exists, isFolder.boolValue, let file = PromptFile.newest(in: path) {
            return try show(PromptReport(PromptCheckpoint(path: file)))
        }
        guard exists, !isFolder.boolValue, !path.hasSuffix(".index.json") else { return try model() }
        let file = try WeightsFile(path: path)
        if CLIPWeightFiles.isShard(path) { return try model() }
        switch Architecture(file) {
        case .prompts: try show(PromptReport(PromptCheckpoint(file)))
        case .other(let kind) where kind.hasPrefix("model of an unknown kind"): try show(TensorReport(file))
        default: try model()
        }
    }

    private func model() throws {
        let files = try CLIPWeightFiles(path: path)
        try files.checkFinite()
        var missing: [String] = []
        var tokens: Int?
        var notes = files.notes
        do {
            let whole = try CLIPFiles(files, vocabulary: vocabulary, checkingFinite: false)
            (tokens, notes) = (whole.tokenizer.count, whole.notes)
        } catch let error as FormatError {
            guard case .folder(_, .noVocabulary) = error else { throw error }
            missing.append("vocab.json and merges.txt (or name a folder that has them with --vocabulary)")
        }
        let report = ModelReport(files, tokens: tokens, missing: missing, notes: notes)
        if json { return try sayJSON(report) }
        report.show(files)
    }

    private func show(_ report: some FileReport) throws {
        if json { try sayJSON(report) } else { report.show() }
    }
}

/// What is said of a file that is no whole model.
private protocol FileReport: Encodable {
    func show()
}

private struct TensorLine: Encodable {
    var name: String
    var dtype: String
    var shape: [Int]

    init(_ tensor: StoredTensor) { (name, dtype, shape) = (tensor.name, tensor.type.rawValue, tensor.shape) }

    /// Longer lists are for --json.
    private static let shown = 1000

    static func say(_ lines: [TensorLine]) {
        maple.say(table(["tensor", "dtype", "shape"], lines.prefix(shown).map {
            [$0.name, $0.dtype, $0.shape.isEmpty ? "scalar" : $0.shape.map(String.init).joined(separator: "x")]
        }, left: [0, 1, 2]))
        if lines.count > shown { maple.say("and \(lines.count - shown) more (all of them with --json)") }
    }
}

private struct ModelReport: Encodable {
    struct Tower: Encodable {
        var width: Int
        var layers: Int
        var heads: Int
        var hidden: Int
        var activation: String

        init(_ t: CLIPConfiguration.Tower) {
            (width, layers, heads, hidden, activation) = (t.width, t.layers, t.heads, t.feedForwardWidth, t.activation.rawValue)
        }
    }
    var kind = "clip"
    var path: String
    var layout: String
    var container: String
    var parameters: Int
    var dtypes: [String: Int]
    var vision: Tower
    var text: Tower
    var image_size: Int
    var patch_size: Int
    var context_length: Int
    var vocabulary: Int
    var embedding: Int
    var logit_scale: Float
    var fingerprint: String
    /// Tokens of the vocabulary that was found.
    var tokens: Int?
    var missing: [String]
    var notes: [String]

    init(_ files: CLIPWeightFiles, tokens: Int?, missing: [String], notes: [String]) {
        let c = files.configuration
        path = files.path
        layout = files.layout.rawValue
        container = files.container
        parameters = 0
        dtypes = [:]
        for (name, _) in c.expectedTensors {
            guard let tensor = files.weights[name] else { continue }
            dtypes[tensor.type.rawValue, default: 0] += tensor.count
            parameters += tensor.count
        }
        (vision, text) = (Tower(c.vision), Tower(c.text))
        image_size = c.imageSize
        patch_size = c.patchSize
        context_length = c.contextLength
        vocabulary = c.vocabularySize
        embedding = c.embeddingWidth
        logit_scale = exp((try? files.weights["logit_scale"]?.floats().first) ?? 0)
        fingerprint = files.fingerprint
        self.tokens = tokens
        self.missing = missing
        self.notes = notes
    }

    func show(_ files: CLIPWeightFiles) {
        let c = files.configuration
        say("CLIP with a vision transformer, \(parameters) parameters (\(dtypes.map { "\($0.value) in \($0.key)" }.sorted().joined(separator: ", ")))")
        say("")
        say(table(["tower", "width", "layers", "heads", "hidden", "activation"], [("vision", vision), ("text", text)].map {
            [$0.0, "\($0.1.width)", "\($0.1.layers)", "\($0.1.heads)", "\($0.1.hidden)", $0.1.activation]
        }))
        say("")
        say("layout       \(layout), \(container)")
        say("image        \(c.imageSize)x\(c.imageSize) pixels, patches of \(c.patchSize), \(c.patches) of them")
        say("text         \(c.contextLength) places, vocabulary of \(c.vocabularySize)" + (tokens.map { ", \($0) tokens found" } ?? ""))
        say("embedding    \(c.embeddingWidth)")
        say("logit scale  \(String(format: "%.2f", logit_scale))")
        say("fingerprint  \(fingerprint)")
        for line in missing { say("missing      \(line)") }
        for line in notes { say("note         \(line)") }
    }
}

private struct PromptReport: FileReport {
    var kind = "prompts"
    var path: String
    var container: String
    var method: String
    var context: Int
    var depth: Int
    var vision_context: Int?
    var vision_depth: Int?
    var classes: Int?
    var epoch: Int?
    var parameters: Int
    /// Weights of a CLIP that the file carries along.
    var frozen: Int
    var metadata: [String: String]
    var tensors: [TensorLine]

    init(_ file: PromptCheckpoint) {
        path = file.path
        container = file.container
        method = file.method.rawValue
        (context, depth) = (file.context, file.depth)
        (vision_context, vision_depth) = (file.visionContext, file.visionDepth)
        classes = file.classes
        epoch = file.epoch
        parameters = file.parameterCount
        frozen = file.frozen.count
        metadata = file.metadata.filter { $0.key != "sentences" }
        tensors = file.tensors.map(TensorLine.init)
    }

    func show() {
        say("learned prompts of \(method), \(parameters) parameters" + (epoch.map { ", after epoch \($0)" } ?? ""))
        say("")
        say("container    \(container)")
        say("context      \(context) tokens" + (classes.map { " for each of \($0) classes" } ?? ""))
        say("depth        \(depth)")
        if let vision_context, let vision_depth { say("vision       \(vision_context) tokens, depth \(vision_depth)") }
        say("model        " + (frozen > 0 ? "\(frozen) frozen weights are carried along, without the token embedding: a CLIP is needed" : "none inside: a CLIP is needed"))
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { say("\(key): \(value)") }
        say("")
        TensorLine.say(tensors)
    }
}

private struct TensorReport: FileReport {
    var kind: String
    var path: String
    var metadata: [String: String]
    var tensors: [TensorLine]

    init(_ file: WeightsFile) throws {
        if let name = file.firstNotFinite(among: file.names) { throw FormatError.weights(path: file.path, .notFinite(name: name)) }
        kind = file.container
        path = file.path
        metadata = file.metadata
        tensors = file.names.compactMap { file[$0].map(TensorLine.init) }
    }

    func show() {
        say("\(kind); its tensors belong to no model that is known")
        say("")
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { say("\(key): \(value)") }
        if !metadata.isEmpty { say("") }
        TensorLine.say(tensors)
    }
}
