/// Replaces HTML character references as the standard asks of browsers and as Python's `html.unescape` does.
enum HTMLUnescape {
    static func unescape(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var index = 0
        while index < scalars.count {
            if scalars[index] == "&", let (replacement, end) = reference(scalars, after: index + 1) {
                result.append(contentsOf: replacement)
                index = end
            } else {
                result.append(scalars[index])
                index += 1
            }
        }
        return String(result)
    }

    /// The text that the reference after an ampersand stands for, and where it ends; nil when it is none.
    private static func reference(
        _ scalars: [Unicode.Scalar], after start: Int
    ) -> (replacement: [Unicode.Scalar], end: Int)? {
        guard start < scalars.count else { return nil }
        if scalars[start] == "#" { return numeric(scalars, after: start + 1) }
        var end = start
        while end < scalars.count, end - start < 32, !"\t\n\u{0C} <&#;".unicodeScalars.contains(scalars[end]) { end += 1 }
        let name = scalars[start..<end]
        if end > start, end < scalars.count, scalars[end] == ";", let found = named[key(name)] {
            return (found.scalars, end + 1)
        }
        // Without its semicolon only a legacy name counts, and then the longest that fits.
        for length in stride(from: name.count, to: 1, by: -1) {
            if let found = named[key(name.prefix(length))], found.legacy { return (found.scalars, start + length) }
        }
        return nil
    }

    private static func numeric(
        _ scalars: [Unicode.Scalar], after start: Int
    ) -> (replacement: [Unicode.Scalar], end: Int)? {
        var index = start
        var radix: UInt32 = 10
        if index < scalars.count, scalars[index] == "x" || scalars[index] == "X" {
            radix = 16
            index += 1
        }
        let first = index
        var value: UInt32 = 0
        while index < scalars.count, let digit = asciiDigit(scalars[index], radix) {
            // Saturates above the last code point.
            value = min(value &* radix &+ digit, 0x11_0000)
            index += 1
        }
        guard index > first else { return nil }
        if index < scalars.count, scalars[index] == ";" { index += 1 }
        return (replacement(value), index)
    }

    private static func asciiDigit(_ scalar: Unicode.Scalar, _ radix: UInt32) -> UInt32? {
        switch scalar {
        case "0"..."9": scalar.value - 0x30
        case "a"..."f" where radix == 16: scalar.value - 0x61 + 10
        case "A"..."F" where radix == 16: scalar.value - 0x41 + 10
        default: nil
        }
    }

    private static func replacement(_ value: UInt32) -> [Unicode.Scalar] {
        switch value {
        case 0: return ["\u{FFFD}"]
        case 0x0D: return ["\r"]
        case 0x80...0x9F: return [windows1252[Int(value - 0x80)]]
        case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0xFDD0...0xFDEF: return []
        case _ where value & 0xFFFE == 0xFFFE && value < 0x11_0000: return []
        default: return [Unicode.Scalar(value) ?? "\u{FFFD}"]
        }
    }

    /// What bytes 0x80 to 0x9F mean in windows-1252; the five that mean nothing stay.
    static let windows1252: [Unicode.Scalar] = Array(
        ("\u{20AC}\u{81}\u{201A}\u{192}\u{201E}\u{2026}\u{2020}\u{2021}\u{2C6}\u{2030}\u{160}\u{2039}\u{152}\u{8D}\u{17D}\u{8F}"
            + "\u{90}\u{2018}\u{2019}\u{201C}\u{201D}\u{2022}\u{2013}\u{2014}\u{2DC}\u{2122}\u{161}\u{203A}\u{153}\u{9D}\u{17E}\u{178}")
            .unicodeScalars)

    private static func key(_ name: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: name)
        return String(view)
    }

    private static let named: [String: (scalars: [Unicode.Scalar], legacy: Bool)] = {
        var table: [String: (scalars: [Unicode.Scalar], legacy: Bool)] = [:]
        for entry in htmlEntityTable.split(whereSeparator: \.isWhitespace) {
            guard let mark = entry.firstIndex(where: { $0 == "=" || $0 == "!" }) else { continue }
            let scalars = entry[entry.index(after: mark)...].split(separator: "+")
                .compactMap { UInt32($0, radix: 16).flatMap(Unicode.Scalar.init) }
            table[String(entry[..<mark])] = (scalars, entry[mark] == "!")
        }
        return table
    }()
}
