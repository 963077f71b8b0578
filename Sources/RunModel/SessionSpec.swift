/// What a session file says: which model, which data, which method, how it is optimised and evaluated.
///
/// A value without behaviour. `SessionFile` reads it from TOML and checks it; a run folder keeps the resolved copy.
public struct SessionSpec: Sendable, Equatable, Codable {
    public var name: String
    /// Seeds the few-shot draw, the initialisation, the order of images, crops and flips.
    public var seed: Int
    public var model: ModelSpec
    public var data: DataSpec
    public var method: MethodSpec
    public var optim: OptimSpec
    public var eval: EvalSpec
    public var log: LogSpec

    public init(
        name: String, seed: Int = 1, model: ModelSpec, data: DataSpec,
        method: MethodSpec = MethodSpec(), optim: OptimSpec = OptimSpec(), eval: EvalSpec = EvalSpec(),
        log: LogSpec = LogSpec()
    ) {
        self.name = name
        self.seed = seed
        self.model = model
        self.data = data
        self.method = method
        self.optim = optim
        self.eval = eval
        self.log = log
    }
}

/// The CLIP model that is adapted.
public struct ModelSpec: Sendable, Equatable, Codable {
    /// A folder or file, absolute once the session is resolved.
    public var path: String
    /// A folder or file with the vocabulary, absolute once the session is resolved; nil looks beside the weights.
    public var vocabulary: String?

    public init(path: String, vocabulary: String? = nil) {
        self.path = path
        self.vocabulary = vocabulary
    }
}

/// Which part of the classes a data set is cut to: the first half by label order (rounded up), the rest, or all.
public enum ClassSubset: String, Sendable, Equatable, Codable, CaseIterable {
    case base, new, all
}

/// Which images of a data set are meant.
public enum ImageSubset: String, Sendable, Equatable, Codable, CaseIterable {
    case train, val, test
}

/// The images that are trained on.
public struct DataSpec: Sendable, Equatable, Codable {
    /// The data set's folder, absolute once the session is resolved.
    public var path: String
    /// A CoOp split file (relative to `path`, or absolute); nil reads class folders.
    public var split: String?
    public var classes: ClassSubset
    /// Images drawn per class; nil takes every training image.
    public var shots: Int?
    /// Train on random resized crops (area 0.08 to 1, aspect 3/4 to 4/3).
    public var crop: Bool
    /// Train on images flipped left to right half of the time.
    public var flip: Bool
    /// Sentence for zero-shot prompts, `{}` standing for the class name.
    public var template: String
    /// Go on where images that the split file lists are missing: figures are then those of the images that are there.
    public var allowMissing: Bool

    public init(
        path: String, split: String? = nil, classes: ClassSubset = .base, shots: Int? = 16,
        crop: Bool = true, flip: Bool = true, template: String = "a photo of a {}.", allowMissing: Bool = false
    ) {
        self.path = path
        self.split = split
        self.classes = classes
        self.shots = shots
        self.crop = crop
        self.flip = flip
        self.template = template
        self.allowMissing = allowMissing
    }

    enum CodingKeys: String, CodingKey {
        case path, split, classes, shots, crop, flip, template
        case allowMissing = "allow_missing"
    }
}

/// The prompt learning methods of the paper.
public enum MethodName: String, Sendable, Equatable, Codable, CaseIterable {
    case zeroshot, coop, cocoop, vision, language, independent, maple
}

/// Where the class name stands among CoOp's context tokens.
public enum NamePlace: String, Sendable, Equatable, Codable, CaseIterable {
    case end, middle, front
}

/// Sentences of zero-shot CLIP: the data set's template alone, the mean over the seven selected ImageNet templates, or the
/// mean over those and the data set's own (as the reference does outside ImageNet).
public enum EnsembleName: String, Sendable, Equatable, Codable, CaseIterable {
    case none, selected
    case selectedAndOwn = "selected+template"
}

/// What MaPLe's couplers of the deeper blocks start from: copies of one draw, as the reference's code makes them, or a draw each.
public enum CouplerStart: String, Sendable, Equatable, Codable, CaseIterable {
    case copies, independent
}

/// A method and its shape.
public struct MethodSpec: Sendable, Equatable, Codable {
    public var name: MethodName
    /// Context length: learned tokens per depth; of the text tower where both have their own, of the vision tower for
    /// `vision`.
    public var context: Int
    /// Prompt depth: how many blocks get learned tokens. `coop` and `cocoop` have one and ignore it.
    public var depth: Int
    /// Words that the first context tokens start from; empty starts from random values.
    public var initialWords: String
    /// CoOp: where the class name stands.
    public var position: NamePlace
    /// CoOp: each class has context tokens of its own. They know no other classes.
    public var classSpecific: Bool
    /// Independent prompting: learned tokens per depth of the vision tower; nil takes `context`.
    public var visionContext: Int?
    /// Independent prompting: prompted blocks of the vision tower; nil takes `depth`.
    public var visionDepth: Int?
    /// Zero-shot: which sentences are averaged.
    public var ensemble: EnsembleName
    /// MaPLe: what the deeper couplers start from.
    public var couplers: CouplerStart

    public init(
        name: MethodName = .maple, context: Int = 2, depth: Int = 9, initialWords: String = "a photo of a",
        position: NamePlace = .end, classSpecific: Bool = false, visionContext: Int? = nil, visionDepth: Int? = nil,
        ensemble: EnsembleName = .none, couplers: CouplerStart = .independent
    ) {
        self.name = name
        self.context = context
        self.depth = depth
        self.initialWords = initialWords
        self.position = position
        self.classSpecific = classSpecific
        self.visionContext = visionContext
        self.visionDepth = visionDepth
        self.ensemble = ensemble
        self.couplers = couplers
    }

    enum CodingKeys: String, CodingKey {
        case name, context, depth, position, ensemble, couplers
        case initialWords = "init"
        case classSpecific = "class_specific"
        case visionContext = "vision_context"
        case visionDepth = "vision_depth"
    }
}

/// How the learning rate moves from epoch to epoch.
public enum ScheduleName: String, Sendable, Equatable, Codable, CaseIterable {
    case cosine, constant
}

/// Stochastic gradient descent and its schedule.
public struct OptimSpec: Sendable, Equatable, Codable {
    public var lr: Double
    public var epochs: Int
    public var batch: Int
    public var momentum: Double
    public var weightDecay: Double
    public var schedule: ScheduleName
    public var warmupEpochs: Int
    public var warmupLR: Double

    public init(
        lr: Double = 0.0035, epochs: Int = 5, batch: Int = 4, momentum: Double = 0.9, weightDecay: Double = 5e-4,
        schedule: ScheduleName = .cosine, warmupEpochs: Int = 1, warmupLR: Double = 1e-5
    ) {
        self.lr = lr
        self.epochs = epochs
        self.batch = batch
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.schedule = schedule
        self.warmupEpochs = warmupEpochs
        self.warmupLR = warmupLR
    }

    enum CodingKeys: String, CodingKey {
        case lr, epochs, batch, momentum, schedule
        case weightDecay = "weight_decay"
        case warmupEpochs = "warmup_epochs"
        case warmupLR = "warmup_lr"
    }
}

/// When and on what a run is evaluated.
public struct EvalSpec: Sendable, Equatable, Codable {
    /// Epochs between evaluations; 0 evaluates at the end alone.
    public var every: Int
    public var classes: [ClassSubset]
    public var subset: ImageSubset
    /// Images per forward pass.
    public var batch: Int
    /// Score zero-shot CLIP once a run, before its first evaluation, so that gains can be told. Figures that an earlier run of the
    /// same model, images and sentence kept are taken over either way.
    public var zeroShot: Bool

    public init(
        every: Int = 1, classes: [ClassSubset] = [.base, .new], subset: ImageSubset = .test, batch: Int = 32, zeroShot: Bool = true
    ) {
        self.every = every
        self.classes = classes
        self.subset = subset
        self.batch = batch
        self.zeroShot = zeroShot
    }

    enum CodingKeys: String, CodingKey {
        case every, classes, subset, batch
        case zeroShot = "zero_shot"
    }
}

/// What a run writes besides its own files.
public struct LogSpec: Sendable, Equatable, Codable {
    /// Write event files for TensorBoard while training, to the run's folder `tensorboard`.
    public var tensorBoard: Bool

    public init(tensorBoard: Bool = false) { self.tensorBoard = tensorBoard }

    enum CodingKeys: String, CodingKey {
        case tensorBoard = "tensorboard"
    }
}
