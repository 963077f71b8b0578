extension LineChart {
    /// The plot as an SVG picture with axes, units and a legend.
    public func svg(theme: Theme, width: Int = 900, height: Int = 480) -> String {
        func n(_ value: Double) -> String { NumberText.trimmed(NumberText.fixed(value, 2)) }
        let inks = SVGInk(theme: theme)
        let isPlain = theme.face(.background).background?.isDefault ?? true
        let ground = inks.ground, ink = inks.text, quiet = inks.quiet, grid = inks.line
        let left = 70.0, right = 20.0, top = 44.0
        let legendRows = Double((series.count + 2) / 3)
        let bottom = 52 + legendRows * 20
        let plotWidth = Double(width) - left - right
        let plotHeight = Double(height) - top - bottom
        var text = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" width=\"\(width)\" height=\"\(height)\" font-family=\"sans-serif\" font-size=\"13\">\n"
        text += "<rect width=\"100%\" height=\"100%\" fill=\"\(ground)\"/>\n"
        text += "<text x=\"\(n(left))\" y=\"26\" font-size=\"17\" fill=\"\(ink)\">\(Grid.xml(title))</text>\n"
        guard let (xScale, yScale) = scales() else { return text + "</svg>\n" }
        func px(_ value: Double) -> Double? { xScale.fraction(value).map { left + $0 * plotWidth } }
        func py(_ value: Double) -> Double? {
            guard value.isFinite else { return nil }
            return yScale.fraction(value).map { top + (1 - min(1.2, max(-0.2, $0))) * plotHeight }
        }
        for tick in Ticks.choose(yScale, limit: 7, format: format) {
            guard let y = py(tick.value) else { continue }
            text += "<line x1=\"\(n(left))\" x2=\"\(n(left + plotWidth))\" y1=\"\(n(y))\" y2=\"\(n(y))\" stroke=\"\(grid)\" stroke-width=\"0.6\"/>\n"
            text += "<text x=\"\(n(left - 8))\" y=\"\(n(y + 4))\" text-anchor=\"end\" fill=\"\(quiet)\">\(tick.label)\(yUnit)</text>\n"
        }
        for tick in Ticks.choose(xScale, limit: 9, format: unit == .time ? .duration : .number) {
            guard let x = px(tick.value) else { continue }
            text += "<line x1=\"\(n(x))\" x2=\"\(n(x))\" y1=\"\(n(top + plotHeight))\" y2=\"\(n(top + plotHeight + 5))\" stroke=\"\(quiet)\"/>\n"
            text += "<text x=\"\(n(x))\" y=\"\(n(top + plotHeight + 19))\" text-anchor=\"middle\" fill=\"\(quiet)\">\(tick.label)</text>\n"
        }
        text += "<text x=\"\(n(left + plotWidth))\" y=\"\(n(top + plotHeight + 36))\" text-anchor=\"end\" fill=\"\(quiet)\">\(unit.title)</text>\n"
        text += "<path d=\"M\(n(left)) \(n(top))V\(n(top + plotHeight))H\(n(left + plotWidth))\" fill=\"none\" stroke=\"\(quiet)\"/>\n"
        for (number, line) in series.enumerated() {
            let stroke = isPlain ? Self.plainColors[number % Self.plainColors.count] : inks.color(.series(line.color), "#333333")
            if line.showsRaw, line.isSmoothed { text += path(line, raw: true, stroke, 0.35, Int(plotWidth), xScale, px, py) }
            if line.shape == .markers {
                for index in range(of: line, xScale.low...xScale.high) {
                    guard let x = px(line.places.place(index, unit)), let y = py(Double(line.curve.values[index])) else { continue }
                    text += "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"4\" fill=\"\(stroke)\"/>\n"
                }
            } else {
                text += path(line, raw: !line.isSmoothed, stroke, 1, Int(plotWidth), xScale, px, py)
            }
            let lx = left + Double(number % 3) * plotWidth / 3
            let ly = Double(height) - legendRows * 20 + Double(number / 3) * 20 - 2
            text += "<line x1=\"\(n(lx))\" x2=\"\(n(lx + 22))\" y1=\"\(n(ly))\" y2=\"\(n(ly))\" stroke=\"\(stroke)\" stroke-width=\"3\"/>\n"
            text += "<text x=\"\(n(lx + 28))\" y=\"\(n(ly + 4))\" fill=\"\(ink)\">\(Grid.xml(line.label))</text>\n"
        }
        return text + "</svg>\n"
    }

    private static let plainColors = ["#b8500f", "#1f6aa5", "#3f7d20", "#7d3fa8", "#8f6a00", "#0f766e", "#b3325a", "#5d5a53"]

    /// One curve; long ones by least and greatest value of each pixel column.
    private func path(
        _ line: Series, raw: Bool, _ stroke: String, _ opacity: Double, _ columns: Int, _ xScale: AxisScale, _ px: (Double) -> Double?, _ py: (Double) -> Double?
    ) -> String {
        func n(_ value: Double) -> String { NumberText.trimmed(NumberText.fixed(value, 1)) }
        let range = range(of: line, xScale.low...xScale.high)
        func value(_ index: Int) -> Double { Double(raw ? line.curve.values[index] : line.curve.smoothed[index]) }
        var d = ""
        var isDown = false
        func add(_ x: Double?, _ y: Double?) {
            guard let x, let y else {
                isDown = false
                return
            }
            d += (isDown ? "L" : "M") + n(x) + " " + n(y)
            isDown = true
        }
        if range.count <= columns * 2 {
            for index in range { add(px(line.places.place(index, unit)), py(value(index))) }
            if range.count == 1, let index = range.first, let x = px(line.places.place(index, unit)), let y = py(value(index)) {
                return "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"3\" fill=\"\(stroke)\"/>\n"
            }
        } else {
            var start = range.lowerBound
            for column in 0..<columns {
                let edge = xScale.value(Double(column + 1) / Double(columns))
                let end = column == columns - 1 ? range.upperBound : line.places.firstIndex(from: edge, unit)
                guard end > start else { continue }
                if let part = raw ? line.curve.raw(start..<end) : line.curve.average(start..<end), part.low <= part.high {
                    let x = px(line.places.place(start, unit))
                    add(x, py(Double(part.low)))
                    if part.high > part.low { add(x, py(Double(part.high))) }
                } else {
                    isDown = false
                }
                start = end
            }
        }
        return "<path d=\"\(d)\" fill=\"none\" stroke=\"\(stroke)\" stroke-width=\"\(opacity < 1 ? "1" : "2")\" opacity=\"\(n(opacity))\"/>\n"
    }
}
