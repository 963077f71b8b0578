import Foundation
import RunModel
import Synchronization

/// Writes a run while it is trained: the one process that holds the run's lock.
///
/// ```
/// let recorder = try RunRecorder(new: folder, spec: spec, session: text)
/// try recorder.record(.started(totalSteps: 80, stepsPerEpoch: 16, fromStep: 0))
/// ```
/// Steps go to `metrics.jsonl`, evaluations to `evaluations/` and, in figures, to `events.jsonl`, everything else to
/// `events.jsonl`. Calls may come from any thread; they are taken one after the other.
public final class RunRecorder: Sendable {
    public let folder: RunFolder
    private let state: Mutex<State>

    private struct State {
        // Sending is safe: the writers are reached through the mutex alone.
        nonisolated(unsafe) let metrics: JSONLinesWriter
        nonisolated(unsafe) let events: JSONLinesWriter
        var lock: RunLock?
        var summary: SummaryFile
        let subject: Subject
    }

    /// Begins a new run.
    /// - Parameters:
    ///   - session: the resolved session as TOML, written to `session.toml`.
    /// - Throws: `RunStoreError`.
    public convenience init(
        new folder: RunFolder, spec: SessionSpec, session: String, samples: DrawnSamples? = nil
    ) throws {
        try self.init(new: folder, subject: Subject(spec), session: session, samples: samples)
    }

    /// Begins a new run of any kind.
    public init(new folder: RunFolder, subject: Subject, session: String, samples: DrawnSamples? = nil) throws {
        let lock = try RunLock(path: folder.lockFile, run: folder.path)
        try AtomicFile.write(Array(session.utf8), to: folder.sessionFile)
        if let samples { try SamplesFile.write(samples, to: folder.samplesFile) }
        let overview = Self.overview(folder, subject, created: Date().timeIntervalSince1970)
        self.folder = folder
        state = Mutex(try Self.open(folder, subject, lock, SummaryFile(overview)))
    }

    /// Goes on with a run from a checkpoint taken after `step`: later points are cut from its metrics, its events are kept.
    /// - Throws: `RunStoreError.alreadyRunning` if another process trains it, `.newerFormat`, `.imported` if none may, and others.
    public convenience init(resuming folder: RunFolder, spec: SessionSpec, afterStep step: Int) throws {
        try self.init(resuming: folder, subject: Subject(spec), afterStep: step)
    }

    /// Goes on with a run of any kind.
    public init(resuming folder: RunFolder, subject: Subject, afterStep step: Int) throws {
        if let old = try? SummaryFile.read(folder), old.isNewer { throw RunStoreError.newerFormat(path: folder.path, format: old.format) }
        try ImportedRun.refuse(folder)
        let lock = try RunLock(path: folder.lockFile, run: folder.path)
        try MetricsFile.truncate(folder.metricsFile, afterStep: step)
        var overview = Self.overview(folder, subject, created: Date().timeIntervalSince1970)
        if let old = try? SummaryFile.read(folder) {
            overview.created = old.created
            (overview.base, overview.new, overview.all) = (old.base, old.new, old.all)
            overview.harmonicMean = old.harmonicMean
            overview.totalSteps = old.totalSteps
        }
        let last = MetricsFile.lastPoint(folder.metricsFile)
        overview.steps = step
        overview.loss = last?.loss
        overview.seconds = last?.time ?? 0
        var summary = SummaryFile(overview)
        // An interruption may have come between evaluations of one step: those that follow complete the figures.
        for recorded in try folder.events() {
            if case .evaluated(let result) = recorded.event, result.step == step, result.subset == subject.subset {
                summary.note(recorded.event)
            }
        }
        self.folder = folder
        state = Mutex(try Self.open(folder, subject, lock, summary))
    }

    /// What a run's summary says of it, whatever kind of session it has.
    public struct Subject: Sendable {
        public var name: String
        public var seed: Int
        /// Nil for pretraining, which learns no prompts.
        public var method: MethodName?
        /// What is trained on; evaluations of other data are not the run's own figures.
        public var data: String
        public var model: String?
        public var classes: ClassSubset?
        public var shots: Int?
        /// The images whose evaluations are the run's own figures.
        public var subset: ImageSubset

        public init(_ spec: SessionSpec) {
            self.init(name: spec.name, seed: spec.seed, data: spec.data.path, subset: spec.eval.subset)
            (method, model, classes, shots) = (spec.method.name, spec.model.path, spec.data.classes, spec.data.shots)
        }

        public init(name: String, seed: Int, data: String, subset: ImageSubset) {
            self.name = name
            self.seed = seed
            self.data = data
            self.subset = subset
        }
    }

    private static func open(
        _ folder: RunFolder, _ subject: Subject, _ lock: RunLock, _ summary: SummaryFile
    ) throws -> sending State {
        for path in [folder.checkpointsFolder, folder.evaluationsFolder, folder.controlFolder]
        where mkdir(path, 0o755) != 0 && errno != EEXIST {
            throw RunStoreError.system(operation: "make the folder", path: path, code: errno)
        }
        ControlInbox(folder: folder.controlFolder).clear()
        let state = State(
            metrics: try JSONLinesWriter(path: folder.metricsFile), events: try JSONLinesWriter(path: folder.eventsFile),
            lock: lock, summary: summary, subject: subject)
        try AtomicFile.write(summary.encode(), to: folder.summaryFile)
        return state
    }

    private static func overview(_ folder: RunFolder, _ subject: Subject, created: Double) -> RunOverview {
        RunOverview(
            path: folder.path, state: .running(process: Int(getpid()), host: RunLock.hostName), name: subject.name,
            method: subject.method, data: subject.data, model: subject.model, classes: subject.classes, shots: subject.shots,
            seed: subject.seed, created: created, updated: created)
    }

    /// Keeps what an event tells; progress is not kept.
    /// - Throws: `RunStoreError.system`, for one when the disk is full; files then end with their last whole line.
    public func record(_ event: RunEvent) throws {
        try record(event, at: Date().timeIntervalSince1970)
    }

    func record(_ event: RunEvent, at time: Double) throws {
        try state.withLock { state in
            switch event {
            case .evaluationProgress: return
            case .step(let point):
                try state.metrics.append(MetricLine.encode(point))
                state.summary.note(event)
                return
            case .evaluated(let result):
                let file = Self.evaluationFile(result, of: state.subject)
                try EvaluationFile.write(result, to: folder.path + "/" + file)
                try append(event, at: time, file: file, &state)
                if result.subset == state.subject.subset { state.summary.note(event) }
            default:
                try append(event, at: time, file: nil, &state)
                state.summary.note(event)
            }
            switch event {
            case .started, .evaluated, .stopped, .finished, .failed:
                state.summary.overview.updated = time
                try AtomicFile.write(state.summary.encode(), to: folder.summaryFile)
            default: break
            }
        }
    }

    private func append(_ event: RunEvent, at time: Double, file: String?, _ state: inout State) throws {
        if let line = EventLine.encode(event, time: time, file: file) { try state.events.append(line) }
    }

    /// `evaluations/<step>-<classes>-<subset>.json`, with the data set's name where it is not the run's own, and the method where it
    /// is not the run's (zero-shot CLIP, to be measured against).
    static func evaluationFile(_ result: EvaluationResult, of subject: Subject) -> String {
        let other = result.data == subject.data ? "" : "-" + RunFolder.slug(result.data.split(separator: "/").last.map(String.init) ?? "data")
        let method = subject.method.map { $0 == result.method } ?? true ? "" : "-" + result.method.rawValue
        return "evaluations/\(result.step)-\(result.classes.rawValue)-\(result.subset.rawValue)\(other)\(method).json"
    }

    /// What other processes have asked for since the last call, oldest first. Files that hold no command become warnings.
    public func takeCommands() throws -> [RunCommand] {
        let (commands, refused) = ControlInbox(folder: folder.controlFolder).take()
        for line in refused { try record(.warning(line)) }
        return commands
    }

    /// Puts metrics and events on the disk, as before a checkpoint is announced.
    public func flush() throws {
        try state.withLock {
            try $0.metrics.flush()
            try $0.events.flush()
        }
    }

    /// Gives the lock back; another process may go on with the run. Also happens when the recorder goes away.
    public func close() { state.withLock { $0.lock = nil } }
}
