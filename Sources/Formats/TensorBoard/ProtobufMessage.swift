/// Builds one message of the protocol buffers encoding: fields one after the other, each a key (`number << 3 | wire type`,
/// a varint) and its value. Fields are to be added in ascending order, as other encoders write them.
///
/// | wire type | value |
/// |---|---|
/// | 0 | varint: seven bits a byte, low ones first, the high bit says that more follow; negative numbers as 64 bits |
/// | 1 | eight bytes, little-endian |
/// | 2 | a varint length and so many bytes: texts, messages, packed numbers |
/// | 5 | four bytes, little-endian |
struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    init(_ body: (inout ProtobufMessage) -> Void = { _ in }) { body(&self) }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func key(_ number: Int, wireType: UInt64) { varint(UInt64(number) << 3 | wireType) }

    private mutating func littleEndian(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func field(_ number: Int, whole value: Int) {
        key(number, wireType: 0)
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func field(_ number: Int, double value: Double) {
        key(number, wireType: 1)
        littleEndian(value.bitPattern)
    }

    mutating func field(_ number: Int, float value: Float) {
        key(number, wireType: 5)
        littleEndian(value.bitPattern)
    }

    mutating func field(_ number: Int, bytes value: [UInt8]) {
        key(number, wireType: 2)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func field(_ number: Int, text value: String) { field(number, bytes: Array(value.utf8)) }

    mutating func field(_ number: Int, _ body: (inout ProtobufMessage) -> Void) { field(number, bytes: ProtobufMessage(body).bytes) }

    mutating func field(_ number: Int, packed values: [Double]) {
        key(number, wireType: 2)
        varint(UInt64(8 * values.count))
        for value in values { littleEndian(value.bitPattern) }
    }
}

/// Walks over the fields of an encoded message; every length is checked against what is left. See `ProtobufMessage`.
struct ProtobufReader {
    enum Fault: Error, Equatable {
        /// A value goes beyond the message.
        case beyondEnd
        case badKey
    }

    /// A field's value as it is encoded; the bytes are those of the message and live as long.
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes(UnsafeRawBufferPointer)

        var whole: Int? { if case .varint(let value) = self { Int(Int64(bitPattern: value)) } else { nil } }
        var double: Double? { if case .fixed64(let bits) = self { Double(bitPattern: bits) } else { nil } }
        var float: Float? { if case .fixed32(let bits) = self { Float(bitPattern: bits) } else { nil } }
        var bytes: UnsafeRawBufferPointer? { if case .bytes(let bytes) = self { bytes } else { nil } }
        var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
    }

    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    /// The next field; nil at the end.
    mutating func next() throws(Fault) -> (number: UInt64, value: Value)? {
        if rest.isEmpty { return nil }
        let key = try varint()
        guard key >> 3 > 0 else { throw .badKey }
        switch key & 7 {
        case 0: return (key >> 3, .varint(try varint()))
        case 1: return (key >> 3, .fixed64(UInt64(littleEndian: try take(8).loadUnaligned(as: UInt64.self))))
        case 2:
            let count = try varint()
            guard count <= UInt64(rest.count) else { throw .beyondEnd }
            return (key >> 3, .bytes(try take(Int(count))))
        case 5: return (key >> 3, .fixed32(UInt32(littleEndian: try take(4).loadUnaligned(as: UInt32.self))))
        // Groups went out of use before event files came up.
        default: throw .badKey
        }
    }

    mutating func varint() throws(Fault) -> UInt64 {
        var value: UInt64 = 0
        for place in 0..<10 {
            guard place < rest.count else { throw .beyondEnd }
            let byte = rest[rest.startIndex + place]
            value |= UInt64(byte & 0x7F) << UInt64(7 * place)
            if byte < 0x80 {
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(place + 1))
                return value
            }
        }
        throw .badKey
    }

    private mutating func take(_ count: Int) throws(Fault) -> UnsafeRawBufferPointer {
        guard count <= rest.count else { throw .beyondEnd }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
        return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    }
}
