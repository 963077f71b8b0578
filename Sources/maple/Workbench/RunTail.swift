import Foundation
import RunModel
import RunStore
import Screen
import SessionFile

/// A run of another process as its folder tells it: everything up to now, then what is added.
///
/// Unchecked: used by one queue at a time; whoever read the beginning hands it over.
final class RunTail: @unchecked Sendable {
    let id: RunID
    private let folder: RunFolder
    private let events: EventsReader
    private var metrics: MetricsReader?

    init(_ id: RunID) {
        self.id = id
        folder = RunFolder(path: id)
        events = EventsReader(path: folder.eventsFile)
    }

    /// What was added since the last call; nil when the run was taken up again from an earlier step, so that it has to be read anew.
    func news() throws -> [RunEvent]? {
        var points: [MetricPoint] = []
        if metrics == nil, FileManager.default.fileExists(atPath: folder.metricsFile) { metrics = try MetricsReader(path: folder.metricsFile) }
        if let batch = try metrics?.readNew(norms: true) {
            if batch.restarted { return nil }
            points = batch.points
        }
        // Events stand between the steps they belong to.
        var merged: [RunEvent] = []
        for recorded in try events.readNew() {
            if let step = recorded.event.step {
                while let first = points.first, first.step <= step { merged.append(.step(points.removeFirst())) }
            }
            merged.append(whole(recorded))
        }
        return merged + points.map { .step($0) }
    }

    /// An evaluation's line holds its figures alone: classes and predictions are in a file of their own.
    private func whole(_ recorded: RecordedEvent) -> RunEvent {
        guard case .evaluated = recorded.event, let file = recorded.file, let result = try? folder.evaluation(file) else { return recorded.event }
        return .evaluated(result)
    }
}

extension RunEvent {
    /// The step that an event tells of, where it does.
    var step: Int? {
        switch self {
        case .started(_, _, let step), .checkpointWritten(_, let step), .commandTaken(_, let step), .paused(let step), .proceeding(let step),
            .stopped(let step):
            step
        case .step(let point): point.step
        case .evaluated(let result): result.step
        case .finished(let summary): summary.steps
        case .evaluationProgress, .warning, .failed: nil
        }
    }
}
