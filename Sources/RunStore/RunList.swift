import Foundation
import RunModel

/// The runs below a folder.
public enum RunList {
    /// Reads the session of a run's `session.toml`; used where a run has no summary.
    public typealias SessionReader = (_ text: String) throws -> SessionSpec

    /// All runs, newest first. A folder that cannot be read as a run is listed as broken, with the reason.
    /// - Returns: empty where the root does not exist.
    /// - Throws: `RunStoreError.system` where the root cannot be read.
    public static func scan(_ root: String, readSession: SessionReader? = nil) throws -> [RunOverview] {
        try folderNames(in: root).map { overview(RunFolder(path: "\(root)/\($0)"), readSession: readSession) }
            .compactMap { $0 }
            .sorted { ($0.created, $0.folder) > ($1.created, $1.folder) }
    }

    /// Names of what may be runs: all that is not hidden.
    static func folderNames(in root: String) throws -> [String] {
        guard exists(root) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: root).filter { !$0.hasPrefix(".") }
        } catch {
            throw RunStoreError.system(operation: "read", path: root, code: isFolder(root) ? EACCES : ENOTDIR)
        }
    }

    /// One run at a glance; nil where the path is no folder.
    public static func overview(_ run: RunFolder, readSession: SessionReader? = nil) -> RunOverview? {
        var overview: RunOverview
        do {
            overview = try SummaryFile.read(run)
        } catch {
            guard isFolder(run.path) else { return nil }
            guard exists(run.sessionFile) else {
                let isAbsent = !exists(run.summaryFile)
                return broken(run, isAbsent ? "it holds neither session.toml nor summary.json" : "\(error)")
            }
            overview = rebuilt(run, readSession)
        }
        guard case .interrupted = overview.state else { return overview }
        // The summary of a run that goes on, or ended without a word, is older than its metrics.
        if let last = MetricsFile.lastPoint(run.metricsFile) {
            overview.steps = last.step
            overview.loss = last.loss
            overview.seconds = last.time
        }
        if let (process, host) = run.trainer() { overview.state = .running(process: process, host: host) }
        return overview
    }

    private static func broken(_ run: RunFolder, _ reason: String) -> RunOverview {
        var status = stat()
        let time = stat(run.path, &status) == 0 ? Double(status.st_mtim.tv_sec) : 0
        return RunOverview(path: run.path, state: .broken(reason), name: run.name, created: time, updated: time)
    }

    /// Made anew from session, events and metrics.
    private static func rebuilt(_ run: RunFolder, _ readSession: SessionReader?) -> RunOverview {
        var base = broken(run, "")
        base.state = .interrupted
        do {
            let text = try run.sessionText()
            if let spec = try readSession?(text) {
                base.name = spec.name
                base.method = spec.method.name
                base.data = spec.data.path
                base.model = spec.model.path
                base.classes = spec.data.classes
                base.shots = spec.data.shots
                base.seed = spec.seed
            }
            var summary = SummaryFile(base)
            let events = try run.events()
            if let first = events.first { summary.overview.created = first.time }
            for recorded in events {
                // A run that was resumed is no longer what its earlier end said.
                if case .started = recorded.event { summary.overview.state = .interrupted }
                if case .evaluated(let result) = recorded.event, summary.overview.method == nil {
                    summary.overview.method = result.method
                }
                summary.note(recorded.event)
                summary.overview.updated = recorded.time
            }
            return summary.overview
        } catch {
            return broken(run, "\(error)")
        }
    }

    /// Finds a run by its path, its folder's name, a beginning of that which only one has, the session's name where only one has it,
    /// or "last", the newest that is whole.
    /// - Throws: `RunStoreError`.
    public static func find(_ query: String, in root: String = RunFolder.defaultRoot()) throws -> RunFolder {
        let names = try folderNames(in: root).filter { isFolder("\(root)/\($0)") }
        if query == "last" {
            let newest = try scan(root).first { if case .broken = $0.state { false } else { true } }
            guard let newest else { throw RunStoreError.noRuns(root: root) }
            return RunFolder(path: newest.path)
        }
        if !query.isEmpty {
            if names.contains(query) { return try RunFolder.open("\(root)/\(query)") }
            if query.contains("/") || exists(query + "/session.toml") {
                guard isFolder(query) else { throw RunStoreError.noSuchRun(query: query, root: root) }
                return try RunFolder.open(query)
            }
            var candidates = names.filter { $0.hasPrefix(query) }.sorted()
            if candidates.isEmpty, query.contains(where: { $0.isLetter || $0.isNumber }) {
                let slug = Substring(RunFolder.slug(query)), form = /\d{8}-\d{6}-(.*)-s-?\d+(-\d+)?/
                candidates = names.filter { $0.wholeMatch(of: form)?.1 == slug }.sorted()
            }
            if candidates.count == 1 { return try RunFolder.open("\(root)/\(candidates[0])") }
            if candidates.count > 1 { throw RunStoreError.ambiguous(query: query, candidates: candidates) }
        }
        throw names.isEmpty ? RunStoreError.noRuns(root: root) : RunStoreError.noSuchRun(query: query, root: root)
    }
}
