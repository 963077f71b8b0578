/// Where and why JSON text could not be read.
package struct JSONProblem: Error, Equatable {
    package let offset: Int
    package let what: String

    package init(offset: Int, what: String) {
        self.offset = offset
        self.what = what
    }
}

/// A strict pull scanner over JSON bytes (RFC 8259) that allocates only the strings it hands out.
///
///     var scanner = JSONScanner(bytes)
///     try scanner.beginObject()
///     while let key = try scanner.nextKey() { values[key] = try scanner.unsigned() }
///     try scanner.end()
///
/// One pass, linear time, nesting limited to `depthLimit`. It sees every key, so callers can refuse duplicates, which
/// Foundation's parser hides. Where speed counts, as for a million lines, keys and words stay ranges of bytes:
///
///     while let key = try scanner.nextKeyBytes() {
///         if scanner.matches(key, "step") { step = try scanner.numberOrNull() } else { try scanner.skipValue() }
///     }
///
/// The bytes must outlive the scanner.
package struct JSONScanner {
    package static let depthLimit = 64

    package enum Kind { case object, array, string, number, bool, null }

    @usableFromInline let bytes: UnsafeRawBufferPointer
    package internal(set) var offset = 0
    @usableFromInline var depth = 0
    /// True between the opening of an object or array and its first member.
    @usableFromInline var fresh = false

    @inlinable package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package func problem(_ what: String) -> JSONProblem { JSONProblem(offset: offset, what: what) }

    // MARK: Structure

    package mutating func peek() throws(JSONProblem) -> Kind {
        skipSpace()
        guard offset < bytes.count else { throw problem("it ends in the middle") }
        switch bytes[offset] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        default: throw problem("a value was expected")
        }
    }

    @inlinable @inline(__always)
    package mutating func beginObject() throws(JSONProblem) { try begin(UInt8(ascii: "{"), "an object was expected") }
    @inlinable @inline(__always)
    package mutating func beginArray() throws(JSONProblem) { try begin(UInt8(ascii: "["), "an array was expected") }

    /// The next key of the innermost object, its colon consumed; nil at the closing brace.
    package mutating func nextKey() throws(JSONProblem) -> String? {
        guard try advance(closing: UInt8(ascii: "}")) else { return nil }
        let key = try string()
        skipSpace()
        guard accept(UInt8(ascii: ":")) else { throw problem("a colon was expected") }
        return key
    }

    /// The same, as a range for `matches`.
    @inlinable @inline(__always)
    package mutating func nextKeyBytes() throws(JSONProblem) -> Range<Int>? {
        guard try advance(closing: UInt8(ascii: "}")) else { return nil }
        let key = try stringBytes()
        skipSpace()
        guard accept(UInt8(ascii: ":")) else { throw problem("a colon was expected") }
        return key
    }

    /// True when another element of the innermost array follows; false at the closing bracket.
    @inlinable @inline(__always)
    package mutating func nextElement() throws(JSONProblem) -> Bool { try advance(closing: UInt8(ascii: "]")) }

    /// Checks that only white space follows.
    package mutating func end() throws(JSONProblem) {
        skipSpace()
        if offset < bytes.count { throw problem("more text follows the end of the value") }
    }

    /// Goes to the text's last byte if that closes an object, leaving out what lies before; false, and nothing done, where it does not.
    @inlinable package mutating func skipToClosingBrace() -> Bool {
        guard bytes.count > offset, bytes[bytes.count - 1] == UInt8(ascii: "}") else { return false }
        offset = bytes.count - 1
        return true
    }

    @inlinable @inline(__always)
    mutating func begin(_ opening: UInt8, _ complaint: StaticString) throws(JSONProblem) {
        skipSpace()
        guard accept(opening) else { throw problem("\(complaint)") }
        guard depth < Self.depthLimit else { throw problem("it is nested more than \(Self.depthLimit) deep") }
        depth += 1
        fresh = true
    }

    @inlinable @inline(__always)
    mutating func advance(closing: UInt8) throws(JSONProblem) -> Bool {
        skipSpace()
        if accept(closing) {
            depth -= 1
            fresh = false
            return false
        }
        if fresh {
            fresh = false
        } else {
            guard accept(UInt8(ascii: ",")) else { throw problem("a comma or \(Character(Unicode.Scalar(closing))) was expected") }
        }
        return true
    }

    @inlinable @inline(__always)
    mutating func accept(_ byte: UInt8) -> Bool {
        guard offset < bytes.count, bytes[offset] == byte else { return false }
        offset += 1
        return true
    }

    @inlinable @inline(__always)
    mutating func skipSpace() {
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            offset += 1
        }
    }

    // MARK: Scalars

    /// A non-negative whole number without fraction or exponent, as offsets and shapes are written.
    package mutating func unsigned() throws(JSONProblem) -> Int {
        skipSpace()
        let start = offset
        var value = 0
        while offset < bytes.count, case let digit = bytes[offset] &- 0x30, digit < 10 {
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(Int(digit))
            guard !overflow, !carry else { throw problem("a number is too large") }
            value = sum
            offset += 1
        }
        guard offset > start, offset == start + 1 || bytes[start] != 0x30 else {
            throw problem("a non-negative whole number was expected")
        }
        if offset < bytes.count, bytes[offset] == 0x2E || bytes[offset] | 0x20 == 0x65 {
            throw problem("a non-negative whole number was expected")
        }
        return value
    }

    /// Any number: its value, and its exact value where it is written as a whole number that fits.
    package mutating func number() throws(JSONProblem) -> (real: Double, whole: Int?) {
        skipSpace()
        let start = offset
        let number = try decimal()
        return (try finite(number.double(bytes[start..<offset])), number.whole)
    }

    /// A number, or nil for `null`.
    @inlinable @inline(__always)
    package mutating func numberOrNull() throws(JSONProblem) -> Double? {
        skipSpace()
        let start = offset
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "n") {
            try null()
            return nil
        }
        let number = try decimal()
        return try finite(number.double(bytes[start..<offset]))
    }

    /// The nearest Float of a number, or nil for `null`.
    @inlinable @inline(__always)
    package mutating func floatOrNull() throws(JSONProblem) -> Float? {
        skipSpace()
        let start = offset
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "n") {
            try null()
            return nil
        }
        let number = try decimal()
        return try finite(number.float(bytes[start..<offset]))
    }

    @inlinable @inline(__always)
    mutating func decimal() throws(JSONProblem) -> DecimalNumber {
        let start = offset
        guard let number = DecimalNumber(bytes, &offset) else { throw problem("a number was expected") }
        guard offset - start <= 400 else { throw problem("a number is too long") }
        return number
    }

    @inlinable @inline(__always)
    func finite<Value: BinaryFloatingPoint>(_ value: Value) throws(JSONProblem) -> Value {
        guard value.isFinite else { throw problem("a number is too large") }
        return value
    }

    package mutating func bool() throws(JSONProblem) -> Bool {
        skipSpace()
        if acceptWord("true") { return true }
        if acceptWord("false") { return false }
        throw problem("true or false was expected")
    }

    package mutating func null() throws(JSONProblem) {
        skipSpace()
        guard acceptWord("null") else { throw problem("null was expected") }
    }

    private mutating func acceptWord(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard bytes.count - offset >= count else { return false }
        for index in 0..<count where bytes[offset + index] != word.utf8Start[index] { return false }
        offset += count
        return true
    }

    package mutating func string() throws(JSONProblem) -> String {
        let range = try stringBytes()
        let text = UnsafeRawBufferPointer(rebasing: bytes[range])
        guard text.contains(UInt8(ascii: "\\")) else { return String(decoding: text, as: UTF8.self) }
        return try unescaped(range)
    }

    /// A string as the range of its bytes, escapes untouched; they and its UTF-8 are checked.
    @inlinable @inline(__always)
    package mutating func stringBytes() throws(JSONProblem) -> Range<Int> {
        skipSpace()
        guard accept(UInt8(ascii: "\"")) else { throw problem("a string was expected") }
        let start = offset
        var all: UInt8 = 0
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\"") {
                let range = start..<offset
                offset += 1
                if all >= 0x80 { try checkUTF8(range) }
                return range
            }
            guard byte >= 0x20 else { throw problem("a string holds a bare control character") }
            offset += 1
            if byte == UInt8(ascii: "\\") { _ = try escape() }
            all |= byte
        }
        throw problem("a string does not end")
    }

    /// Whether a range holds these bytes.
    @inlinable @inline(__always)
    package func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        let pointer = text.utf8Start
        for index in 0..<range.count where bytes[range.lowerBound + index] != pointer[index] { return false }
        return true
    }

    @usableFromInline func checkUTF8(_ range: Range<Int>) throws(JSONProblem) {
        let text = UnsafeRawBufferPointer(rebasing: bytes[range])
        guard String(validating: text, as: UTF8.self) != nil else { throw problem("a string is not valid UTF-8") }
    }

    /// The text of a range that `stringBytes` gave.
    private mutating func unescaped(_ range: Range<Int>) throws(JSONProblem) -> String {
        let end = offset
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        offset = range.lowerBound
        while offset < range.upperBound {
            let byte = bytes[offset]
            offset += 1
            if byte == UInt8(ascii: "\\") { text.append(contentsOf: String(try escape()).utf8) } else { text.append(byte) }
        }
        offset = end
        return String(decoding: text, as: UTF8.self)
    }

    /// What an escape stands for, its backslash read already.
    @usableFromInline mutating func escape() throws(JSONProblem) -> Character {
        guard offset < bytes.count else { throw problem("a string does not end") }
        let code = bytes[offset]
        offset += 1
        switch code {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Character(Unicode.Scalar(code))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try escapedScalar()
        default: throw problem("an unknown escape stands in a string")
        }
    }

    private mutating func escapedScalar() throws(JSONProblem) -> Character {
        let unit = try hexUnit()
        var value = UInt32(unit)
        if 0xD800..<0xDC00 ~= unit {
            guard accept(UInt8(ascii: "\\")), accept(UInt8(ascii: "u")) else { throw problem("half of a surrogate pair stands alone") }
            let low = try hexUnit()
            guard 0xDC00..<0xE000 ~= low else { throw problem("half of a surrogate pair stands alone") }
            value = 0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw problem("half of a surrogate pair stands alone") }
        return Character(scalar)
    }

    private mutating func hexUnit() throws(JSONProblem) -> UInt16 {
        guard bytes.count - offset >= 4 else { throw problem("a string does not end") }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            let byte = bytes[offset]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: throw problem("four hexadecimal digits were expected")
            }
            unit = unit << 4 | UInt16(digit)
            offset += 1
        }
        return unit
    }

    // MARK: Whole values

    /// Passes over one value of any kind, checking its syntax.
    package mutating func skipValue() throws(JSONProblem) {
        switch try peek() {
        case .object:
            try beginObject()
            while try nextKeyBytes() != nil { try skipValue() }
        case .array:
            try beginArray()
            while try nextElement() { try skipValue() }
        case .string: _ = try stringBytes()
        case .number:
            let start = offset
            let number = try decimal()
            if !number.isSurelyFinite { _ = try finite(number.double(bytes[start..<offset])) }
        case .bool: _ = try bool()
        case .null: try null()
        }
    }

    /// Reads one value as a tree; duplicate keys are refused. For small files only: a tree outweighs its text.
    package mutating func value() throws(JSONProblem) -> JSONValue {
        switch try peek() {
        case .object:
            var members: [String: JSONValue] = [:]
            try beginObject()
            while let key = try nextKey() {
                guard members.updateValue(try value(), forKey: key) == nil else { throw problem("the key '\(key)' stands twice") }
            }
            return .object(members)
        case .array:
            var elements: [JSONValue] = []
            try beginArray()
            while try nextElement() { elements.append(try value()) }
            return .array(elements)
        case .string: return .string(try string())
        case .number:
            let (real, whole) = try number()
            return whole.map { .whole($0) } ?? .real(real)
        case .bool: return .bool(try bool())
        case .null:
            try null()
            return .null
        }
    }
}
