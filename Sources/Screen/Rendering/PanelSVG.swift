import RunModel

/// The colours of a theme as SVG names them, on white where the theme leaves the ground to the terminal.
struct SVGInk {
    let theme: Theme

    func color(_ role: Role, _ fallback: String) -> String {
        guard let color = theme.face(role).foreground, !color.isDefault else { return fallback }
        return color.hex
    }

    var ground: String { theme.face(.background).background.flatMap { $0.isDefault ? nil : $0.hex } ?? "#ffffff" }
    var text: String { color(.text, "#202020") }
    var quiet: String { color(.dim, "#606060") }
    var line: String { color(.border, "#d0d0d0") }

    /// A step of the heat scale; greys where the theme has none.
    func heat(_ level: Int) -> String {
        let grey = 240 - min(15, max(0, level)) * 14
        return color(.heat(level), "rgb(\(grey),\(grey),\(grey))")
    }

    /// The picture's head with its ground and title.
    func begin(width: Double, height: Double, title: String) -> String {
        let width = Int(width.rounded(.up)), height = Int(height.rounded(.up))
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" width=\"\(width)\" height=\"\(height)\" font-family=\"sans-serif\" font-size=\"13\">\n"
            + "<rect width=\"100%\" height=\"100%\" fill=\"\(ground)\"/>\n"
            + "<text x=\"20\" y=\"26\" font-size=\"17\" fill=\"\(text)\">\(Grid.xml(title))</text>\n"
    }

    func label(_ text: String, _ x: Double, _ y: Double, anchor: String = "start", fill: String? = nil, size: Int = 13) -> String {
        "<text x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\" fill=\"\(fill ?? quiet)\">\(Grid.xml(text))</text>\n"
    }

    func box(_ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: String, opacity: Double = 1) -> String {
        "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(max(0, width)))\" height=\"\(n(height))\" fill=\"\(fill)\""
            + (opacity < 1 ? " fill-opacity=\"\(n(opacity))\"" : "") + "/>\n"
    }

    func n(_ value: Double) -> String { NumberText.trimmed(NumberText.fixed(value, 2)) }
}

extension HeatMap {
    /// Rows by columns with their values, and the scale below.
    public func svg(title: String, rowTitle: String, columnTitle: String, theme: Theme) -> String {
        let ink = SVGInk(theme: theme)
        let columns = max(1, rows.map(\.values.count).max() ?? 1)
        let side = 66.0, height = 26.0, left = 80.0, top = 70.0
        let bottom = top + Double(rows.count) * height
        var text = ink.begin(width: max(420, left + Double(columns) * side + 20), height: bottom + 60, title: title)
        text += ink.label(rowTitle, left - 10, top - 8, anchor: "end")
        for column in 0..<columns {
            text += ink.label(columns > 1 ? "\(columnTitle) \(column + 1)" : columnTitle, left + (Double(column) + 0.5) * side, top - 8, anchor: "middle")
        }
        for (line, row) in rows.enumerated() {
            let y = top + Double(line) * height
            text += ink.label(row.label, left - 10, y + 17, anchor: "end")
            for (column, value) in row.values.enumerated() {
                let x = left + Double(column) * side, level = level(value)
                text += ink.box(x, y, side - 2, height - 2, fill: level.map(ink.heat) ?? ink.color(.bad, "#b3325a"))
                text += ink.label(NumberText.general(Double(value), 3), x + side / 2 - 1, y + 16, anchor: "middle", fill: (level ?? 15) < 8 ? ink.heat(15) : ink.heat(0), size: 11)
            }
        }
        text += ink.label(NumberText.general(Double(low), 3), left - 10, bottom + 33, anchor: "end")
        for step in 0..<16 { text += ink.box(left + Double(step) * 12, bottom + 20, 12, 16, fill: ink.heat(step)) }
        text += ink.label(NumberText.general(Double(high), 3), left + 16 * 12 + 10, bottom + 33)
        return text + "</svg>\n"
    }
}

/// Accuracy by class as bars, with a mark where zero-shot CLIP stood.
struct ClassBars {
    var title: String
    var caption: String
    var rows: [WorkbenchState.ClassRow]

    func svg(theme: Theme) -> String {
        let ink = SVGInk(theme: theme)
        let left = 210.0, width = 420.0, top = 76.0, height = 20.0
        let bottom = top + Double(rows.count) * height
        var text = ink.begin(width: left + width + 130, height: bottom + 62, title: title)
        text += ink.label(caption, 20, 46)
        for tick in 0...5 {
            let x = left + width * Double(tick) / 5
            text += "<line x1=\"\(ink.n(x))\" x2=\"\(ink.n(x))\" y1=\"\(ink.n(top))\" y2=\"\(ink.n(bottom))\" stroke=\"\(ink.line)\" stroke-width=\"0.6\"/>\n"
            text += ink.label("\(tick * 20) %", x, bottom + 18, anchor: "middle")
        }
        for (line, row) in rows.enumerated() {
            let y = top + Double(line) * height
            text += ink.label(TextFit.truncated(row.name, to: 26), left - 8, y + 14, anchor: "end", fill: ink.text)
            let role: Role = row.gain.map { $0 < -0.0005 ? .bad : ($0 > 0.0005 ? .good : .series2) } ?? .series2
            text += ink.box(left, y + 3, width * row.accuracy, height - 6, fill: ink.color(role, "#1f6aa5"))
            if let gain = row.gain { text += ink.box(left + width * (row.accuracy - gain) - 1, y, 2, height, fill: ink.text) }
            let value = NumberText.percent(row.accuracy) + (row.gain.map { "  " + NumberText.points($0) } ?? "")
            text += ink.label(row.count == 0 ? "–" : value, left + width + 8, y + 14)
        }
        text += ink.box(left, bottom + 34, 2, 14, fill: ink.text) + ink.label("zero-shot CLIP", left + 8, bottom + 46)
        text += ink.label("accuracy", left + width, bottom + 46, anchor: "end")
        return text + "</svg>\n"
    }
}
