import Files
import Foundation

/// Appends JSON objects to a file, one a line; every line reaches the kernel before `append` returns.
///
/// One process writes a file at a time (`RunLock` sees to it); any number may read it meanwhile. Used from one thread at a time.
public final class JSONLinesWriter {
    public let path: String
    private let descriptor: Int32

    /// Opens or creates the file, and repairs its end: see `JSONLines.repairEnd`.
    /// - Throws: `RunStoreError.system`.
    public init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw RunStoreError.system(operation: "write", path: path, code: errno) }
        do {
            try JSONLines.repairEnd(descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// Writes the object and a line end in one call. If that fails half-way, such as on a full disk, the part is taken back.
    /// - Parameter object: one JSON object without line breaks.
    /// - Throws: `RunStoreError.system`.
    func append(_ object: [UInt8]) throws {
        var status = stat()
        let size = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? status.st_size : nil
        do {
            try writeAll(object + [0x0A], to: descriptor, path: path)
        } catch {
            if let size { ftruncate(descriptor, size) }
            throw error
        }
    }

    /// Asks the disk to keep what was written so far through a power cut.
    func flush() throws {
        if fsync(descriptor) != 0, errno != EINVAL { throw RunStoreError.system(operation: "flush", path: path, code: errno) }
    }
}

/// What readers and writers of line files share.
enum JSONLines {
    /// Cuts off a torn last line; one that is whole but for its line end gets that.
    static func repairEnd(_ descriptor: Int32, path: String) throws {
        func failed() -> RunStoreError { .system(operation: "repair", path: path, code: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failed() }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return }
        let size = Int(status.st_size)
        // Looks for the last line end in blocks, from the end.
        var tail: [UInt8] = []
        var start = size
        while start > 0 {
            let count = min(1 << 16, start)
            start -= count
            let block = try readBlock(descriptor, at: start, count: count, path: path)
            if let newline = block.lastIndex(of: 0x0A) {
                tail = block[(newline + 1)...] + tail
                start += newline + 1
                break
            }
            tail = block + tail
        }
        guard !tail.isEmpty else { return }
        let isWhole = tail.withUnsafeBufferPointer { bytes in
            if case .object? = try? JSONValue(bytes, from: 0, to: bytes.count) { true } else { false }
        }
        if isWhole {
            try writeAll([0x0A], to: descriptor, path: path)
        } else if ftruncate(descriptor, off_t(start)) != 0 {
            throw failed()
        }
    }

    /// Up to `count` bytes at `offset`; fewer at the file's end.
    static func readBlock(_ descriptor: Int32, at offset: Int, count: Int, path: String) throws -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let got = pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                filled += got
            }
        }
        if failure != 0 { throw RunStoreError.system(operation: "read", path: path, code: failure) }
        return bytes
    }

    /// Calls `body` with the byte range of each line that has an end, and its offset in the file, until it returns false.
    /// - Parameter blockSize: bytes that are read at once.
    /// - Returns: the offset behind the last whole line that was visited.
    @discardableResult
    static func forEachLine(
        _ descriptor: Int32, from offset: Int, path: String, blockSize: Int = 1 << 20,
        _ body: (_ bytes: UnsafeBufferPointer<UInt8>, _ line: Range<Int>, _ offset: Int) -> Bool
    ) throws -> Int {
        var blockSize = blockSize
        var offset = offset
        while true {
            let block = try readBlock(descriptor, at: offset, count: blockSize, path: path)
            var start = 0
            var goesOn = true
            block.withUnsafeBufferPointer { bytes in
                guard let base = bytes.baseAddress else { return }
                while goesOn, let found = memchr(base + start, 0x0A, bytes.count - start) {
                    let newline = UnsafeRawPointer(found) - UnsafeRawPointer(base)
                    if newline > start { goesOn = body(bytes, start..<newline, offset + start) }
                    if goesOn { start = newline + 1 }
                }
            }
            offset += start
            if !goesOn || block.count < blockSize { return offset }
            // A line longer than a block: look further, within reason.
            if start == 0 { blockSize = min(blockSize * 2, 1 << 28) }
            if start == 0, block.count == 1 << 28 { throw RunStoreError.malformed(path: path, reason: "a line has no end") }
        }
    }
}
