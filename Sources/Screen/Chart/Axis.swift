#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Maps values of an axis to 0..1, linearly or by logarithm.
public struct AxisScale: Sendable, Equatable {
    public var low: Double
    public var high: Double
    public var isLog: Bool

    public init(low: Double, high: Double, isLog: Bool) {
        self.isLog = isLog
        if isLog {
            let top = high > 0 ? high : 1
            self.high = top
            self.low = low > 0 && low < top ? low : top / 10
        } else {
            self.low = low
            self.high = high > low ? high : low + 1
        }
    }

    /// nil where a logarithm does not exist.
    public func fraction(_ value: Double) -> Double? {
        if isLog {
            guard value > 0 else { return nil }
            return (log(value) - log(low)) / (log(high) - log(low))
        }
        return (value - low) / (high - low)
    }

    public func value(_ fraction: Double) -> Double {
        isLog ? exp(log(low) + fraction * (log(high) - log(low))) : low + fraction * (high - low)
    }
}

/// A mark on an axis.
public struct Tick: Sendable, Equatable {
    public var value: Double
    public var label: String
}

/// Chooses round marks and words them alike.
public enum Ticks {
    public enum Format: Sendable, Equatable {
        /// Plain numbers, thousands shortened.
        case number
        /// Fractions shown as percent.
        case percent
        /// Seconds.
        case duration
        /// 1e-3 style where numbers are small.
        case rate
    }

    /// At most `limit` round values inside the scale.
    public static func choose(_ scale: AxisScale, limit: Int, format: Format) -> [Tick] {
        guard limit > 0, scale.low.isFinite, scale.high.isFinite else { return [] }
        if scale.isLog, scale.high / scale.low >= 8 { return logTicks(scale, limit, format) }
        let span = scale.high - scale.low
        guard span > 0 else { return [] }
        var step = format == .duration ? durationStep(span / Double(max(1, limit))) : roundStep(span / Double(max(1, limit)))
        var values: [Double] = []
        for _ in 0..<4 {
            values = []
            var index = (scale.low / step - 1e-9).rounded(.up)
            while index * step <= scale.high + step * 1e-9, values.count <= limit + 1 {
                values.append(index * step)
                index += 1
            }
            if values.count <= limit { break }
            step = format == .duration ? durationStep(step * 1.01) : roundStep(step * 1.01)
        }
        return values.prefix(limit).map { Tick(value: $0, label: label($0, step: step, format)) }
    }

    /// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
    static func roundStep(_ least: Double) -> Double {
        guard least > 0, least.isFinite else { return 1 }
        let power = pow(10, log10(least).rounded(.down))
        for factor in [1.0, 2, 5, 10] where factor * power >= least * 0.999999 { return factor * power }
        return 10 * power
    }

    static func durationStep(_ least: Double) -> Double {
        if least < 1 { return roundStep(least) }
        for step in [1.0, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400] where step >= least {
            return step
        }
        return roundStep(least / 86400) * 86400
    }

    private static func logTicks(_ scale: AxisScale, _ limit: Int, _ format: Format) -> [Tick] {
        let first = Int((log10(scale.low) - 1e-9).rounded(.up))
        let last = Int((log10(scale.high) + 1e-9).rounded(.down))
        var values: [Double] = []
        let decades = max(0, last - first + 1)
        if decades * 3 <= limit || decades < 2 {
            for exponent in (first - 1)...(max(first, last) + 1) {
                for factor in [1.0, 2, 5] {
                    let value = factor * pow(10, Double(exponent))
                    if value >= scale.low * 0.999999, value <= scale.high * 1.000001 { values.append(value) }
                }
            }
        } else {
            let stride = max(1, (decades + limit - 1) / limit)
            var exponent = first
            while exponent <= last {
                values.append(pow(10, Double(exponent)))
                exponent += stride
            }
        }
        return values.prefix(max(limit, 1)).map { Tick(value: $0, label: label($0, step: $0, format)) }
    }

    static func label(_ value: Double, step: Double, _ format: Format) -> String {
        switch format {
        case .percent:
            let decimals = step * 100 >= 1 ? 0 : (step * 100 >= 0.1 ? 1 : 2)
            return NumberText.fixed(value * 100, decimals)
        case .duration:
            return durationLabel(value, step)
        case .rate, .number:
            if value == 0 { return "0" }
            if value.magnitude >= 1000, step >= 1 { return NumberText.short(value) }
            if value.magnitude < 0.001 || (format == .rate && value.magnitude < 0.01) { return NumberText.scientific(value, 2) }
            let decimals = max(0, min(6, -Int(log10(step).rounded(.down))))
            return NumberText.fixed(value, decimals)
        }
    }

    private static func durationLabel(_ value: Double, _ step: Double) -> String {
        if value == 0 { return "0" }
        if step < 1 { return NumberText.trimmed(NumberText.fixed(value, 2)) + "s" }
        guard value < 1e9 else { return NumberText.short(value) }
        let total = Int(value.rounded())
        if total < 60 || total < 120 && total % 60 != 0 { return "\(total)s" }
        if total < 3600 {
            let rest = total % 60
            return rest == 0 ? "\(total / 60)m" : "\(total / 60)m\(rest)s"
        }
        let minutes = total % 3600 / 60
        return minutes == 0 ? "\(total / 3600)h" : "\(total / 3600)h\(minutes < 10 ? "0" : "")\(minutes)"
    }
}
