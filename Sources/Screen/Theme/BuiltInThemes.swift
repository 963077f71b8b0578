/// The themes that need no files. The files in `themes/` carry the same names and take their place when found.
extension Theme {
    private static func hex(_ value: UInt32, ansi: Int? = nil, xterm: Int? = nil) -> ThemeColor {
        ThemeColor(UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255), xterm: xterm, ansi: ansi)
    }

    /// Maple wood at night: warm greys and one orange.
    public static let dark = Theme(
        name: "dark",
        base: Base(
            background: hex(0x161719, ansi: 0, xterm: 233), raised: hex(0x202225, ansi: 0, xterm: 235), selection: hex(0x34302b, ansi: 8, xterm: 237),
            text: hex(0xd8d6d1, ansi: 7), dim: hex(0x94918a, ansi: 7, xterm: 246), faint: hex(0x5f5d59, ansi: 8, xterm: 240),
            border: hex(0x3d3c3a, ansi: 8, xterm: 238), accent: hex(0xf0883e, ansi: 11, xterm: 208), good: hex(0x7fb77e, ansi: 10, xterm: 108),
            bad: hex(0xe5645f, ansi: 9, xterm: 167), warning: hex(0xe3b341, ansi: 3, xterm: 178),
            series: [
                hex(0xf0883e, ansi: 11, xterm: 208), hex(0x58a6d6, ansi: 12, xterm: 74), hex(0x8fc46c, ansi: 10, xterm: 107),
                hex(0xc38ee0, ansi: 13, xterm: 140), hex(0xe5c75f, ansi: 3, xterm: 185), hex(0x5fc4b8, ansi: 14, xterm: 79),
                hex(0xe5788f, ansi: 9, xterm: 168), hex(0xa8a49c, ansi: 7, xterm: 248),
            ],
            heat: [hex(0x1d2733), hex(0x2b4c66), hex(0x4d7f86), hex(0xb59a56), hex(0xf0883e), hex(0xffd9a8)]))

    public static let monochrome: Theme = {
        let plain = ThemeColor.terminal
        let base = Base(
            background: plain, raised: plain, selection: plain, text: plain, dim: plain, faint: plain, border: plain, accent: plain,
            good: plain, bad: plain, warning: plain, series: [plain], heat: [plain])
        var theme = Theme(name: "monochrome", base: base)
        for (role, face) in theme.faces {
            theme.faces[role] = Face(plain, on: plain, face.mono, mono: face.mono)
        }
        return theme
    }()

    public static let builtIn: [Theme] = [.dark, .monochrome]
}
