extension Grid {
    /// The letters of every row, without spaces at the end; what `maple show` prints and tests record.
    public func plainText() -> String {
        var text = ""
        for y in 0..<height {
            var line = ""
            for x in 0..<width {
                let cell = self[x, y]
                if cell.width > 0 { line.append(cell.glyph) }
            }
            text += line.trimmingTrailingSpaces() + "\n"
        }
        return text
    }

    /// The rows with colours as escape sequences, for printing into a terminal once.
    public func ansiText(_ theme: ResolvedTheme) -> String {
        var text = ""
        for y in 0..<height {
            var last: String?
            for x in 0..<width {
                let cell = self[x, y]
                guard cell.width > 0 else { continue }
                let code = Self.escape(theme.look(cell.style))
                if code != last {
                    text += "\u{1B}[0\(code)m"
                    last = code
                }
                text.append(cell.glyph)
            }
            text += "\u{1B}[0m\n"
        }
        return text
    }

    private static func escape(_ look: (foreground: TerminalColor, background: TerminalColor, attributes: Attributes)) -> String {
        var code = ""
        if look.attributes.contains(.bold) { code += ";1" }
        if look.attributes.contains(.dim) { code += ";2" }
        if look.attributes.contains(.italic) { code += ";3" }
        if look.attributes.contains(.underline) { code += ";4" }
        if look.attributes.contains(.reverse) { code += ";7" }
        func color(_ value: TerminalColor, _ base: Int) -> String {
            switch value {
            case .standard: ""
            case .indexed(let index) where index < 8: ";\(base + index)"
            case .indexed(let index) where index < 16: ";\(base + 60 + index - 8)"
            case .indexed(let index): ";\(base + 8);5;\(index)"
            case .rgb(let r, let g, let b): ";\(base + 8);2;\(r);\(g);\(b)"
            }
        }
        return code + color(look.foreground, 30) + color(look.background, 40)
    }
}

extension Grid {
    /// The screen as an SVG picture, in the theme's exact colours.
    public func svg(theme: Theme, fontSize: Int = 14) -> String {
        let cellWidth = Double(fontSize) * 0.6
        let cellHeight = Double(fontSize) * 1.25
        func n(_ value: Double) -> String { NumberText.trimmed(NumberText.fixed(value, 2)) }
        let plain = ThemeColor(0xD8, 0xD8, 0xD8)
        let black = ThemeColor(0x10, 0x10, 0x10)
        func hex(_ color: ThemeColor?, _ fallback: ThemeColor) -> String { (color.map { $0.isDefault ? fallback : $0 } ?? fallback).hex }
        func look(_ style: Style) -> (String, String, Attributes) {
            var extra = style.attributes
            var ground: ThemeColor?
            var ink: ThemeColor?
            let isPlain = theme.face(.background).background?.isDefault ?? true
            switch style.foreground {
            case .role(let role):
                ink = theme.face(role).foreground
                ground = theme.face(role).background
                extra.formUnion(theme.face(role).attributes)
            case .rgb(let r, let g, let b): ink = ThemeColor(r, g, b)
            }
            switch style.background {
            case .role(.background): break
            case .role(let role):
                ground = theme.face(role).background
                if isPlain { extra.formUnion(theme.face(role).attributes) }
            case .rgb(let r, let g, let b): ground = ThemeColor(r, g, b)
            }
            let pair = (hex(ink, plain), hex(ground, black))
            return extra.contains(.reverse) ? (pair.1, pair.0, extra) : (pair.0, pair.1, extra)
        }
        let ground = look(.text).1
        var text = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(n(Double(width) * cellWidth))\" height=\"\(n(Double(height) * cellHeight))\" "
        text += "font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"\(fontSize)\">\n"
        text += "<rect width=\"100%\" height=\"100%\" fill=\"\(ground)\"/>\n"
        for y in 0..<height {
            var x = 0
            while x < width {
                let style = self[x, y].style
                var end = x
                var run = ""
                while end < width, self[end, y].style == style {
                    if self[end, y].width > 0 { run.append(self[end, y].glyph) }
                    end += 1
                }
                let (ink, under, attributes) = look(style)
                let left = n(Double(x) * cellWidth)
                if under != ground {
                    text += "<rect x=\"\(left)\" y=\"\(n(Double(y) * cellHeight))\" width=\"\(n(Double(end - x) * cellWidth))\" height=\"\(n(cellHeight))\" fill=\"\(under)\"/>\n"
                }
                if run.contains(where: { $0 != " " }) {
                    var extra = ""
                    if attributes.contains(.bold) { extra += " font-weight=\"bold\"" }
                    if attributes.contains(.dim) { extra += " opacity=\"0.6\"" }
                    if attributes.contains(.underline) { extra += " text-decoration=\"underline\"" }
                    text += "<text x=\"\(left)\" y=\"\(n(Double(y) * cellHeight + Double(fontSize)))\" textLength=\"\(n(Double(end - x) * cellWidth))\" "
                    text += "lengthAdjust=\"spacingAndGlyphs\" fill=\"\(ink)\"\(extra) xml:space=\"preserve\">\(Self.xml(run))</text>\n"
                }
                x = end
            }
        }
        return text + "</svg>\n"
    }

    static func xml(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
