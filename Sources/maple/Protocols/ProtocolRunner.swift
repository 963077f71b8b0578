import Analysis
import Datasets
import Dispatch
import Engine
import Foundation
import RunModel
import RunStore
import SessionFile
import Synchronization
import Training

/// Runs what a plan lacks, in run folders, and gathers the figures.
///
/// A run is told by its resolved session (its name aside) and the fingerprints of model and data that it noted: finished ones
/// are used, interrupted ones go on. So a protocol that was killed ends with the same table.
final class ProtocolRunner {
    /// A run's folder and what it scored.
    struct Outcome {
        var plan: ProtocolPlan.Run
        var folder: RunFolder
        var wasThere: Bool
        /// By epoch, from the run's events: new and base accuracy as training went.
        var probes: [EvaluationResult]
        /// The last evaluations of the run's own data.
        var own: [ClassSubset: EvaluationResult]
        /// By the target's title.
        var targets: [String: EvaluationResult]
        var seconds: Double
    }

    let plan: ProtocolPlan
    let root: String
    let threads: Int
    let progress: ProgressLine
    /// Asked between runs and between targets.
    var isStopped: () -> Bool = { false }
    private(set) var outcomes: [Outcome] = []
    /// Runs that failed, and why.
    private(set) var failures: [(run: ProtocolPlan.Run, reason: String)] = []
    private var model: ModelFolder?

    init(plan: ProtocolPlan, root: String, threads: Int, progress: ProgressLine) {
        self.plan = plan
        self.root = root
        self.threads = threads
        self.progress = progress
    }

    /// Folders whose session and fingerprints are those of a planned run; the most complete one first.
    private struct Known {
        var folder: RunFolder
        var spec: SessionSpec
        var provenance: Provenance?
        var overview: RunOverview
    }
    private var known: [Known] = []

    private static func nameless(_ spec: SessionSpec) -> SessionSpec {
        var spec = spec
        spec.name = ""
        return spec
    }

    private func look() throws {
        known = try RunList.scan(root).compactMap { overview in
            let folder = RunFolder(path: overview.path)
            guard let text = try? folder.sessionText(), let spec = try? SessionFile.parse(text: text, name: "session.toml") else { return nil }
            return Known(folder: folder, spec: Self.nameless(spec), provenance: SessionFile.recorded(text: text), overview: overview)
        }
    }

    private func match(_ run: ProtocolPlan.Run) -> Known? {
        let wanted = Self.nameless(run.spec)
        let data = plan.entries[run.data].data?.fingerprint
        return known.filter {
            $0.spec == wanted && $0.provenance?.model == plan.modelFingerprint && $0.provenance?.data == data
        }
        .sorted { a, b in
            let finished = (a.overview.state == .finished, b.overview.state == .finished)
            return finished.0 == finished.1 ? a.overview.steps > b.overview.steps : finished.0
        }
        .first
    }

    /// How many of the planned runs are finished already, and the rate in operations a second that finished runs of this model had.
    func survey() throws -> (finished: Int, started: Int, rate: Double?) {
        try look()
        var finished = 0, started = 0, operations = 0.0, seconds = 0.0
        for run in plan.runs {
            guard let match = match(run) else { continue }
            if match.overview.state == .finished {
                finished += 1
                operations += Double(run.steps) * run.cost.stepOperations
                seconds += match.overview.seconds
            } else {
                started += 1
            }
        }
        return (finished, started, seconds > 0.5 && operations > 0 ? operations / seconds : nil)
    }

    /// - Returns: whether all runs were made; false when it was stopped.
    func run() throws -> Bool {
        try look()
        for (number, run) in plan.runs.enumerated() {
            if isStopped() { return false }
            let title = "\(number + 1)/\(plan.runs.count) \(plan.rows[run.row].label), \(plan.entries[run.data].title), seed \(run.seed)"
            do {
                guard try carryOut(run, title) else { return false }
            } catch {
                if case ProtocolError.running = error { throw error }
                // One run that fails leaves its place empty; the others go on.
                failures.append((run, "\(error)"))
                progress.line("failed: \(title): \(error)")
            }
        }
        return true
    }

    private func carryOut(_ run: ProtocolPlan.Run, _ title: String) throws -> Bool {
        let match = match(run)
        var folder: RunFolder
        var wasThere = false
        if let match, match.overview.state == .finished {
            (folder, wasThere) = (match.folder, true)
            progress.line("\(title): finished already, \(match.folder.name)")
        } else {
            if let match, case .running(let process, _) = match.overview.state {
                throw ProtocolError.running(folder: match.folder.path, process: process)
            }
            // Without its drawn samples a run ended before it began.
            let goesOn = match.flatMap { FileManager.default.fileExists(atPath: $0.folder.samplesFile) ? $0.folder : nil }
            progress.line("\(title)\(goesOn == nil ? "" : ": going on with \(goesOn?.name ?? "")")")
            let training = TrainingRun(
                spec: run.spec, start: goesOn.map(TrainingRun.Start.resume) ?? .new(root: root), threads: threads, progress: progress)
            let outcome = try training.run()
            folder = outcome.folder
            guard outcome.summary != nil else { return false }
        }
        var outcome = Outcome(plan: run, folder: folder, wasThere: wasThere, probes: [], own: [:], targets: [:], seconds: 0)
        try read(&outcome)
        if plan.spec.kind.isTransfer { guard try transfer(&outcome, title) else { return false } }
        outcomes.append(outcome)
        return true
    }

    // MARK: Figures

    private func read(_ outcome: inout Outcome) throws {
        let spec = outcome.plan.spec
        for recorded in try outcome.folder.events() {
            guard case .evaluated(let result) = recorded.event, result.data == spec.data.path, result.method == spec.method.name else { continue }
            outcome.probes.removeAll { $0.step == result.step && $0.classes == result.classes }
            outcome.probes.append(result)
        }
        let last = outcome.probes.map(\.step).max() ?? 0
        for classes in spec.eval.classes {
            let file = "evaluations/\(last)-\(classes.rawValue)-\(spec.eval.subset.rawValue).json"
            guard let result = try? outcome.folder.evaluation(file) else { throw ProtocolError.noFigures(folder: outcome.folder.path) }
            outcome.own[classes] = result
        }
        outcome.seconds = RunList.overview(outcome.folder)?.seconds ?? 0
    }

    /// Scores the trained model on every target that is there; kept in the run's evaluations, and read from there again.
    private func transfer(_ outcome: inout Outcome, _ title: String) throws -> Bool {
        let spec = outcome.plan.spec
        let step = outcome.own[.all]?.step ?? 0, epoch = outcome.own[.all]?.epoch ?? 0
        var prompts: LearnedPrompts?
        for entry in plan.tested {
            guard let data = entry.data else { continue }
            if isStopped() { return false }
            let slug = entry.title.lowercased().map { $0.isLetter || $0.isNumber ? String($0) : "-" }.joined()
            let file = "evaluations/\(step)-all-\(spec.eval.subset.rawValue)-\(slug)-\(data.fingerprint.prefix(8)).json"
            if let kept = try? outcome.folder.evaluation(file) {
                outcome.targets[entry.title] = kept
                continue
            }
            let model = try self.model ?? ModelFolder(spec.model, threads: threads)
            self.model = model
            if spec.method.name != .zeroshot, prompts == nil {
                guard let newest = try outcome.folder.newestCheckpoint() else {
                    throw TrainingError.checkpoint(path: outcome.folder.checkpointsFolder, what: "there is none. Train the run again.")
                }
                prompts = try Checkpoint.open(path: outcome.folder.path + "/" + newest.file, model: model).prompts
            }
            // Zero-shot CLIP reads each target in its own sentence.
            var ownSpec = spec
            ownSpec.data.template = data.template ?? DataSpec(path: "").template
            let sentences = ClassSentences(
                classNames: data.classNames, spec: ownSpec, tokenizer: model.tokenizer, window: model.configuration.contextLength)
            let task = Evaluator.Task(
                data: data, classes: .all, subset: spec.eval.subset, sentences: sentences.tokens, method: spec.method.name,
                step: step, epoch: epoch, batch: spec.eval.batch)
            progress.line("\(title): testing on \(entry.title)")
            let result = try Evaluator(model: model, cache: ImageCache(byteLimit: 0)).evaluate(task, prompts: prompts) { done, total in
                progress.show(.evaluationProgress(classes: .all, done: done, total: total))
                return !isStopped()
            }
            guard let result else { return false }
            try EvaluationFile.write(result, to: outcome.folder.path + "/" + file)
            outcome.targets[entry.title] = result
        }
        return true
    }

    var baseToNovel: BaseToNovelTable {
        let scores = outcomes.compactMap { outcome -> BaseToNovelScore? in
            guard let base = outcome.own[.base]?.accuracy, let new = outcome.own[.new]?.accuracy else { return nil }
            let row = plan.rows[outcome.plan.row]
            var score = BaseToNovelScore(
                row: row.label, method: row.method, dataset: plan.entries[outcome.plan.data].title, seed: outcome.plan.seed,
                base: base, new: new)
            if let all = outcome.own[.all] {
                let half = (all.perClass.count + 1) / 2
                score.generalisedBase = Self.accuracy(all.perClass[..<half])
                score.generalisedNew = Self.accuracy(all.perClass[half...])
            }
            return score
        }
        return BaseToNovelTable(
            scores, rows: plan.rows.map { ($0.label, $0.method) }, datasets: plan.entries.map(\.title),
            usesPaper: plan.spec.variation == nil)
    }

    private static func accuracy(_ classes: ArraySlice<ClassResult>) -> Double {
        let count = classes.reduce(0) { $0 + $1.count }
        return count == 0 ? 0 : Double(classes.reduce(0) { $0 + $1.correct }) / Double(count)
    }

    var transferTable: TransferTable {
        let source = plan.entries[0].title
        let scores = outcomes.flatMap { outcome -> [TransferScore] in
            let row = plan.rows[outcome.plan.row]
            func score(_ dataset: String, _ result: EvaluationResult) -> TransferScore {
                TransferScore(row: row.label, method: row.method, dataset: dataset, seed: outcome.plan.seed, accuracy: result.accuracy)
            }
            return (outcome.own[.all].map { [score(source, $0)] } ?? []) + outcome.targets.map { score($0.key, $0.value) }
        }
        return TransferTable(
            scores, kind: plan.spec.kind, rows: plan.rows.map { ($0.label, $0.method) }, source: source,
            targets: plan.tested.map(\.title))
    }

    /// A row's accuracy after each epoch: means over data sets and seeds.
    struct ProbeLine: Encodable {
        var row: String
        var epoch: Int
        var base: Double?
        var new: Double?
    }

    var probes: [ProbeLine] {
        guard plan.spec.probe else { return [] }
        return plan.rows.indices.flatMap { index -> [ProbeLine] in
            let own = outcomes.filter { $0.plan.row == index }
            func mean(_ epoch: Int, _ classes: ClassSubset) -> Double? {
                Spread(own.flatMap { $0.probes.filter { $0.epoch == epoch && $0.classes == classes }.map(\.accuracy) })?.mean
            }
            return Set(own.flatMap { $0.probes.map(\.epoch) }).sorted().map {
                ProbeLine(row: plan.rows[index].label, epoch: $0, base: mean($0, .base), new: mean($0, .new))
            }
        }
    }
}
