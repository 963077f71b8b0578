/// A CLIP that is ready to be used: weights, shape, preprocessing and vocabulary, opened and checked against each other.
///
///     let clip = try CLIPFiles(path: "models/clip-vit-base-patch16")
///     let other = try CLIPFiles(path: "ViT-B-16.pt", vocabulary: "models/clip-vit-base-patch16")
///     let scale = try clip.weights.tensor("logit_scale", shape: []).floats()
///
/// Once it is open, every tensor of `configuration.expectedTensors` is there, floating-point, of its shape, and finite.
public struct CLIPFiles: Sendable {
    public let files: CLIPWeightFiles
    public let tokenizer: BPETokenizer

    public var path: String { files.path }
    public var configuration: CLIPConfiguration { files.configuration }
    public var preprocessing: ImagePreprocessing { files.preprocessing }
    public var weights: any WeightSource { files.weights }
    public var fingerprint: String { files.fingerprint }
    /// What had to be assumed, and what looks odd; a line each.
    public let notes: [String]

    /// Opens the model at `path`, a folder or a file.
    /// - Parameters:
    ///   - vocabulary: a folder (or file) with the vocabulary; nil looks beside the weights.
    ///   - checkingFinite: false leaves the search for NaN and infinity out, for tools that only look.
    public init(path: String, vocabulary: String? = nil, checkingFinite: Bool = true) throws {
        try self.init(CLIPWeightFiles(path: path), vocabulary: vocabulary, checkingFinite: checkingFinite)
    }

    public init(_ files: CLIPWeightFiles, vocabulary: String? = nil, checkingFinite: Bool = true) throws {
        self.files = files
        tokenizer = try BPETokenizer(lookingIn: vocabulary ?? files.folder, model: files.path, isAsked: vocabulary != nil)
        notes = files.notes + [tokenizer.oddity].compactMap(\.self)
        try checkAgreement()
        if checkingFinite { try files.checkFinite() }
    }

    /// Throws, naming the first tensor of the model that holds NaN or infinity.
    public func checkFinite() throws { try files.checkFinite() }

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
}

