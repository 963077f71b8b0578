import RunModel

/// The four screens.
public enum Tab: Int, Sendable, CaseIterable {
    case home, live, results, compare

    var title: String {
        switch self {
        case .home: "Home"
        case .live: "Live"
        case .results: "Results"
        case .compare: "Compare"
        }
    }
}

/// What the workbench is told.
public enum Input: Sendable {
    case key(Key)
    case mouse(MouseEvent)
    case paste(String)
    case resize(Size)
    /// Seconds since 1970, about once a second while something runs.
    case tick(Double)
    case run(RunID, RunEvent)
    /// This process's training has let go of its run: the next one may begin.
    case trainingEnded
    case answer(Answer)
    /// Ctrl-C or SIGINT.
    case interrupt
    /// SIGTERM: the program has to end; runs are stopped and saved.
    case terminate
    /// Resident memory of the process, in bytes.
    case memory(UInt64)
}

/// What comes back for an effect.
public enum Answer: Sendable {
    case sessions([SessionEntry])
    case runs([RunRow])
    /// One run's line, read anew.
    case row(RunRow)
    case trace(RunTrace)
    /// An evaluation with its predictions.
    case evaluation(RunID, EvaluationResult)
    case started(RunID)
    /// A run could not be started or resumed: why.
    case notStarted(String)
    case folder(FolderListing)
    case described(PathDescription)
    case thumbnail(path: String, Thumbnail?, problem: String?)
    case prompts(PromptComparison)
    /// How far the embeddings are that were asked for.
    case featureProgress(FeatureWork)
    /// Nil when they were stopped, or why there are none.
    case features(RunID, EvaluationKey, FeatureMap?, problem: String?)
    /// Something was written: its path.
    case saved(String)
    case failed(String)
}

/// What the workbench wants done. Values alone: the terminal loop or the backend carries them out.
public enum Effect: Sendable, Equatable {
    case loadSessions
    case loadRuns
    case loadTrace(RunID)
    /// Keep sending this run's events, whoever writes it; the others need not be followed.
    case follow(RunID)
    case loadPredictions(RunID, EvaluationKey)
    case start(SessionSpec)
    case resume(RunID)
    case send(RunCommand, RunID)
    /// Stop and save what this process trains, listed or just beginning.
    case stopTraining
    /// A file name without folder; nil takes the session's name.
    case saveSession(SessionSpec, replacing: String?)
    case deleteSession(String)
    case deleteRun(RunID)
    case listFolder(String)
    case describe(String, PathPurpose)
    /// `path` is relative to `data`, the folder that the evaluation noted.
    case loadThumbnail(run: RunID, data: String, path: String)
    case comparePrompts([CheckpointID])
    /// Embeds the images of an evaluation; `stopFeatures` breaks it off.
    case mapFeatures(RunID, EvaluationKey)
    case stopFeatures
    case write(name: String, text: String)
    case setMouse(Bool)
    case setTheme(String)
    case saveSettings(theme: String, glyphs: Glyphs, mouse: Bool)
    case redraw
    case suspend
    case quit
}

/// The whole workbench as a value.
public struct WorkbenchState: Sendable {
    public var size: Size
    public var glyphs: Glyphs
    /// False on terminals without colour.
    public var hasColor: Bool
    public var themes: [Theme]
    public var themeIndex = 0
    public var isMouseOn = true
    /// Seconds since 1970.
    public var now: Double = 0
    public var memory: UInt64?

    public var tab: Tab = .home
    public var dialogs: [Dialog] = []
    public var status: Status?

    public var sessions: [SessionEntry] = []
    public var runs: [RunRow] = []
    public var traces: [RunID: RunTrace] = [:]
    public var queue: [SessionSpec] = []
    public var hasLoadedRuns = false
    /// The name of a run whose model and data are being read.
    public var starting: String?
    /// That run, once it has a folder.
    var awaited: RunID?
    /// The run that is starting has ended already.
    var isOver = false
    /// Events of runs whose traces are being read.
    var arriving: [RunID: [RunEvent]] = [:]
    /// What the question “queue it?” is about.
    var pendingQueue: SessionSpec?

    public var home = HomeState()
    public var live = LiveState()
    public var results = ResultsState()
    public var compare = CompareState()

    public init(size: Size, glyphs: Glyphs = .braille, themes: [Theme] = Theme.builtIn, hasColor: Bool = true) {
        self.size = size
        self.glyphs = glyphs
        self.themes = themes.isEmpty ? Theme.builtIn : themes
        self.hasColor = hasColor
    }

    public struct Status: Sendable, Equatable {
        public var text: String
        public var role: Role
        public var until: Double
    }

    public var theme: Theme { themes.indices.contains(themeIndex) ? themes[themeIndex] : .dark }

    /// What the program asks for when it starts.
    public static let firstEffects: [Effect] = [.loadSessions, .loadRuns]

    /// The smallest terminal with full function.
    public static let minimum = Size(80, 24)

    /// The run on the Live screen.
    public var liveTrace: RunTrace? { live.run.flatMap { traces[$0] } }

    public func run(_ id: RunID?) -> RunRow? {
        guard let id else { return nil }
        return traces[id]?.row ?? runs.first { $0.id == id }
    }

    /// Runs of this process that would end with it.
    public var ownActiveRuns: [RunRow] { runs.filter { $0.status.isActive && !$0.isElsewhere } }

    public var context: KeyContext {
        switch tab {
        case .home: .home
        case .live: .live
        case .results:
            switch results.level {
            case .runs: .results
            case .evaluation: .evaluation
            case .images: .images
            }
        case .compare: .compare
        }
    }
}

public struct HomeState: Sendable {
    public enum Pane: Sendable { case sessions, runs }
    public var pane: Pane = .sessions
    public var sessionTable = TableView()
    public var runTable = TableView()
}

/// How curves are looked at; shared by Live and Compare.
public struct PlotView: Sendable, Equatable {
    public var unit: AxisUnit = .step
    public var logX = false
    public var logY = false
    public var smoothing = 0.9
    public var showsRaw = true
    public var window: ClosedRange<Double>?
    public var cursor: Double?

    static let smoothings: [Double] = [0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995]

    mutating func smoother(_ direction: Int) {
        let place = Self.smoothings.firstIndex { $0 >= smoothing - 1e-9 } ?? 0
        smoothing = Self.smoothings[min(Self.smoothings.count - 1, max(0, place + direction))]
    }
}

public struct LiveState: Sendable {
    public enum Panel: Int, Sendable, CaseIterable {
        case loss, accuracy, rate, classes, norms, log

        var title: String {
            switch self {
            case .loss: "Loss"
            case .accuracy: "Accuracy"
            case .rate: "Learning rate"
            case .classes: "Per-class accuracy"
            case .norms: "Prompt norms"
            case .log: "Log"
            }
        }

        var isPlot: Bool { self == .loss || self == .accuracy || self == .rate }
    }

    public enum ClassOrder: Sendable, CaseIterable { case accuracy, gain, name }
    public enum NormView: Sendable, CaseIterable { case value, gradient, moved }

    public var run: RunID?
    public var panel: Panel = .loss
    public var isMaximised = false
    public var plot = PlotView()
    public var overlays: [RunID] = []
    public var classOrder: ClassOrder = .gain
    public var isOrderReversed = false
    public var subset: ClassSubset = .base
    public var filter = ""
    public var classTop = 0
    public var normKind: PromptNorm.Kind = .text
    public var normView: NormView = .value
    /// Lines back from the end of the log.
    public var logBack = 0
    /// A command on its way, until the run answers.
    public var pending: String?
}

public struct ResultsState: Sendable {
    public enum Level: Sendable, Equatable { case runs, evaluation, images }
    public enum Section: Int, Sendable, CaseIterable {
        case classes, confusions, calibration, features

        var title: String {
            switch self {
            case .classes: "Classes"
            case .confusions: "Confused pairs"
            case .calibration: "Calibration"
            case .features: "Features"
            }
        }
    }

    public var level: Level = .runs
    /// What the table lists: a row a run, a row for runs that differ in the seed alone, or a row an evaluation.
    public enum Listing: Sendable, CaseIterable { case runs, seeds, evaluations }
    public var listing: Listing = .runs
    public var table = TableView()
    public var run: RunID?
    /// Index into the trace's evaluations.
    public var evaluation = 0
    /// The evaluation to show once the run has been read.
    var wanted: EvaluationKey?
    public var section: Section = .classes
    public var classTable = TableView()
    public var pairTable = TableView()
    public var calibrationTable = TableView()
    public var features = FeatureState()
    public var imageTable = TableView()
    /// Class index whose images are shown.
    public var imageClass = 0
    public var thumbnails: [String: Thumbnail] = [:]
    public var thumbnailProblem: String?
}

public struct CompareState: Sendable {
    public enum Section: Int, Sendable, CaseIterable {
        case settings, curves, classes, flips, prompts

        var title: String {
            switch self {
            case .settings: "Settings"
            case .curves: "Curves"
            case .classes: "Classes"
            case .flips: "Flipped images"
            case .prompts: "Prompts"
            }
        }
    }

    public var members: [CheckpointID] = []
    /// The member whose checkpoint the step keys move.
    public var member = 0
    public var section: Section = .settings
    public var subset: ClassSubset = .base
    public var plot = PlotView()
    public var showsLoss = true
    public var settingsTable = TableView()
    public var classTable = TableView()
    public var flipTable = TableView()
    public var promptTable = TableView()
    public var prompts: PromptComparison?
    public var test: McNemar?
    public var paired = 0
}
