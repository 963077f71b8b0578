import Files
import Foundation

/// Whole files, written so that a reader sees the old content or the new, and a power cut leaves one of them: see `FileReplacement`.
public enum AtomicFile {
    /// Upon an error the old file stays.
    /// - Parameter durable: false leaves out the flush, for files that a power cut may take.
    /// - Throws: `RunStoreError.system`.
    public static func write(_ bytes: [UInt8], to path: String, durable: Bool = true) throws {
        try write(to: path, durable: durable) { append in try append(bytes) }
    }

    /// The same for content that comes piece by piece: `body` calls its argument for each, in order.
    public static func write(
        to path: String, durable: Bool = true, _ body: (_ append: ([UInt8]) throws -> Void) throws -> Void
    ) throws {
        do {
            try FileReplacement.write(path, durable: durable) { file in try body { try file.append($0) } }
        } catch let problem as SystemProblem {
            throw RunStoreError.system(operation: problem.operation.rawValue, path: problem.path, code: problem.code)
        }
    }
}

/// Writes all bytes, going on after interruptions and partial writes.
func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
    let code = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
    if code != 0 { throw RunStoreError.system(operation: "write", path: path, code: code) }
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
