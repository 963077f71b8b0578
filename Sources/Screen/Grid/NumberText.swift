#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Numbers as people read them; written here because `Screen` does without Foundation.
public enum NumberText {
    /// `decimals` digits after the point; "NaN", "inf" and "-inf" by name.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        let places = min(max(0, decimals), 12)
        var power: Double = 1
        for _ in 0..<places { power *= 10 }
        let scaled = (value.magnitude * power).rounded()
        guard scaled < 9e15 else { return scientific(value, 3) }
        let whole = UInt64(scaled)
        let unit = UInt64(power)
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard places > 0 else { return sign + String(whole) }
        let digits = String(whole % unit)
        return sign + String(whole / unit) + "." + String(repeating: "0", count: places - digits.count) + digits
    }

    /// "3.50e-03" as "3.5e-3": one digit before the point, no padding.
    public static func scientific(_ value: Double, _ digits: Int = 2) -> String {
        if !value.isFinite { return fixed(value, 0) }
        if value == 0 { return "0" }
        var exponent = Int(log10(value.magnitude).rounded(.down))
        var mantissa = value / pow(10, Double(exponent))
        if fixed(mantissa.magnitude, max(0, digits - 1)).hasPrefix("10") {
            mantissa /= 10
            exponent += 1
        }
        return trimmed(fixed(mantissa, max(0, digits - 1))) + "e" + String(exponent)
    }

    /// About `digits` significant digits in the shortest honest form.
    public static func general(_ value: Double, _ digits: Int = 4) -> String {
        if !value.isFinite { return fixed(value, 0) }
        if value == 0 { return "0" }
        let size = value.magnitude
        if size < 1e-3 || size >= 1e7 { return scientific(value, digits) }
        let exponent = Int(log10(size).rounded(.down))
        return fixed(value, max(0, digits - 1 - exponent))
    }

    /// A learning rate or another small setting, as people write it: "0.0035", "5e-4".
    public static func setting(_ value: Double) -> String {
        let text = general(value, 6)
        guard let place = text.firstIndex(of: "e") else { return trimmed(text) }
        return trimmed(String(text[..<place])) + text[place...]
    }

    /// "0.0350" as "0.035".
    public static func trimmed(_ text: String) -> String {
        guard text.contains("."), !text.contains("e") else { return text }
        var kept = Substring(text)
        while kept.hasSuffix("0") { kept.removeLast() }
        if kept.hasSuffix(".") { kept.removeLast() }
        return String(kept)
    }

    /// A fraction 0..1 as "71.3%"; nil as "–".
    public static func percent(_ fraction: Double?, _ decimals: Int = 1) -> String {
        guard let fraction else { return "–" }
        return fraction.isFinite ? fixed(fraction * 100, decimals) + "%" : fixed(fraction, 0)
    }

    /// A difference of fractions in percentage points, always with its sign: "+3.2", "-0.4", "0.0".
    public static func points(_ difference: Double, _ decimals: Int = 1) -> String {
        let text = fixed(difference * 100, decimals)
        let isZero = !text.contains { $0 >= "1" && $0 <= "9" }
        return difference > 0 && !isZero ? "+" + text : text
    }

    /// "8,242".
    public static func grouped(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return value < 0 ? "-" + text : text
    }

    /// "950", "12.3k", "1.25M".
    public static func short(_ value: Double) -> String {
        if !value.isFinite { return fixed(value, 0) }
        let size = value.magnitude
        for (unit, suffix) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] where size >= unit {
            return trimmed(fixed(value / unit, size >= 100 * unit ? 0 : (size >= 10 * unit ? 1 : 2))) + suffix
        }
        return size == size.rounded() ? fixed(value, 0) : general(value, 3)
    }

    /// Bytes in binary units: "812 MiB".
    public static func bytes(_ count: UInt64) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
            if value < 1024 || unit == "TiB" { return (value < 10 && unit != "B" ? fixed(value, 1) : fixed(value, 0)) + " " + unit }
            value /= 1024
        }
        return ""
    }

    /// "0.8s", "42s", "3m 05s", "1h 04m", "2d 03h".
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e10 else { return "–" }
        if seconds < 9.95 { return fixed(seconds, 1) + "s" }
        let total = Int(seconds.rounded())
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        if total < 60 { return "\(total)s" }
        if total < 3600 { return "\(total / 60)m \(two(total % 60))s" }
        if total < 86400 { return "\(total / 3600)h \(two(total % 3600 / 60))m" }
        return "\(total / 86400)d \(two(total % 86400 / 3600))h"
    }

    /// "now", "3 min ago", "2 h ago", "5 d ago": how long ago something was.
    public static func ago(_ seconds: Double) -> String {
        guard seconds.isFinite else { return "–" }
        if seconds < 45 { return "just now" }
        if seconds < 5400 { return "\(max(1, Int((seconds / 60).rounded()))) min ago" }
        if seconds < 36 * 3600 { return "\(Int((seconds / 3600).rounded())) h ago" }
        if seconds < 3e9 { return "\(Int((seconds / 86400).rounded())) d ago" }
        return "–"
    }

    /// A p-value: "0.031", "< 0.001".
    public static func pValue(_ value: Double) -> String {
        value < 0.001 ? "< 0.001" : fixed(value, 3)
    }
}
