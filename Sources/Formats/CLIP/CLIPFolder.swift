import Foundation

/// A Hugging Face CLIP folder, opened and checked: configuration, preprocessing, tokenizer and memory-mapped weights.
///
///     let clip = try CLIPFolder(path: "models/clip-vit-base-patch16")
///     let scale = try clip.weights.tensor("logit_scale", shape: []).floats()
///
/// Once it is open, every tensor of `configuration.expectedTensors` is there, floating-point, of its shape, and finite.
/// Other tensors in the file (`position_ids` and the like) are ignored.
public struct CLIPFolder: Sendable {
    public let path: String
    public let configuration: CLIPConfiguration
    public let preprocessing: ImagePreprocessing
    public let tokenizer: BPETokenizer
    public let weights: any WeightSource

    /// Opens the folder at `path`. `checkingFinite: false` leaves the search for NaN and infinity out, for tools that only look.
    public init(path: String, checkingFinite: Bool = true) throws {
        self.path = path
        let files = try Self.list(path)
        func place(_ name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

        guard files.contains("config.json") else {
            throw FormatError.folder(path: path, .noConfiguration(adapter: files.contains("adapter_config.json")))
        }
        configuration = try CLIPConfiguration(path: place("config.json"))
        preprocessing =
            files.contains("preprocessor_config.json")
            ? try ImagePreprocessing(path: place("preprocessor_config.json"), imageSize: configuration.imageSize)
            : ImagePreprocessing(imageSize: configuration.imageSize)
        if files.contains("vocab.json"), files.contains("merges.txt") {
            tokenizer = try BPETokenizer(vocabulary: place("vocab.json"), merges: place("merges.txt"))
        } else if files.contains("tokenizer.json") {
            tokenizer = try BPETokenizer(tokenizer: place("tokenizer.json"))
        } else {
            throw FormatError.folder(path: path, .noVocabulary)
        }
        weights = try Self.openWeights(files, place)
        try checkAgreement()
        try Self.checkTensors(weights, configuration)
        if checkingFinite { try checkFinite() }
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

    private static func list(_ path: String) throws -> Set<String> {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw FormatError.folder(path: path, .missing)
        }
        guard isFolder.boolValue else { throw FormatError.folder(path: path, .isFile) }
        let files: [String]
        do {
            files = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw FormatError.file(path: path, .unreadable(reason: "the folder cannot be listed"))
        }
        guard !files.isEmpty else { throw FormatError.folder(path: path, .empty) }
        return Set(files)
    }

    private static func openWeights(_ files: Set<String>, _ place: (String) -> String) throws -> any WeightSource {
        if files.contains("model.safetensors") { return try SafetensorsFile(path: place("model.safetensors")) }
        if files.contains("model.safetensors.index.json") {
            return try ShardedWeights(index: place("model.safetensors.index.json"))
        }
        if files.contains("pytorch_model.bin") { return try PyTorchFile(path: place("pytorch_model.bin")) }
        if files.contains("pytorch_model.bin.index.json") {
            return try ShardedWeights(index: place("pytorch_model.bin.index.json")) { try PyTorchFile(path: $0) }
        }
        let kinds = [".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".gguf", ".safetensors", ".incomplete"]
        let present = files.filter { name in kinds.contains { name.hasSuffix($0) } }.sorted()
        throw FormatError.folder(path: String(place("").dropLast()), .noWeights(present: present))
    }

    /// The vocabulary, the preprocessing and the configuration must describe one model.
    private func checkAgreement() throws {
        let (largest, token) = tokenizer.largestID
        guard largest < configuration.vocabularySize else {
            throw FormatError.folder(
                path: path, .tokenBeyondVocabulary(token: token, id: largest, size: configuration.vocabularySize))
        }
        let end = Int(tokenizer.endToken)
        if configuration.poolsAtLargestID {
            guard end == largest else { throw FormatError.folder(path: path, .endTokenNotLargest(id: end, largest: largest)) }
        } else if end != configuration.endToken {
            throw FormatError.folder(path: path, .endTokenDiffers(vocabulary: end, configuration: configuration.endToken))
        }
        let side = configuration.imageSize
        if let crop = preprocessing.crop, crop != (side, side) {
            throw FormatError.folder(path: path, .cropDiffers(crop: [crop.height, crop.width], imageSize: side))
        }
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
    }
}
