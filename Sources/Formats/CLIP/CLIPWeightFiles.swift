import Foundation

/// A CLIP's weights as they are published, in whatever layout and container: shape, image preprocessing and tensors.
///
///     let clip = try CLIPWeightFiles(path: "ViT-B-16.pt")
///     print(clip.description)    // OpenAI's layout, TorchScript archive
///
/// A folder or a single file, told by its content. Once it is open, every tensor of `configuration.expectedTensors` is there
/// under its Hugging Face name, floating-point and of its shape. A tensor that stands in a tower and that the tower does not
/// have is an error; what else the file holds is told in `notes`.
public struct CLIPWeightFiles: Sendable {
    /// Whose names and layout the weights have.
    public enum Layout: String, Sendable {
        case huggingFace = "Hugging Face"
        case openCLIP = "open_clip"
        case openAI = "OpenAI"
    }

    /// The folder or file that was asked for.
    public let path: String
    public let layout: Layout
    /// The kind of file, in words.
    public let container: String
    public let configuration: CLIPConfiguration
    public let preprocessing: ImagePreprocessing
    public let weights: any WeightSource
    /// What had to be assumed because no file says it, and what looks odd; a line each.
    public let notes: [String]

    /// The folder that the weights lie in, where a vocabulary is looked for.
    public var folder: String { Self.folder(of: weights.path) }

    /// Opens the model at `path`.
    /// - Parameter activation: replaces what would be assumed where no configuration says it.
    /// - Throws: `FormatError` saying what the file is or what it lacks.
    public init(path: String, activation: CLIPConfiguration.Activation? = nil) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw FormatError.folder(path: path, .missing)
        }
        self = isFolder.boolValue ? try Self.open(folder: path, activation) : try Self.open(file: path, asked: path, activation)
    }

    private init(
        path: String, layout: Layout, container: String, configuration: CLIPConfiguration, preprocessing: ImagePreprocessing,
        weights: any WeightSource, notes: [String], activation: CLIPConfiguration.Activation?
    ) throws {
        var configuration = configuration
        if let activation {
            configuration.text.activation = activation
            configuration.vision.activation = activation
        }
        try Self.checkTensors(weights, configuration)
        let odd = try [Self.unusedNote(weights, configuration), Self.zeroNote(weights, configuration)].compactMap(\.self)
        self.path = path
        self.layout = layout
        self.container = container
        self.configuration = configuration
        self.preprocessing = preprocessing
        self.weights = weights
        self.notes = notes + odd
    }

    /// Throws, naming the first tensor of the model that holds NaN or infinity.
    public func checkFinite() throws {
        if let name = weights.firstNotFinite(among: configuration.expectedTensors.map(\.name)) {
            throw FormatError.weights(path: weights.path, .notFinite(name: name))
        }
    }

    /// Tells whether two runs used the same model: see `WeightFingerprint`. 16 hexadecimal digits.
    public var fingerprint: String {
        WeightFingerprint(configuration: configuration, weights: weights).text
    }

    /// Every tensor the towers need is there, floating-point and of its shape.
    static func checkTensors(_ weights: any WeightSource, _ configuration: CLIPConfiguration) throws {
        let expected = configuration.expectedTensors
        let missing = expected.filter { weights[$0.name] == nil }
        if let first = missing.first {
            throw FormatError.weights(
                path: weights.path, .missing(name: first.name, shape: first.shape, others: missing.count - 1))
        }
        for (name, shape) in expected { _ = try weights.tensor(name, shape: shape) }
        // CLIP is trained with at most ln 100; NaN and infinity are looked for with those of all tensors.
        if let scale = try weights.tensor("logit_scale", shape: []).floats().first, scale.isFinite, scale > 20 {
            throw FormatError.weights(path: weights.path, .logitScale(scale))
        }
    }

    /// What is said of tensors that are no part of the model.
    private static func unusedNote(_ weights: any WeightSource, _ configuration: CLIPConfiguration) throws -> String? {
        let expected = Set(configuration.expectedTensors.map(\.name))
        let towers = [("text_model.", configuration.text.layers), ("vision_model.", configuration.vision.layers)]
        var others: [String] = []
        for name in weights.names where !expected.contains(name) {
            // Numbers of places and masks follow from the configuration; some versions of the library stored them too.
            if ["position_ids", "token_type_ids", "_mask"].contains(where: name.hasSuffix) || weights[name]?.type.isFloat == false { continue }
            guard let (tower, layers) = towers.first(where: { name.hasPrefix($0.0) }) else {
                others.append(name)
                continue
            }
            let blocks = tower + "encoder.layers."
            if name.hasPrefix(blocks), let layer = Int(name.dropFirst(blocks.count).prefix { $0 != "." }), layer >= layers {
                throw FormatError.weights(path: weights.path, .layerBeyond(name: name, layers: layers))
            }
            throw FormatError.weights(path: weights.path, .unknownTensor(name: name))
        }
        guard let first = others.first else { return nil }
        return "\(others.count == 1 ? "a tensor of the file is" : "\(others.count) tensors of the file are") no part of a CLIP and not used: \(first.printable)"
            + (others.count > 1 ? " and others" : "")
    }

    /// What is said of matrices and gains that are nothing but zeros, as in a file whose space was taken before its download.
    private static func zeroNote(_ weights: any WeightSource, _ configuration: CLIPConfiguration) -> String? {
        let names = configuration.expectedTensors.map(\.name).filter { name in
            guard name.hasSuffix(".weight"), let tensor = weights[name], tensor.count > 0 else { return false }
            let bytes = tensor.bytes, words = bytes.count / 8
            return (0..<words).allSatisfy { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) == 0 }
                && bytes[(8 * words)...].allSatisfy { $0 == 0 }
        }
        guard let first = names.first else { return nil }
        let told = names.count == 1 ? "a tensor holds nothing but zeros (\(first))" : "\(names.count) tensors hold nothing but zeros (such as \(first))"
        return told + ": is the download complete?"
    }

    /// An activation that is asked for must not contradict the configuration's.
    private static func checkActivation(
        asked: CLIPConfiguration.Activation?, _ configuration: CLIPConfiguration, _ file: String
    ) throws {
        guard let asked else { return }
        for tower in [configuration.text, configuration.vision] where tower.activation != asked {
            throw FormatError.configuration(path: file, .otherActivation(own: tower.activation.rawValue, asked: asked.rawValue))
        }
    }

    static func folder(of path: String) -> String {
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? "." : folder
    }

    // MARK: Folders

    static func list(_ path: String) throws -> Set<String> {
        let files: [String]
        do {
            files = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw FormatError.file(path: path, .unreadable(reason: "the folder cannot be listed"))
        }
        guard !files.isEmpty else { throw FormatError.folder(path: path, .empty) }
        return Set(files)
    }

    private static let huggingFaceWeights = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    ]
    private static let openCLIPWeights = [
        "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin", "open_clip_pytorch_model.pt",
    ]

    private static func open(folder path: String, _ activation: CLIPConfiguration.Activation?) throws -> CLIPWeightFiles {
        let files = try list(path)
        func place(_ name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }
        let standard = huggingFaceWeights.first(where: files.contains)
        if files.contains("adapter_config.json"), standard == nil || !files.contains("config.json") {
            throw FormatError.folder(path: path, .noConfiguration(adapter: true))
        }
        let own = openCLIPWeights.first(where: files.contains)
        let config = files.contains("config.json") ? place("config.json") : nil
        // A folder of timm's may hold open_clip's files beside its own.
        if let own, files.contains("open_clip_config.json"), config.map({ (try? CLIPConfiguration(path: $0)) == nil }) ?? true {
            return try open(file: place(own), asked: path, activation)
        }
        // A folder of another library is told by its configuration before its weights are looked at.
        if let config { try CLIPConfiguration.refuseOtherKind(path: config) }
        if let first = standard ?? own { return try open(file: place(first), asked: path, activation) }
        if let config { _ = try CLIPConfiguration(path: config) }
        let kinds = [".safetensors", ".pt", ".pth", ".bin"]
        let lone = files.filter { name in !name.hasPrefix(".") && kinds.contains { name.hasSuffix($0) } }.sorted()
        if lone.count == 1 { return try open(file: place(lone[0]), asked: path, activation) }
        if lone.count > 1 { throw FormatError.folder(path: path, .severalWeights(lone)) }
        if let waiting = files.sorted().first(where: { WeightsFile.signOfDownload(in: $0) != nil }) { _ = try WeightsFile(path: place(waiting)) }
        guard files.contains("config.json") else { throw FormatError.folder(path: path, .noConfiguration(adapter: false)) }
        let other = [".h5", ".msgpack", ".onnx", ".gguf"]
        let present = files.filter { name in other.contains { name.hasSuffix($0) } }.sorted()
        throw FormatError.folder(path: path, .noWeights(present: present))
    }

    // MARK: Files

    private static func open(
        file path: String, asked: String, _ activation: CLIPConfiguration.Activation?
    ) throws -> CLIPWeightFiles {
        guard let index = index(ofShard: path) else { return try open(whole: path, asked: asked, activation) }
        do {
            return try open(whole: path, asked: asked, activation)
        } catch FormatError.weights {
            // Whole and readable, but no whole model.
            throw FormatError.weights(path: path, .shard(index: index))
        }
    }

    private static func open(
        whole path: String, asked: String, _ activation: CLIPConfiguration.Activation?
    ) throws -> CLIPWeightFiles {
        let (source, container) = try openTensors(path)
        let beside = folder(of: path)
        func sibling(_ name: String) -> String? {
            let place = "\(beside)/\(name)"
            return FileManager.default.fileExists(atPath: place) ? place : nil
        }
        switch Architecture(source) {
        case .huggingFace:
            return try huggingFace(source, container, asked, sibling, activation)
        case .openAI(let text, let vision):
            guard text != "text_encoder." else { throw FormatError.weights(path: path, .prompts) }
            let weights = try OpenAINames(source, text: text, vision: vision)
            return try openAI(source, weights, container, asked, sibling, activation)
        case .prompts: throw FormatError.weights(path: path, .prompts)
        case .other(let kind): throw FormatError.weights(path: path, .otherArchitecture(kind: kind))
        case .adapter(let name): throw FormatError.weights(path: path, .adapter(name: name))
        case .quantised(let name): throw FormatError.weights(path: path, .quantised(name: name))
        }
    }

    /// `model-00001-of-00002.safetensors` is a part of what `model.safetensors.index.json` lists.
    private static func index(ofShard path: String) -> String? {
        guard let parts = (path as NSString).lastPathComponent.wholeMatch(of: /(.+)-\d{5}-of-(\d{5})\.(safetensors|bin)/), parts.2 != "00001" else {
            return nil
        }
        return "\(parts.1).\(parts.3).index.json"
    }

    /// Whether a file is one of several that hold a model, by its name.
    public static func isShard(_ path: String) -> Bool { index(ofShard: path) != nil }

    private static func openTensors(_ path: String) throws -> (any WeightSource, String) {
        guard path.hasSuffix(".index.json") else {
            let file = try WeightsFile(path: path)
            return (file.source, file.container)
        }
        let shards = try ShardedWeights(index: path) { try WeightsFile(path: $0).source }
        let isPyTorch = shards.shards.values.contains { $0 is PyTorchFile }
        return (shards, "\(isPyTorch ? "PyTorch archive" : "safetensors") in \(shards.shards.count) shards")
    }

    private static func huggingFace(
        _ weights: any WeightSource, _ container: String, _ asked: String, _ sibling: (String) -> String?,
        _ activation: CLIPConfiguration.Activation?
    ) throws -> CLIPWeightFiles {
        var notes: [String] = []
        let configuration: CLIPConfiguration
        if let file = sibling("config.json") {
            configuration = try CLIPConfiguration(path: file)
            try checkActivation(asked: activation, configuration, file)
        } else {
            configuration = try CLIPConfiguration(inferredFrom: weights, activation: .quickGELU)
            notes.append("no config.json lies beside the weights: shapes are read off them")
            if activation == nil {
                notes.append("the activation is taken to be quick_gelu, as in OpenAI's models; LAION's need gelu: fetch config.json to be sure")
            }
        }
        let preprocessing =
            try sibling("preprocessor_config.json").map { try ImagePreprocessing(path: $0, imageSize: configuration.imageSize) }
            ?? ImagePreprocessing(imageSize: configuration.imageSize)
        return try CLIPWeightFiles(
            path: asked, layout: .huggingFace, container: container, configuration: configuration, preprocessing: preprocessing,
            weights: weights, notes: notes, activation: activation)
    }

    private static func openAI(
        _ source: any WeightSource, _ weights: OpenAINames, _ container: String, _ asked: String, _ sibling: (String) -> String?,
        _ activation: CLIPConfiguration.Activation?
    ) throws -> CLIPWeightFiles {
        if let file = sibling("open_clip_config.json") {
            let own = try OpenCLIPConfiguration(path: file), configuration = try own.configuration()
            if own.saysActivation { try checkActivation(asked: activation, configuration, file) }
            return try CLIPWeightFiles(
                path: asked, layout: .openCLIP, container: container, configuration: configuration, preprocessing: own.preprocessing,
                weights: weights, notes: own.notes, activation: activation)
        }
        // OpenAI's own files say their input size; open_clip's carry its file name or are whole training checkpoints.
        let name = (source.path as NSString).lastPathComponent
        let isTraining = (source as? PyTorchFile).map { $0.root["name"]?.text != nil && $0.root["epoch"] != nil } ?? false
        let isOpenCLIP = source["input_resolution"] == nil && (name.hasPrefix("open_clip") || isTraining)
        let inferred = try CLIPConfiguration(inferredFrom: weights, activation: isOpenCLIP ? .gelu : .quickGELU)
        var notes: [String] = []
        if activation == nil, source["input_resolution"] == nil {
            notes.append(
                isOpenCLIP
                    ? "no open_clip_config.json lies beside the weights: the activation is taken to be gelu, as in LAION's models"
                    : "the file does not say its activation: it is taken to be quick_gelu, as in OpenAI's models; open_clip's mostly need gelu")
        }
        return try CLIPWeightFiles(
            path: asked, layout: isOpenCLIP ? .openCLIP : .openAI, container: container, configuration: inferred,
            preprocessing: ImagePreprocessing(imageSize: inferred.imageSize), weights: weights, notes: notes, activation: activation)
    }
}
