import Foundation
import RunModel
import RunStore
import Screen
import SessionFile

/// Reads run folders for the screens.
enum RunReading {
    static func runs(_ root: String) throws -> [RunRow] {
        try RunList.scan(root) { try SessionFile.parse(text: $0, name: "session.toml") }.map(row)
    }

    static func row(_ overview: RunOverview) -> RunRow {
        let folder = RunFolder(path: overview.path)
        let spec = try? SessionFile.parse(text: folder.sessionText(), name: folder.sessionFile)
        var row = RunRow(
            id: overview.path, spec: spec ?? SessionSpec(name: overview.name, model: ModelSpec(path: ""), data: DataSpec(path: "")),
            status: .interrupted, step: overview.steps, totalSteps: overview.totalSteps ?? 0, seconds: overview.seconds,
            began: overview.created, loss: overview.loss, base: overview.base, new: overview.new, all: overview.all)
        switch overview.state {
        case .running(let process, _):
            row.status = .running
            row.isElsewhere = process != Int(getpid())
        case .finished: row.status = .finished
        case .stopped: row.status = .stopped
        case .interrupted: break
        case .failed(let reason), .broken(let reason):
            row.status = .failed
            row.remark = reason
        }
        return row
    }

    /// Everything of a run, and the reader that goes on from there.
    static func trace(_ id: RunID) throws -> (trace: RunTrace, tail: RunTail) {
        guard let overview = RunList.overview(RunFolder(path: id)) else { throw RunStoreError.notARun(path: id) }
        let row = row(overview)
        var trace = RunTrace(row: row)
        let tail = RunTail(id)
        for event in try tail.news() ?? [] { trace.apply(event) }
        if !row.status.isActive { trace.row.status = row.status }
        trace.row.isElsewhere = row.isElsewhere
        return (trace, tail)
    }
}
