import Datasets
import Engine
import Formats
import Foundation
import RunModel
import SessionFile
import Training

/// The runs that a protocol asks for, found before anything is trained.
struct ProtocolPlan {
    struct DataEntry {
        /// As the session names it.
        var key: String
        /// The paper's name, or the folder's.
        var title: String
        /// Nil where it is absent or cannot be read.
        var data: ImageDataset?
        var reason: String?
    }

    /// A row of the table: a method, with the varied value in an ablation.
    struct Row {
        var label: String
        var method: MethodName
        /// The method's label and its place in the varied values.
        var curve: String
        var value: Int?
        var overrides: [String]
        /// Why nothing can be run for it.
        var reason: String?
    }

    struct Run {
        var row: Int
        /// Index into `entries`: what is trained on.
        var data: Int
        var seed: Int
        var spec: SessionSpec
        var cost: MethodCost
        /// Optimiser steps, and images scored by its own evaluations and, in transfer, by those of the targets.
        var steps: Int
        var scored: Int

        var operations: Double {
            Double(steps) * cost.stepOperations + Double(scored) * cost.imageOperations + cost.textOperations
        }
    }

    let spec: ProtocolSpec
    let modelFingerprint: String
    /// In transfer, the source comes first.
    private(set) var entries: [DataEntry] = []
    private(set) var rows: [Row] = []
    private(set) var runs: [Run] = []
    /// A line each, for people, before the first run.
    private(set) var notes: [String] = []

    /// Targets of transfer, or the data sets of base to novel.
    var tested: [DataEntry] { spec.kind.isTransfer ? Array(entries.dropFirst()) : entries }
    /// What is not run, as lines for people.
    var empty: [String] {
        entries.compactMap { entry in entry.reason.map { "\(entry.title): \($0)" } }
            + rows.compactMap { row in row.reason.map { "\(row.label): \($0)" } }
    }
    /// The largest forecast of any run, in bytes.
    var peakBytes: Double {
        runs.map { max($0.cost.trainingBytes, $0.cost.weightBytes + $0.cost.scoringBytes) }.max() ?? 0
    }

    init(_ spec: ProtocolSpec) throws {
        self.spec = spec
        let model = try CLIPFiles(path: spec.model, checkingFinite: false)
        modelFingerprint = model.fingerprint
        var keys = spec.data
        if keys.isEmpty {
            switch spec.kind {
            case .baseToNovel, .ablation: keys = Benchmark.classic.map(\.rawValue)
            case .crossDataset: keys = Benchmark.classic.filter { $0 != .imagenet }.map(\.rawValue)
            case .domainGeneralisation: keys = Benchmark.shifted.map(\.rawValue)
            }
        }
        if spec.kind.isTransfer { keys.insert(spec.source ?? "imagenet", at: 0) }
        for key in keys {
            var entry = open(key)
            // Two folders of one name stay apart in the table.
            if entries.contains(where: { $0.title == entry.title }) { entry.title = key }
            entries.append(entry)
        }
        makeRows()
        let trained = spec.kind.isTransfer ? [0] : Array(entries.indices)
        for row in rows.indices {
            for index in trained {
                guard rows[row].reason == nil, let data = entries[index].data else { continue }
                // Nothing of zero-shot CLIP depends on the seed.
                for seed in rows[row].method == .zeroshot ? Array(spec.seeds.prefix(1)) : spec.seeds {
                    do {
                        let made = try run(row: row, index: index, data: data, seed: seed, model: model)
                        runs.append(made)
                    } catch let error as SessionDiagnostics {
                        throw error
                    } catch {
                        rows[row].reason = "\(error)"
                        break
                    }
                }
            }
        }
        runs.removeAll { rows[$0.row].reason != nil }
    }

    // MARK: Data

    private func open(_ key: String) -> DataEntry {
        let benchmark = Benchmark(named: key)
        var candidates: [String] = []
        for name in [key] + (benchmark.map { [$0.folder, $0.rawValue] } ?? []) {
            if name.hasPrefix("/") { candidates.append(name) } else { candidates += spec.roots.map { $0 + "/" + name } }
        }
        let found = candidates.first { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
        }
        var entry = DataEntry(key: key, title: benchmark?.title ?? (key as NSString).lastPathComponent)
        guard let found else {
            entry.reason = "the data set is absent; looked for \(candidates.prefix(3).joined(separator: ", "))"
            return entry
        }
        do {
            let data = try ImageDataset.open(path: (found as NSString).standardizingPath)
            if !spec.allowMissing { try data.requireComplete() }
            entry.title = data.benchmark?.title ?? entry.title
            entry.data = data
        } catch {
            entry.reason = "\(error)"
        }
        return entry
    }

    // MARK: Rows

    private mutating func makeRows() {
        for method in spec.methods {
            guard let variation = spec.variation else {
                rows.append(Row(label: method.label, method: .maple, curve: method.label, value: nil, overrides: method.overrides))
                continue
            }
            let key = variation.key.split(separator: ".").last.map(String.init) ?? variation.key
            for (index, value) in variation.values.enumerated() {
                rows.append(
                    Row(
                        label: spec.methods.count == 1 ? "\(key) \(value)" : "\(method.label), \(key) \(value)", method: .maple,
                        curve: method.label, value: index, overrides: method.overrides + ["\(variation.key)=\(value)"]))
            }
        }
        for index in rows.indices {
            let name = (spec.shared + rows[index].overrides).last { $0.hasPrefix("method.name=") }
            let word = name?.dropFirst("method.name=".count).trimmingCharacters(in: CharacterSet(charactersIn: "\" '")) ?? "maple"
            rows[index].method = MethodName(rawValue: word) ?? .maple
        }
    }

    // MARK: Runs

    private mutating func run(row: Int, index: Int, data: ImageDataset, seed: Int, model: CLIPFiles) throws -> Run {
        let entry = entries[index], isTransfer = spec.kind.isTransfer
        var overrides = spec.shared + (spec.dataOverrides[entry.key] ?? spec.dataOverrides[entry.title] ?? []) + rows[row].overrides
        let givesTemplate = overrides.contains { $0.hasPrefix("data.template=") }
        let subsets = isTransfer ? ["all"] : spec.generalised ? ["base", "new", "all"] : ["base", "new"]
        overrides += [
            "data.classes=\(isTransfer ? "all" : "base")", "eval.classes=[\(subsets.map { "\"\($0)\"" }.joined(separator: ", "))]",
        ]
        if !overrides.contains(where: { $0.hasPrefix("eval.every=") }) { overrides.append("eval.every=\(spec.probe ? 1 : 0)") }
        var session = try SessionFile.parse(
            text: "[model]\npath = \".\"\n[data]\npath = \".\"\n", name: spec.name, overrides: overrides)
        session.name = "\(spec.name) \(entry.title) \(rows[row].label)"
        session.seed = seed
        // Zero-shot CLIP is a row of its own in a protocol's tables.
        session.eval.zeroShot = false
        session.model.path = spec.model
        session.data.path = data.folder
        session.data.allowMissing = spec.allowMissing
        if !givesTemplate, let template = data.template { session.data.template = template }
        // A zero-shot run reads none of this: one run serves protocols of any recipe.
        if session.method.name == .zeroshot { session.optim = OptimSpec() }

        try check(session.method, model.configuration)
        for entry in [entry] + (isTransfer ? tested : []) {
            guard let names = entry.data?.classNames else { continue }
            try ClassSentences.checkRoom(
                names, method: session.method, tokenizer: model.tokenizer, window: model.configuration.contextLength)
        }
        let training = data.fewShot(shots: session.data.shots, seed: seed).cut(to: session.data.classes)
        func sentences(_ names: [String]) -> ClassSentences {
            ClassSentences(
                classNames: names, spec: session, tokenizer: model.tokenizer, window: model.configuration.contextLength)
        }
        let mine = sentences(training.classNames)
        let cost = try MethodCost(
            shape: CLIPShape(model.configuration), method: session.method, sentences: mine.tokens,
            classes: training.classNames.count, batch: session.optim.batch)
        if seed == spec.seeds.first {
            for line in sentences(data.classNames).warnings + data.warnings { add("\(entry.title): \(line)") }
            if session.method.name != .zeroshot, let line = training.belowShots(session.data.shots) { add("\(entry.title): \(line)") }
        }
        let isTrained = session.method.name != .zeroshot
        if isTrained, training.train.isEmpty {
            throw TrainingError.emptySubset(subset: "train", classes: session.data.classes.rawValue, data: data.folder)
        }
        let steps = isTrained ? BatchLoader.stepsPerEpoch(images: training.train.count, batch: session.optim.batch) * session.optim.epochs : 0
        let evaluations = session.eval.every > 0 && isTrained ? max(1, session.optim.epochs / session.eval.every) : 1
        let own = data.items(of: session.eval.subset).count * (spec.generalised && !isTransfer ? 2 : 1)
        let others = isTransfer ? tested.reduce(0) { $0 + ($1.data?.items(of: session.eval.subset).count ?? 0) } : 0
        return Run(
            row: row, data: index, seed: seed, spec: session, cost: cost, steps: steps, scored: own * evaluations + others)
    }

    private func check(_ method: MethodSpec, _ configuration: CLIPConfiguration) throws {
        let parts = MethodCost.towers(of: method)
        let depths = [
            (parts.text ? method.depth : 0, "text", configuration.text.layers),
            (parts.vision ? method.visionDepth ?? method.depth : 0, "vision", configuration.vision.layers),
        ]
        for (depth, tower, layers) in depths where depth > layers {
            throw ProtocolError.depth(asked: depth, tower: tower, layers: layers)
        }
    }

    private mutating func add(_ note: String) {
        if !notes.contains(note) { notes.append(note) }
    }
}

/// What is wrong with a protocol; `description` says what to do.
enum ProtocolError: Error, CustomStringConvertible {
    case depth(asked: Int, tower: String, layers: Int)
    case nothingToRun([String])
    case running(folder: String, process: Int)
    case noFigures(folder: String)

    var description: String {
        switch self {
        case .depth(let asked, let tower, let layers):
            "a prompt depth of \(asked) is beyond the \(layers) layers of the \(tower) tower. Set method.depth to \(layers) or less."
        case .nothingToRun(let reasons):
            "nothing of this protocol can be run: \(reasons.joined(separator: "; ")). Check data, root and methods."
        case .running(let folder, let process):
            "\(folder) is being trained by process \(process). Wait for it, or stop it, and start the protocol again."
        case .noFigures(let folder):
            "\(folder) is finished, but lacks the evaluations that the table wants. Remove the folder and start the protocol again."
        }
    }
}

extension MethodCost {
    /// Which towers get deep prompts.
    static func towers(of method: MethodSpec) -> (text: Bool, vision: Bool) {
        switch method.name {
        case .zeroshot, .coop, .cocoop: (false, false)
        case .vision: (false, true)
        case .language: (true, false)
        case .independent, .maple: (true, true)
        }
    }
}
