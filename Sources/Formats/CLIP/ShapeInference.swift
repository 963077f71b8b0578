extension CLIPConfiguration {
    /// The shape of a CLIP from its tensors' shapes, as the public loaders find it.
    ///
    /// Widths, layers, patch size, context and vocabulary follow from the tensors; the image size from the number of
    /// patches; heads are 64 wide, but for the vision towers of ViT-H, ViT-g and ViT-bigG, which have 16 heads each.
    /// The activation leaves no trace in the weights. The end token is the largest id, as in OpenAI's code.
    /// - Parameter weights: under Hugging Face's names.
    /// - Throws: `FormatError.weights` naming the tensor that is missing or has an impossible shape.
    public init(inferredFrom weights: some WeightSource, activation: Activation) throws(FormatError) {
        func shape(_ name: String, rank: Int) throws(FormatError) -> [Int] {
            guard let tensor = weights[name] else { throw .weights(path: weights.path, .missing(name: name, shape: nil, others: 0)) }
            guard tensor.shape.count == rank, tensor.shape.allSatisfy({ $0 > 0 && $0 < 1 << 24 }) else {
                throw .weights(path: weights.path, .wrongRank(name: name, rank: rank, found: tensor.shape))
            }
            return tensor.shape
        }
        let tokens = try shape("text_model.embeddings.token_embedding.weight", rank: 2)
        let context = try shape("text_model.embeddings.position_embedding.weight", rank: 2)
        let patch = try shape("vision_model.embeddings.patch_embedding.weight", rank: 4)
        let places = try shape("vision_model.embeddings.position_embedding.weight", rank: 2)
        let embedding = try shape("visual_projection.weight", rank: 2)
        let grid = Int(Double(max(0, places[0] - 1)).squareRoot().rounded())
        guard grid > 0, grid * grid == places[0] - 1, patch[2] <= 16_384, grid * patch[2] <= 16_384 else {
            throw .weights(
                path: weights.path,
                .notSquare(name: "vision_model.embeddings.position_embedding.weight", places: places[0]))
        }
        func tower(_ name: String, width: Int) throws(FormatError) -> Tower {
            let prefix = "\(name)_model.encoder.layers."
            var layers = 0
            for tensor in weights.names where tensor.hasPrefix(prefix) {
                let number = tensor.dropFirst(prefix.count).prefix { $0 != "." }
                if let layer = Int(number), layer < 1024 { layers = max(layers, layer + 1) }
            }
            let hidden = try shape("\(prefix)0.mlp.fc1.weight", rank: 2)
            guard let heads = Self.heads(width: width, isVision: name == "vision") else {
                throw .weights(path: weights.path, .headsUnknown(tower: name, width: width))
            }
            return Tower(width: width, feedForwardWidth: hidden[0], layers: layers, heads: heads, activation: activation)
        }
        self.init(
            text: try tower("text", width: tokens[1]), vision: try tower("vision", width: patch[0]), contextLength: context[0],
            vocabularySize: tokens[0], endToken: tokens[0] - 1, poolsAtLargestID: true, imageSize: grid * patch[2],
            patchSize: patch[2], embeddingWidth: embedding[0])
    }

    /// Heads of the published models of that width.
    static func heads(width: Int, isVision: Bool) -> Int? {
        if isVision, [1280, 1408, 1664].contains(width) { return 16 }
        return width % 64 == 0 ? width / 64 : nil
    }
}
