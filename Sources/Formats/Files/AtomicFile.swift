import Foundation

/// Writes a file so that a reader sees either the old one or the whole new one, even after a crash or on a full disk.
///
/// The bytes go to a temporary file in the same folder, which is synced, renamed over the target, and the folder synced.
/// On any failure the temporary file is removed and an existing target is left as it was.
struct AtomicFile {
    /// The system's `write`, replaceable so that tests can act a full disk.
    typealias Write = @Sendable (Int32, UnsafeRawPointer, Int) -> Int

    private let path: String
    private let descriptor: Int32
    private let systemWrite: Write

    /// Runs `body` with a sink for the bytes of `path`.
    static func replace(
        path: String, write systemWrite: @escaping Write = { Foundation.write($0, $1, $2) },
        _ body: (borrowing AtomicFile) throws -> Void
    ) throws {
        let folder = (path as NSString).deletingLastPathComponent
        let folderPath = folder.isEmpty ? "." : folder
        var template = Array("\(folderPath)/.\((path as NSString).lastPathComponent).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw FormatError.write(path: path, reason: systemReason()) }
        let temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var finished = false
        defer { if !finished { unlink(temporary) } }
        do {
            defer { close(descriptor) }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            // mkstemp makes the file private; give it the mode that other output files have.
            fchmod(descriptor, 0o644)
            try body(AtomicFile(path: path, descriptor: descriptor, systemWrite: systemWrite))
            guard fsync(descriptor) == 0 else { throw FormatError.write(path: path, reason: systemReason()) }
        }
        guard rename(temporary, path) == 0 else { throw FormatError.write(path: path, reason: systemReason()) }
        finished = true
        // The rename itself must reach the disk; a folder that cannot be synced (some network systems) is no failure.
        let folderDescriptor = open(folderPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folderDescriptor >= 0 {
            fsync(folderDescriptor)
            close(folderDescriptor)
        }
    }

    /// Appends all of `bytes`, going on after short writes and interrupts.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let chunk = UnsafeRawBufferPointer(rebasing: rest)
            guard let start = chunk.baseAddress else { return }
            let written = systemWrite(descriptor, start, min(chunk.count, 1 << 30))
            if written < 0 {
                if errno == EINTR { continue }
                throw FormatError.write(path: path, reason: systemReason())
            }
            guard written > 0 else { throw FormatError.write(path: path, reason: systemReason(ENOSPC)) }
            rest = rest.dropFirst(written)
        }
    }

    func append(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try append($0) }
    }
}
