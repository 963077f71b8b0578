import RunModel

/// Names a run: the path of its folder or whatever the backend chooses; opaque to the screen.
public typealias RunID = String

public enum RunStatus: String, Sendable, Equatable, CaseIterable {
    case queued, running, evaluating, paused, finished, stopped, failed
    /// Its process is gone and it wrote no end: it can be resumed.
    case interrupted

    public var isActive: Bool { self == .running || self == .evaluating || self == .paused }

    var word: String { rawValue }

    var role: Role {
        switch self {
        case .running, .evaluating: .good
        case .paused, .interrupted: .warning
        case .failed: .bad
        case .finished: .text
        case .queued, .stopped: .dim
        }
    }
}

/// One run in a list.
public struct RunRow: Sendable, Equatable {
    public var id: RunID
    public var spec: SessionSpec
    public var status: RunStatus
    public var step: Int
    public var totalSteps: Int
    /// Seconds of training.
    public var seconds: Double
    /// Seconds since 1970.
    public var began: Double
    public var loss: Double?
    /// Fractions of the last evaluation.
    public var base: Double?
    public var new: Double?
    public var all: Double?
    /// Another process writes it.
    public var isElsewhere: Bool
    /// Imported, or written by a newer version: it can be read, not changed.
    public var isReadOnly: Bool
    /// Curves of another program: method, seed and epochs are not known.
    public var isLog: Bool
    /// What is wrong or worth knowing: "data folder moved", "written by version 3".
    public var remark: String
    /// Figures of all evaluations, without classes and predictions.
    public var evaluations: [EvaluationResult]

    public init(
        id: RunID, spec: SessionSpec, status: RunStatus, step: Int = 0, totalSteps: Int = 0, seconds: Double = 0, began: Double = 0,
        loss: Double? = nil, base: Double? = nil, new: Double? = nil, all: Double? = nil, isElsewhere: Bool = false, isReadOnly: Bool = false,
        isLog: Bool = false, remark: String = "", evaluations: [EvaluationResult] = []
    ) {
        self.id = id
        self.spec = spec
        self.status = status
        self.step = step
        self.totalSteps = totalSteps
        self.seconds = seconds
        self.began = began
        self.loss = loss
        self.base = base
        self.new = new
        self.all = all
        self.isElsewhere = isElsewhere
        self.isReadOnly = isReadOnly
        self.isLog = isLog
        self.remark = remark
        self.evaluations = evaluations
    }

    public var name: String { spec.name }
    public var methodName: String { isLog ? "–" : spec.method.name.rawValue }

    public var harmonicMean: Double? {
        guard let base, let new else { return nil }
        return RunModel.harmonicMean(base, new)
    }

    /// The data set's folder name.
    public var dataName: String { lastPathPart(spec.data.path) }
}

/// The part of a path after its last slash.
func lastPathPart(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
}

/// One session file.
public struct SessionEntry: Sendable, Equatable {
    /// The file's path.
    public var id: String
    /// nil when the file cannot be read: `problem` says why.
    public var spec: SessionSpec?
    /// Lines that each name file, line and key. With a `spec`, the session can be corrected but not started.
    public var problem: String?
    /// It belongs to the user and may be overwritten or deleted.
    public var isOwn: Bool

    public init(id: String, spec: SessionSpec?, problem: String? = nil, isOwn: Bool = true) {
        self.id = id
        self.spec = spec
        self.problem = problem
        self.isOwn = isOwn
    }

    public var name: String { spec?.name ?? lastPathPart(id) }

    /// The first of several problems.
    var firstProblem: String? { problem?.split(whereSeparator: \.isNewline).first.map(String.init) }
}

/// A saved checkpoint of a run.
public struct CheckpointEntry: Sendable, Equatable {
    public var file: String
    public var step: Int
    public var epoch: Int

    public init(file: String, step: Int, epoch: Int) {
        self.file = file
        self.step = step
        self.epoch = epoch
    }
}

/// What a path is wanted for.
public enum PathPurpose: String, Sendable, Equatable {
    case model, data, split
}

/// What was found at a path: "CLIP ViT-B/16, 512 wide, 149 M weights".
public struct PathDescription: Sendable, Equatable {
    public var path: String
    public var purpose: PathPurpose
    public var text: String
    public var isUsable: Bool
    /// Of a model: how many blocks its shorter tower has, the deepest that prompts can go.
    public var blocks: Int?

    public init(path: String, purpose: PathPurpose, text: String, isUsable: Bool, blocks: Int? = nil) {
        self.path = path
        self.purpose = purpose
        self.text = text
        self.isUsable = isUsable
        self.blocks = blocks
    }
}

/// A folder's contents, for the file browser.
public struct FolderListing: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var name: String
        public var isFolder: Bool
        /// A size or a hint: "model", "12 MB".
        public var note: String

        public init(name: String, isFolder: Bool, note: String = "") {
            self.name = name
            self.isFolder = isFolder
            self.note = note
        }
    }

    public var path: String
    public var entries: [Entry]
    /// Why the folder cannot be read.
    public var problem: String?

    public init(path: String, entries: [Entry], problem: String? = nil) {
        self.path = path
        self.entries = entries
        self.problem = problem
    }
}

/// Tells the evaluations of one run apart.
public struct EvaluationKey: Sendable, Hashable {
    public var classes: ClassSubset
    public var subset: ImageSubset
    public var step: Int
    public var method: MethodName
    /// The data set's folder, as the evaluation noted it.
    public var data: String

    public init(classes: ClassSubset, subset: ImageSubset, step: Int, method: MethodName, data: String) {
        self.classes = classes
        self.subset = subset
        self.step = step
        self.method = method
        self.data = data
    }

    public init(_ result: EvaluationResult) {
        self.init(classes: result.classes, subset: result.subset, step: result.step, method: result.method, data: result.data)
    }
}

/// One checkpoint of one run, as compared.
public struct CheckpointID: Sendable, Equatable, Hashable {
    public var run: RunID
    /// nil is the last one.
    public var step: Int?

    public init(run: RunID, step: Int? = nil) {
        self.run = run
        self.step = step
    }
}

/// Prompts of several checkpoints side by side.
public struct PromptComparison: Sendable, Equatable {
    public struct Row: Sendable, Equatable {
        public var kind: PromptNorm.Kind
        public var depth: Int
        /// L2 norm of the whole tensor, one for each member; nil where a member has no such prompt.
        public var norms: [Double?]
        /// Cosine between each member's tensor and the first member's, both flattened.
        public var cosines: [Double?]

        public init(kind: PromptNorm.Kind, depth: Int, norms: [Double?], cosines: [Double?]) {
            self.kind = kind
            self.depth = depth
            self.norms = norms
            self.cosines = cosines
        }
    }

    public var members: [CheckpointID]
    public var rows: [Row]

    public init(members: [CheckpointID], rows: [Row]) {
        self.members = members
        self.rows = rows
    }
}
