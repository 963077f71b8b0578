/// Walks over JSON bytes without building anything, and builds values where they are wanted.
struct JSONScanner {
    struct Fault: Error {
        /// Byte offset.
        var at: Int
        var reason: String
    }

    let bytes: UnsafeBufferPointer<UInt8>
    var at: Int
    let end: Int
    private static let depthLimit = 64

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.init(bytes, from: 0, to: bytes.count)
    }

    init(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) {
        self.bytes = UnsafeBufferPointer(rebasing: bytes[..<end])
        at = start
        self.end = end
    }

    func fault(_ reason: String) -> Fault { Fault(at: at, reason: reason) }

    @inline(__always)
    mutating func skipSpace() {
        while at < end, case let byte = bytes[at], byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    /// Steps over `byte` and the spaces before it, if it is next.
    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard at < end, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    @inline(__always)
    mutating func expect(_ byte: UInt8) throws(Fault) {
        guard take(byte) else { throw fault("expected '\(Character(Unicode.Scalar(byte)))'") }
    }

    /// Steps over a string; gives the range of its raw bytes, escapes untouched.
    @inline(__always)
    mutating func rawString() throws(Fault) -> Range<Int> {
        try expect(UInt8(ascii: "\""))
        let start = at
        while at < end {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") {
                at += 1
                return start..<(at - 1)
            }
            if byte < 0x20 { throw fault("a control character in a string") }
            at += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        at = end
        throw fault("a string without an end")
    }

    @inline(__always)
    func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        let pointer = text.utf8Start
        for offset in 0..<range.count where bytes[range.lowerBound + offset] != pointer[offset] { return false }
        return true
    }

    /// Steps over a number, or over `null`, which gives nil.
    @inline(__always)
    mutating func number() throws(Fault) -> Double? {
        skipSpace()
        let start = at
        if let number = DecimalNumber(bytes, &at) { return number.double(bytes[start..<at]) }
        guard takeWord("null") else { throw fault("expected a number") }
        return nil
    }

    @inline(__always)
    mutating func float() throws(Fault) -> Float? {
        skipSpace()
        let start = at
        if let number = DecimalNumber(bytes, &at) { return number.float(bytes[start..<at]) }
        guard takeWord("null") else { throw fault("expected a number") }
        return nil
    }

    mutating func takeWord(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard at + count <= end, matches(at..<(at + count), word) else { return false }
        at += count
        return true
    }

    /// Steps over any value.
    mutating func skipValue() throws(Fault) {
        skipSpace()
        var depth = 0
        repeat {
            guard at < end else { throw fault("the end is missing") }
            switch bytes[at] {
            case UInt8(ascii: "\""): _ = try rawString()
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                at += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                guard depth > 0 else { throw fault("a closing bracket too many") }
                depth -= 1
                at += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0A, 0x0D:
                guard depth > 0 else { throw fault("a value is missing") }
                at += 1
            default:
                // A number or a word: up to what ends it.
                let start = at
                while at < end, !isEndOfWord(bytes[at]) { at += 1 }
                guard at > start else { throw fault("an unexpected character") }
            }
        } while depth > 0
    }

    @inline(__always)
    private func isEndOfWord(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: ":")
            || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") || byte <= 0x20
    }

    // MARK: Values

    mutating func value(depth: Int = 0) throws(Fault) -> JSONValue {
        guard depth < Self.depthLimit else { throw fault("nested deeper than \(Self.depthLimit)") }
        skipSpace()
        guard at < end else { throw fault("a value is missing") }
        switch bytes[at] {
        case UInt8(ascii: "{"):
            at += 1
            var fields: [String: JSONValue] = [:]
            if take(UInt8(ascii: "}")) { return .object(fields) }
            repeat {
                let key = try string()
                try expect(UInt8(ascii: ":"))
                fields[key] = try value(depth: depth + 1)
            } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "}"))
            return .object(fields)
        case UInt8(ascii: "["):
            at += 1
            var elements: [JSONValue] = []
            if take(UInt8(ascii: "]")) { return .list(elements) }
            repeat { elements.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "]"))
            return .list(elements)
        case UInt8(ascii: "\""): return .string(try string())
        default:
            if takeWord("null") { return .null }
            if takeWord("true") { return .flag(true) }
            if takeWord("false") { return .flag(false) }
            let start = at
            if let whole = wholeNumber() { return .integer(whole) }
            at = start
            guard let number = try number() else { return .null }
            return .number(number)
        }
    }

    /// A number without point and exponent that fits an Int.
    private mutating func wholeNumber() -> Int? {
        let start = at
        guard DecimalNumber(bytes, &at) != nil else { return nil }
        let text = bytes[start..<at]
        guard text.allSatisfy({ $0 == UInt8(ascii: "-") || ($0 &- 48) < 10 }) else { return nil }
        return Int(String(decoding: text, as: UTF8.self))
    }

    mutating func string() throws(Fault) -> String {
        let range = try rawString()
        let raw = bytes[range]
        guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
        var units: [UInt8] = []
        var index = range.lowerBound
        func hex(_ start: Int) -> UInt32? {
            guard start + 4 <= range.upperBound else { return nil }
            return UInt32(String(decoding: bytes[start..<(start + 4)], as: UTF8.self), radix: 16)
        }
        while index < range.upperBound {
            guard bytes[index] == UInt8(ascii: "\\"), index + 1 < range.upperBound else {
                units.append(bytes[index])
                index += 1
                continue
            }
            let kind = bytes[index + 1]
            index += 2
            switch kind {
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "b"): units.append(0x08)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "u"):
                guard var code = hex(index) else { throw fault("a \\u escape lacks digits") }
                index += 4
                if (0xD800..<0xDC00).contains(code), index + 6 <= range.upperBound, bytes[index] == UInt8(ascii: "\\"),
                    bytes[index + 1] == UInt8(ascii: "u"), let low = hex(index + 2), (0xDC00..<0xE000).contains(low)
                {
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                    index += 6
                }
                units.append(contentsOf: String(Unicode.Scalar(code).map(Character.init) ?? "\u{FFFD}").utf8)
            default: units.append(kind)
            }
        }
        return String(decoding: units, as: UTF8.self)
    }
}

/// A JSON value in memory.
enum JSONValue: Equatable {
    case null
    case flag(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([JSONValue])
    case object([String: JSONValue])

    /// Reads one value that fills `bytes`.
    init(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) throws(JSONScanner.Fault) {
        var scanner = JSONScanner(bytes, from: start, to: end)
        self = try scanner.value()
        scanner.skipSpace()
        if scanner.at != scanner.end { throw scanner.fault("more after the end of the value") }
    }

    /// Reads a whole file.
    /// - Throws: `RunStoreError`.
    init(file path: String, limit: Int) throws {
        let bytes = try readWhole(path, limit: limit)
        self = try bytes.withUnsafeBufferPointer { buffer in
            do {
                return try JSONValue(buffer, from: 0, to: buffer.count)
            } catch let fault as JSONScanner.Fault {
                throw RunStoreError.malformed(path: path, reason: "\(fault.reason) at byte \(fault.at)")
            }
        }
    }

    subscript(key: String) -> JSONValue? {
        if case .object(let fields) = self { fields[key] } else { nil }
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var elements: [JSONValue]? { if case .list(let elements) = self { elements } else { nil } }

    var whole: Int? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }

    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// A number field, `<key>_is` telling what a `null` stands for; nil where the field is absent.
    func number(_ key: String) -> Double? {
        guard let value = self[key] else { return nil }
        guard case .null = value else { return value.double }
        switch self[key + "_is"]?.text {
        case "inf": return .infinity
        case "-inf": return -.infinity
        default: return .nan
        }
    }
}
