/// CRC-32C: Castagnoli's polynomial, reflected (0x82F63B78), start and end inverted; RFC 3720, appendix B.4.
///
/// ```
/// CRC32C.checksum(of: "123456789".utf8 bytes) == 0xE3069283
/// ```
public enum CRC32C {
    /// `tables[256 * k + b]` is the checksum of byte b followed by k zero bytes: eight bytes are taken at a time.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()

    public static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var value = UInt32.max
            var at = 0
            while at + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) ^ UInt64(value)
                value = 0
                for place in 0..<8 { value ^= tables[256 * (7 - place) + Int(word >> UInt64(8 * place) & 0xFF)] }
                at += 8
            }
            while at < bytes.count {
                value = value >> 8 ^ tables[Int((value ^ UInt32(bytes[at])) & 0xFF)]
                at += 1
            }
            return ~value
        }
    }

    public static func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }

    /// The checksum as records store it, so that a checksum of data with checksums in it stays strong: turned right by 15
    /// bits, plus a constant.
    static func masked(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let value = checksum(bytes)
        return (value >> 15 | value << 17) &+ 0xA282_EAD8
    }
}
