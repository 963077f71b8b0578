/// Which bare words are TOML values: numbers, truth values, dates and times (https://toml.io/en/v1.0.0).
enum TOMLToken {
    /// Longer numbers mean nothing to a session, and exhaust the library's look-ahead.
    static let lengthLimit = 80

    static func isSound(_ token: ArraySlice<UInt8>) -> Bool {
        guard token.count <= lengthLimit else { return false }
        switch String(decoding: token, as: UTF8.self) {
        case "true", "false", "inf", "+inf", "-inf", "nan", "+nan", "-nan": return true
        default: return isInteger(token) || isFloat(token) || isDateOrTime(token)
        }
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// `2025-01-31`, judged by its shape.
    static func isDate(_ token: ArraySlice<UInt8>) -> Bool { matches(token, "dddd-dd-dd") }

    private static func isInteger(_ token: ArraySlice<UInt8>) -> Bool {
        if token.count > 2, token.first == UInt8(ascii: "0") {
            let digits = token.dropFirst(2)
            switch token[token.startIndex + 1] {
            case UInt8(ascii: "x"): return areDigits(digits) { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0 | 0x20) }
            case UInt8(ascii: "o"): return areDigits(digits) { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
            case UInt8(ascii: "b"): return areDigits(digits) { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "1") }
            default: break
            }
        }
        return isDecimal(unsigned(token))
    }

    private static func isFloat(_ token: ArraySlice<UInt8>) -> Bool {
        var mantissa = unsigned(token)
        var isFloat = false
        if let mark = mantissa.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
            guard areDigits(unsigned(mantissa[(mark + 1)...]), isDigit) else { return false }
            mantissa = mantissa[..<mark]
            isFloat = true
        }
        if let point = mantissa.firstIndex(of: UInt8(ascii: ".")) {
            guard areDigits(mantissa[(point + 1)...], isDigit) else { return false }
            mantissa = mantissa[..<point]
            isFloat = true
        }
        return isFloat && isDecimal(mantissa)
    }

    /// Digits without a leading zero.
    private static func isDecimal(_ token: ArraySlice<UInt8>) -> Bool {
        areDigits(token, isDigit) && (token.count == 1 || token.first != UInt8(ascii: "0"))
    }

    private static func unsigned(_ token: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        token.first == UInt8(ascii: "+") || token.first == UInt8(ascii: "-") ? token.dropFirst() : token
    }

    /// One or more digits, single underscores between them.
    private static func areDigits(_ token: ArraySlice<UInt8>, _ isDigit: (UInt8) -> Bool) -> Bool {
        var wasDigit = false
        for byte in token {
            if byte == UInt8(ascii: "_") {
                guard wasDigit else { return false }
                wasDigit = false
            } else {
                guard isDigit(byte) else { return false }
                wasDigit = true
            }
        }
        return wasDigit
    }

    /// A date, a time, or both with `T` between and perhaps an offset behind.
    private static func isDateOrTime(_ token: ArraySlice<UInt8>) -> Bool {
        guard token.count > 10, isDate(token.prefix(10)) else { return isDate(token) || isTime(token) }
        guard token[token.startIndex + 10] | 0x20 == UInt8(ascii: "t") else { return false }
        let rest = token.dropFirst(11)
        if let last = rest.last, last | 0x20 == UInt8(ascii: "z") { return isTime(rest.dropLast()) }
        if let sign = rest.firstIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }) {
            return isTime(rest[..<sign]) && matches(rest[(sign + 1)...], "dd:dd")
        }
        return isTime(rest)
    }

    private static func isTime(_ token: ArraySlice<UInt8>) -> Bool {
        guard matches(token.prefix(8), "dd:dd:dd") else { return false }
        let fraction = token.dropFirst(8)
        return fraction.isEmpty
            || (fraction.first == UInt8(ascii: ".") && (2...10).contains(fraction.count) && fraction.dropFirst().allSatisfy(isDigit))
    }

    /// `d` in the pattern stands for a digit.
    private static func matches(_ token: ArraySlice<UInt8>, _ pattern: StaticString) -> Bool {
        guard token.count == pattern.utf8CodeUnitCount else { return false }
        return pattern.withUTF8Buffer { pattern in
            zip(token, pattern).allSatisfy { $1 == UInt8(ascii: "d") ? isDigit($0) : $0 == $1 }
        }
    }
}
