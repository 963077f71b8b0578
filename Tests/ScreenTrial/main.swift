import Foundation
import RunModel
import Screen
import TerminalUI
import ThemeFile

/// Drives the terminal loop with a backend that makes its numbers up, so that the tests can work real keys in a real terminal.
/// `--train` starts a run at once, of `--steps` steps; `--crash` traps thirty steps into it; `--log` names a file for what happened.
final class TrialBackend: WorkbenchBackend, @unchecked Sendable {
    // @unchecked: everything below is touched inside `queue` alone.
    private let queue = DispatchQueue(label: "trial")
    private var mailbox: Mailbox?
    private var rows: [RunRow] = []
    private var traces: [RunID: RunTrace] = [:]
    private var paused = false
    private var stopping = false
    private var training = false
    private var saved: [SessionEntry] = []
    private let crashes: Bool
    private let steps: Int
    private let log: String?

    init(crashes: Bool, steps: Int, log: String?) {
        self.crashes = crashes
        self.steps = steps
        self.log = log
        saved = [SessionEntry(id: "/sessions/demo.toml", spec: Self.spec("demo"))]
    }

    static func spec(_ name: String) -> SessionSpec {
        SessionSpec(name: name, model: ModelSpec(path: "/models/photo-nano"), data: DataSpec(path: "/data/tiny"))
    }

    private func note(_ text: String) {
        guard let log, let file = FileHandle(forWritingAtPath: log) else { return }
        file.seekToEndOfFile()
        file.write(Data((text + "\n").utf8))
        try? file.close()
    }

    func attach(_ mailbox: Mailbox) { queue.sync { self.mailbox = mailbox } }
    func sessions() throws -> [SessionEntry] { queue.sync { saved } }
    func runs() throws -> [RunRow] { queue.sync { rows } }
    func trace(of run: RunID) throws -> RunTrace {
        try queue.sync {
            guard let trace = traces[run] else { throw TrialError(text: "no run \(run)") }
            return trace
        }
    }
    func follow(_ run: RunID) throws {}
    func evaluation(of run: RunID, _ key: EvaluationKey) throws -> EvaluationResult { throw TrialError(text: "no predictions kept") }
    func resume(_ run: RunID) throws { throw TrialError(text: "cannot resume") }

    func start(_ spec: SessionSpec) throws -> RunID {
        queue.sync {
            let id = "/runs/\(spec.name)-\(rows.count + 1)"
            var row = RunRow(id: id, spec: spec, status: .running, totalSteps: steps, began: Date().timeIntervalSince1970)
            row.status = .running
            rows.append(row)
            traces[id] = RunTrace(row: row, stepsPerEpoch: 400)
            training = true
            let trainer = Thread { [self] in train(id) }
            trainer.start()
            return id
        }
    }

    private func tell(_ id: RunID, _ event: RunEvent) {
        queue.sync {
            traces[id]?.apply(event)
            if let place = rows.firstIndex(where: { $0.id == id }), let row = traces[id]?.row { rows[place] = row }
            mailbox?.post(.run(id, event))
        }
    }

    var isTraining: Bool { queue.sync { training } }
    func stopTraining() { queue.sync { stopping = true } }

    private func train(_ id: RunID) {
        defer {
            queue.sync {
                training = false
                mailbox?.post(.trainingEnded)
            }
        }
        tell(id, .started(totalSteps: steps, stepsPerEpoch: 400, fromStep: 0))
        for step in 1...max(1, steps) {
            Thread.sleep(forTimeInterval: 0.02)
            while queue.sync(execute: { paused && !stopping }) { Thread.sleep(forTimeInterval: 0.01) }
            if queue.sync(execute: { stopping }) {
                note("stopped at \(step)")
                tell(id, .stopped(step: step))
                return
            }
            if crashes, step == 30 { fatalError("a crash on purpose") }
            let loss = 0.4 + 2 * exp(-Double(step) / 250) + Double.random(in: -0.15...0.15)
            let norms = (0..<9).flatMap { depth in
                [PromptNorm(kind: .text, depth: depth, tokens: [0.4 + Float(step) / 2000, 0.5], gradient: 0.01, moved: 0.1)]
            }
            tell(id, .step(MetricPoint(step: step, epoch: (step - 1) / 400, loss: loss, accuracy: 0.5 + Double(step) / 5000, learningRate: 0.0035, time: Double(step) * 0.02, imagesPerSecond: 200, norms: norms)))
            if step == 50 {
                tell(id, .evaluated(EvaluationResult(
                    method: .maple, data: "/data/tiny", split: nil, classes: .base, subset: .test, step: step, epoch: 0, accuracy: 0.7, macroF1: 0.69, count: 400, loss: 0.9,
                    perClass: (0..<20).map { ClassResult(name: "class \($0)", correct: 8 + $0 % 12, count: 20) }, predictions: [], skipped: [], seconds: 1)))
            }
        }
        note("finished")
        tell(id, .finished(RunSummary(steps: steps, seconds: Double(steps) * 0.02, loss: 0.4)))
    }

    func send(_ command: RunCommand, to run: RunID) throws {
        switch command {
        case .pause:
            queue.sync { paused = true }
            tell(run, .paused(step: 0))
        case .proceed:
            queue.sync { paused = false }
            tell(run, .proceeding(step: 0))
        case .stop: queue.sync { stopping = true }
        default: tell(run, .commandTaken(command, step: queue.sync { traces[run]?.row.step ?? 0 }))
        }
    }

    func save(_ spec: SessionSpec, replacing path: String?) throws -> String {
        queue.sync {
            let id = path ?? "/sessions/\(spec.name).toml"
            saved.removeAll { $0.id == id }
            saved.append(SessionEntry(id: id, spec: spec))
            return id
        }
    }
    func deleteSession(_ path: String) throws { queue.sync { saved.removeAll { $0.id == path } } }
    func deleteRun(_ run: RunID) throws { queue.sync { rows.removeAll { $0.id == run } } }
    func listFolder(_ path: String) throws -> FolderListing {
        FolderListing(path: path, entries: [.init(name: "photo-nano", isFolder: true, note: "model"), .init(name: "notes.txt", isFolder: false, note: "2 KiB")])
    }
    func describe(_ path: String, as purpose: PathPurpose) throws -> PathDescription {
        PathDescription(path: path, purpose: purpose, text: purpose == .model ? "CLIP ViT-B/16, 512 wide" : "20 classes, 400 images", isUsable: path.contains("nano") || path.contains("tiny"))
    }
    func thumbnail(of path: String, under data: String, in run: RunID) throws -> Thumbnail { throw TrialError(text: "the image was at \(path)") }
    func comparePrompts(_ members: [CheckpointID]) throws -> PromptComparison { PromptComparison(members: members, rows: []) }
    func features(of run: RunID, _ key: EvaluationKey, progress: @escaping @Sendable (String, Int, Int) -> Bool) throws -> FeatureMap? { nil }
    func write(_ text: String, name: String) throws -> String {
        note("wrote \(name) \(text.utf8.count)")
        return "/exports/" + name
    }
    func saveSettings(theme: String, glyphs: Glyphs, mouse: Bool) { note("settings \(theme)") }
}

struct TrialError: Error, CustomStringConvertible {
    var text: String
    var description: String { text }
}

let arguments = CommandLine.arguments
func value(_ name: String) -> String? {
    guard let place = arguments.firstIndex(of: name), place + 1 < arguments.count else { return nil }
    return arguments[place + 1]
}
let backend = TrialBackend(crashes: arguments.contains("--crash"), steps: value("--steps").flatMap { Int($0) } ?? 2000, log: value("--log"))
let (themes, warnings) = ThemeFile.readAll(folders: value("--themes").map { [$0] } ?? [])
let options = WorkbenchOptions(
    themes: themes, themeName: value("--theme"), glyphs: value("--glyphs").flatMap(Glyphs.init), color: value("--color").flatMap(ColorChoice.init) ?? .auto,
    firstEffects: arguments.contains("--train") ? [.start(TrialBackend.spec("demo"))] : [], greeting: warnings.first?.description)
let end = Workbench(backend: backend, options: options).run()
print("ended: \(end)")
