import CKernels

/// A tensor as it lies in a file: bytes that the engine reads in place where it can.
public struct RawTensor {
    public enum Element: Sendable { case float32, float16, bfloat16, float64 }
    public var element: Element
    public var shape: [Int]
    public var bytes: UnsafeRawPointer

    public init(element: Element, shape: [Int], bytes: UnsafeRawPointer) {
        self.element = element
        self.shape = shape
        self.bytes = bytes
    }

    public var count: Int { shape.reduce(1, *) }
}

/// Where weights come from, by their Hugging Face names.
public struct TensorSource {
    /// The named tensor, or nil.
    public var find: (String) -> RawTensor?
    /// Whatever keeps the bytes alive, such as a memory map.
    public var owner: AnyObject?

    public init(owner: AnyObject?, find: @escaping (String) -> RawTensor?) {
        self.owner = owner
        self.find = find
    }
}

/// y = x W^T + b; `weight` is (output, input).
struct LinearWeights<R: Real> {
    let weight: UnsafePointer<R>
    let bias: UnsafePointer<R>
    let input: Int
    let output: Int
}

struct NormWeights<R: Real> {
    let gamma: UnsafePointer<R>
    let beta: UnsafePointer<R>
}

struct BlockWeights<R: Real> {
    let norm1: NormWeights<R>
    let query: LinearWeights<R>
    let key: LinearWeights<R>
    let value: LinearWeights<R>
    let output: LinearWeights<R>
    let norm2: NormWeights<R>
    let fc1: LinearWeights<R>
    let fc2: LinearWeights<R>
}

/// The weights of a CLIP model. From a file they are read in place where it holds 32-bit floats and converted once otherwise;
/// weights that are trained, and their gradients, are views of what `TrainableWeights` holds.
final class CLIPWeights<R: Real> {
    let shape: CLIPShape
    /// (vocabulary, text width)
    let tokenEmbedding: UnsafePointer<R>
    /// (contextLength, text width)
    let textPositions: UnsafePointer<R>
    let textBlocks: [BlockWeights<R>]
    let textFinalNorm: NormWeights<R>
    /// (embedding, text width)
    let textProjection: UnsafePointer<R>
    /// (vision width)
    let classEmbedding: UnsafePointer<R>
    /// (vision width, 3 * patch * patch)
    let patchEmbedding: UnsafePointer<R>
    /// (1 + patches, vision width)
    let visionPositions: UnsafePointer<R>
    let visionPreNorm: NormWeights<R>
    let visionBlocks: [BlockWeights<R>]
    let visionPostNorm: NormWeights<R>
    /// (embedding, vision width)
    let visionProjection: UnsafePointer<R>
    /// logit_scale, one number.
    let logScale: UnsafePointer<R>

    private let owners: [AnyObject?]

    /// exp(logit_scale), the factor of the cosine.
    var scale: R { R(exponential(Double(logScale[0]))) }

    /// - Throws: `EngineError.missingTensor`, `EngineError.shape`.
    convenience init(shape: CLIPShape, source: TensorSource) throws(EngineError) {
        let arena = Arena<R>()
        try self.init(shape: shape, owners: [source.owner, arena]) { name, shape throws(EngineError) in
            try source.read(name, shape, arena: arena)
        }
    }

    /// - Parameters:
    ///   - owners: what keeps the tensors alive.
    ///   - place: where the tensor of that name and shape lies; asked once for each.
    init(
        shape: CLIPShape, owners: [AnyObject?], place: @escaping (_ name: String, _ shape: [Int]) throws(EngineError) -> UnsafePointer<R>
    ) throws(EngineError) {
        self.shape = shape
        self.owners = owners
        let reader = WeightReader(read: place)
        let text = shape.text, vision = shape.vision
        tokenEmbedding = try reader.read("text_model.embeddings.token_embedding.weight", [shape.vocabulary, text.width])
        textPositions = try reader.read("text_model.embeddings.position_embedding.weight", [shape.contextLength, text.width])
        textBlocks = try reader.blocks("text_model", text)
        textFinalNorm = try reader.norm("text_model.final_layer_norm", text.width)
        textProjection = try reader.read("text_projection.weight", [shape.embedding, text.width])
        classEmbedding = try reader.read("vision_model.embeddings.class_embedding", [vision.width])
        patchEmbedding = try reader.read(
            "vision_model.embeddings.patch_embedding.weight", [vision.width, 3, shape.patchSize, shape.patchSize])
        visionPositions = try reader.read(
            "vision_model.embeddings.position_embedding.weight", [1 + shape.patches, vision.width])
        visionPreNorm = try reader.norm("vision_model.pre_layrnorm", vision.width)
        visionBlocks = try reader.blocks("vision_model", vision)
        visionPostNorm = try reader.norm("vision_model.post_layernorm", vision.width)
        visionProjection = try reader.read("visual_projection.weight", [shape.embedding, vision.width])
        logScale = try reader.read("logit_scale", [])
    }
}

extension TensorSource {
    /// The named tensor as `R`, in place where it can be.
    fileprivate func read<R: Real>(_ name: String, _ shape: [Int], arena: Arena<R>) throws(EngineError) -> UnsafePointer<R> {
        guard let tensor = find(name) else { throw .missingTensor(name) }
        let same = tensor.shape == shape || (shape.isEmpty && tensor.shape == [1])
        guard same else { throw .shape(tensor: name, expected: shape, found: tensor.shape) }
        let aligned = UInt(bitPattern: tensor.bytes) % UInt(MemoryLayout<R>.alignment) == 0
        if R.self == Float.self, tensor.element == .float32, aligned {
            return tensor.bytes.assumingMemoryBound(to: R.self)
        }
        let copy = arena.buffer(tensor.count)
        tensor.convert(to: copy)
        return UnsafePointer(copy)
    }
}

private struct WeightReader<R: Real> {
    let read: (_ name: String, _ shape: [Int]) throws(EngineError) -> UnsafePointer<R>

    func norm(_ name: String, _ width: Int) throws(EngineError) -> NormWeights<R> {
        NormWeights(gamma: try read(name + ".weight", [width]), beta: try read(name + ".bias", [width]))
    }

    func linear(_ name: String, _ input: Int, _ output: Int) throws(EngineError) -> LinearWeights<R> {
        LinearWeights(
            weight: try read(name + ".weight", [output, input]), bias: try read(name + ".bias", [output]), input: input,
            output: output)
    }

    func blocks(_ tower: String, _ shape: TowerShape) throws(EngineError) -> [BlockWeights<R>] {
        var blocks: [BlockWeights<R>] = []
        for layer in 0..<shape.layers {
            let name = "\(tower).encoder.layers.\(layer)."
            let d = shape.width
            blocks.append(
                BlockWeights(
                    norm1: try norm(name + "layer_norm1", d), query: try linear(name + "self_attn.q_proj", d, d),
                    key: try linear(name + "self_attn.k_proj", d, d), value: try linear(name + "self_attn.v_proj", d, d),
                    output: try linear(name + "self_attn.out_proj", d, d), norm2: try norm(name + "layer_norm2", d),
                    fc1: try linear(name + "mlp.fc1", d, shape.hidden), fc2: try linear(name + "mlp.fc2", shape.hidden, d)))
        }
        return blocks
    }
}

extension RawTensor {
    /// Writes all elements as `R`.
    func convert<R: Real>(to target: UnsafeMutablePointer<R>) {
        let n = count
        switch element {
        case .float32: copy(Float.self, to: target)
        case .float64: copy(Double.self, to: target)
        case .float16, .bfloat16:
            // Files align their data by 8 as a rule; a stray one is moved first.
            let words = UnsafeMutablePointer<UInt16>.allocate(capacity: max(n, 1))
            defer { words.deallocate() }
            UnsafeMutableRawPointer(words).copyMemory(from: bytes, byteCount: 2 * n)
            let floats = UnsafeMutablePointer<Float>.allocate(capacity: max(n, 1))
            defer { floats.deallocate() }
            let direct = (target as Any) as? UnsafeMutablePointer<Float>
            let output = direct ?? floats
            if element == .float16 { mk_from_half(words, n, output) } else { mk_from_bfloat(words, n, output) }
            if direct == nil { for i in 0..<n { target[i] = R(floats[i]) } }
        }
    }

    private func copy<T: BinaryFloatingPoint, R: Real>(_ type: T.Type, to target: UnsafeMutablePointer<R>) {
        for i in 0..<count {
            target[i] = R(bytes.loadUnaligned(fromByteOffset: i * MemoryLayout<T>.stride, as: T.self))
        }
    }
}
