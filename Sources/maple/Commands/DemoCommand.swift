import ArgumentParser
import Datasets
import Foundation
import RunModel
import RunStore
import SessionFile

/// `maple demo`: the shipped model on the program's own drawings.
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train MaPLe on drawings with the model that came with the program.",
        discussion: """
            Draws the data set figures into the user's cache (once), measures zero-shot CLIP, trains in the workbench (without a \
            terminal: with progress lines), and compares base and novel classes. The runs are kept like any others. \
            --all runs all seven methods and the three protocols.
            """)

    @Flag(help: "Run the seven methods and the three protocols, and fill their tables.")
    var all = false

    @Option(help: "Method to train.")
    var method = MethodName.maple

    @Option(help: "Folder that holds sessions/demo (default: $MAPLE_HOME, else found from the program's place).")
    var home: String?

    @Option(help: "Folder to draw the data sets into (default: maple/drawn in the user's cache).")
    var drawings: String?

    @Option(help: "Folder that run folders are made in (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Option(name: .customLong("set"), help: ArgumentHelp("Override a key of the session, such as optim.epochs=2.", valueName: "key=value"))
    var overrides: [String] = []

    @Flag(help: "End with one JSON object on standard output (with --all, one for each protocol).")
    var json = false

    @Flag(help: "Plain progress lines instead of the workbench.")
    var plain = false

    @Flag(help: "No progress.")
    var quiet = false

    @OptionGroup var compute: ThreadOptions

    private static let protocols: [(name: String, data: [DrawnDataset])] = [
        ("base-to-novel", [.figures]),
        ("cross-dataset", [.figures, .colours, .fills, .pairs, .combinations]),
        ("domain-generalisation", [.figures, .figuresNoise, .figuresChalk, .figuresSketch, .figuresMosaic]),
    ]

    func validate() throws {
        if all, method != .maple { throw ValidationError("--all runs every method: leave out --method") }
    }

    func run() throws {
        let files = try DemoFiles(home: home, drawings: drawings)
        let model = files.sessions + "/model"
        guard FileManager.default.fileExists(atPath: model) else { throw DemoError.noModel(model) }
        try all ? runAll(files) : runOne(files)
    }

    // MARK: One method

    private var runsRoot: String { UserFolders.absolute(runs ?? RunFolder.defaultRoot()) }

    private func runOne(_ files: DemoFiles) throws {
        try draw(.figures, files)
        let isWatched = !plain && !json && !quiet && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
        guard method != .zeroshot, isWatched else {
            let before = try train(session(.zeroshot, files))
            return try report(before, after: method == .zeroshot ? nil : train(session(method, files)))
        }
        // The screen comes first; the run to compare with, which takes seconds, when it has been left.
        let after = try watch(session(method, files))
        try report(train(session(.zeroshot, files)), after: after)
    }

    private func session(_ method: MethodName, _ files: DemoFiles) throws -> SessionSpec {
        // What is overridden is the trained method's; zero-shot CLIP stays what all are compared with.
        try SessionFile.read(
            path: files.session(method.rawValue), overrides: ["data.path=\(files.data(.figures))"] + (method == .zeroshot ? [] : overrides))
    }

    /// Trains with progress lines.
    private func train(_ spec: SessionSpec) throws -> RunOverview {
        let run = TrainingRun(spec: spec, start: .new(root: runsRoot), threads: compute.threads, progress: ProgressLine(quiet: quiet))
        let outcome = try run.run()
        guard outcome.summary != nil, let overview = RunList.overview(outcome.folder) else {
            note("stopped after step \(outcome.stoppedAt). To go on: maple resume \(outcome.folder.path)")
            throw ExitCode(1)
        }
        return overview
    }

    /// Trains in the workbench, until the user leaves it.
    private func watch(_ spec: SessionSpec) throws -> RunOverview {
        let began = Date().timeIntervalSince1970 - 1
        let look = try WorkbenchLook.parse(["--runs", runsRoot, "--threads", String(compute.threads)])
        try WorkbenchSession(look).open(firstEffects: [.start(spec)])
        let mine = try RunList.scan(runsRoot).filter { $0.name == spec.name && $0.created >= began }.min { $0.created < $1.created }
        guard let mine else { throw ExitCode(1) }
        guard mine.state == .finished else {
            note("\(mine.path) is \(mine.state.word) after step \(mine.steps). To go on: maple resume \(mine.path)")
            throw ExitCode(1)
        }
        return mine
    }

    private func report(_ before: RunOverview, after: RunOverview?) throws {
        if json {
            let trained = after ?? before
            return try sayJSON(
                Report(
                    method: method.rawValue, run: trained.path, seconds: trained.seconds, zeroshot: Figures(before),
                    trained: Figures(trained)))
        }
        func row(_ name: String, _ run: RunOverview, over reference: RunOverview?) -> [String] {
            [name] + [(run.base, reference?.base), (run.new, reference?.new), (run.harmonicMean, reference?.harmonicMean)].map { value, from in
                guard let value, let from else { return percent(value) }
                return percent(value) + String(format: " (%+.1f)", 100 * (value - from))
            }
        }
        let rows = [row(MethodName.zeroshot.title, before, over: nil)] + (after.map { [row(method.title, $0, over: before)] } ?? [])
        say(table(["accuracy in %", "base classes", "novel classes", "harmonic mean"], rows))
        say("")
        if let after { say("trained in \(duration(after.seconds)); kept in \(after.path)") }
        say("to browse:  maple; maple runs; maple compare \((before.path as NSString).lastPathComponent) \(((after ?? before).path as NSString).lastPathComponent)")
        say("go further: maple demo --all; maple demo --method coop; maple demo --set optim.epochs=20")
    }

    private struct Figures: Encodable {
        var base: Double?
        var new: Double?
        var harmonic_mean: Double?

        init(_ run: RunOverview) { (base, new, harmonic_mean) = (run.base, run.new, run.harmonicMean) }
    }

    private struct Report: Encodable {
        var method: String
        var run: String
        var seconds: Double
        var zeroshot: Figures
        var trained: Figures
    }

    // MARK: Everything

    private func runAll(_ files: DemoFiles) throws {
        var drawn: Set<DrawnDataset> = []
        for dataset in Self.protocols.flatMap(\.data) where drawn.insert(dataset).inserted { try draw(dataset, files) }
        for (name, _) in Self.protocols {
            let path = files.protocolSession(name)
            var words = [path, "--threads", String(compute.threads)] + overrides.flatMap { ["--set", $0] }
            if let runs { words += ["--runs", runs] }
            if json { words.append("--json") }
            if quiet { words.append("--quiet") }
            var spec = try ProtocolFile.read(path: path, overrides: overrides)
            spec.roots.insert(files.drawings, at: 0)
            try ProtocolReport(options: try ProtocolOptions.parse(words), spec: spec).run()
            if !json { say("") }
        }
        if !json { say("to browse: maple runs") }
    }

    // MARK: Data

    /// Draws a data set, or uses what is there; where something else is there, asks.
    private func draw(_ dataset: DrawnDataset, _ files: DemoFiles) throws {
        let folder = files.data(dataset), drawn = DrawnFolder(dataset)
        do {
            if try drawn.writeWithProgress(to: folder, quiet: quiet || json) == .drawn, !quiet { note("drawn: \(folder), \(drawn.imageCount) images") }
        } catch let error as DatasetError {
            guard case .drawnFolderDiffers = error, isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { throw error }
            note("\(error)")
            put("Remove it and draw it anew? [y/N] ", on: STDERR_FILENO)
            guard let answer = readLine()?.lowercased(), answer.hasPrefix("y") else { throw ExitCode(1) }
            try FileManager.default.removeItem(atPath: folder)
            _ = try drawn.writeWithProgress(to: folder, quiet: quiet || json)
        }
    }
}


extension MethodName {
    /// As tables call it.
    var title: String {
        switch self {
        case .zeroshot: "zero-shot CLIP"
        case .coop: "CoOp"
        case .cocoop: "Co-CoOp"
        case .vision: "vision prompts"
        case .language: "language prompts"
        case .independent: "independent prompts"
        case .maple: "MaPLe"
        }
    }
}
