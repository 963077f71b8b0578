/// A colour as a theme names it: an exact one, with fallbacks for terminals of 256 and 16 colours.
public struct ThemeColor: Hashable, Sendable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8
    /// The terminal's own colour instead of an exact one.
    public var isDefault: Bool
    /// Index in the 256-colour table; nil takes the nearest.
    public var xterm: Int?
    /// Index 0..15 in the terminal's own table; nil takes the nearest.
    public var ansi: Int?

    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8, xterm: Int? = nil, ansi: Int? = nil) {
        self.red = red
        self.green = green
        self.blue = blue
        self.xterm = xterm
        self.ansi = ansi
        isDefault = false
    }

    public static let terminal: ThemeColor = {
        var color = ThemeColor(0, 0, 0)
        color.isDefault = true
        return color
    }()

    /// "#7aa2f7"; nil when it is not six hexadecimal digits after a hash.
    public init?(hex: String) {
        let digits = Array(hex.utf8)
        guard digits.count == 7, digits[0] == 0x23, let value = UInt32(hex.dropFirst(), radix: 16) else { return nil }
        self.init(UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255))
    }

    public var hex: String {
        func two(_ value: UInt8) -> String { (value < 16 ? "0" : "") + String(value, radix: 16) }
        return "#" + two(red) + two(green) + two(blue)
    }

    /// This colour mixed with `share` (0..1) of another.
    public func mixed(_ other: ThemeColor, _ share: Double) -> ThemeColor {
        func mix(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8(min(255, max(0, Double(a) * (1 - share) + Double(b) * share))) }
        return ThemeColor(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
    }

    public static let ansiNames = [
        "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
        "bright-black", "bright-red", "bright-green", "bright-yellow", "bright-blue", "bright-magenta", "bright-cyan", "bright-white",
    ]
}

/// What a terminal can show.
public enum ColorTier: String, Sendable, CaseIterable {
    case direct, indexed256 = "256", ansi16 = "16", ansi8 = "8", mono
}

/// A colour as it is sent.
public enum TerminalColor: Hashable, Sendable {
    case standard
    case indexed(Int)
    case rgb(UInt8, UInt8, UInt8)
}

/// Finds the nearest colour of a smaller table.
public enum ColorTable {
    static let ansi: [(Int, Int, Int)] = [
        (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
        (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
    ]
    private static let steps = [0, 95, 135, 175, 215, 255]

    /// Index 16..255 of the 6x6x6 cube or the grey ramp.
    public static func nearest256(_ r: Int, _ g: Int, _ b: Int) -> Int {
        func step(_ value: Int) -> Int {
            var best = 0
            for (index, level) in steps.enumerated() where abs(level - value) < abs(steps[best] - value) { best = index }
            return best
        }
        let (cr, cg, cb) = (step(r), step(g), step(b))
        let grey = min(23, max(0, ((r + g + b) / 3 - 3) / 10))
        let level = 8 + 10 * grey
        if distance((r, g, b), (level, level, level)) < distance((r, g, b), (steps[cr], steps[cg], steps[cb])) { return 232 + grey }
        return 16 + 36 * cr + 6 * cg + cb
    }

    /// Index below `count` (8 or 16): greys by lightness, others by hue first.
    public static func nearestAnsi(_ r: Int, _ g: Int, _ b: Int, count: Int) -> Int {
        let high = max(r, g, b)
        let low = min(r, g, b)
        if high - low < 40 {
            let light = (r + g + b) / 3
            if count == 8 { return light < 110 ? 0 : 7 }
            return light < 60 ? 0 : (light < 140 ? 8 : (light < 225 ? 7 : 15))
        }
        var index = 0
        let middle = (high + low) / 2
        if r > middle { index |= 1 }
        if g > middle { index |= 2 }
        if b > middle { index |= 4 }
        return count == 16 && high > 180 ? index + 8 : index
    }

    private static func distance(_ a: (Int, Int, Int), _ b: (Int, Int, Int)) -> Int {
        let (dr, dg, db) = (a.0 - b.0, a.1 - b.1, a.2 - b.2)
        return 2 * dr * dr + 4 * dg * dg + 3 * db * db
    }

    public static func reduce(_ color: ThemeColor, to tier: ColorTier) -> TerminalColor {
        if color.isDefault { return .standard }
        let (r, g, b) = (Int(color.red), Int(color.green), Int(color.blue))
        switch tier {
        case .mono: return .standard
        case .direct: return .rgb(color.red, color.green, color.blue)
        case .indexed256: return .indexed(color.xterm ?? nearest256(r, g, b))
        case .ansi16: return .indexed(color.ansi ?? nearestAnsi(r, g, b, count: 16))
        case .ansi8: return .indexed(color.ansi.map { $0 % 8 } ?? nearestAnsi(r, g, b, count: 8))
        }
    }
}
