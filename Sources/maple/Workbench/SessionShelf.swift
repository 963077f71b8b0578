import Foundation
import RunModel
import RunStore
import Screen
import SessionFile

/// The session files that the workbench offers: those of the working folder, the user's own, and those that came with the program.
struct SessionShelf: Sendable {
    /// Where new sessions are written.
    let folder: String
    /// Further folders of the user, read and changed in place.
    let own: [String]
    /// Read alone.
    let shipped: [String]

    /// - Parameter folder: `--sessions`, or nil for `sessions` in the working folder.
    init(folder: String?, user: UserFolders = UserFolders()) {
        self.folder = UserFolders.absolute(folder ?? "sessions")
        own = [user.data + "/sessions"]
        shipped = folder == nil ? (user.program.map { [$0 + "/sessions"] } ?? []) : []
    }

    /// Every session, in the order of the folders and then by name; a folder that is named twice counts once.
    func entries() -> [SessionEntry] {
        var seen: Set<String> = []
        var entries: [SessionEntry] = []
        for (place, isOwn) in [(folder, true)] + own.map({ ($0, true) }) + shipped.map({ ($0, false) }) {
            guard seen.insert(URL(fileURLWithPath: place).resolvingSymlinksInPath().path).inserted else { continue }
            let names = ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).filter { $0.hasSuffix(".toml") && !$0.hasPrefix(".") }
            entries += names.sorted().map { entry(place + "/" + $0, isOwn: isOwn) }
        }
        return entries
    }

    private func entry(_ path: String, isOwn: Bool) -> SessionEntry {
        do {
            return SessionEntry(id: path, spec: try SessionFile.read(path: path), isOwn: isOwn)
        } catch {
            // A session whose paths lead nowhere can still be corrected in the form.
            let text = try? String(contentsOfFile: path, encoding: .utf8)
            let spec = text.flatMap { try? SessionFile.parse(text: $0, name: path) }
            return SessionEntry(id: path, spec: spec, problem: "\(error)", isOwn: isOwn)
        }
    }

    /// Writes a session; a new one gets a file of its own, named after it.
    /// - Returns: the file's path.
    /// - Throws: `SessionDiagnostics`, `RunStoreError`, `ShelfError`.
    func save(_ spec: SessionSpec, replacing path: String?) throws -> String {
        let faults = SessionFile.validate(spec)
        guard faults.isEmpty else { throw SessionDiagnostics(faults) }
        if let path {
            try requireOwn(path)
            try AtomicFile.write(Array(SessionFile.edit(path: path, as: spec).utf8), to: path)
            return path
        }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = UserFolders.freePath(folder, stem: RunFolder.slug(spec.name), ending: "toml")
        try AtomicFile.write(Array(SessionFile.write(spec).utf8), to: path)
        return path
    }

    func delete(_ path: String) throws {
        try requireOwn(path)
        guard unlink(path) == 0 else { throw RunStoreError.system(operation: "delete", path: path, code: errno) }
    }

    private func requireOwn(_ path: String) throws {
        let isOwn = ([folder] + own).contains { path.hasPrefix($0 + "/") }
        guard isOwn, path.hasSuffix(".toml") else { throw ShelfError.foreign(path: path) }
    }
}

enum ShelfError: Error, CustomStringConvertible {
    case foreign(path: String)

    var description: String {
        switch self {
        case .foreign(let path): "\(path) is not one of your sessions. Copy it (d) and change the copy."
        }
    }
}
