import Foundation
import GRDB
import RunModel
import Synchronization

/// An index of the runs below a folder, for browsing, sorting and search: SQLite in `<root>/.catalogue-1.sqlite`.
///
/// ```
/// let catalogue = RunCatalogue(root: "runs", readSession: { try SessionFile.parse(text: $0, name: "session.toml") })
/// let best = try catalogue.runs(RunQuery(search: "pets maple", order: .harmonicMean))
/// ```
/// The run folders stay the truth. Each call looks at the sizes and times of their files and reads anew what changed; an index
/// that is absent, damaged or of another version is made anew. Where it cannot be written it lives in memory. Any number of
/// threads and processes may use it at the same time.
public final class RunCatalogue: Sendable {
    public let root: String
    private let file: String
    private let readSession: CatalogueSessionReader
    private let database = Mutex<DatabaseQueue?>(nil)

    /// Named in the file: two programs of different versions keep an index each.
    static let version = 1

    /// - Parameter file: the index; nil keeps it in the root.
    public init(root: String, file: String? = nil, readSession: @escaping CatalogueSessionReader) {
        self.root = root
        self.file = file ?? "\(root)/.catalogue-\(Self.version).sqlite"
        self.readSession = readSession
    }

    /// The runs that a query wants, as they stand now.
    /// - Returns: empty where the root does not exist.
    /// - Throws: `RunStoreError.system` where the root cannot be read.
    public func runs(_ query: RunQuery = RunQuery()) throws -> [CatalogueEntry] {
        guard exists(root) else { return [] }
        let folders = try RunList.folderNames(in: root)
        do {
            return try attempt(folders, query)
        } catch is DatabaseError {
            // Damaged, or made by something else: it is only a cache.
            forget()
        }
        do {
            return try attempt(folders, query)
        } catch is DatabaseError {
            database.withLock { $0 = try? CatalogueTables.open(nil) }
            return try attempt(folders, query)
        }
    }

    private func attempt(_ folders: [String], _ query: RunQuery) throws -> [CatalogueEntry] {
        let queue = try database.withLock { kept in
            if let kept { return kept }
            let opened = try openFile()
            kept = opened
            return opened
        }
        try refresh(queue, folders)
        return try queue.read { try CatalogueTables.select($0, query, root: root) }
    }

    private func openFile() throws -> DatabaseQueue {
        do {
            return try CatalogueTables.open(file)
        } catch let error as DatabaseError where [.SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM].contains(error.resultCode.primaryResultCode) {
            // A root that is only to be read: the index lives as long as this value.
            return try CatalogueTables.open(nil)
        }
    }

    /// Brings the index up to what the folders say.
    private func refresh(_ queue: DatabaseQueue, _ folders: [String]) throws {
        let known = try queue.read { try CatalogueTables.stamps($0) }
        var stale: [(name: String, stamp: FolderStamp)] = []
        for name in folders {
            let folder = RunFolder(path: "\(root)/\(name)")
            let stamp = FolderStamp(folder)
            guard let kept = known[name], kept.stamp == stamp, kept.isStillSo(folder) else {
                stale.append((name, stamp))
                continue
            }
        }
        let present = Set(folders)
        let gone = known.keys.filter { !present.contains($0) }
        guard !stale.isEmpty || !gone.isEmpty else { return }
        let read = readAll(stale.map(\.name))
        try queue.write { db in
            for name in gone { try CatalogueTables.delete(db, name) }
            let writer = try CatalogueTables.Writer(db)
            for (item, entry) in zip(stale, read) {
                try CatalogueTables.delete(db, item.name)
                // The stamp was taken before the reading: what changed in between is read again next time.
                if let entry { try writer.insert(item.name, item.stamp, entry) }
            }
        }
    }

    private func readAll(_ names: [String]) -> [CatalogueEntry?] {
        let found = Mutex<[CatalogueEntry?]>(Array(repeating: nil, count: names.count))
        DispatchQueue.concurrentPerform(iterations: names.count) { index in
            let entry = CatalogueEntry.read(RunFolder(path: "\(root)/\(names[index])"), readSession)
            found.withLock { $0[index] = entry }
        }
        return found.withLock { $0 }
    }

    /// Throws the index away.
    public func forget() {
        database.withLock { $0 = nil }
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(file + suffix) }
    }
}
