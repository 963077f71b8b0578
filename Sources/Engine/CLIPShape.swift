/// The shape of one transformer tower.
public struct TowerShape: Sendable, Equatable {
    public var width: Int
    public var layers: Int
    public var heads: Int
    /// Width of the MLP's hidden layer.
    public var hidden: Int
    public var activation: Activation
    /// Added to the variance in layer normalisation.
    public var epsilon: Double

    public init(width: Int, layers: Int, heads: Int, hidden: Int, activation: Activation = .quickGELU, epsilon: Double = 1e-5) {
        self.width = width
        self.layers = layers
        self.heads = heads
        self.hidden = hidden
        self.activation = activation
        self.epsilon = epsilon
    }

    public var headSize: Int { width / heads }
}

/// The shape of a CLIP model with a vision transformer.
public struct CLIPShape: Sendable, Equatable {
    public var vision: TowerShape
    public var text: TowerShape
    public var imageSize: Int
    public var patchSize: Int
    /// Places of the text window, start and end tokens included.
    public var contextLength: Int
    public var vocabulary: Int
    /// Width of the space that both towers are projected into.
    public var embedding: Int

    public init(
        vision: TowerShape, text: TowerShape, imageSize: Int, patchSize: Int, contextLength: Int, vocabulary: Int,
        embedding: Int
    ) {
        self.vision = vision
        self.text = text
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.contextLength = contextLength
        self.vocabulary = vocabulary
        self.embedding = embedding
    }

    /// Patches along one side.
    public var grid: Int { imageSize / patchSize }
    public var patches: Int { grid * grid }
}
