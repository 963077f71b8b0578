/// The outline of TOML text: the lines of tables, keys and list elements, which the TOML library does not tell.
///
/// It checks the grammar (https://toml.io/en/v1.0.0) on the way, strictly, and the library sees only what it has passed:
/// toml++ 3.4 ends the process on some malformed text (an assertion in `parse_key`), nests without end along dotted keys, and its
/// C strings end at NUL. What is left to the library is what values mean and whether keys are defined twice.
public struct TOMLOutline {
    /// How deep tables, dotted keys and lists may be nested together.
    public static let depthLimit = 16

    public enum Ending: Equatable {
        case complete
        /// The text stops being TOML on this line.
        case stopped(line: Int, reason: String)
        case tooDeep(line: Int)
        case escapedNul(line: Int)
    }

    /// Line, counted from 1, of each table header, key and list element (whose index is its last part).
    public private(set) var lines: [[String]: Int] = [:]
    /// Where the value of each key stands in the text, in UTF-8 bytes.
    public private(set) var values: [[String]: Range<Int>] = [:]
    public private(set) var ending = Ending.complete

    private let bytes: [UInt8]
    private var at = 0
    private var line = 1
    private var table: [String] = []

    private struct Stop: Error { var ending: Ending }

    public init(_ text: String) {
        bytes = Array(text.utf8)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        do {
            while try document() {}
        } catch {
            ending = (error as? Stop)?.ending ?? .stopped(line: line, reason: "unknown")
        }
    }

    /// The line of a key, or of the innermost table around it that the text names.
    public func line(of path: [String]) -> Int? {
        var path = path
        while !path.isEmpty {
            if let line = lines[path] { return line }
            path.removeLast()
        }
        return nil
    }

    // MARK: Statements

    private mutating func document() throws -> Bool {
        try skipBlank()
        guard let byte = peek else { return false }
        if byte == UInt8(ascii: "[") {
            let header = line
            at += 1
            let isList = peek == UInt8(ascii: "[")
            if isList { at += 1 }
            table = try keyPath(after: [])
            note(table, line: header)
            try expect("]")
            if isList, !take("]") { throw stop("expected ']'") }
        } else {
            try assignment(in: table)
        }
        try endOfLine()
        return true
    }

    private mutating func assignment(in parent: [String]) throws {
        let start = line
        let path = try keyPath(after: parent)
        // A dotted key names the tables on its way as well.
        for length in (parent.count + 1)..<max(parent.count + 2, path.count + 1) { note(Array(path.prefix(length)), line: start) }
        skipSpace()
        try expect("=")
        skipSpace()
        let first = at
        try value(path)
        values[path] = first..<at
    }

    private mutating func keyPath(after parent: [String]) throws -> [String] {
        var path = parent
        repeat {
            skipSpace()
            guard path.count < Self.depthLimit else { throw Stop(ending: .tooDeep(line: line)) }
            path.append(try keyPart())
            skipSpace()
        } while take(".")
        return path
    }

    private mutating func keyPart() throws -> String {
        let start = at
        if let byte = peek, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
            guard !isLongQuote else { throw stop("a key cannot be a string of several lines") }
            return try string()
        }
        while let byte = peek, isBareKey(byte) { at += 1 }
        guard at > start else { throw stop(peek.map { "expected a key, not \(named($0))" } ?? "a key is missing at the end") }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    // MARK: Values

    private mutating func value(_ path: [String]) throws {
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = try string()
        case UInt8(ascii: "["): try list(path)
        case UInt8(ascii: "{"): try inlineTable(path)
        default:
            let start = at
            let token = bareToken()
            // A date and its time may stand apart.
            if TOMLToken.isDate(token), peek == 0x20, at + 1 < bytes.count, TOMLToken.isDigit(bytes[at + 1]) {
                at += 1
                let time = bareToken()
                guard TOMLToken.isSound(token + [UInt8(ascii: "T")] + time) else {
                    throw stop("\(quoted(bytes[start..<at])) is no date and time")
                }
                return
            }
            guard !token.isEmpty else { throw stop("a value is missing") }
            guard TOMLToken.isSound(token) else {
                throw stop("\(quoted(token)) is no value; text wants quotes around it")
            }
        }
    }

    /// The bytes of a number, truth value or date, up to what cannot belong to one.
    private mutating func bareToken() -> ArraySlice<UInt8> {
        let start = at
        while let byte = peek, !isEndOfBareValue(byte) { at += 1 }
        return bytes[start..<at]
    }

    private mutating func list(_ path: [String]) throws {
        guard path.count < Self.depthLimit else { throw Stop(ending: .tooDeep(line: line)) }
        at += 1
        var index = 0
        while true {
            try skipBlank()
            if take("]") { return }
            let element = path + [String(index)]
            note(element, line: line)
            try value(element)
            index += 1
            try skipBlank()
            if take(",") { continue }
            try expect("]")
            return
        }
    }

    private mutating func inlineTable(_ path: [String]) throws {
        guard path.count < Self.depthLimit else { throw Stop(ending: .tooDeep(line: line)) }
        at += 1
        skipSpace()
        if take("}") { return }
        // All of it stands on one line, without a comma at its end.
        repeat {
            skipSpace()
            try assignment(in: path)
            skipSpace()
        } while take(",")
        try expect("}")
    }

    private var isLongQuote: Bool {
        at + 2 < bytes.count && bytes[at + 1] == bytes[at] && bytes[at + 2] == bytes[at]
    }

    /// Steps over a string of any of the four kinds and gives its text.
    private mutating func string() throws -> String {
        let quote = bytes[at]
        let isLiteral = quote == UInt8(ascii: "'")
        let isLong = isLongQuote
        at += isLong ? 3 : 1
        var text: [UInt8] = []
        while let byte = peek {
            if byte == 0x0A || byte == 0x0D {
                guard isLong else { throw stop("a string is not closed on its line") }
                try lineBreak()
                text.append(0x0A)
            } else if byte == UInt8(ascii: "\\"), !isLiteral {
                try escape(in: &text, isLong: isLong)
            } else if byte == quote {
                at += 1
                guard isLong else { return String(decoding: text, as: UTF8.self) }
                var count = 1
                while count < 5, take(Unicode.Scalar(quote)) { count += 1 }
                // Up to two quotes may stand right before the closing three.
                if count >= 3 { return String(decoding: text, as: UTF8.self) }
                text += [UInt8](repeating: quote, count: count)
            } else if (byte < 0x20 && byte != 0x09) || byte == 0x7F {
                throw stop("a string holds a control character")
            } else {
                text.append(byte)
                at += 1
            }
        }
        throw stop("a string is not closed")
    }

    /// A backslash and what follows it in a basic string.
    private mutating func escape(in text: inout [UInt8], isLong: Bool) throws {
        at += 1
        guard let kind = peek else { throw stop("a string is not closed") }
        if isLong, kind == 0x20 || kind == 0x09 || kind == 0x0A || kind == 0x0D {
            skipSpace()
            guard peek == 0x0A || peek == 0x0D else { throw stop("a backslash in a string stands before a space") }
            while let byte = peek {
                if byte == 0x0A || byte == 0x0D { try lineBreak() } else if byte == 0x20 || byte == 0x09 { at += 1 } else { break }
            }
            return
        }
        at += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(kind)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            var code: UInt32 = 0
            for _ in 0..<(kind == UInt8(ascii: "u") ? 4 : 8) {
                guard let digit = peek.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                    throw stop("a \\u escape lacks digits")
                }
                code = code << 4 | UInt32(digit)
                at += 1
            }
            guard code != 0 else { throw Stop(ending: .escapedNul(line: line)) }
            guard let scalar = Unicode.Scalar(code) else { throw stop("an escape names no Unicode character") }
            text += Array(String(scalar).utf8)
        default: throw stop("\\\(named(kind)) is no escape; write \\\\ for a backslash, or use single quotes")
        }
    }

    // MARK: Bytes

    private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        skipSpace()
        guard take(character) else { throw stop("expected '\(character)'\(peek.map { ", not \(named($0))" } ?? "")") }
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 { at += 1 }
    }

    /// Steps over spaces, comments and line ends.
    private mutating func skipBlank() throws {
        while let byte = peek {
            switch byte {
            case 0x20, 0x09: at += 1
            case 0x0A, 0x0D: try lineBreak()
            case UInt8(ascii: "#"): try comment()
            default: return
            }
        }
    }

    private mutating func lineBreak() throws {
        if take("\r"), peek != 0x0A { throw stop("a carriage return stands without a line feed") }
        at += 1
        line += 1
    }

    private mutating func comment() throws {
        while let byte = peek, byte != 0x0A, byte != 0x0D {
            if (byte < 0x20 && byte != 0x09) || byte == 0x7F { throw stop("a comment holds a control character") }
            at += 1
        }
    }

    private mutating func endOfLine() throws {
        skipSpace()
        if peek == UInt8(ascii: "#") { try comment() }
        guard let byte = peek else { return }
        guard byte == 0x0A || byte == 0x0D else { throw stop("nothing more is expected on this line, but there is \(named(byte))") }
        try lineBreak()
    }

    private func isBareKey(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private func isEndOfBareValue(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "#"): true
        default: false
        }
    }

    private func named(_ byte: UInt8) -> String {
        byte > 0x20 && byte < 0x7F ? "'\(Character(Unicode.Scalar(byte)))'" : "this character"
    }

    private func quoted(_ bytes: ArraySlice<UInt8>) -> String {
        "\"" + shortened(String(decoding: bytes.prefix(120), as: UTF8.self), to: 40) + "\""
    }

    private mutating func note(_ path: [String], line: Int) {
        if lines[path] == nil { lines[path] = line }
    }

    private func stop(_ reason: String) -> Stop { Stop(ending: .stopped(line: line, reason: reason)) }
}
