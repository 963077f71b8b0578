import ArgumentParser
import Foundation
import RunModel
import RunStore
import SessionFile

/// Options of commands that compute.
struct ThreadOptions: ParsableArguments {
    @Option(help: "Threads to compute with; 0 takes one for each processor.")
    var threads = 0

    func validate() throws {
        guard (0...1024).contains(threads) else { throw ValidationError("--threads must be from 0 to 1024") }
    }
}

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train the method of a session file and evaluate it.",
        discussion: "Writes a new run folder below --runs. Ctrl-C finishes the step and writes a checkpoint.")

    @Argument(help: "Session file (TOML).")
    var session: String

    @Option(name: .customLong("set"), help: ArgumentHelp("Override a key of the session, such as optim.lr=0.002.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: "Folder that run folders are made in (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Flag(help: "End with one JSON object on standard output.")
    var json = false

    @Flag(help: "No progress.")
    var quiet = false

    @OptionGroup var compute: ThreadOptions

    func run() throws {
        let spec = try SessionFile.read(path: session, overrides: overrides)
        let run = TrainingRun(
            spec: spec, start: .new(root: runs ?? RunFolder.defaultRoot()), threads: compute.threads,
            progress: ProgressLine(quiet: quiet))
        try report(try run.run(), json: json)
    }
}

struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Go on with a run that was stopped or interrupted.",
        discussion: "Ends bit for bit where an undisturbed run would have.")

    @Argument(help: ArgumentHelp("Run folder, its name, a beginning of it, or \"last\".", valueName: "run"))
    var target: String

    @Option(help: "Folder that holds the run folders (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Flag(help: "End with one JSON object on standard output.")
    var json = false

    @Flag(help: "No progress.")
    var quiet = false

    @OptionGroup var compute: ThreadOptions

    func run() throws {
        let folder = try RunList.find(target, in: runs ?? RunFolder.defaultRoot())
        if let text = try? folder.sessionText(), PretrainFile.isPretraining(text) {
            return try PretrainCommand.resume(folder, threads: compute.threads, quiet: quiet, json: json)
        }
        try ImportedRun.refuse(folder)
        let spec = try SessionFile.read(path: folder.sessionFile)
        let overview = RunList.overview(folder)
        if overview?.state == .finished {
            note("\(folder.path) is finished; its last evaluation is done again if it is missing")
        }
        let training = TrainingRun(
            spec: spec, start: .resume(folder), threads: compute.threads, progress: ProgressLine(quiet: quiet))
        try report(try training.run(), json: json)
    }
}

/// The last object of `train` and `resume`.
private struct TrainReport: Encodable {
    struct Evaluations: Encodable {
        var base: Double?
        var new: Double?
        var all: Double?
        var harmonic_mean: Double?
    }
    var run: String
    var state: String
    var steps: Int
    var seconds: Double
    var loss: Double?
    var evaluations: Evaluations
}

private func report(_ outcome: TrainingRun.Outcome, json: Bool) throws {
    let folder = outcome.folder.path
    // A run that was resumed at its very end has its figures in the folder.
    let kept = RunList.overview(outcome.folder)
    let summary = outcome.summary
    if json {
        try sayJSON(
            TrainReport(
                run: folder, state: summary == nil ? "stopped" : "finished", steps: summary?.steps ?? outcome.stoppedAt,
                seconds: summary?.seconds ?? kept?.seconds ?? 0, loss: summary?.loss ?? kept?.loss,
                evaluations: .init(
                    base: kept?.base, new: kept?.new, all: kept?.all, harmonic_mean: kept?.harmonicMean)))
    }
    guard let summary else {
        note("stopped after step \(outcome.stoppedAt). To go on: maple resume \(folder)")
        return
    }
    guard !json else { return }
    say("run            \(folder)")
    say("steps          \(summary.steps) in \(duration(summary.seconds))")
    for (name, value) in [("base", kept?.base), ("new", kept?.new), ("all", kept?.all), ("harmonic mean", kept?.harmonicMean)] {
        if let value { say(name.padding(toLength: 13, withPad: " ", startingAt: 0) + "  \(percent(value)) %") }
    }
}
