import Datasets
import Engine
import Formats
import RunModel

/// A CLIP, from a folder or a file, made ready for computing: weights in the engine, tokenizer, image geometry.
public final class ModelFolder {
    public let path: String
    public let configuration: CLIPConfiguration
    public let tokenizer: BPETokenizer
    public let geometry: ImageGeometry
    public let fingerprint: String
    public let clip: FrozenCLIP
    /// The weights under their Hugging Face names, as they are stored.
    public let files: CLIPFiles

    /// - Parameters:
    ///   - vocabulary: a folder with the vocabulary; nil looks beside the weights.
    ///   - threads: 0 takes one for each processor.
    /// - Throws: `FormatError`, `EngineError`, `DatasetError`, each saying what to do.
    public convenience init(path: String, vocabulary: String? = nil, threads: Int = 0) throws {
        try self.init(CLIPFiles(path: path, vocabulary: vocabulary), threads: threads)
    }

    /// The model of a session.
    public convenience init(_ spec: ModelSpec, threads: Int = 0) throws {
        try self.init(path: spec.path, vocabulary: spec.vocabulary, threads: threads)
    }

    public init(_ files: CLIPFiles, threads: Int = 0) throws {
        self.files = files
        path = files.path
        configuration = files.configuration
        tokenizer = files.tokenizer
        fingerprint = files.fingerprint
        geometry = try ImageGeometry(files.preprocessing, imageSize: files.configuration.imageSize)
        clip = try FrozenCLIP(
            shape: CLIPShape(files.configuration), startToken: files.tokenizer.startToken,
            source: TensorSource(files.weights), workers: Workers(count: threads))
    }

    /// What had to be assumed of the model because no file says it.
    public var notes: [String] { files.notes.map { "\(path): \($0)" } }
}

extension CLIPShape {
    public init(_ c: CLIPConfiguration) {
        self.init(
            vision: TowerShape(c.vision), text: TowerShape(c.text), imageSize: c.imageSize, patchSize: c.patchSize,
            contextLength: c.contextLength, vocabulary: c.vocabularySize, embedding: c.embeddingWidth)
    }
}

extension TowerShape {
    init(_ t: CLIPConfiguration.Tower) {
        self.init(
            width: t.width, layers: t.layers, heads: t.heads, hidden: t.feedForwardWidth,
            activation: t.activation == .gelu ? .gelu : .quickGELU, epsilon: t.layerNormEpsilon)
    }
}

extension TensorSource {
    /// The file stays mapped while the engine holds this source's owner.
    public init(_ weights: any WeightSource) {
        self.init(owner: Keeper(weights)) { name in
            guard let tensor = weights[name], let bytes = tensor.bytes.baseAddress else { return nil }
            let element: RawTensor.Element
            switch tensor.type {
            case .f32: element = .float32
            case .f16: element = .float16
            case .bf16: element = .bfloat16
            case .f64: element = .float64
            default: return nil
            }
            return RawTensor(element: element, shape: tensor.shape, bytes: bytes)
        }
    }

    private final class Keeper {
        let weights: any WeightSource
        init(_ weights: any WeightSource) { self.weights = weights }
    }
}

extension ImageGeometry {
    /// - Throws: `TrainingError.preprocessing` for pipelines other than CLIP's own.
    init(_ p: ImagePreprocessing, imageSize: Int) throws {
        guard p.resampling == .bicubic, let crop = p.crop, abs(p.rescaleFactor * 255 - 1) < 1e-6 else {
            throw TrainingError.preprocessing("it must crop the centre, resample bicubically and rescale by 1/255")
        }
        let resize: Int
        switch p.resize {
        case .shortestEdge(let side): resize = side
        case .exact(let height, let width) where height == width: resize = height
        default: throw TrainingError.preprocessing("it must resize the shortest edge")
        }
        try self.init(resize: resize, crop: crop.height, mean: p.mean.map(Float.init), std: p.deviation.map(Float.init))
    }
}
