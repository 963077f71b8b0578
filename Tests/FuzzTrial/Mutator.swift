import TestSupport

/// Damages inputs in the ways that files are damaged, by accident or on purpose; everything follows from the generator's seed.
struct Mutator {
    var generator: SeededGenerator
    /// Words that the format knows, put in whole.
    var words: [[UInt8]]

    private static let numbers: [UInt64] = [
        0, 1, 2, 3, 4, 7, 8, 16, 63, 64, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, .max, .max - 7,
    ]
    private static let texts: [[UInt8]] = [
        "-1", "0", "1", "-0", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615", "99999999999999999999999", "1e309",
        "1e-999", "NaN", "-Infinity", "null", "\"\"", "{}", "[]", "[[[[[[[[", "\\u0000", "\\ud800", "\u{FEFF}", "\u{0}", "\n",
    ].map { Array($0.utf8) }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<max(1, bound), using: &generator) }

    /// True once in `times`.
    mutating func isOne(in times: Int) -> Bool { below(times) == 0 }

    /// One to eight damages; `others` lend parts to splice in.
    mutating func mutated(_ seed: [UInt8], others: [[UInt8]] = []) -> [UInt8] {
        var bytes = seed
        // Rarely, a part over and over, up to four megabytes: what costs little a time may cost much.
        if isOne(in: 1500), !bytes.isEmpty { swell(&bytes) }
        for _ in 0..<(isOne(in: 2) ? 1 : 1 + below(isOne(in: 4) ? 8 : 3)) { damage(&bytes, others) }
        return bytes
    }

    private mutating func swell(_ bytes: inout [UInt8]) {
        let place = below(bytes.count)
        let part = Array(bytes[place..<min(bytes.count, place + 1 + below(40))])
        let times = (1 << (12 + below(11))) / part.count
        bytes.insert(contentsOf: repeatElement(part, count: times).joined(), at: place)
    }

    private mutating func damage(_ bytes: inout [UInt8], _ others: [[UInt8]]) {
        let place = below(bytes.count)
        let end = min(bytes.count, place + 1 + below(isOne(in: 8) ? 400 : 16))
        switch below(15) {
        case 0, 1: if !bytes.isEmpty { bytes[place] ^= 1 << UInt8(below(8)) }
        case 2: if !bytes.isEmpty { bytes[place] = UInt8(below(256)) }
        case 3: bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: Array(bytes[place..<end]), at: min(bytes.count, below(bytes.count + 1)))
        case 5: bytes.insert(UInt8(below(256)), at: min(place, bytes.count))
        case 6: bytes.removeSubrange(place...)
        case 7, 8: number(&bytes, place)
        case 9: digits(&bytes, place)
        case 10: bytes.insert(contentsOf: Self.texts[below(Self.texts.count)], at: min(place, bytes.count))
        case 11:
            let other = others.isEmpty ? bytes : others[below(others.count)]
            let start = below(other.count)
            let part = other[start..<min(other.count, start + 1 + below(64))]
            bytes.replaceSubrange(place..<min(bytes.count, place + (isOne(in: 2) ? part.count : 0)), with: Array(part))
        case 12:
            // The head of one file and the tail of another.
            let other = others.isEmpty ? bytes : others[below(others.count)]
            bytes = Array(bytes[..<place] + other[min(place, other.count)...])
        default:
            guard !words.isEmpty else { return }
            let word = words[below(words.count)]
            bytes.replaceSubrange(place..<(isOne(in: 2) ? place : min(bytes.count, place + word.count)), with: word)
        }
    }

    /// A length or an offset: two, four or eight bytes in either order take a value at the edge of something, or next to their own.
    private mutating func number(_ bytes: inout [UInt8], _ place: Int) {
        let width = [2, 4, 8][below(3)]
        guard place + width <= bytes.count else { return }
        let isBig = isOne(in: 3)
        var value: UInt64 = 0
        for index in 0..<width { value |= UInt64(bytes[place + (isBig ? width - 1 - index : index)]) << UInt64(8 * index) }
        switch below(5) {
        case 0: value &+= 1
        case 1: value &-= 1
        case 2: value = UInt64(max(0, bytes.count + below(17) - 8))
        case 3: value = value &* 2
        default: value = Self.numbers[below(Self.numbers.count)]
        }
        for index in 0..<width { bytes[place + (isBig ? width - 1 - index : index)] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }

    /// The next number that is written in digits becomes another.
    private mutating func digits(_ bytes: inout [UInt8], _ place: Int) {
        guard let start = bytes[place...].firstIndex(where: { (48...57).contains($0) }) else { return }
        let end = bytes[start...].firstIndex { !(48...57).contains($0) } ?? bytes.count
        bytes.replaceSubrange(start..<end, with: Self.texts[below(12)])
    }
}
