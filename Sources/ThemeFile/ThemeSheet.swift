import Screen

/// A theme file's contents with those of its parents, names not yet looked up.
struct ThemeSheet {
    struct RoleEntry {
        var foreground: String?
        var background: String?
        var attributes: Attributes = []
        var line = 0

        init(line: Int) { self.line = line }
    }

    static let baseKeys = ["background", "raised", "selection", "text", "dim", "faint", "border", "accent", "good", "bad", "warning", "series", "heat"]

    var name: String?
    var file = ""
    var parent: Theme?
    var palette: [String: ThemeColor] = [:]
    var base: [String: [String]] = [:]
    var roles: [Role: RoleEntry] = [:]
    var lines: [String: Int] = [:]

    func theme(file: String, fallbackName: String, _ warnings: inout [ThemeWarning]) -> Theme {
        var found: [ThemeWarning] = []
        func color(_ text: String, _ key: String, _ line: Int) -> ThemeColor? {
            if text == "default" { return .terminal }
            if let color = palette[text] ?? ThemeColor(hex: text) { return color }
            if let index = ThemeColor.ansiNames.firstIndex(of: text) { return Self.ansi(index) }
            let nearest = palette.keys.sorted().min { ThemeFile.distance(text, $0) < ThemeFile.distance(text, $1) } ?? "#rrggbb"
            found.append(ThemeWarning(file: file, line: line, key: key, text: "no colour “\(text)”. Did you mean “\(nearest)”?"))
            return nil
        }
        func list(_ key: String) -> [ThemeColor] { (base[key] ?? []).compactMap { color($0, "base.\(key)", lines["base." + key] ?? 0) } }
        let dark = parent ?? .dark
        func one(_ key: String, _ role: Role, ground: Bool = false) -> ThemeColor {
            list(key).first ?? (ground ? dark.face(role).background : dark.face(role).foreground) ?? .terminal
        }
        let series = list("series")
        let heat = list("heat")
        let made = Theme.Base(
            background: one("background", .background, ground: true), raised: one("raised", .bar, ground: true),
            selection: one("selection", .selection, ground: true), text: one("text", .text), dim: one("dim", .dim), faint: one("faint", .faint),
            border: one("border", .border), accent: one("accent", .accent), good: one("good", .good), bad: one("bad", .bad), warning: one("warning", .warning),
            series: series.isEmpty ? (0..<8).map { dark.face(.series($0)).foreground ?? .terminal } : series,
            heat: heat.isEmpty ? (0..<16).map { dark.face(.heat($0)).foreground ?? .terminal } : heat)
        var theme = Theme(name: name ?? fallbackName, base: made)
        for (role, entry) in roles {
            var face = theme.face(role)
            let key = "roles.\(role.fileName)"
            if let text = entry.foreground, let value = color(text, key, entry.line) { face.foreground = value }
            if let text = entry.background, let value = color(text, key, entry.line) { face.background = value }
            face.attributes = entry.attributes
            theme.faces[role] = face
        }
        warnings += found
        return theme
    }

    private static func ansi(_ index: Int) -> ThemeColor {
        let levels: [(UInt8, UInt8, UInt8)] = [
            (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
            (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
        ]
        let (r, g, b) = levels[index]
        return ThemeColor(r, g, b, xterm: index, ansi: index)
    }
}
