/// The shape of a CLIP: two towers, the context, the image grid and the joint embedding.
///
/// Read from a Hugging Face `config.json`; keys that are absent take the documented defaults (those of ViT-B/32).
public struct CLIPConfiguration: Sendable, Equatable {
    public enum Activation: String, Sendable {
        /// x * sigmoid(1.702 x), as OpenAI's weights need.
        case quickGELU = "quick_gelu"
        /// The exact x * Phi(x).
        case gelu
    }

    /// One transformer.
    public struct Tower: Sendable, Equatable {
        /// Width of the residual stream.
        public var width: Int
        /// Hidden width of the MLP.
        public var feedForwardWidth: Int
        public var layers: Int
        public var heads: Int
        public var activation: Activation
        public var layerNormEpsilon: Double

        public var headWidth: Int { width / heads }

        public init(
            width: Int, feedForwardWidth: Int, layers: Int, heads: Int, activation: Activation = .quickGELU,
            layerNormEpsilon: Double = 1e-5
        ) {
            self.width = width
            self.feedForwardWidth = feedForwardWidth
            self.layers = layers
            self.heads = heads
            self.activation = activation
            self.layerNormEpsilon = layerNormEpsilon
        }
    }

    public var text: Tower
    public var vision: Tower
    /// Places of the text tower, specials included.
    public var contextLength: Int
    public var vocabularySize: Int
    /// The end token that is pooled; see `poolsAtLargestID`.
    public var endToken: Int
    /// Legacy files say eos_token_id 2 and mean: pool at the first place that holds the largest id.
    public var poolsAtLargestID: Bool
    /// Side of the square image in pixels.
    public var imageSize: Int
    /// Side of a square patch in pixels.
    public var patchSize: Int
    /// Width of the joint embedding.
    public var embeddingWidth: Int
    /// Logarithm of the scale that training starts from; the weights hold the trained one.
    public var initialLogitScale: Double

    /// Patches of one image, without [CLS].
    public var patches: Int { (imageSize / patchSize) * (imageSize / patchSize) }

    public init(
        text: Tower = Tower(width: 512, feedForwardWidth: 2048, layers: 12, heads: 8),
        vision: Tower = Tower(width: 768, feedForwardWidth: 3072, layers: 12, heads: 12),
        contextLength: Int = 77, vocabularySize: Int = 49408, endToken: Int = 49407, poolsAtLargestID: Bool = false,
        imageSize: Int = 224, patchSize: Int = 32, embeddingWidth: Int = 512, initialLogitScale: Double = 2.6592
    ) {
        self.text = text
        self.vision = vision
        self.contextLength = contextLength
        self.vocabularySize = vocabularySize
        self.endToken = endToken
        self.poolsAtLargestID = poolsAtLargestID
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.embeddingWidth = embeddingWidth
        self.initialLogitScale = initialLogitScale
    }

    /// Every tensor the two towers need, by its Hugging Face name, with its shape; linear weights are (out, in).
    public var expectedTensors: [(name: String, shape: [Int])] {
        var tensors: [(name: String, shape: [Int])] = [("logit_scale", [])]
        tensors += [
            ("text_model.embeddings.token_embedding.weight", [vocabularySize, text.width]),
            ("text_model.embeddings.position_embedding.weight", [contextLength, text.width]),
        ]
        tensors += Self.blocks("text_model.encoder.layers", text)
        tensors += Self.norm("text_model.final_layer_norm", text.width)
        tensors.append(("text_projection.weight", [embeddingWidth, text.width]))
        tensors += [
            ("vision_model.embeddings.class_embedding", [vision.width]),
            ("vision_model.embeddings.patch_embedding.weight", [vision.width, 3, patchSize, patchSize]),
            ("vision_model.embeddings.position_embedding.weight", [patches + 1, vision.width]),
        ]
        // The misspelling is the name in every published file.
        tensors += Self.norm("vision_model.pre_layrnorm", vision.width)
        tensors += Self.blocks("vision_model.encoder.layers", vision)
        tensors += Self.norm("vision_model.post_layernorm", vision.width)
        tensors.append(("visual_projection.weight", [embeddingWidth, vision.width]))
        return tensors
    }

    private static func norm(_ name: String, _ width: Int) -> [(name: String, shape: [Int])] {
        [("\(name).weight", [width]), ("\(name).bias", [width])]
    }

    private static func linear(_ name: String, _ out: Int, _ input: Int) -> [(name: String, shape: [Int])] {
        [("\(name).weight", [out, input]), ("\(name).bias", [out])]
    }

    private static func blocks(_ prefix: String, _ tower: Tower) -> [(name: String, shape: [Int])] {
        (0..<tower.layers).flatMap { layer in
            let block = "\(prefix).\(layer)"
            let attention = ["q_proj", "k_proj", "v_proj", "out_proj"].flatMap {
                linear("\(block).self_attn.\($0)", tower.width, tower.width)
            }
            return norm("\(block).layer_norm1", tower.width) + attention + norm("\(block).layer_norm2", tower.width)
                + linear("\(block).mlp.fc1", tower.feedForwardWidth, tower.width)
                + linear("\(block).mlp.fc2", tower.width, tower.feedForwardWidth)
        }
    }
}
