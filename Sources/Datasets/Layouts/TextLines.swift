import Foundation

/// Lines of the lists that data sets are published with, ended by LF, CR or both.
enum TextLines {
    /// Bytes. Longer ones stand in no list, and text of megabytes in one line takes long to look through.
    static let lengthLimit = 1 << 14

    /// Without spaces and tabs at their ends; empty ones are left out.
    /// - Throws: `DatasetError.unreadableFile`, `.listMalformed`.
    static func read(_ path: String) throws -> [String] {
        let file = try FileBytes(path: path)
        let text = Array(file.bytes)
        return try text.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).compactMap { bytes in
            guard bytes.count <= lengthLimit else {
                throw DatasetError.listMalformed(
                    path: path, line: String(decoding: bytes.prefix(80), as: UTF8.self), reason: "begins a line of \(bytes.count) bytes")
            }
            func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
            guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) }) else { return nil }
            return String(decoding: bytes[first...last], as: UTF8.self)
        }
    }
}
