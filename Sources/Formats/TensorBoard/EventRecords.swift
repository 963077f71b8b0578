/// The framing of event files (TFRecord), all little-endian: u64 length, u32 masked CRC-32C of those eight bytes, the data,
/// u32 masked CRC-32C of the data.
enum EventRecords {
    static let overhead = 16

    static func framed(_ data: [UInt8]) -> [UInt8] {
        var record: [UInt8] = []
        record.reserveCapacity(data.count + overhead)
        withUnsafeBytes(of: UInt64(data.count).littleEndian) { length in
            record.append(contentsOf: length)
            withUnsafeBytes(of: CRC32C.masked(length).littleEndian) { record.append(contentsOf: $0) }
        }
        record += data
        let checksum = data.withUnsafeBytes { CRC32C.masked($0) }
        withUnsafeBytes(of: checksum.littleEndian) { record.append(contentsOf: $0) }
        return record
    }

    /// Calls `body` with the data of each whole record and its offset in the file.
    ///
    /// A record that the end of the file cuts off is no error: another program may be writing it.
    /// - Returns: what is wrong with the first record whose checksum does not fit, and its offset; nothing is read from there on.
    static func forEach(
        in file: UnsafeRawBufferPointer, _ body: (_ data: UnsafeRawBufferPointer, _ offset: Int) throws -> Void
    ) rethrows -> TensorBoardProblem? {
        var at = 0
        while file.count - at >= 12 {
            let length = UInt64(littleEndian: file.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            guard checksum(file, at + 8) == CRC32C.masked(part(file, at, 8)) else { return .badChecksum(offset: at, of: "length") }
            // What is left holds the data and its checksum, or the record is torn.
            guard length <= UInt64(file.count - at - 12), file.count - at - 12 - Int(length) >= 4 else { return nil }
            let data = part(file, at + 12, Int(length))
            guard checksum(file, at + 12 + Int(length)) == CRC32C.masked(data) else { return .badChecksum(offset: at, of: "data") }
            try body(data, at)
            at += overhead + Int(length)
        }
        return nil
    }

    private static func part(_ file: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: file[start..<(start + count)])
    }

    private static func checksum(_ file: UnsafeRawBufferPointer, _ at: Int) -> UInt32 {
        UInt32(littleEndian: file.loadUnaligned(fromByteOffset: at, as: UInt32.self))
    }
}
