import Foundation
import RunModel

/// What the catalogue knows of a run.
public struct CatalogueEntry: Sendable, Equatable {
    public var overview: RunOverview
    /// nil where the session cannot be read: `problem` says why.
    public var spec: SessionSpec?
    public var problem: String?
    /// Figures of all evaluations, without classes and predictions, by step.
    public var evaluations: [EvaluationResult]
}

/// Reads a session's text; the catalogue knows no file format of its own.
public typealias CatalogueSessionReader = @Sendable (_ text: String) throws -> SessionSpec

extension CatalogueEntry {
    /// Reads a run's folder; nil where there is none.
    static func read(_ folder: RunFolder, _ readSession: CatalogueSessionReader) -> CatalogueEntry? {
        let session = Result { try readSession(folder.sessionText()) }
        guard let overview = RunList.overview(folder, readSession: { _ in try session.get() }) else { return nil }
        var entry = CatalogueEntry(overview: overview, evaluations: evaluations(folder))
        switch session {
        case .success(let spec): entry.spec = spec
        case .failure(let error): entry.problem = "\(error)"
        }
        return entry
    }

    private static func evaluations(_ folder: RunFolder) -> [EvaluationResult] {
        var found: [EvaluationResult] = []
        var told: Set<String> = []
        for recorded in (try? folder.events()) ?? [] {
            guard case .evaluated(let result) = recorded.event else { continue }
            // A resumed run evaluates some steps again: the later figures are those in the file.
            if let file = recorded.file, !told.insert(file).inserted {
                found.removeAll { $0.step == result.step && $0.classes == result.classes && $0.subset == result.subset && $0.data == result.data && $0.method == result.method }
            }
            found.append(result)
        }
        for file in (try? folder.evaluationFiles()) ?? [] where !told.contains(file) {
            guard var head = try? folder.evaluationHead(file) else { continue }
            head.perClass = []
            found.append(head)
        }
        return found.enumerated().sorted { ($0.element.step, $0.offset) < ($1.element.step, $1.offset) }.map(\.element)
    }
}

/// Sizes and times of a run's files: while they stay, so does what was read from them.
struct FolderStamp: Equatable {
    var text: String

    init(_ folder: RunFolder) {
        var parts: [String] = []
        for path in [folder.sessionFile, folder.summaryFile, folder.eventsFile, folder.metricsFile, folder.evaluationsFolder] {
            var status = stat()
            if stat(path, &status) == 0 {
                parts.append("\(status.st_size):\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)")
            } else {
                parts.append("-")
            }
        }
        text = parts.joined(separator: " ")
    }

    init(text: String) { self.text = text }
}
