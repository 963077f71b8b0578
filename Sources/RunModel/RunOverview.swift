/// How a run stands.
public enum RunState: Sendable, Equatable {
    /// A process trains it now.
    case running(process: Int, host: String)
    case finished
    /// Ended on request before its last step; can be resumed.
    case stopped
    /// Its process ended without a word, such as by a kill or a power cut; can be resumed from its last checkpoint.
    case interrupted
    case failed(String)
    /// The folder cannot be read as a run.
    case broken(String)

    /// One word, stable.
    public var word: String {
        switch self {
        case .running: "running"
        case .finished: "finished"
        case .stopped: "stopped"
        case .interrupted: "interrupted"
        case .failed: "failed"
        case .broken: "broken"
        }
    }
}

/// A run at a glance: what lists show of it.
public struct RunOverview: Sendable, Equatable {
    /// The run's folder, absolute or relative as its root was given.
    public var path: String
    public var state: RunState
    /// The session's name; the folder's where the session is unknown.
    public var name: String
    public var method: MethodName?
    /// The data set's folder.
    public var data: String?
    /// The model's folder or file.
    public var model: String?
    /// The classes trained on.
    public var classes: ClassSubset?
    public var shots: Int?
    public var seed: Int?
    /// Seconds since 1970.
    public var created: Double
    public var updated: Double
    public var steps: Int
    public var totalSteps: Int?
    /// Seconds of training, interruptions left out.
    public var seconds: Double
    /// Of the last step, in nats; may be NaN or infinite.
    public var loss: Double?
    /// Fractions 0..1, of the last evaluation that scored base and new classes at one step, or else the latest there are.
    public var base: Double?
    public var new: Double?
    public var all: Double?
    public var harmonicMean: Double?
    /// The file or folder that an imported run was read from; nil for a run trained here. An imported run is read-only: it can
    /// be browsed, compared and exported, but not trained on.
    public var source: String?
    /// Version of the folder's layout; above `RunOverview.knownFormat` a newer program wrote it, and it is only to be read.
    public var format: Int

    /// The layout of run folders that this program writes.
    public static let knownFormat = 1

    public init(
        path: String, state: RunState, name: String, method: MethodName? = nil, data: String? = nil, model: String? = nil,
        classes: ClassSubset? = nil, shots: Int? = nil, seed: Int? = nil, created: Double = 0, updated: Double = 0,
        steps: Int = 0, totalSteps: Int? = nil, seconds: Double = 0, loss: Double? = nil, base: Double? = nil,
        new: Double? = nil, all: Double? = nil, harmonicMean: Double? = nil, source: String? = nil,
        format: Int = RunOverview.knownFormat
    ) {
        self.path = path
        self.state = state
        self.name = name
        self.method = method
        self.data = data
        self.model = model
        self.classes = classes
        self.shots = shots
        self.seed = seed
        self.created = created
        self.updated = updated
        self.steps = steps
        self.totalSteps = totalSteps
        self.seconds = seconds
        self.loss = loss
        self.base = base
        self.new = new
        self.all = all
        self.harmonicMean = harmonicMean
        self.source = source
        self.format = format
    }

    public var isNewer: Bool { format > Self.knownFormat }

    /// The folder's own name.
    public var folder: String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// The images that a run drew to train on; `samples.json`.
public struct DrawnSamples: Sendable, Equatable, Codable {
    public struct OfClass: Sendable, Equatable, Codable {
        public var name: String
        public var label: Int
        /// Relative to the data set's folder, in drawing order.
        public var paths: [String]

        public init(name: String, label: Int, paths: [String]) {
            self.name = name
            self.label = label
            self.paths = paths
        }
    }

    public var seed: Int
    /// Images asked for per class; nil for all.
    public var shots: Int?
    public var classes: [OfClass]

    public init(seed: Int, shots: Int?, classes: [OfClass]) {
        self.seed = seed
        self.shots = shots
        self.classes = classes
    }
}
