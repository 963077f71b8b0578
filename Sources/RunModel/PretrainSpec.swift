/// What a pretraining session says: the shape of a CLIP that starts from nothing, its pairs, how it is optimised and evaluated.
///
/// A value without behaviour. `PretrainFile` reads it from TOML and checks it; a run folder keeps the resolved copy.
public struct PretrainSpec: Sendable, Equatable, Codable {
    public var name: String
    /// Seeds the starting values, the drawings or the order of the pairs, and which pairs are kept out.
    public var seed: Int
    public var model = Model()
    public var data = Data()
    public var optim = Optim()
    public var eval = Eval()

    public init(name: String, seed: Int = 1) {
        self.name = name
        self.seed = seed
    }

    /// One transformer; its heads are `headSize` wide.
    public struct Tower: Sendable, Equatable, Codable {
        public var width: Int
        public var layers: Int
        public var heads: Int

        public init(width: Int, layers: Int, heads: Int) {
            self.width = width
            self.layers = layers
            self.heads = heads
        }
    }

    /// The number of a file's bits for each weight.
    public enum Precision: String, Sendable, Equatable, Codable, CaseIterable { case float16, float32 }

    public struct Model: Sendable, Equatable, Codable {
        /// Side of the square images in pixels.
        public var image = 64
        public var patch = 8
        public var vision = Tower(width: 192, layers: 4, heads: 3)
        public var text = Tower(width: 128, layers: 4, heads: 2)
        /// Width of the joint space.
        public var embedding = 128
        /// Places of the text tower, start and end included.
        public var context = 32
        /// Tokens that are learned from the captions.
        public var vocabulary = 1024
        /// A folder with vocab.json and merges.txt in place of a learned vocabulary; absolute once the session is resolved.
        public var vocabularyPath: String?
        public var precision = Precision.float16

        public init() {}
    }

    public enum Source: String, Sendable, Equatable, Codable, CaseIterable {
        /// The drawn world, a new picture for every place of every epoch.
        case drawn
        /// A folder of images with a captions file.
        case captions
    }

    public struct Data: Sendable, Equatable, Codable {
        public var source = Source.drawn
        /// The folder of captioned images, absolute once the session is resolved.
        public var path: String?
        /// The captions file within it.
        public var captions = "captions.tsv"
        /// Drawn pictures of an epoch.
        public var pairs = 16_384
        /// Drawn pictures in a row that share colour and fill, so that shapes tell the pairs of a batch apart; 1: none do.
        public var alike = 1
        /// Pairs that are kept out of training, to measure retrieval.
        public var validation = 500

        public init() {}
    }

    /// AdamW, a linear warm-up and a cosine down to nothing.
    public struct Optim: Sendable, Equatable, Codable {
        public var lr = 1e-3
        public var epochs = 10
        public var batch = 128
        public var beta1 = 0.9
        public var beta2 = 0.98
        public var epsilon = 1e-6
        public var weightDecay = 0.2
        public var warmupSteps = 100

        public init() {}
    }

    public struct Eval: Sendable, Equatable, Codable {
        /// Epochs between evaluations; 0 evaluates at the end alone.
        public var every = 1
        /// Drawings of each combination in a zero-shot evaluation.
        public var images = 4

        public init() {}
    }
}
