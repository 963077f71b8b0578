import Foundation
import RunModel
import RunStore
import Screen

/// Opening one run: everything that its folder holds up to now.
extension RunLibrary {
    func trace(of id: RunID) throws -> RunTrace { try open(id).trace }

    /// - Returns: the run up to now, and a reader of what comes after.
    /// - Throws: `RunStoreError`.
    func open(_ id: RunID) throws -> (trace: RunTrace, tail: RunTail) {
        let folder = RunFolder(path: id)
        guard let row = row(id) else { throw RunStoreError.noSuchRun(query: id, root: root) }
        let columns = try MetricColumns.read(folder.metricsFile)
        let reader = EventsReader(path: folder.eventsFile)
        let events = try reader.readNew()
        var trace = RunTrace(row: row)
        for recorded in events {
            // What was evaluated is read from its files; the row above says how things stand.
            trace.apply(recorded.event)
        }
        trace.evaluations = evaluations(folder, told: events)
        trace.checkpoints = ((try? folder.checkpoints()) ?? []).map { checkpoint in
            let step = checkpoint.step ?? 0
            return CheckpointEntry(file: checkpoint.file, step: step, epoch: checkpoint.epoch ?? step / trace.stepsPerEpoch)
        }
        trace.setColumns(
            steps: columns.steps, times: columns.times, loss: columns.loss, accuracy: columns.accuracy,
            learningRate: columns.learningRate, throughput: columns.imagesPerSecond)
        trace.setNorms(columns.samples)
        noteFaults(columns, in: &trace)
        let total = trace.row.totalSteps
        trace.row = row
        trace.row.evaluations = trace.evaluations.map { result in
            var figures = result
            figures.perClass = []
            return figures
        }
        if row.totalSteps == 0 { trace.row.totalSteps = total }
        if let last = columns.steps.last, row.status.isActive || row.status == .interrupted {
            trace.row.step = Int(last)
            trace.row.seconds = Double(columns.times[columns.count - 1])
            trace.row.loss = Double(columns.loss[columns.count - 1])
        }
        return (trace, RunTail(id, events: reader, after: columns))
    }

    /// Losses that are no numbers, and lines that could not be read, belong into the log.
    private func noteFaults(_ columns: MetricColumns, in trace: inout RunTrace) {
        var lines = trace.log
        let broken = columns.loss.indices.lazy.filter { !columns.loss[$0].isFinite }.prefix(20)
        for index in broken {
            let value = columns.loss[index].isNaN ? "NaN" : (columns.loss[index] < 0 ? "-inf" : "inf")
            lines.append(.init(step: Int(columns.steps[index]), text: "loss is \(value)", role: .bad))
        }
        if columns.damagedLines > 0 {
            lines.append(.init(step: 0, text: "\(columns.damagedLines) damaged lines of metrics.jsonl were left out", role: .warning))
        }
        guard lines.count > trace.log.count else { return }
        trace.log = lines.enumerated().sorted { ($0.element.step, $0.offset) < ($1.element.step, $1.offset) }.map(\.element)
    }

    /// The evaluations of a run without predictions, by step; zero-shot figures before the method's, base before new before all.
    private func evaluations(_ folder: RunFolder, told events: [RecordedEvent]) -> [EvaluationResult] {
        var found: [EvaluationResult] = []
        for file in (try? folder.evaluationFiles()) ?? [] {
            if let result = try? folder.evaluationHead(file) { found.append(result) }
        }
        // A file that is gone or damaged still has its figures in the events.
        var known = Set(found.map(EvaluationKey.init))
        for case .evaluated(let result) in events.lazy.map(\.event) where known.insert(EvaluationKey(result)).inserted {
            found.append(result)
        }
        func rank(_ result: EvaluationResult) -> (Int, Int, Int, String) {
            (result.step, result.method == .zeroshot ? 0 : 1, ClassSubset.allCases.firstIndex(of: result.classes) ?? 0, result.data)
        }
        return found.sorted { rank($0) < rank($1) }
    }

    /// One evaluation with its predictions.
    /// - Throws: `LibraryError.noEvaluation`, `RunStoreError`.
    func evaluation(of id: RunID, _ key: EvaluationKey) throws -> EvaluationResult {
        let folder = RunFolder(path: id)
        for file in try folder.evaluationFiles() {
            guard let head = try? folder.evaluationHead(file), EvaluationKey(head) == key else { continue }
            return try folder.evaluation(file)
        }
        throw LibraryError.noEvaluation(run: folder.name, key)
    }
}

/// What the workbench cannot read of a run.
enum LibraryError: Error, CustomStringConvertible {
    case noEvaluation(run: String, EvaluationKey)
    /// The image is not where it was.
    case imageGone(path: String, isFolderThere: Bool)
    case noCheckpoint(run: String, step: Int?)
    case noFreeName(path: String)

    var description: String {
        switch self {
        case .noEvaluation(let run, let key):
            "the predictions of the \(key.classes.rawValue) classes at step \(key.step) are not kept in \(run). Evaluate it again: maple eval \(run) --save"
        case .imageGone(let path, let isFolderThere):
            isFolderThere ? "the image was at \(path). Was it moved or deleted?" : "the image was at \(path); the data folder is gone. Is its disk there?"
        case .noCheckpoint(let run, let step):
            "there is no checkpoint of \(run)\(step.map { " at or before step \($0)" } ?? ""). Write one (snapshot), or compare later steps."
        case .noFreeName(let path): "cannot find a free name like \(path). Move old exports away."
        }
    }
}
