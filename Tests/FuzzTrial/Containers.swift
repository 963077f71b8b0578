import Formats

/// Containers around mutated parts, with lengths and checksums that fit: what lies inside is then reached.
enum Containers {
    /// A zip file of stored entries, as torch.save writes it (APPNOTE 6.3; checksums are left 0, as readers of checkpoints allow).
    static func zip(_ entries: [(name: String, data: [UInt8])]) -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let name = Array(entry.name.utf8)
            // Version, flags, method, time, date, checksum, both sizes, name length, extra length.
            let common = le(20, 2) + le(0, 2) + le(0, 2) + le(0, 4) + le(0, 4) + le(entry.data.count, 4) + le(entry.data.count, 4)
                + le(name.count, 2) + le(0, 2)
            directory += le(0x0201_4B50, 4) + le(20, 2) + common + le(0, 2) + le(0, 2) + le(0, 2) + le(0, 4) + le(file.count, 4) + name
            file += le(0x0403_4B50, 4) + common + name + entry.data
        }
        let start = file.count
        return file + directory + le(0x0605_4B50, 4) + le(0, 2) + le(0, 2) + le(entries.count, 2) + le(entries.count, 2)
            + le(directory.count, 4) + le(start, 4) + le(0, 2)
    }

    /// The stored entries of a zip file; empty where there are none.
    static func entries(ofZip bytes: [UInt8]) -> [(name: String, data: [UInt8])] {
        guard bytes.count >= 22, let end = (0...(bytes.count - 22)).last(where: { number(bytes, $0, 4) == 0x0605_4B50 }) else { return [] }
        var found: [(String, [UInt8])] = []
        var at = number(bytes, end + 16, 4)
        while at + 46 <= end, number(bytes, at, 4) == 0x0201_4B50 {
            let nameLength = number(bytes, at + 28, 2), local = number(bytes, at + 42, 4), size = number(bytes, at + 24, 4)
            guard local + 30 <= bytes.count else { break }
            let start = local + 30 + number(bytes, local + 26, 2) + number(bytes, local + 28, 2)
            guard start + size <= bytes.count else { break }
            found.append((String(decoding: bytes[(at + 46)..<(at + 46 + nameLength)], as: UTF8.self), Array(bytes[start..<(start + size)])))
            at += 46 + nameLength + number(bytes, at + 30, 2) + number(bytes, at + 32, 2)
        }
        return found
    }

    /// A safetensors file of a header and data.
    static func safetensors(header: [UInt8], data: [UInt8]) -> [UInt8] { le(header.count, 8) + header + data }

    /// A record of an event file.
    static func record(_ data: [UInt8]) -> [UInt8] {
        func masked(_ bytes: [UInt8]) -> [UInt8] {
            let value = CRC32C.checksum(bytes)
            return le(Int((value >> 15 | value << 17) &+ 0xA282_EAD8), 4)
        }
        let length = le(data.count, 8)
        return length + masked(length) + data + masked(data)
    }

    /// The data of an event file's records.
    static func records(of bytes: [UInt8]) -> [[UInt8]] {
        var records: [[UInt8]] = []
        var at = 0
        while at + 16 <= bytes.count {
            let length = number(bytes, at, 8)
            guard length >= 0, length <= bytes.count - at - 16 else { break }
            records.append(Array(bytes[(at + 12)..<(at + 12 + length)]))
            at += 16 + length
        }
        return records
    }

    /// Writes the checksum of every chunk anew, as far as the lengths lead.
    static func repairPNG(_ bytes: inout [UInt8]) {
        var at = 8
        while at + 12 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 << 8 | Int(bytes[at + $1]) }
            guard length <= bytes.count - at - 12 else { return }
            var crc = UInt32.max
            for byte in bytes[(at + 4)..<(at + 8 + length)] {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
            }
            for index in 0..<4 { bytes[at + 8 + length + index] = UInt8(truncatingIfNeeded: ~crc >> UInt32(24 - 8 * index)) }
            at += 12 + length
        }
    }

    static func le(_ value: Int, _ width: Int) -> [UInt8] { (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    private static func number(_ bytes: [UInt8], _ at: Int, _ width: Int) -> Int {
        (0..<width).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }
}
