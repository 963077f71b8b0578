/// Where and why JSON text could not be read.
struct JSONProblem: Error, Equatable {
    let offset: Int
    let what: String
}

/// A strict pull scanner over JSON bytes (RFC 8259) that allocates only the strings it hands out.
///
///     var scanner = JSONScanner(bytes)
///     try scanner.beginObject()
///     while let key = try scanner.nextKey() { values[key] = try scanner.integer() }
///     try scanner.end()
///
/// One pass, linear time, nesting limited to `depthLimit`. It sees every key, so callers can refuse duplicates, which
/// Foundation's parser hides. The bytes must outlive the scanner.
struct JSONScanner {
    static let depthLimit = 64

    enum Kind { case object, array, string, number, bool, null }

    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0
    private var depth = 0
    /// True between the opening of an object or array and its first member.
    private var fresh = false

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    func problem(_ what: String) -> JSONProblem { JSONProblem(offset: offset, what: what) }

    // MARK: Structure

    mutating func peek() throws(JSONProblem) -> Kind {
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

    mutating func beginObject() throws(JSONProblem) { try begin("{", "an object was expected") }
    mutating func beginArray() throws(JSONProblem) { try begin("[", "an array was expected") }

    /// The next key of the innermost object, its colon consumed; nil at the closing brace.
    mutating func nextKey() throws(JSONProblem) -> String? {
        guard try advance(closing: "}") else { return nil }
        let key = try string()
        skipSpace()
        guard accept(":") else { throw problem("a colon was expected") }
        return key
    }

    /// True when another element of the innermost array follows; false at the closing bracket.
    mutating func nextElement() throws(JSONProblem) -> Bool { try advance(closing: "]") }

    /// Checks that only white space follows.
    mutating func end() throws(JSONProblem) {
        skipSpace()
        if offset < bytes.count { throw problem("more text follows the end of the value") }
    }

    private mutating func begin(_ opening: Unicode.Scalar, _ complaint: String) throws(JSONProblem) {
        skipSpace()
        guard accept(opening) else { throw problem(complaint) }
        guard depth < Self.depthLimit else { throw problem("it is nested more than \(Self.depthLimit) deep") }
        depth += 1
        fresh = true
    }

    private mutating func advance(closing: Unicode.Scalar) throws(JSONProblem) -> Bool {
        skipSpace()
        if accept(closing) {
            depth -= 1
            fresh = false
            return false
        }
        if fresh {
            fresh = false
        } else {
            guard accept(",") else { throw problem("a comma or \(closing) was expected") }
        }
        return true
    }

    private mutating func accept(_ scalar: Unicode.Scalar) -> Bool {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: scalar) else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            offset += 1
        }
    }

    // MARK: Scalars

    /// A non-negative whole number without fraction or exponent, as offsets and shapes are written.
    mutating func unsigned() throws(JSONProblem) -> Int {
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
    mutating func number() throws(JSONProblem) -> (real: Double, whole: Int?) {
        skipSpace()
        let start = offset
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        let first = offset
        skipDigits()
        guard offset > first, offset == first + 1 || bytes[first] != 0x30 else { throw problem("a number was expected") }
        var whole = true
        if accept(".") {
            whole = false
            let fraction = offset
            skipDigits()
            guard offset > fraction else { throw problem("digits were expected after the point") }
        }
        if offset < bytes.count, bytes[offset] | 0x20 == 0x65 {
            whole = false
            offset += 1
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "-") || bytes[offset] == UInt8(ascii: "+") { offset += 1 }
            let exponent = offset
            skipDigits()
            guard offset > exponent else { throw problem("digits were expected in the exponent") }
        }
        guard offset - start <= 400 else { throw problem("a number is too long") }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        guard let real = Double(text), real.isFinite else { throw problem("a number is too large") }
        return (real, whole ? Int(text) : nil)
    }

    private mutating func skipDigits() {
        while offset < bytes.count, bytes[offset] &- 0x30 < 10 { offset += 1 }
    }

    mutating func bool() throws(JSONProblem) -> Bool {
        skipSpace()
        if acceptWord("true") { return true }
        if acceptWord("false") { return false }
        throw problem("true or false was expected")
    }

    mutating func null() throws(JSONProblem) {
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

    mutating func string() throws(JSONProblem) -> String {
        skipSpace()
        guard accept("\"") else { throw problem("a string was expected") }
        let start = offset
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\""):
                let text = try validated(UnsafeRawBufferPointer(rebasing: bytes[start..<offset]))
                offset += 1
                return text
            case UInt8(ascii: "\\"):
                return try stringWithEscapes(from: start)
            case 0..<0x20:
                throw problem("a string holds a bare control character")
            default:
                offset += 1
            }
        }
        throw problem("a string does not end")
    }

    private func validated(_ text: UnsafeRawBufferPointer) throws(JSONProblem) -> String {
        guard let text = String(validating: text, as: UTF8.self) else { throw problem("a string is not valid UTF-8") }
        return text
    }

    private mutating func stringWithEscapes(from start: Int) throws(JSONProblem) -> String {
        var text = Array(bytes[start..<offset])
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let result = String(validating: text, as: UTF8.self) else {
                    throw problem("a string is not valid UTF-8")
                }
                return result
            case UInt8(ascii: "\\"):
                guard offset < bytes.count else { throw problem("a string does not end") }
                let code = bytes[offset]
                offset += 1
                switch code {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(code)
                case UInt8(ascii: "b"): text.append(0x08)
                case UInt8(ascii: "f"): text.append(0x0C)
                case UInt8(ascii: "n"): text.append(0x0A)
                case UInt8(ascii: "r"): text.append(0x0D)
                case UInt8(ascii: "t"): text.append(0x09)
                case UInt8(ascii: "u"): text.append(contentsOf: String(try escapedScalar()).utf8)
                default: throw problem("an unknown escape stands in a string")
                }
            case 0..<0x20: throw problem("a string holds a bare control character")
            default: text.append(byte)
            }
        }
        throw problem("a string does not end")
    }

    private mutating func escapedScalar() throws(JSONProblem) -> Character {
        let unit = try hexUnit()
        var value = UInt32(unit)
        if 0xD800..<0xDC00 ~= unit {
            guard accept("\\"), accept("u") else { throw problem("half of a surrogate pair stands alone") }
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
    mutating func skipValue() throws(JSONProblem) {
        switch try peek() {
        case .object:
            try beginObject()
            while try nextKey() != nil { try skipValue() }
        case .array:
            try beginArray()
            while try nextElement() { try skipValue() }
        case .string: _ = try string()
        case .number: _ = try number()
        case .bool: _ = try bool()
        case .null: try null()
        }
    }

    /// Reads one value as a tree; duplicate keys are refused. For small files only: a tree outweighs its text.
    mutating func value() throws(JSONProblem) -> JSONValue {
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
