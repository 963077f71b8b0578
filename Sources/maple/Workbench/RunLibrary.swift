import Datasets
import Foundation
import RunModel
import RunStore
import Screen
import SessionFile

/// The runs below a folder as the workbench's screens read them: this process's, other processes', finished and damaged ones.
///
/// ```
/// let library = RunLibrary(root: "runs")
/// let rows = try library.rows()
/// let (trace, tail) = try library.open(rows[0].id)
/// for event in try tail.news() ?? [] { ... }
/// ```
/// A run's id is its folder's path. Nothing here changes a run; every call reads what is on the disk now and may come from any
/// thread.
final class RunLibrary: Sendable {
    let root: String
    /// Where exported tables and plots go.
    let exports: String
    let catalogue: RunCatalogue

    init(root: String = RunFolder.defaultRoot(), exports: String = "exports") {
        self.root = root
        self.exports = exports
        catalogue = RunCatalogue(root: root, readSession: Self.readSession)
    }

    /// The runs that a query wants; all of them, newest first, without one.
    /// - Throws: `RunStoreError.system` where the root cannot be read.
    func rows(_ query: RunQuery = RunQuery()) throws -> [RunRow] {
        var places = PlaceCheck()
        return try catalogue.runs(query).map { entry in
            var row = self.row(entry.overview, spec: entry.spec, problem: entry.problem, &places)
            row.evaluations = entry.evaluations
            return row
        }
    }

    /// One run's line, read from its folder; nil where there is no such folder.
    func row(_ id: RunID) -> RunRow? {
        let folder = RunFolder(path: id)
        guard let overview = RunList.overview(folder, readSession: Self.readSession) else { return nil }
        var places = PlaceCheck()
        do {
            return row(overview, spec: try Self.readSession(folder.sessionText()), problem: nil, &places)
        } catch {
            return row(overview, spec: nil, problem: "\(error)", &places)
        }
    }

    @Sendable static func readSession(_ text: String) throws -> SessionSpec { try SessionFile.parse(text: text, name: "session.toml") }

    private func row(_ overview: RunOverview, spec known: SessionSpec?, problem: String?, _ places: inout PlaceCheck) -> RunRow {
        var remarks: [String] = []
        // Without its session a run cannot go on.
        var isReadOnly = known == nil
        let spec = known ?? Self.stand(in: overview)
        if let source = overview.source {
            isReadOnly = true
            remarks.append("imported from \(source)")
        } else if overview.method == nil, overview.data != nil {
            // Pretraining learns no prompts; its session is of another kind.
            remarks.append("pretraining")
        } else if let problem, !overview.isNewer {
            remarks.append(Self.firstLine(problem))
        }
        if overview.isNewer {
            isReadOnly = true
            remarks.append("written by a newer maple (layout \(overview.format)): read-only")
        }
        if case .broken(let reason) = overview.state {
            isReadOnly = true
            remarks = [Self.firstLine(reason)]
        } else if !spec.data.path.isEmpty, !places.exists(spec.data.path) {
            remarks.append("data folder is gone from \(spec.data.path)")
        }
        if case .failed(let reason) = overview.state { remarks.append(Self.firstLine(reason)) }
        var row = RunRow(
            id: overview.path, spec: spec, status: .stopped, step: overview.steps, totalSteps: overview.totalSteps ?? 0,
            seconds: overview.seconds, began: overview.created, loss: overview.loss, base: overview.base, new: overview.new,
            all: overview.all, isReadOnly: isReadOnly, isLog: overview.source != nil && overview.method == nil,
            remark: remarks.joined(separator: "; "))
        switch overview.state {
        case .running(let process, _):
            row.status = isPaused(RunFolder(path: overview.path)) ? .paused : .running
            row.isElsewhere = process != Int(getpid())
        case .finished: row.status = .finished
        case .stopped: row.status = .stopped
        case .interrupted: row.status = .interrupted
        case .failed, .broken: row.status = .failed
        }
        return row
    }

    /// What is known of a run whose session cannot be read.
    private static func stand(in overview: RunOverview) -> SessionSpec {
        var spec = SessionSpec(
            name: overview.name, seed: overview.seed ?? 0, model: ModelSpec(path: overview.model ?? ""),
            data: DataSpec(path: overview.data ?? "", classes: overview.classes ?? .all, shots: overview.shots))
        if let method = overview.method { spec.method.name = method }
        return spec
    }

    /// The last word of a run that goes on.
    private func isPaused(_ folder: RunFolder) -> Bool {
        let last = (try? folder.events())?.last { recorded in
            switch recorded.event {
            case .paused, .proceeding, .started: true
            default: false
            }
        }
        if case .paused? = last?.event { return true }
        return false
    }

    private static func firstLine(_ text: String) -> String {
        String(text.split(separator: "\n").first ?? "")
    }
}

/// Whether folders are there; each is looked for once.
private struct PlaceCheck {
    private var known: [String: Bool] = [:]

    mutating func exists(_ path: String) -> Bool {
        if let answer = known[path] { return answer }
        let answer = FileManager.default.fileExists(atPath: path)
        known[path] = answer
        return answer
    }
}
