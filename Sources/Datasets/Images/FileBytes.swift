import Foundation

/// A whole file in memory, read in one go.
///
/// Plain system calls: for a set of many small pictures Foundation's readers cost more than decoding.
struct FileBytes: ~Copyable {
    private let memory: UnsafeMutableRawPointer
    let count: Int

    /// No picture that may be decoded is larger.
    static let largestFile = 1 << 30

    init(path: String) throws {
        // Not blocking, so that a pipe under an image's name cannot hang the reader.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw DatasetError.unreadableFile(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw DatasetError.unreadableFile(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw DatasetError.unreadableFile(path: path, reason: "it is not a file")
        }
        guard status.st_size <= Self.largestFile else {
            throw DatasetError.unreadableFile(path: path, reason: "it has \(status.st_size) bytes, more than a picture may have")
        }
        let expected = Int(status.st_size)
        guard let memory = malloc(max(1, expected)) else {
            throw DatasetError.unreadableFile(path: path, reason: "no memory for its \(expected) bytes")
        }
        var filled = 0
        while filled < expected {
            let got = read(descriptor, memory + filled, expected - filled)
            if got < 0 && errno == EINTR { continue }
            if got < 0 {
                let reason = String(cString: strerror(errno))
                free(memory)
                throw DatasetError.unreadableFile(path: path, reason: reason)
            }
            if got == 0 { break }
            filled += got
        }
        self.memory = memory
        count = filled
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

    deinit { free(memory) }
}
