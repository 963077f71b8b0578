import Files
import RunModel

/// `summary.json`: a run at a glance, so that a list of runs need not read their metrics and events. It can be made anew from those.
struct SummaryFile {
    var overview: RunOverview
    /// The step of the evaluations that are being gathered.
    private var evaluatedStep = -1
    private var gathered: [ClassSubset: Double] = [:]

    init(_ overview: RunOverview) { self.overview = overview }

    /// Takes what an event tells.
    mutating func note(_ event: RunEvent) {
        switch event {
        case .started(let totalSteps, _, let fromStep):
            overview.totalSteps = totalSteps
            overview.steps = fromStep
        case .step(let point):
            overview.steps = point.step
            overview.loss = point.loss
            overview.seconds = point.time
        case .evaluated(let result): note(result)
        case .stopped(let step):
            overview.steps = step
            overview.state = .stopped
        case .finished(let summary):
            overview.state = .finished
            overview.steps = summary.steps
            overview.seconds = summary.seconds
            overview.loss = summary.loss ?? overview.loss
            overview.base = summary.base ?? overview.base
            overview.new = summary.new ?? overview.new
            overview.all = summary.all ?? overview.all
            overview.harmonicMean = summary.harmonicMean ?? overview.harmonicMean
        case .failed(let reason): overview.state = .failed(reason)
        case .evaluationProgress, .checkpointWritten, .commandTaken, .paused, .proceeding, .warning: break
        }
    }

    /// Base and new figures change together, so that nobody compares one step's base with another's new.
    private mutating func note(_ result: EvaluationResult) {
        // Evaluations of other data sets are not the run's own figure.
        if let data = overview.data, result.data != data { return }
        // The zero-shot figures that a run keeps to be measured against are not its own.
        if let method = overview.method, result.method != method { return }
        if result.step != evaluatedStep { gathered = [:] }
        evaluatedStep = result.step
        gathered[result.classes] = result.accuracy
        if let all = gathered[.all] { overview.all = all }
        if let base = gathered[.base], let new = gathered[.new] {
            overview.base = base
            overview.new = new
            overview.harmonicMean = harmonicMean(base, new)
        } else if overview.harmonicMean == nil {
            if let base = gathered[.base] { overview.base = base }
            if let new = gathered[.new] { overview.new = new }
        }
    }

    // MARK: Coding

    func encode() -> [UInt8] {
        let overview = overview
        return JSONText.object { text in
            text.field("format", overview.format)
            text.field("name", overview.name)
            text.field("state", overview.state.word)
            switch overview.state {
            case .failed(let reason), .broken(let reason): text.field("reason", reason)
            default: break
            }
            text.field("method", overview.method?.rawValue)
            text.field("data", overview.data)
            text.field("model", overview.model)
            text.field("classes", overview.classes?.rawValue)
            text.field("shots", overview.shots)
            text.field("seed", overview.seed)
            text.field("created", overview.created)
            text.field("updated", overview.updated)
            text.field("steps", overview.steps)
            text.field("total_steps", overview.totalSteps)
            text.field("seconds", overview.seconds)
            text.field("loss", overview.loss)
            text.field("base", overview.base)
            text.field("new", overview.new)
            text.field("all", overview.all)
            text.field("harmonic_mean", overview.harmonicMean)
            text.field("source", overview.source)
        }
    }

    /// - Throws: `RunStoreError`; `.system` with ENOENT where there is no such file.
    static func read(_ run: RunFolder) throws -> RunOverview {
        try overview(JSONValue(file: run.summaryFile, limit: 1 << 20), run)
    }

    /// As `encode` wrote it; nil where it is not. Broken runs come as stopped.
    static func decode(_ bytes: [UInt8], run: RunFolder) -> RunOverview? {
        guard let value = bytes.withUnsafeBufferPointer({ try? JSONValue($0, from: 0, to: $0.count) }) else { return nil }
        if value["state"]?.text == "broken", case .object(var fields) = value {
            fields["state"] = .string("stopped")
            return try? overview(.object(fields), run)
        }
        return try? overview(value, run)
    }

    private static func overview(_ value: JSONValue, _ run: RunFolder) throws -> RunOverview {
        guard let name = value["name"]?.text, let word = value["state"]?.text else {
            throw RunStoreError.malformed(path: run.summaryFile, reason: "name or state is missing")
        }
        let format = value["format"]?.integer ?? 1
        let state: RunState
        switch word {
        // Whether it still runs, the lock tells.
        case "running", "interrupted": state = .interrupted
        case "finished": state = .finished
        case "stopped": state = .stopped
        case "failed": state = .failed(value["reason"]?.text ?? "")
        // What a newer program calls it is not known here; it is not taken for one that goes on.
        case _ where format > RunOverview.knownFormat: state = .stopped
        default: throw RunStoreError.malformed(path: run.summaryFile, reason: "state is unknown")
        }
        return RunOverview(
            path: run.path, state: state, name: name, method: value["method"]?.text.flatMap(MethodName.init(rawValue:)),
            data: value["data"]?.text, model: value["model"]?.text,
            classes: value["classes"]?.text.flatMap(ClassSubset.init(rawValue:)), shots: value["shots"]?.integer,
            seed: value["seed"]?.integer, created: value.number("created") ?? 0, updated: value.number("updated") ?? 0,
            steps: value["steps"]?.integer ?? 0, totalSteps: value["total_steps"]?.integer, seconds: value.number("seconds") ?? 0,
            loss: value.number("loss"), base: value.number("base"), new: value.number("new"), all: value.number("all"),
            harmonicMean: value.number("harmonic_mean"), source: value["source"]?.text, format: format)
    }
}
