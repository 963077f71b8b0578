import Foundation

/// What CLIP's tokenizer does to a text before it splits it into words.
///
/// The public tokenizer first repairs text with a library. Of that, the steps that are plain tables are done here (ligatures,
/// full-width forms, curly quotes, line ends, control characters, composition); guessing wrong encodings is not. Then
/// HTML references are resolved twice, white space becomes single spaces, and letters lower case.
enum TextCleaning {
    static func clean(_ text: String) -> String {
        // Most class names are plain ASCII without references, where only spaces and case are left to do.
        let repaired = text.utf8.allSatisfy { (0x20..<0x7F).contains($0) } ? text : repair(text)
        return lowercased(collapsed(HTMLUnescape.unescape(HTMLUnescape.unescape(repaired))))
    }

    // MARK: Repair

    private static func repair(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var previous: Unicode.Scalar = " "
        for original in text.unicodeScalars {
            var scalar = original
            // A C1 control is a windows-1252 byte that was read as Latin-1.
            if 0x80..<0xA0 ~= scalar.value { scalar = HTMLUnescape.windows1252[Int(scalar.value) - 0x80] }
            defer { previous = original }
            switch scalar.value {
            case 0x0A where previous == "\r": continue
            case 0x0D, 0x2028, 0x2029: result.append("\n")
            case 0x00...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: continue
            case 0x02BC, 0x2018...0x201B: result.append("'")
            case 0x201C...0x201F: result.append("\"")
            case 0x3000: result.append(" ")
            case 0xFF01..<0xFFF0:
                result.append(contentsOf: String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars)
            default:
                if let letters = ligatures[scalar] {
                    result.append(contentsOf: letters.unicodeScalars)
                } else {
                    result.append(scalar)
                }
            }
        }
        return String(result).precomposedStringWithCanonicalMapping
    }

    private static let ligatures: [Unicode.Scalar: String] = [
        "\u{132}": "IJ", "\u{133}": "ij", "\u{149}": "'n", "\u{1F1}": "DZ", "\u{1F2}": "Dz", "\u{1F3}": "dz",
        "\u{1C4}": "D\u{17D}", "\u{1C5}": "D\u{17E}", "\u{1C6}": "d\u{17E}", "\u{1C7}": "LJ", "\u{1C8}": "Lj",
        "\u{1C9}": "lj", "\u{1CA}": "NJ", "\u{1CB}": "Nj", "\u{1CC}": "nj", "\u{FB00}": "ff", "\u{FB01}": "fi",
        "\u{FB02}": "fl", "\u{FB03}": "ffi", "\u{FB04}": "ffl", "\u{FB05}": "\u{17F}t", "\u{FB06}": "st",
    ]

    // MARK: Spaces and case

    /// White space runs become one space; none stays at the ends.
    private static func collapsed(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var pending = false
        for scalar in text.unicodeScalars {
            if scalar.properties.isWhitespace || 0x1C...0x1F ~= scalar.value {
                pending = !result.isEmpty
            } else {
                if pending { result.append(" ") }
                pending = false
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// Lower case by Unicode's full mappings, as Python's `str.lower`: a sigma that ends a word becomes final sigma.
    private static func lowercased(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.lowercased() }
        let scalars = Array(text.unicodeScalars)
        // For each place, whether the nearest scalar before (after) it that is not case-ignorable is a cased letter.
        var casedAfter = [Bool](repeating: false, count: scalars.count)
        var cased = false
        for index in scalars.indices.reversed() {
            casedAfter[index] = cased
            if !scalars[index].properties.isCaseIgnorable { cased = scalars[index].properties.isCased }
        }
        var result = String.UnicodeScalarView()
        var casedBefore = false
        for (index, scalar) in scalars.enumerated() {
            if scalar == "\u{3A3}" {
                result.append(casedBefore && !casedAfter[index] ? "\u{3C2}" : "\u{3C3}")
            } else {
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
            if !scalar.properties.isCaseIgnorable { casedBefore = scalar.properties.isCased }
        }
        return String(result)
    }
}
