/// The entries of a zip file, read from its central directory; stored entries are ranges of the file, nothing is inflated.
///
/// Understands zip64 records, data descriptors (sizes are taken from the central directory) and any padding that aligns
/// entries. Every offset and length is checked against the file. Source: PKWARE's APPNOTE 6.3.
struct ZipArchive {
    struct Entry {
        var name: String
        /// 0: stored.
        var method: UInt16
        var isEncrypted: Bool
        /// Where the data lies in the file, proved to be inside it.
        var data: Range<Int>
    }

    private(set) var entries: [Entry] = []
    private var places: [String: Int] = [:]

    /// The bytes that every zip file with entries starts with.
    static let signature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]

    subscript(name: String) -> Entry? { places[name].map { entries[$0] } }

    init(_ bytes: UnsafeRawBufferPointer) throws(PyTorchProblem) {
        let end = try Self.findEnd(bytes)
        let directory = try Self.directory(bytes, end: end)
        var cursor = directory.range.lowerBound
        for _ in 0..<directory.count {
            let entry = try Self.entry(bytes, at: &cursor, limit: directory.range.upperBound)
            guard places.updateValue(entries.count, forKey: entry.name) == nil else {
                throw .badArchive("the entry '\(entry.name)' stands twice")
            }
            entries.append(entry)
        }
    }

    /// Where the end record starts: the last one whose comment fits the file.
    private static func findEnd(_ bytes: UnsafeRawBufferPointer) throws(PyTorchProblem) -> Int {
        let length = 22
        guard bytes.count >= length else { throw .truncatedArchive }
        var place = bytes.count - length
        let lowest = max(0, place - 0xFFFF)
        while place >= lowest {
            if bytes.u32(place) == 0x0605_4B50, place + length + Int(bytes.u16(place + 20)) <= bytes.count { return place }
            place -= 1
        }
        throw .truncatedArchive
    }

    private static func directory(
        _ bytes: UnsafeRawBufferPointer, end: Int
    ) throws(PyTorchProblem) -> (range: Range<Int>, count: Int) {
        var count = UInt64(bytes.u16(end + 10))
        var size = UInt64(bytes.u32(end + 12))
        var offset = UInt64(bytes.u32(end + 16))
        if count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
            // The zip64 locator stands right before the end record and points to the wide one.
            guard end >= 20, bytes.u32(end - 20) == 0x0706_4B50 else { throw .badArchive("the zip64 locator is missing") }
            guard let wide = Int(exactly: bytes.u64(end - 12)), wide <= bytes.count - 56, bytes.u32(wide) == 0x0606_4B50 else {
                throw .badArchive("the zip64 record is missing")
            }
            (count, size, offset) = (bytes.u64(wide + 32), bytes.u64(wide + 40), bytes.u64(wide + 48))
        }
        guard offset <= UInt64(end), size <= UInt64(end) - offset else {
            throw .badArchive("the directory does not lie in the file")
        }
        // Each entry takes 46 bytes at least, which also bounds what a claimed count can cost.
        guard count <= size / 46 else { throw .badArchive("the directory is too small for its \(count) entries") }
        return (Int(offset)..<Int(offset + size), Int(count))
    }

    private static func entry(
        _ bytes: UnsafeRawBufferPointer, at cursor: inout Int, limit: Int
    ) throws(PyTorchProblem) -> Entry {
        guard limit - cursor >= 46, bytes.u32(cursor) == 0x0201_4B50 else { throw .badArchive("the directory is damaged") }
        let nameLength = Int(bytes.u16(cursor + 28))
        let extraLength = Int(bytes.u16(cursor + 30))
        let next = cursor + 46 + nameLength + extraLength + Int(bytes.u16(cursor + 32))
        guard next <= limit else { throw .badArchive("the directory is damaged") }
        let nameBytes = UnsafeRawBufferPointer(rebasing: bytes[cursor + 46..<cursor + 46 + nameLength])
        guard let name = String(validating: nameBytes, as: UTF8.self) else {
            throw .badArchive("the name of an entry is not valid UTF-8")
        }
        var packed = UInt64(bytes.u32(cursor + 20))
        var plain = UInt64(bytes.u32(cursor + 24))
        var local = UInt64(bytes.u32(cursor + 42))
        // The zip64 extra field holds, in this order, those values that did not fit.
        var extra = cursor + 46 + nameLength
        let extraEnd = extra + extraLength
        while extraEnd - extra >= 4 {
            let size = Int(bytes.u16(extra + 2))
            guard extraEnd - extra - 4 >= size else { break }
            if bytes.u16(extra) == 1 {
                var field = extra + 4
                func take(_ value: inout UInt64) {
                    guard value == 0xFFFF_FFFF, field + 8 <= extra + 4 + size else { return }
                    value = bytes.u64(field)
                    field += 8
                }
                take(&plain)
                take(&packed)
                take(&local)
            }
            extra += 4 + size
        }
        let method = bytes.u16(cursor + 10)
        guard method != 0 || packed == plain else { throw .badArchive("the sizes of '\(name)' differ") }
        let isEncrypted = bytes.u16(cursor + 8) & 1 != 0
        cursor = next
        return Entry(
            name: name, method: method, isEncrypted: isEncrypted,
            data: try data(bytes, local: local, size: packed, name: name))
    }

    /// The local header repeats name and extra field in lengths of its own; the data follow it.
    private static func data(
        _ bytes: UnsafeRawBufferPointer, local: UInt64, size: UInt64, name: String
    ) throws(PyTorchProblem) -> Range<Int> {
        guard let local = Int(exactly: local), local <= bytes.count - 30, bytes.u32(local) == 0x0403_4B50 else {
            throw .badArchive("the entry '\(name)' is not where the directory puts it")
        }
        let start = local + 30 + Int(bytes.u16(local + 26)) + Int(bytes.u16(local + 28))
        guard start <= bytes.count, size <= UInt64(bytes.count - start) else {
            throw .badArchive("the data of '\(name)' go beyond the end of the file")
        }
        return start..<start + Int(size)
    }
}

extension UnsafeRawBufferPointer {
    /// Little-endian numbers at any offset; the caller has checked that they lie inside.
    func u16(_ offset: Int) -> UInt16 { UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }
    func u32(_ offset: Int) -> UInt32 { UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    func u64(_ offset: Int) -> UInt64 { UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
}
