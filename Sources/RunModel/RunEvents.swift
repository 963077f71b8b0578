/// One optimiser step's measurements; a line of `metrics.jsonl`.
public struct MetricPoint: Sendable, Equatable, Codable {
    /// Its figures that a log may or may not have at a step; what was not measured is NaN.
    public struct Figures: OptionSet, Sendable, Equatable, Codable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let loss = Figures(rawValue: 1)
        public static let accuracy = Figures(rawValue: 2)
        public static let learningRate = Figures(rawValue: 4)
        public static let imagesPerSecond = Figures(rawValue: 8)
        public static let all: Figures = [.loss, .accuracy, .learningRate, .imagesPerSecond]
    }

    /// Counted from 1 over the whole run.
    public var step: Int
    /// Counted from 0.
    public var epoch: Int
    /// Mean cross-entropy of the batch, in nats; may be NaN or infinite.
    public var loss: Double
    /// Fraction of the batch whose likeliest class is right.
    public var accuracy: Double
    public var learningRate: Double
    /// Seconds since the run began, pauses and interruptions left out.
    public var time: Double
    public var imagesPerSecond: Double
    public var norms: [PromptNorm]
    /// All of them in a run of this program; fewer in the log of another.
    public var measured: Figures

    public init(
        step: Int, epoch: Int, loss: Double, accuracy: Double, learningRate: Double, time: Double,
        imagesPerSecond: Double, norms: [PromptNorm] = [], measured: Figures = .all
    ) {
        self.step = step
        self.epoch = epoch
        self.loss = loss
        self.accuracy = accuracy
        self.learningRate = learningRate
        self.time = time
        self.imagesPerSecond = imagesPerSecond
        self.norms = norms
        self.measured = measured
    }
}

/// The size of one trainable tensor, row by row for prompts.
public struct PromptNorm: Sendable, Equatable, Codable {
    public enum Kind: String, Sendable, Equatable, Codable { case text, vision, coupler, metaNet = "meta_net" }
    public var kind: Kind
    /// The block whose input it enters, from 0; the layer of the meta-net.
    public var depth: Int
    /// L2 norm of each token; one number for a linear map.
    public var tokens: [Float]
    /// L2 norm of the whole tensor's gradient in this step.
    public var gradient: Float
    /// L2 distance of the whole tensor from where it began.
    public var moved: Float

    public init(kind: Kind, depth: Int, tokens: [Float], gradient: Float, moved: Float) {
        self.kind = kind
        self.depth = depth
        self.tokens = tokens
        self.gradient = gradient
        self.moved = moved
    }
}

/// What a running trainer is asked to do; read at step boundaries.
public enum RunCommand: Sendable, Equatable, Codable {
    case pause
    case proceed
    /// Take one step, then pause.
    case singleStep
    /// Finish the step, write a checkpoint, end.
    case stop
    /// Write a checkpoint now.
    case snapshot
    case evaluate([ClassSubset])
    /// From the next step on, in place of the schedule's rate. Later epochs follow the schedule's shape from there, without its
    /// warm-up.
    case setLearningRate(Double)
    case note(String)
}

/// The end of a run, in figures.
public struct RunSummary: Sendable, Equatable, Codable {
    public var steps: Int
    public var seconds: Double
    /// The last step's loss; nil when no step was taken.
    public var loss: Double?
    public var base: Double?
    public var new: Double?
    public var all: Double?
    public var harmonicMean: Double?

    public init(steps: Int, seconds: Double, loss: Double?, base: Double? = nil, new: Double? = nil, all: Double? = nil) {
        self.steps = steps
        self.seconds = seconds
        self.loss = loss
        self.base = base
        self.new = new
        self.all = all
        if let base, let new { harmonicMean = RunModel.harmonicMean(base, new) }
    }
}

/// What a trainer tells while it works; a line of `events.jsonl` (steps go to `metrics.jsonl`).
public enum RunEvent: Sendable, Equatable, Codable {
    case started(totalSteps: Int, stepsPerEpoch: Int, fromStep: Int)
    case step(MetricPoint)
    case evaluationProgress(classes: ClassSubset, done: Int, total: Int)
    case evaluated(EvaluationResult)
    case checkpointWritten(file: String, step: Int)
    case commandTaken(RunCommand, step: Int)
    case paused(step: Int)
    case proceeding(step: Int)
    case warning(String)
    /// The run ended before its last step and can be resumed.
    case stopped(step: Int)
    case finished(RunSummary)
    case failed(String)
}
