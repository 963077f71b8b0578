/// A CLIP model's frozen weights, ready for use; shared by everything that computes with them.
public final class FrozenCLIP {
    public let shape: CLIPShape
    public let workers: Workers
    let weights: CLIPWeights<Float>
    let start: StartToken<Float>

    /// - Parameters:
    ///   - startToken: the id that every sentence begins with.
    ///   - source: tensors by Hugging Face names; 32-bit floats are used where they lie.
    /// - Throws: `EngineError` naming a tensor that is missing or misshapen.
    public init(shape: CLIPShape, startToken: Int32, source: TensorSource, workers: Workers) throws(EngineError) {
        guard startToken >= 0, Int(startToken) < shape.vocabulary else {
            throw .token(startToken, vocabulary: shape.vocabulary)
        }
        self.shape = shape
        self.workers = workers
        weights = try CLIPWeights(shape: shape, source: source)
        start = StartToken(weights: weights, id: startToken)
    }

    /// exp(logit_scale)
    public var logitScale: Float { weights.scale }
}
