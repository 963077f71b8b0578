import Foundation
import Synchronization

/// Whole files, written so that a reader sees the old content or the new, and a power cut leaves one of them.
public enum AtomicFile {
    private static let counter = Atomic<Int>(0)

    /// Writes a temporary file in the same folder, flushes it to the disk, and renames it.
    ///
    /// Upon an error the old file stays and the temporary one is removed.
    /// - Parameter durable: false leaves out the flush, for files that a power cut may take.
    /// - Throws: `RunStoreError.system`.
    public static func write(_ bytes: [UInt8], to path: String, durable: Bool = true) throws {
        try write(to: path, durable: durable) { append in try append(bytes) }
    }

    /// The same for content that comes piece by piece: `body` calls its argument for each, in order.
    public static func write(
        to path: String, durable: Bool = true, _ body: (_ append: ([UInt8]) throws -> Void) throws -> Void
    ) throws {
        let (folder, name) = split(path)
        let number = counter.add(1, ordering: .relaxed).newValue
        let temporary = "\(folder)/.\(name.utf8.count > 200 ? "file" : name).\(getpid())-\(number).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw RunStoreError.system(operation: "write", path: path, code: errno) }
        var isDone = false
        defer { if !isDone { unlink(temporary) } }
        do {
            defer { close(descriptor) }
            // Small pieces are gathered: a call to the system for each would take longer than all the rest.
            var pending: [UInt8] = []
            try body { bytes in
                pending += bytes
                guard pending.count >= 1 << 20 else { return }
                try writeAll(pending, to: descriptor, path: path)
                pending.removeAll(keepingCapacity: true)
            }
            try writeAll(pending, to: descriptor, path: path)
            if durable, fsync(descriptor) != 0 { throw RunStoreError.system(operation: "write", path: path, code: errno) }
        }
        guard rename(temporary, path) == 0 else { throw RunStoreError.system(operation: "replace", path: path, code: errno) }
        isDone = true
        if durable { try flushFolder(folder) }
    }

    /// Makes a rename in `folder` last through a power cut.
    static func flushFolder(_ folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RunStoreError.system(operation: "flush", path: folder, code: errno) }
        defer { close(descriptor) }
        // Some file systems cannot flush a folder; then there is nothing to be had.
        if fsync(descriptor) != 0, errno != EINVAL, errno != ENOTSUP {
            throw RunStoreError.system(operation: "flush", path: folder, code: errno)
        }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = String(path[..<slash])
        return (folder.isEmpty ? "/" : folder, String(path[path.index(after: slash)...]))
    }
}

/// Writes all bytes, going on after interruptions and partial writes.
func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
    try bytes.withUnsafeBytes { buffer in
        var done = 0
        while done < buffer.count {
            let count = write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
            if count < 0 {
                if errno == EINTR { continue }
                throw RunStoreError.system(operation: "write", path: path, code: errno)
            }
            done += count
        }
    }
}

/// A whole file's bytes, up to a limit.
func readWhole(_ path: String, limit: Int) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw RunStoreError.system(operation: "read", path: path, code: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw RunStoreError.system(operation: "read", path: path, code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw RunStoreError.system(operation: "read", path: path, code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    let size = Int(status.st_size)
    guard size <= limit else { throw RunStoreError.tooLarge(path: path, bytes: size, limit: limit) }
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = 0
        while count < size {
            let got = read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
            if got < 0, errno == EINTR { continue }
            if got < 0 { failure = errno }
            if got <= 0 { break }
            count += got
        }
    }
    guard failure == 0 else { throw RunStoreError.system(operation: "read", path: path, code: failure) }
    return bytes
}

func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0
}

func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// Makes a folder and those around it.
func makeFolders(_ path: String) throws {
    if isFolder(path) { return }
    if let slash = path.lastIndex(of: "/"), slash > path.startIndex { try makeFolders(String(path[..<slash])) }
    if mkdir(path, 0o755) != 0, errno != EEXIST || !isFolder(path) {
        throw RunStoreError.system(operation: "make the folder", path: path, code: errno)
    }
}
