/// A decimal number as it is written, and its nearest binary value.
///
/// Metrics hold millions of numbers of 16 or 17 digits, on which strtod falls back to slow arithmetic. Here `w / 5^q` is
/// divided once, with its remainder, so the result is the correctly rounded one; what lies outside goes to the standard library.
@usableFromInline struct DecimalNumber {
    /// Digits without the point, when there are at most 19.
    @usableFromInline var digits: UInt64
    /// Power of ten that `digits` is multiplied with.
    @usableFromInline var exponent: Int
    @usableFromInline var isNegative: Bool
    /// Whether the digits fit.
    @usableFromInline var isExact: Bool
    /// Whether it has neither a point nor an exponent.
    @usableFromInline var isWrittenWhole: Bool

    /// Reads the longest number at `start`; moves `start` behind it.
    /// - Returns: nil where there is no number of JSON's grammar.
    @inlinable @inline(__always)
    init?(_ bytes: UnsafeRawBufferPointer, _ start: inout Int) {
        var at = start
        let end = bytes.count
        isNegative = at < end && bytes[at] == UInt8(ascii: "-")
        if isNegative { at += 1 }
        digits = 0
        exponent = 0
        var significant = 0
        let first = at
        while at < end, case let digit = bytes[at] &- 48, digit < 10 {
            digits = digits &* 10 &+ UInt64(digit)
            if digits != 0 { significant += 1 }
            at += 1
        }
        guard at > first, at == first + 1 || bytes[first] != UInt8(ascii: "0") else { return nil }
        isWrittenWhole = true
        if at < end, bytes[at] == UInt8(ascii: ".") {
            isWrittenWhole = false
            at += 1
            let point = at
            while at < end, case let digit = bytes[at] &- 48, digit < 10 {
                digits = digits &* 10 &+ UInt64(digit)
                if digits != 0 || significant > 0 { significant += 1 }
                at += 1
            }
            guard at > point else { return nil }
            exponent = point - at
        }
        if at < end, bytes[at] | 0x20 == UInt8(ascii: "e") {
            isWrittenWhole = false
            at += 1
            let isBelow = at < end && bytes[at] == UInt8(ascii: "-")
            if at < end, isBelow || bytes[at] == UInt8(ascii: "+") { at += 1 }
            let power = at
            var value = 0
            while at < end, case let digit = bytes[at] &- 48, digit < 10 {
                value = min(value * 10 + Int(digit), 1_000_000)
                at += 1
            }
            guard at > power else { return nil }
            exponent += isBelow ? -value : value
        }
        isExact = significant <= 19
        start = at
    }

    /// The nearest Double; `text` is where the number was read, for the cases that the standard library decides.
    @inlinable @inline(__always)
    func double(_ text: UnsafeRawBufferPointer.SubSequence) -> Double {
        if isExact {
            if digits == 0 { return isNegative ? -0.0 : 0.0 }
            if digits <= 1 << 53 {
                if exponent == 0 { return isNegative ? -Double(digits) : Double(digits) }
                if exponent < 0, exponent >= -22 {
                    let value = Double(digits) / Self.tens[-exponent]
                    return isNegative ? -value : value
                }
                if exponent > 0, exponent <= 22 {
                    let value = Double(digits) * Self.tens[exponent]
                    return isNegative ? -value : value
                }
            }
            if exponent < 0, exponent >= -27 {
                let (mantissa, power) = quotient(bits: 53)
                // Both factors and the product are ordinary numbers: at least 1e-27.
                let value = Double(mantissa) * Double(bitPattern: UInt64(power + 1023) << 52)
                return isNegative ? -value : value
            }
        }
        return Self.read(text)
    }

    @inlinable @inline(__always)
    func float(_ text: UnsafeRawBufferPointer.SubSequence) -> Float {
        if isExact {
            if digits == 0 { return isNegative ? -0.0 : 0.0 }
            if exponent < 0, exponent >= -27 {
                let (mantissa, power) = quotient(bits: 24)
                let value = Float(mantissa) * Float(bitPattern: UInt32(truncatingIfNeeded: power + 127) << 23)
                if power > -126, power < 127 { return isNegative ? -value : value }
            }
        }
        return Self.read(text)
    }

    /// The number where it is written as a whole one and fits.
    var whole: Int? {
        guard isWrittenWhole, isExact else { return nil }
        return isNegative ? (digits <= 1 << 63 ? Int(truncatingIfNeeded: 0 &- digits) : nil) : Int(exactly: digits)
    }

    /// True for all that can be told from its digits and exponent alone to be no infinity.
    @inlinable var isSurelyFinite: Bool { isExact && exponent < 280 }

    @usableFromInline static func read<Value: LosslessStringConvertible & BinaryFloatingPoint>(_ text: UnsafeRawBufferPointer.SubSequence) -> Value {
        Value(String(decoding: text, as: UTF8.self)) ?? .nan
    }

    /// `digits * 10^exponent` as `mantissa * 2^power`, rounded to nearest, ties to even, for exponents -27 to -1.
    @inlinable @inline(__always)
    func quotient(bits: Int) -> (mantissa: UInt64, power: Int) {
        let divisor = Self.fives[-exponent]
        let shiftOfDivisor = divisor.leadingZeroBitCount
        let shiftOfDigits = digits.leadingZeroBitCount
        let scaled = digits << UInt64(shiftOfDigits)
        // scaled * 2^63 over the divisor: between 2^62 and 2^64.
        let (ratio, remainder) = (divisor << UInt64(shiftOfDivisor)).dividingFullWidth((scaled >> 1, scaled << 63))
        let drop = 64 - ratio.leadingZeroBitCount - bits
        var mantissa = ratio >> UInt64(drop)
        let rest = ratio & (1 << UInt64(drop) - 1)
        let half: UInt64 = 1 << UInt64(drop - 1)
        if rest > half || (rest == half && (remainder != 0 || mantissa & 1 == 1)) { mantissa += 1 }
        return (mantissa, drop - 63 + shiftOfDivisor - shiftOfDigits + exponent)
    }

    @usableFromInline static let tens: [Double] = (0...22).map { power in (0..<power).reduce(1) { value, _ in value * 10 } }
    @usableFromInline static let fives: [UInt64] = (0...27).map { power in (0..<power).reduce(1) { value, _ in value * 5 } }
}
