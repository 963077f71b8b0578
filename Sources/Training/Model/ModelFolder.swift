import Datasets
import Engine
import Formats

/// A CLIP folder made ready for computing: weights in the engine, tokenizer, image geometry.
public final class ModelFolder {
    public let path: String
    public let configuration: CLIPConfiguration
    public let tokenizer: BPETokenizer
    public let geometry: ImageGeometry
    public let fingerprint: String
    public let clip: FrozenCLIP
    /// The weights as they lie in the file.
    let source: TensorSource

    /// - Parameter threads: 0 takes one for each processor.
    /// - Throws: `FormatError`, `EngineError`, `DatasetError`, each saying what to do.
    public init(path: String, threads: Int = 0) throws {
        let folder = try CLIPFolder(path: path)
        self.path = path
        configuration = folder.configuration
        tokenizer = folder.tokenizer
        fingerprint = folder.fingerprint
        geometry = try ImageGeometry(folder.preprocessing, imageSize: folder.configuration.imageSize)
        source = TensorSource(folder.weights)
        clip = try FrozenCLIP(
            shape: CLIPShape(folder.configuration), startToken: folder.tokenizer.startToken, source: source, workers: Workers(count: threads))
    }
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
