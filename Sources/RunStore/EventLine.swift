import Files
import RunModel

/// An event and when it happened.
public struct RecordedEvent: Sendable, Equatable {
    /// Seconds since 1970.
    public var time: Double
    /// An `.evaluated` holds the figures alone: no classes, no predictions. Those are in `file`.
    public var event: RunEvent
    /// Of an evaluation: its file, relative to the run's folder.
    public var file: String?

    public init(time: Double, event: RunEvent, file: String? = nil) {
        self.time = time
        self.event = event
        self.file = file
    }
}

/// A line of `events.jsonl`. Every object has `event` and `time` (seconds since 1970); further fields by event:
///
/// | event | fields |
/// |---|---|
/// | started | total_steps, steps_per_epoch, from_step |
/// | evaluated | method, data, split, classes, subset, step, epoch, accuracy, macro_f1, loss, count, seconds, file |
/// | checkpoint | file, step |
/// | command | command and its fields (see below), step |
/// | paused, proceeding, stopped | step |
/// | warning, failed | text |
/// | finished | steps, seconds, loss, base, new, all, harmonic_mean |
///
/// Commands are pause, proceed, single_step, stop, snapshot, evaluate (`classes`), set_learning_rate (`learning_rate`), note
/// (`text`). Accuracies are fractions 0..1. Steps and progress are no lines of this file. Lines of unknown events are skipped.
enum EventLine {
    /// Nil for steps, which go to `metrics.jsonl`, and progress, which is not kept.
    static func encode(_ event: RunEvent, time: Double, file: String? = nil) -> [UInt8]? {
        guard let name = name(event) else { return nil }
        return JSONText.object { text in
            text.field("event", name)
            text.field("time", time)
            switch event {
            case .started(let totalSteps, let stepsPerEpoch, let fromStep):
                text.field("total_steps", totalSteps)
                text.field("steps_per_epoch", stepsPerEpoch)
                text.field("from_step", fromStep)
            case .evaluated(let result):
                EvaluationFile.figures(of: result, into: &text)
                text.field("file", file)
            case .checkpointWritten(let file, let step):
                text.field("file", file)
                text.field("step", step)
            case .commandTaken(let command, let step):
                CommandText.encode(command, into: &text)
                text.field("step", step)
            case .paused(let step), .proceeding(let step), .stopped(let step):
                text.field("step", step)
            case .warning(let reason), .failed(let reason):
                text.field("text", reason)
            case .finished(let summary):
                text.field("steps", summary.steps)
                text.field("seconds", summary.seconds)
                text.field("loss", summary.loss)
                text.field("base", summary.base)
                text.field("new", summary.new)
                text.field("all", summary.all)
                text.field("harmonic_mean", summary.harmonicMean)
            case .step, .evaluationProgress: break
            }
        }
    }

    private static func name(_ event: RunEvent) -> String? {
        switch event {
        case .started: "started"
        case .evaluated: "evaluated"
        case .checkpointWritten: "checkpoint"
        case .commandTaken: "command"
        case .paused: "paused"
        case .proceeding: "proceeding"
        case .warning: "warning"
        case .stopped: "stopped"
        case .finished: "finished"
        case .failed: "failed"
        case .step, .evaluationProgress: nil
        }
    }

    /// Nil for an event that is not known or lacks a field.
    static func decode(_ value: JSONValue) -> RecordedEvent? {
        guard let name = value["event"]?.text, let event = event(name, value) else { return nil }
        let isEvaluation = if case .evaluated = event { true } else { false }
        return RecordedEvent(time: value.number("time") ?? 0, event: event, file: isEvaluation ? value["file"]?.text : nil)
    }

    private static func event(_ name: String, _ value: JSONValue) -> RunEvent? {
        let step = value["step"]?.integer
        let text = value["text"]?.text ?? ""
        switch name {
        case "started":
            guard let total = value["total_steps"]?.integer, let perEpoch = value["steps_per_epoch"]?.integer else { return nil }
            return .started(totalSteps: total, stepsPerEpoch: perEpoch, fromStep: value["from_step"]?.integer ?? 0)
        case "evaluated": return EvaluationFile.figures(from: value).map(RunEvent.evaluated)
        case "checkpoint":
            guard let file = value["file"]?.text, let step else { return nil }
            return .checkpointWritten(file: file, step: step)
        case "command":
            guard let command = CommandText.decode(value), let step else { return nil }
            return .commandTaken(command, step: step)
        case "paused": return step.map { .paused(step: $0) }
        case "proceeding": return step.map { .proceeding(step: $0) }
        case "stopped": return step.map { .stopped(step: $0) }
        case "warning": return .warning(text)
        case "failed": return .failed(text)
        case "finished":
            var summary = RunSummary(steps: value["steps"]?.integer ?? 0, seconds: value.number("seconds") ?? 0, loss: value.number("loss"))
            summary.base = value.number("base")
            summary.new = value.number("new")
            summary.all = value.number("all")
            summary.harmonicMean = value.number("harmonic_mean")
            return .finished(summary)
        default: return nil
        }
    }
}

/// The JSON fields of a command.
enum CommandText {
    static func encode(_ command: RunCommand, into text: inout JSONText) {
        switch command {
        case .pause: text.field("command", "pause")
        case .proceed: text.field("command", "proceed")
        case .singleStep: text.field("command", "single_step")
        case .stop: text.field("command", "stop")
        case .snapshot: text.field("command", "snapshot")
        case .evaluate(let classes):
            text.field("command", "evaluate")
            text.list("classes", classes) { $0.element($1.rawValue) }
        case .setLearningRate(let rate):
            text.field("command", "set_learning_rate")
            text.field("learning_rate", rate)
        case .note(let note):
            text.field("command", "note")
            text.field("text", note)
        }
    }

    static func decode(_ value: JSONValue) -> RunCommand? {
        switch value["command"]?.text {
        case "pause": return .pause
        case "proceed": return .proceed
        case "single_step": return .singleStep
        case "stop": return .stop
        case "snapshot": return .snapshot
        case "evaluate":
            guard let elements = value["classes"]?.elements else { return nil }
            let classes = elements.compactMap { $0.text.flatMap(ClassSubset.init(rawValue:)) }
            return classes.count == elements.count ? .evaluate(classes) : nil
        case "set_learning_rate": return value.number("learning_rate").map { .setLearningRate($0) }
        case "note": return value["text"]?.text.map { .note($0) }
        default: return nil
        }
    }
}
