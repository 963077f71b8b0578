import Analysis
import ArgumentParser
import Datasets
import Engine
import Foundation
import RunModel
import RunStore
import SessionFile
import Synchronization
import Training

/// What `protocol` and `ablation` share.
struct ProtocolOptions: ParsableArguments {
    @Argument(help: "Session file of a protocol (TOML).")
    var session: String

    @Option(name: .customLong("set"), help: ArgumentHelp("Override a key of every run's session, such as optim.epochs=2.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: "Folder that run folders are made in (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Option(help: "Write the curve as SVG: accuracy over the varied value, or over epochs where the session says probe = true.")
    var svg: String?

    @Flag(help: "Show the plan and its forecast, and run nothing.")
    var plan = false

    @Flag(help: "End with one JSON object on standard output.")
    var json = false

    @Flag(help: "No progress.")
    var quiet = false

    @OptionGroup var compute: ThreadOptions
}

struct ProtocolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protocol", abstract: "Run a protocol of the paper over data sets, methods and seeds, and fill its table.",
        discussion: """
            Base to novel, cross-data-set or domain generalisation, as the session says. Runs that are there already are used, \
            interrupted ones go on: a protocol that was stopped or killed is started again with the same command.
            """)

    @OptionGroup var options: ProtocolOptions

    func run() throws {
        let spec = try ProtocolFile.read(path: options.session, overrides: options.overrides)
        guard spec.kind != .ablation else { throw ValidationError("\(options.session) is an ablation: maple ablation \(options.session)") }
        try ProtocolReport(options: options, spec: spec).run()
    }
}

/// Plans, forecasts, runs, and prints a protocol.
struct ProtocolReport {
    var options: ProtocolOptions
    var spec: ProtocolSpec

    func run() throws {
        if let svg = options.svg {
            let folder = (svg as NSString).deletingLastPathComponent
            var isFolder: ObjCBool = false
            guard folder.isEmpty || FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) && isFolder.boolValue else {
                throw ValidationError("--svg: there is no folder \(folder)")
            }
        }
        let plan = try ProtocolPlan(spec)
        let runner = ProtocolRunner(
            plan: plan, root: options.runs ?? RunFolder.defaultRoot(), threads: options.compute.threads,
            progress: ProgressLine(quiet: options.quiet))
        try forecast(plan, runner)
        guard !plan.runs.isEmpty else { throw ProtocolError.nothingToRun(plan.empty) }
        if options.plan {
            if options.json { try sayJSON(planned(plan)) }
            return
        }
        let stopped = Mutex(false)
        let signals = StopSignals { stopped.withLock { $0 = true } }
        defer { signals.end() }
        runner.isStopped = { stopped.withLock { $0 } }
        let isComplete = try runner.run()
        guard isComplete else {
            note("stopped with \(runner.outcomes.count) of \(plan.runs.count) runs done. To go on, start the same command again.")
            throw ExitCode(1)
        }
        if let svg = options.svg { try write(chart(plan, runner), to: svg) }
        if options.json { try sayJSON(report(plan, runner)) } else { show(plan, runner) }
        if !runner.failures.isEmpty { throw ExitCode(1) }
    }

    // MARK: Before

    private func forecast(_ plan: ProtocolPlan, _ runner: ProtocolRunner) throws {
        let survey = try runner.survey()
        let tested = plan.entries.filter { $0.data != nil }.count
        note("\(spec.kind.rawValue): \(plan.rows.count) rows, \(tested) of \(plan.entries.count) data sets, \(spec.seeds.count) seeds: \(plan.runs.count) runs, \(survey.finished) finished, \(survey.started) begun")
        for line in plan.empty { note("stays empty: \(line)") }
        for line in plan.notes { note("note: \(line)") }
        guard survey.finished < plan.runs.count, !plan.runs.isEmpty else { return }
        let all = plan.runs.reduce(0) { $0 + $1.operations }
        let rate: Double
        if let measured = survey.rate {
            rate = measured
        } else {
            let machine = MachineRate(workers: Workers(count: options.compute.threads))
            // What steps reach of it on real models; small models reach less.
            rate = 0.5 * machine.measure { ProcessInfo.processInfo.systemUptime }
        }
        let left = all * Double(plan.runs.count - survey.finished) / Double(plan.runs.count)
        note("forecast: \(String(format: "%.3g", left / 1e12)) TFLOP, about \(duration(left / rate)) at \(String(format: "%.0f", rate / 1e9)) GFLOP/s\(survey.rate == nil ? "" : " as measured in finished runs"), reading images aside; memory about \(mebibytes(plan.peakBytes + Self.otherBytes))")
    }

    /// The program itself, and decoded pictures that are kept.
    static let otherBytes = 60.0 * 1_048_576 + 256.0 * 1_048_576

    // MARK: After

    private struct RunLine: Encodable {
        var row: String
        var data: String
        var seed: Int
        var run: String
        var seconds: Double
        var reused: Bool
    }

    private struct Planned: Encodable {
        struct Run: Encodable {
            var row: String
            var data: String
            var seed: Int
            var gflop: Double
        }
        var name: String
        var kind: String
        var runs: [Run]
        var empty: [String]
    }

    private func planned(_ plan: ProtocolPlan) -> Planned {
        Planned(
            name: spec.name, kind: spec.kind.rawValue,
            runs: plan.runs.map {
                Planned.Run(row: plan.rows[$0.row].label, data: plan.entries[$0.data].title, seed: $0.seed, gflop: $0.operations / 1e9)
            }, empty: plan.empty)
    }

    private struct Report: Encodable {
        var name: String
        var kind: String
        var table: [BaseToNovelTable.Line]?
        var transfer: [TransferTable.Line]?
        var probes: [ProtocolRunner.ProbeLine]?
        var runs: [RunLine]
        var empty: [String]
        var failed: [String]
    }

    private func failures(_ plan: ProtocolPlan, _ runner: ProtocolRunner) -> [String] {
        runner.failures.map { "\(plan.rows[$0.run.row].label), \(plan.entries[$0.run.data].title), seed \($0.run.seed): \($0.reason)" }
    }

    private func report(_ plan: ProtocolPlan, _ runner: ProtocolRunner) -> Report {
        Report(
            name: spec.name, kind: spec.kind.rawValue, table: spec.kind.isTransfer ? nil : runner.baseToNovel.lines,
            transfer: spec.kind.isTransfer ? runner.transferTable.lines : nil, probes: spec.probe ? runner.probes : nil,
            runs: runner.outcomes.map {
                RunLine(
                    row: plan.rows[$0.plan.row].label, data: plan.entries[$0.plan.data].title, seed: $0.plan.seed,
                    run: $0.folder.path, seconds: $0.seconds, reused: $0.wasThere)
            }, empty: plan.empty, failed: failures(plan, runner))
    }

    private func show(_ plan: ProtocolPlan, _ runner: ProtocolRunner) {
        say("\(spec.name): \(spec.kind.rawValue), seeds \(spec.seeds.map(String.init).joined(separator: " ")), accuracies in %\(spec.seeds.count > 1 ? ", mean ± deviation over seeds" : "")")
        if spec.kind.isTransfer { showTransfer(runner.transferTable.lines) } else { showBaseToNovel(runner.baseToNovel.lines) }
        let probes = runner.probes
        if !probes.isEmpty {
            say("\nas training went, mean over data sets and seeds")
            say(table(["method", "epoch", "base", "new"], probes.map { [$0.row, "\($0.epoch)", percent($0.base), percent($0.new)] }))
        }
        for line in plan.empty { note("empty: \(line)") }
        for line in failures(plan, runner) { note("failed: \(line)") }
    }

    private func figure(_ spread: Spread?) -> String {
        guard let spread else { return "-" }
        return percent(spread.mean) + (spread.deviation.map { " ± " + percent($0) } ?? "")
    }

    private func difference(_ spread: Spread?, _ paper: Double?) -> String {
        guard let paper else { return "-" }
        guard let spread else { return String(format: "%.2f", paper) }
        return String(format: "%.2f (%+.1f)", paper, 100 * spread.mean - paper)
    }

    private func name(_ dataset: String, over count: Int?) -> String { count.map { "\(dataset) of \($0)" } ?? dataset }

    private func showBaseToNovel(_ lines: [BaseToNovelTable.Line]) {
        let hasPaper = lines.contains { $0.paper != nil }
        let isGeneralised = lines.contains { $0.generalised != nil }
        var header = ["method", "data", "base", "new", "HM"]
        if hasPaper { header += ["paper base", "new", "HM"] }
        if isGeneralised { header += ["all names: base", "new", "HM"] }
        say(table(header, lines.map { line in
            var row = [
                line.row, name(line.dataset, over: line.datasets), figure(line.figures?.base), figure(line.figures?.new),
                figure(line.figures?.harmonicMean),
            ]
            if hasPaper {
                row += [
                    difference(line.figures?.base, line.paper?.base), difference(line.figures?.new, line.paper?.novel),
                    difference(line.figures?.harmonicMean, line.paper?.harmonicMean),
                ]
            }
            if isGeneralised {
                row += [figure(line.generalised?.base), figure(line.generalised?.new), figure(line.generalised?.harmonicMean)]
            }
            return row
        }, left: [0, 1]))
    }

    private func showTransfer(_ lines: [TransferTable.Line]) {
        let hasPaper = lines.contains { $0.paper != nil }
        say(table(["method", "data", "accuracy"] + (hasPaper ? ["paper"] : []), lines.map { line in
            [line.row, name(line.dataset, over: line.datasets) + (line.isSource ? " (source)" : ""), figure(line.accuracy)]
                + (hasPaper ? [difference(line.accuracy, line.paper)] : [])
        }, left: [0, 1]))
    }

    // MARK: Curves

    private func chart(_ plan: ProtocolPlan, _ runner: ProtocolRunner) -> CurveChart {
        if spec.kind == .ablation {
            let lines = runner.baseToNovel.lines
            let wanted = plan.entries.count > 1 ? "Average" : plan.entries[0].title
            func figures(_ row: ProtocolPlan.Row) -> BaseToNovelTable.Figures? {
                lines.first { $0.row == row.label && $0.dataset == wanted }?.figures
            }
            let names = plan.rows.reduce(into: [String]()) { if !$0.contains($1.curve) { $0.append($1.curve) } }
            // Without a varied key the methods themselves stand along the axis.
            let groups = spec.variation == nil ? [plan.rows] : names.map { name in plan.rows.filter { $0.curve == name } }
            let curves = groups.flatMap { rows -> [CurveChart.Curve] in
                let prefix = groups.count > 1 ? (rows.first?.curve ?? "") + ": " : ""
                return [
                    .init(name: prefix + "base", values: rows.map { figures($0)?.base.mean }, isDashed: true),
                    .init(name: prefix + "new", values: rows.map { figures($0)?.new.mean }, isDashed: true),
                    .init(name: prefix + "HM", values: rows.map { figures($0)?.harmonicMean.mean }),
                ]
            }
            return CurveChart(
                title: spec.name, horizontal: spec.variation?.key ?? "method",
                ticks: spec.variation?.values ?? plan.rows.map(\.label), curves: curves)
        }
        let probes = runner.probes
        let epochs = Set(probes.map(\.epoch)).sorted()
        let curves = plan.rows.flatMap { row -> [CurveChart.Curve] in
            func values(_ pick: (ProtocolRunner.ProbeLine) -> Double?) -> [Double?] {
                epochs.map { epoch in probes.first { $0.row == row.label && $0.epoch == epoch }.flatMap(pick) }
            }
            return [
                .init(name: row.label + ": base", values: values(\.base), isDashed: true),
                .init(name: row.label + ": new", values: values(\.new)),
            ]
        }
        return CurveChart(title: spec.name, horizontal: "epoch", ticks: epochs.map(String.init), curves: curves)
    }

    private func write(_ chart: CurveChart, to path: String) throws {
        if chart.ticks.isEmpty { return note("no curve to draw: the session says neither vary nor probe") }
        try AtomicFile.write(Array(chart.svg.utf8), to: path)
        note("written: \(path)")
    }
}

func mebibytes(_ bytes: Double) -> String {
    bytes < 1e9 ? String(format: "%.0f MiB", bytes / 1_048_576) : String(format: "%.2f GiB", bytes / 1_073_741_824)
}
