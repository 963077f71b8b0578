import Foundation

/// A whole file seen read-only through the page cache: nothing is copied until it is touched.
///
/// The mapping lives as long as this object; every pointer taken from `bytes` is valid exactly that long. The size is taken
/// once, at opening. A file that another program shortens while it is mapped cannot be guarded against from here.
final class MappedFile: @unchecked Sendable {  // Read-only memory, never changed after init.
    let path: String
    let bytes: UnsafeRawBufferPointer
    /// False for bytes in memory of our own.
    private let isMapped: Bool

    /// Maps `path`. Throws when it is missing, no plain file, empty, larger than `limit` bytes, or a Git LFS pointer.
    init(path: String, limit: Int = .max) throws(FormatError) {
        self.path = path
        // Non-blocking, so that a named pipe cannot hold the program before the kind of file is known.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw .file(path: path, errno == ENOENT || errno == ENOTDIR ? .missing : .unreadable(reason: systemReason()))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .file(path: path, .unreadable(reason: systemReason())) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw .file(path: path, .isFolder)
        default: throw .file(path: path, .notPlain)
        }
        guard status.st_size > 0 else { throw .file(path: path, .empty) }
        guard let size = Int(exactly: status.st_size), size <= limit else {
            throw .file(path: path, .tooLarge(bytes: Int(clamping: status.st_size), limit: limit))
        }
        guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw .file(path: path, .unreadable(reason: systemReason()))
        }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
        isMapped = true
        // A throw below still runs deinit: every property is set.
        if let size = gitPointerSize(bytes) { throw .file(path: path, .gitPointer(bytes: size)) }
    }

    /// Content that lies in memory, under a name for messages.
    init(path: String, content: [UInt8]) {
        self.path = path
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 64)
        memory.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(memory)
        isMapped = false
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else {
            bytes.deallocate()
        }
    }
}

/// The words of the last system error.
func systemReason(_ code: Int32 = errno) -> String {
    String(cString: strerror(code))
}

/// The size that a Git LFS pointer file names, 0 when it names none; nil when the bytes are no pointer file.
private func gitPointerSize(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count < 1024, bytes.starts(with: Array("version https://git-lfs".utf8)) else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    return lines.first { $0.hasPrefix("size ") }.flatMap { Int($0.dropFirst(5)) } ?? 0
}
