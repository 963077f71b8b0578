import Foundation
import RunModel

/// Makes the folder of a run that was trained elsewhere: lists, charts and comparisons read it like any other, but it is
/// never trained on. Its `summary.json` names where it came from (`source`).
public enum ImportedRun {
    /// - Parameters:
    ///   - overview: `source` is set; `path` and `state` are filled in here.
    ///   - session: `session.toml`, where the import knows what one would say.
    ///   - samples: `samples.json`: the classes it was trained on, where these are known.
    ///   - points: `metrics.jsonl`, by step.
    ///   - fill: writes what else there is, such as checkpoints, before the run is listed.
    /// - Throws: `RunStoreError`, or what `fill` throws; the folder is then removed.
    public static func create(
        in root: String, _ overview: RunOverview, session: String? = nil, samples: DrawnSamples? = nil, points: [MetricPoint] = [],
        fill: (RunFolder) throws -> Void = { _ in }
    ) throws -> RunFolder {
        let run = try RunFolder.create(in: root, name: overview.name, seed: overview.seed ?? 0)
        do {
            if let session { try AtomicFile.write(Array(session.utf8), to: run.sessionFile) }
            if let samples { try SamplesFile.write(samples, to: run.samplesFile) }
            if !points.isEmpty {
                try AtomicFile.write(to: run.metricsFile) { append in
                    for point in points { try append(MetricLine.encode(point) + [0x0A]) }
                }
            }
            try fill(run)
            var listed = overview
            listed.path = run.path
            listed.state = .finished
            try AtomicFile.write(SummaryFile(listed).encode(), to: run.summaryFile)
            return run
        } catch {
            try? FileManager.default.removeItem(atPath: run.path)
            throw error
        }
    }

    /// - Throws: `RunStoreError.imported` for a run that was not trained here.
    public static func refuse(_ run: RunFolder) throws {
        if let source = try? SummaryFile.read(run).source { throw RunStoreError.imported(path: run.path, source: source) }
    }
}
