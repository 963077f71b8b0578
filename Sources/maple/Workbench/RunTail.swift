import Foundation
import RunModel
import RunStore
import Screen

/// A run of another process as its folder tells it, from where it was opened on.
///
/// Unchecked: used by one queue at a time; whoever read the beginning hands it over.
final class RunTail: @unchecked Sendable {
    let id: RunID
    private let folder: RunFolder
    private let events: EventsReader
    private let place: MetricColumns
    private var metrics: MetricsReader?

    /// - Parameters:
    ///   - events: has read what is known of the run.
    ///   - columns: the steps that are known.
    init(_ id: RunID, events: EventsReader, after columns: MetricColumns) {
        self.id = id
        folder = RunFolder(path: id)
        self.events = events
        place = columns.placeOnly
    }

    /// What was added since the last call, evaluations without their predictions; nil when the run was taken up again from an
    /// earlier step, so that it has to be opened anew.
    /// - Throws: `RunStoreError`.
    func news() throws -> [RunEvent]? {
        var points: ArraySlice<MetricPoint> = []
        if metrics == nil, FileManager.default.fileExists(atPath: folder.metricsFile) {
            metrics = try MetricsReader(path: folder.metricsFile, after: place)
        }
        if let batch = try metrics?.readNew(norms: true) {
            if batch.restarted { return nil }
            points = batch.points[...]
        }
        // Events stand between the steps they belong to.
        var merged: [RunEvent] = []
        for recorded in try events.readNew() {
            if let step = recorded.event.step {
                while let first = points.first, first.step <= step {
                    merged.append(.step(first))
                    points.removeFirst()
                }
            }
            merged.append(whole(recorded))
        }
        return merged + points.map { .step($0) }
    }

    /// An evaluation's line holds its figures alone: its classes are in a file of their own.
    private func whole(_ recorded: RecordedEvent) -> RunEvent {
        guard case .evaluated = recorded.event, let file = recorded.file, let result = try? folder.evaluationHead(file) else { return recorded.event }
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
