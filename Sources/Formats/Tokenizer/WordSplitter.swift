/// Splits cleaned text into the words that byte pairs are merged within.
///
/// Equal to finding all matches, ignoring case, of
/// `<|startoftext|>|<|endoftext|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`.
struct WordSplitter: Sequence, IteratorProtocol {
    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    private enum Class { case space, letter, number, other }

    private static func classify(_ scalar: Unicode.Scalar) -> Class {
        if scalar.isASCII {
            switch scalar {
            case "a"..."z", "A"..."Z": return .letter
            case "0"..."9": return .number
            case " ", "\t"..."\r": return .space
            default: return .other
            }
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
        case .decimalNumber, .letterNumber, .otherNumber: return .number
        default: return scalar.properties.isWhitespace ? .space : .other
        }
    }

    private static let literals: [[Unicode.Scalar]] = [
        "<|startoftext|>", "<|endoftext|>", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d",
    ].map { Array($0.unicodeScalars) }

    mutating func next() -> ArraySlice<Unicode.Scalar>? {
        while position < scalars.count {
            let start = position
            let first = scalars[start]
            if first == "'" || first == "<", let length = literalLength() {
                position += length
                return scalars[start..<position]
            }
            let kind = Self.classify(first)
            position += 1
            switch kind {
            case .space: continue
            case .number: return scalars[start..<position]
            case .letter, .other:
                while position < scalars.count, Self.classify(scalars[position]) == kind { position += 1 }
                return scalars[start..<position]
            }
        }
        return nil
    }

    private func literalLength() -> Int? {
        let rest = scalars[position...]
        return Self.literals.first { literal in
            rest.count >= literal.count && zip(rest, literal).allSatisfy { Self.fold($0) == $1 }
        }?.count
    }

    /// Case folding for the letters of the literals: besides A to Z, the long s folds to s and the Kelvin sign to k.
    private static func fold(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar {
        case "A"..."Z": Unicode.Scalar(UInt8(scalar.value) + 32)
        case "\u{17F}": "s"
        default: scalar
        }
    }
}
