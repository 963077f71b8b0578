/// A CLIP of any shape with seeded random weights in memory: for timing, self-checks and tests where no file is needed.
public final class RandomCLIP {
    public let shape: CLIPShape
    private var tensors: [String: (shape: [Int], values: UnsafeMutablePointer<Float>)] = [:]

    /// Matrices are normal with deviation 1/sqrt(input width), norms near 1, biases and embeddings small, as in trained models.
    public init(shape: CLIPShape, seed: UInt64) {
        self.shape = shape
        var random = QuickRandom(state: seed)
        let vision = shape.vision, text = shape.text
        add("text_model.embeddings.token_embedding.weight", [shape.vocabulary, text.width], 0.15, &random)
        add("text_model.embeddings.position_embedding.weight", [shape.contextLength, text.width], 0.03, &random)
        add("vision_model.embeddings.class_embedding", [vision.width], 0.1, &random)
        let area = 3 * shape.patchSize * shape.patchSize
        add(
            "vision_model.embeddings.patch_embedding.weight", [vision.width, 3, shape.patchSize, shape.patchSize],
            1 / Float(area).squareRoot(), &random)
        add("vision_model.embeddings.position_embedding.weight", [1 + shape.patches, vision.width], 0.1, &random)
        norm("vision_model.pre_layrnorm", vision.width, &random)
        norm("vision_model.post_layernorm", vision.width, &random)
        norm("text_model.final_layer_norm", text.width, &random)
        blocks("vision_model", vision, &random)
        blocks("text_model", text, &random)
        add("visual_projection.weight", [shape.embedding, vision.width], 1 / Float(vision.width).squareRoot(), &random)
        add("text_projection.weight", [shape.embedding, text.width], 1 / Float(text.width).squareRoot(), &random)
        add("logit_scale", [], 0, offset: 2.6592, &random)
    }

    deinit { tensors.values.forEach { $0.values.deallocate() } }

    /// Lives as long as this object.
    public var source: TensorSource {
        TensorSource(owner: self) { [tensors] name in
            tensors[name].map { RawTensor(element: .float32, shape: $0.shape, bytes: UnsafeRawPointer($0.values)) }
        }
    }

    private func add(_ name: String, _ shape: [Int], _ deviation: Float, offset: Float = 0, _ random: inout QuickRandom) {
        let count = shape.reduce(1, *)
        let values = UnsafeMutablePointer<Float>.allocate(capacity: max(count, 1))
        // Uniform values of the same deviation: cheaper than normal ones, and alike after one layer.
        let half = deviation * Float(3).squareRoot()
        for i in 0..<count { values[i] = offset + (2 * random.unit() - 1) * half }
        tensors[name] = (shape, values)
    }

    private func norm(_ name: String, _ width: Int, _ random: inout QuickRandom) {
        add(name + ".weight", [width], 0.1, offset: 1, &random)
        add(name + ".bias", [width], 0.05, &random)
    }

    private func linear(_ name: String, _ input: Int, _ output: Int, _ random: inout QuickRandom) {
        add(name + ".weight", [output, input], 1 / Float(input).squareRoot(), &random)
        add(name + ".bias", [output], 0.05, &random)
    }

    private func blocks(_ tower: String, _ shape: TowerShape, _ random: inout QuickRandom) {
        for layer in 0..<shape.layers {
            let name = "\(tower).encoder.layers.\(layer)."
            for part in ["q", "k", "v", "out"] {
                linear(name + "self_attn.\(part)_proj", shape.width, shape.width, &random)
            }
            norm(name + "layer_norm1", shape.width, &random)
            norm(name + "layer_norm2", shape.width, &random)
            linear(name + "mlp.fc1", shape.width, shape.hidden, &random)
            linear(name + "mlp.fc2", shape.hidden, shape.width, &random)
        }
    }
}

/// A multiplicative congruential generator (Knuth's constants), fast enough for hundreds of millions of values.
struct QuickRandom {
    var state: UInt64

    mutating func unit() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(state >> 40) * 0x1p-24
    }
}
