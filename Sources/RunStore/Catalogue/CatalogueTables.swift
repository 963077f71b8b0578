import Files
import Foundation
import GRDB
import RunModel

/// The index's tables.
///
/// `run` holds a row a folder: its stamp, what queries sort and search by, and the whole entry as JSON. `evaluation` holds the
/// figures of each evaluation.
enum CatalogueTables {
    private static let schema = """
        CREATE TABLE IF NOT EXISTS run (
            folder TEXT PRIMARY KEY, stamp TEXT NOT NULL, active INTEGER NOT NULL, holder TEXT NOT NULL,
            name TEXT NOT NULL, method TEXT, data TEXT, seed INTEGER, state TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
            steps INTEGER NOT NULL, seconds REAL NOT NULL, loss REAL, base REAL, novel REAL, every_class REAL, harmonic_mean REAL,
            haystack TEXT NOT NULL, summary BLOB NOT NULL, process INTEGER, host TEXT, reason TEXT, spec BLOB, problem TEXT,
            evaluations BLOB NOT NULL
        ) WITHOUT ROWID;
        """

    /// - Parameter path: nil keeps it in memory.
    static func open(_ path: String?) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.label = "maple.catalogue"
        let queue = try path.map { try DatabaseQueue(path: $0, configuration: configuration) } ?? DatabaseQueue(configuration: configuration)
        let isReady = try queue.read { try $0.tableExists("run") }
        if !isReady { try queue.write { try $0.execute(sql: schema) } }
        return queue
    }

    /// What must be the same for a row to hold.
    struct Stamp {
        var stamp: FolderStamp
        /// The run is not at its end: its lock tells who trains it.
        var isActive: Bool
        /// The process and host that trained it; empty for none.
        var holder: String

        func isStillSo(_ folder: RunFolder) -> Bool {
            !isActive || CatalogueTables.holder(folder.trainer()) == holder
        }
    }

    static func holder(_ trainer: (process: Int, host: String)?) -> String {
        trainer.map { "\($0.process) \($0.host)" } ?? ""
    }

    static func stamps(_ db: Database) throws -> [String: Stamp] {
        var found: [String: Stamp] = [:]
        let rows = try Row.fetchCursor(db, sql: "SELECT folder, stamp, active, holder FROM run")
        while let row = try rows.next() {
            found[row[0]] = Stamp(stamp: FolderStamp(text: row[1]), isActive: row[2], holder: row[3])
        }
        return found
    }

    static func delete(_ db: Database, _ folder: String) throws {
        try db.execute(sql: "DELETE FROM run WHERE folder = ?", arguments: [folder])
    }

    /// Adds rows with one prepared statement.
    struct Writer {
        private let statement: Statement
        private let encoder = JSONEncoder()

        init(_ db: Database) throws {
            statement = try db.makeStatement(
                sql: "INSERT INTO run VALUES (\(Array(repeating: "?", count: 26).joined(separator: ",")))")
        }

        func insert(_ folder: String, _ stamp: FolderStamp, _ entry: CatalogueEntry) throws {
            let run = entry.overview
            var isActive = false
            var holder = ""
            var process: Int?
            var host: String?
            var reason: String?
            switch run.state {
            case .running(let number, let name):
                (process, host, isActive) = (number, name, true)
                holder = CatalogueTables.holder((number, name))
            case .interrupted: isActive = true
            case .failed(let text), .broken(let text): reason = text
            case .finished, .stopped: break
            }
            let haystack = [
                folder, run.name, run.method?.rawValue ?? "", run.data ?? "", run.model ?? "", "seed \(run.seed ?? 0)", run.state.word,
                entry.problem ?? "", reason ?? "",
            ].joined(separator: "\n").lowercased()
            // SQLite takes NaN for NULL: those are kept in the summary.
            let arguments: StatementArguments = [
                folder, stamp.text, isActive, holder, run.name, run.method?.rawValue, run.data?.split(separator: "/").last.map(String.init),
                run.seed, run.state.word, run.created, run.updated, run.steps, run.seconds, run.loss, run.base, run.new, run.all,
                run.harmonicMean, haystack, Data(SummaryFile(run).encode()), process, host, reason,
                try entry.spec.map { try encoder.encode($0) }, entry.problem,
                Data(EvaluationList.encode(entry.evaluations)),
            ]
            try statement.execute(arguments: arguments)
        }
    }

    static func select(_ db: Database, _ query: RunQuery, root: String) throws -> [CatalogueEntry] {
        var sql = "SELECT folder, summary, process, host, reason, spec, problem, evaluations, state FROM run"
        var arguments = StatementArguments()
        let words = query.words
        if !words.isEmpty {
            sql += " WHERE " + words.map { _ in "haystack LIKE ? ESCAPE '\\'" }.joined(separator: " AND ")
            for word in words { arguments += [RunQuery.pattern(word)] }
        }
        let column = query.order.column
        sql += " ORDER BY \(column) IS NULL, \(column) \(query.isAscending ? "ASC" : "DESC"), created DESC, folder DESC"
        if let limit = query.limit {
            sql += " LIMIT ?"
            arguments += [limit]
        }
        let decoder = JSONDecoder()
        var entries: [CatalogueEntry] = []
        let rows = try Row.fetchCursor(db, sql: sql, arguments: arguments)
        while let row = try rows.next() {
            if let entry = Self.entry(row, root: root, decoder) { entries.append(entry) } else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        }
        return entries
    }

    /// nil where the row is not as it was written.
    private static func entry(_ row: Row, root: String, _ decoder: JSONDecoder) -> CatalogueEntry? {
        let folder: String = row[0]
        let summary: Data = row[1]
        let reason: String? = row[4]
        let session: Data? = row[5]
        let evaluations: Data = row[7]
        let word: String = row[8]
        guard var overview = SummaryFile.decode(Array(summary), run: RunFolder(path: "\(root)/\(folder)")),
            let list = EvaluationList.decode(Array(evaluations))
        else { return nil }
        if word == "broken" { overview.state = .broken(reason ?? "") }
        if let process: Int = row[2], let host: String = row[3] { overview.state = .running(process: process, host: host) }
        var entry = CatalogueEntry(overview: overview, problem: row[6], evaluations: list)
        if let session {
            guard let spec = try? decoder.decode(SessionSpec.self, from: session) else { return nil }
            entry.spec = spec
        }
        return entry
    }
}

/// The figures of evaluations as one JSON object.
private enum EvaluationList {
    static func encode(_ results: [EvaluationResult]) -> [UInt8] {
        JSONText.object { text in
            text.list("evaluations", results) { text, result in
                text.element { EvaluationFile.figures(of: result, into: &$0) }
            }
        }
    }

    static func decode(_ bytes: [UInt8]) -> [EvaluationResult]? {
        let value = bytes.withUnsafeBufferPointer { try? JSONValue($0, from: 0, to: $0.count) }
        return value?["evaluations"]?.elements?.compactMap(EvaluationFile.figures(from:))
    }
}
