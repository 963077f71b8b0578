import Foundation

/// Says that this process trains a run, for as long as the value lives or until `release`.
///
/// It is an open file description lock on the run's `lock` file: the kernel drops it with the process, however that ends, and
/// others can ask for it without taking it. The file holds the process's number and its host, to be named in messages.
public final class RunLock: Sendable {
    public let path: String
    private let descriptor: Int32

    // The same on every Linux architecture; the C headers show them only with _GNU_SOURCE.
    private static let query: Int32 = 36
    private static let acquire: Int32 = 37

    /// - Throws: `RunStoreError.alreadyRunning`, `.system`.
    init(path: String, run: String) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw RunStoreError.system(operation: "lock", path: path, code: errno) }
        var request = Self.wholeFile
        guard fcntl(descriptor, Self.acquire, &request) == 0 else {
            let code = errno
            let (process, host) = Self.owner(descriptor)
            close(descriptor)
            throw code == EAGAIN || code == EACCES
                ? RunStoreError.alreadyRunning(path: run, process: process, host: host)
                : RunStoreError.system(operation: "lock", path: path, code: code)
        }
        // What it says is for people: a full disk is no reason to give up here.
        let text = Array("\(getpid())\n\(Self.hostName)\n".utf8)
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.count, 0) }
    }

    deinit { close(descriptor) }

    /// The process that trains the run whose lock file is at `path`; nil if none does.
    static func holder(_ path: String) -> (process: Int, host: String)? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var request = wholeFile
        guard fcntl(descriptor, query, &request) == 0, request.l_type != Int16(F_UNLCK) else { return nil }
        return owner(descriptor)
    }

    private static var wholeFile: flock {
        var request = flock()
        request.l_type = Int16(F_WRLCK)
        request.l_whence = Int16(SEEK_SET)
        return request
    }

    private static func owner(_ descriptor: Int32) -> (process: Int, host: String) {
        var bytes = [UInt8](repeating: 0, count: 400)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let lines = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
        return (lines.first.flatMap { Int($0) } ?? 0, lines.count > 1 ? String(lines[1]) : "an unknown host")
    }

    static var hostName: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, 255) == 0 else { return "localhost" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
