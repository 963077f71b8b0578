import Foundation
import RunModel
import TOMLText

/// Reads, checks and writes session files: TOML text that says what to train on what, and how.
///
/// ```
/// let spec = try SessionFile.read(path: "sessions/pets.toml", overrides: ["optim.lr=0.002"])
/// ```
/// Whatever is wrong is thrown as `SessionDiagnostics`, all of it at once, each with its file, line and key.
public enum SessionFile {
    /// Every key that a session may hold.
    public static var keys: [SessionKey] { SessionKey.all }

    /// Reads a session file and makes its paths absolute.
    ///
    /// Paths in the file are looked for below the file's folder, then below the working folder; paths in overrides the other
    /// way round. `data.split` stays as it is written, relative to the data set's folder, when it is found there.
    /// - Parameters:
    ///   - overrides: `key=value` each; the last one for a key counts.
    ///   - workingFolder: absolute; the process's own if nil.
    /// - Throws: `SessionDiagnostics`.
    public static func read(
        path: String, overrides: [String] = [], workingFolder: String? = nil
    ) throws -> SessionSpec {
        try read(text: text(path: path), path: path, overrides: overrides, workingFolder: workingFolder)
    }

    /// The same with the text that the file has or is to have.
    static func read(text: String, path: String, overrides: [String] = [], workingFolder: String? = nil) throws -> SessionSpec {
        let working = workingFolder ?? FileManager.default.currentDirectoryPath
        let absolute = SessionPaths.tidied(path.hasPrefix("/") ? path : working + "/" + path)
        let folder = String(absolute[..<(absolute.lastIndex(of: "/") ?? absolute.startIndex)])
        let paths = SessionPaths(sessionFolder: folder.isEmpty ? "/" : folder, workingFolder: working)

        var reader = try SessionReader(text: text, file: path, overrides: overrides)
        var faults: [SessionDiagnostic] = []
        var spec: SessionSpec?
        do {
            spec = try reader.spec(defaultName: stem(of: path))
        } catch let error as SessionDiagnostics {
            faults = error.diagnostics
        }
        guard var spec, faults.isEmpty else { throw SessionDiagnostics(faults) }

        resolve("model.path", &spec.model.path, paths, &reader)
        if var vocabulary = spec.model.vocabulary {
            resolve("model.vocabulary", &vocabulary, paths, &reader)
            spec.model.vocabulary = vocabulary
        }
        let isDataFound = resolve("data.path", &spec.data.path, paths, &reader)
        if isDataFound, let split = spec.data.split { checkSplit(split, &spec, paths, &reader) }
        try reader.throwIfFaulty()
        return spec
    }

    /// Reads a session from text without looking at any file; paths stay as they are written.
    /// - Parameter name: stands for the file in messages, and names the session if it has no `name`.
    /// - Throws: `SessionDiagnostics`.
    public static func parse(text: String, name: String, overrides: [String] = []) throws -> SessionSpec {
        try checkText(Array(text.utf8), file: name)
        var reader = try SessionReader(text: text, file: name, overrides: overrides)
        return try reader.spec(defaultName: stem(of: name))
    }

    /// What is wrong with a session that did not come from a file; empty when it is sound. Files are not looked at.
    public static func validate(_ spec: SessionSpec) -> [SessionDiagnostic] {
        do {
            _ = try parse(text: write(spec), name: "session")
            return []
        } catch let error as SessionDiagnostics {
            return error.diagnostics.map { SessionDiagnostic(file: $0.file, key: $0.key, message: $0.message) }
        } catch {
            return [SessionDiagnostic(file: "session", key: "", message: "\(error)")]
        }
    }

    /// What a run noted in its session's `[recorded]` table; nil where there is none or it lacks a field.
    public static func recorded(text: String) -> Provenance? {
        guard TOMLOutline(text).ending == .complete, let tree = try? TOMLTree(parsing: text),
            let table = tree[[SessionKey.recordedTable]]
        else { return nil }
        func field(_ name: String) -> String? {
            if case .string(let text) = table[[name]] { text } else { nil }
        }
        guard let model = field("model_fingerprint"), let data = field("data_fingerprint"), let core = field("blas_core"),
            let threads = field("threads").flatMap({ Int($0) }), let host = field("host"), let created = field("created")
        else { return nil }
        var versions: [String: String] = [:]
        if case .table(let entries) = table[["versions"]] {
            for case (let name, .string(let version)) in entries { versions[name] = version }
        }
        return Provenance(
            model: model, data: data, blasCore: core, threads: threads, host: host, created: created, versions: versions)
    }

    // MARK: Text

    /// - Throws: `SessionDiagnostics` when the file is no text of a sensible size.
    public static func text(path: String) throws -> String {
        func refused(_ problem: SessionProblem) -> SessionDiagnostics {
            SessionDiagnostics([SessionDiagnostic(file: path, key: "", message: problem.message)])
        }
        guard !path.isEmpty, !path.utf8.contains(0) else { throw refused(.missing) }
        // Asked first: opening a pipe would wait for a writer.
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw refused(errno == ENOENT || errno == ENOTDIR ? .missing : .unreadable(String(cString: strerror(errno))))
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw refused(.folder)
        default: throw refused(.notRegular)
        }
        guard status.st_size <= SessionProblem.sizeLimit else { throw refused(.tooLarge(bytes: Int(status.st_size))) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw refused(.unreadable(String(cString: strerror(errno)))) }
        defer { close(descriptor) }
        // The size may change, or say nothing: read up to the limit and one byte more.
        var bytes = [UInt8](repeating: 0, count: SessionProblem.sizeLimit + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes[count...].withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            if got < 0 { throw refused(.unreadable(String(cString: strerror(errno)))) }
            if got == 0 { break }
            count += got
        }
        bytes.removeLast(bytes.count - count)
        try checkText(bytes, file: path)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func checkText(_ bytes: [UInt8], file: String) throws {
        func refused(_ line: Int?, _ problem: SessionProblem) -> SessionDiagnostics {
            SessionDiagnostics([SessionDiagnostic(file: file, line: line, key: "", message: problem.message)])
        }
        guard bytes.count <= SessionProblem.sizeLimit else { throw refused(nil, .tooLarge(bytes: bytes.count)) }
        guard bytes.contains(0) || String(validating: bytes, as: UTF8.self) == nil else { return }
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if line.contains(0) { throw refused(index + 1, .nulByte) }
            if String(validating: line, as: UTF8.self) == nil { throw refused(index + 1, .notUTF8) }
        }
        throw refused(nil, .notUTF8)
    }

    /// `sessions/pets.toml` to `pets`; a name that a session may have.
    static func stem(of path: String) -> String {
        var name = path.split(separator: "/").last.map(String.init) ?? ""
        if name.hasSuffix(".toml") { name.removeLast(5) }
        let clean = shortened(String(name.prefix(200)), to: 200)
        return clean.isEmpty ? "session" : clean
    }

    // MARK: Paths

    @discardableResult
    static func resolve(
        _ key: String, _ value: inout String, _ paths: SessionPaths, _ reader: inout SessionReader
    ) -> Bool {
        switch paths.resolve(value, isOverride: reader.isOverridden(key)) {
        case .found(let path):
            value = path
            return true
        case .missing(let tried):
            reader.report(key, missing(key, value, tried))
            return false
        }
    }

    /// A split file lies in the data set's folder, or wherever else paths are looked for.
    private static func checkSplit(
        _ split: String, _ spec: inout SessionSpec, _ paths: SessionPaths, _ reader: inout SessionReader
    ) {
        let folders = [spec.data.path, paths.sessionFolder, paths.workingFolder]
        switch paths.resolve(split, in: folders) {
        case .found(let path):
            if path != SessionPaths.tidied(spec.data.path + "/" + split) || split.hasPrefix("~") { spec.data.split = path }
        case .missing(let tried): reader.report("data.split", missing("data.split", split, tried))
        }
    }

    private static func missing(_ key: String, _ value: String, _ tried: [String]) -> String {
        "\(key) \"\(shortened(value, to: 80))\" does not exist; tried \(tried.map { shortened($0, to: 200) }.joined(separator: " and ")). "
            + "Is the path right?"
    }
}
