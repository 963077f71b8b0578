import CZlib

/// Why a gzip file could not be unpacked.
struct GzipProblem: Error {
    var what: String
}

/// Unpacks gzip files with zlib. Source: RFC 1952.
enum Gzip {
    /// The content of the file's first member; its checksum and length are checked.
    /// - Parameter limit: bytes that the content may have at most.
    static func inflate(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(GzipProblem) -> [UInt8] {
        var stream = z_stream()
        // The largest window, 2^15 bytes, and 16 for a gzip container.
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw GzipProblem(what: "zlib does not start")
        }
        defer { inflateEnd(&stream) }
        stream.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
        stream.avail_in = UInt32(clamping: bytes.count)
        var content: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let status = block.withUnsafeMutableBufferPointer { place in
                stream.next_out = place.baseAddress
                stream.avail_out = UInt32(place.count)
                return CZlib.inflate(&stream, Z_NO_FLUSH)
            }
            let count = block.count - Int(stream.avail_out)
            guard content.count + count <= limit else { throw GzipProblem(what: "it unpacks to more than \(limit) bytes") }
            content += block[..<count]
            switch status {
            case Z_STREAM_END: return content
            case Z_OK: continue
            case Z_BUF_ERROR: throw GzipProblem(what: "its end is missing")
            default: throw GzipProblem(what: "it is damaged" + (stream.msg.map { ": \(String(cString: $0))" } ?? ""))
            }
        }
    }
}
