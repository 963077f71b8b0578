import Foundation
import Synchronization

/// A system call on a file that failed; `code` is its errno.
package struct SystemProblem: Error, Equatable {
    package enum Operation: String { case write, replace, flush }

    package let operation: Operation
    package let path: String
    package let code: Int32
}

/// Writes a file so that a reader sees either the old one or the whole new one, even after a crash or on a full disk.
///
///     try FileReplacement.write("weights.bin") { file in
///         try file.append(header)
///         try file.append(values)
///     }
///
/// The bytes go to a temporary file in the same folder, which is flushed, renamed over the target, and the folder flushed.
/// On any failure the temporary file is removed and an existing target is left as it was.
package final class FileReplacement {
    /// The system's `write`, replaceable so that tests can act a full disk.
    package typealias Write = @Sendable (Int32, UnsafeRawPointer, Int) -> Int
    package static let systemWrite: Write = { Foundation.write($0, $1, $2) }

    private static let counter = Atomic<Int>(0)

    private let path: String
    private let descriptor: Int32
    private let write: Write
    /// Small pieces are gathered: a call to the system for each would take longer than all the rest.
    private var pending: [UInt8] = []
    private static let gathered = 1 << 20

    private init(path: String, descriptor: Int32, write: @escaping Write) {
        self.path = path
        self.descriptor = descriptor
        self.write = write
    }

    /// Runs `body` with a sink for the bytes of `path`, which must not be used any more when `body` has ended.
    /// - Parameter durable: false leaves out the flushes, for files that a power cut may take.
    /// - Throws: `SystemProblem`, or what `body` throws.
    package static func write(
        _ path: String, durable: Bool = true, using write: @escaping Write = systemWrite, _ body: (FileReplacement) throws -> Void
    ) throws {
        let (folder, name) = split(path)
        let (temporary, descriptor) = try create(in: folder, for: name, path: path)
        var isDone = false
        defer { if !isDone { unlink(temporary) } }
        do {
            defer { close(descriptor) }
            let file = FileReplacement(path: path, descriptor: descriptor, write: write)
            try body(file)
            try file.flushPending()
            if durable, fsync(descriptor) != 0 { throw SystemProblem(operation: .write, path: path, code: errno) }
        }
        guard rename(temporary, path) == 0 else { throw SystemProblem(operation: .replace, path: path, code: errno) }
        isDone = true
        if durable { try flushFolder(folder) }
    }

    /// Appends all of `bytes`.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(SystemProblem) {
        if bytes.count >= Self.gathered {
            try flushPending()
            try check(writeAll(bytes, to: descriptor, using: write))
        } else {
            pending.append(contentsOf: bytes)
            if pending.count >= Self.gathered { try flushPending() }
        }
    }

    package func append(_ bytes: [UInt8]) throws(SystemProblem) {
        pending.append(contentsOf: bytes)
        if pending.count >= Self.gathered { try flushPending() }
    }

    private func flushPending() throws(SystemProblem) {
        try check(pending.withUnsafeBytes { writeAll($0, to: descriptor, using: write) })
        pending.removeAll(keepingCapacity: true)
    }

    private func check(_ code: Int32) throws(SystemProblem) {
        if code != 0 { throw SystemProblem(operation: .write, path: path, code: code) }
    }

    /// A new file; one that an ended process of the same number left is passed by.
    private static func create(in folder: String, for name: String, path: String) throws(SystemProblem) -> (path: String, descriptor: Int32) {
        let stem = name.utf8.count > 200 ? "file" : name
        for _ in 0..<100 {
            let number = counter.add(1, ordering: .relaxed).newValue
            let temporary = "\(folder)/.\(stem).\(getpid())-\(number).tmp"
            let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            if descriptor >= 0 { return (temporary, descriptor) }
            guard errno == EEXIST else { break }
        }
        throw SystemProblem(operation: .write, path: path, code: errno)
    }

    /// Makes a rename in `folder` last through a power cut.
    private static func flushFolder(_ folder: String) throws(SystemProblem) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemProblem(operation: .flush, path: folder, code: errno) }
        defer { close(descriptor) }
        // Some file systems cannot flush a folder; then there is nothing to be had.
        if fsync(descriptor) != 0, errno != EINVAL, errno != ENOTSUP {
            throw SystemProblem(operation: .flush, path: folder, code: errno)
        }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = String(path[..<slash])
        return (folder.isEmpty ? "/" : folder, String(path[path.index(after: slash)...]))
    }
}

/// Writes all bytes, going on after interruptions and short writes.
/// - Returns: 0, or the errno of the write that failed.
package func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, using write: FileReplacement.Write = FileReplacement.systemWrite
) -> Int32 {
    var done = 0
    while done < bytes.count, let start = bytes.baseAddress {
        let count = write(descriptor, start + done, min(bytes.count - done, 1 << 30))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return count < 0 ? errno : ENOSPC }
        done += count
    }
    return 0
}
