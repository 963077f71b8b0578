import RunModel

extension EvaluationAnalysis.Calibration {
    /// A reliability diagram as an SVG picture: accuracy over confidence in bins, with the diagonal of perfect calibration, and how
    /// many images each bin holds (Guo et al., "On calibration of modern neural networks", 2017).
    public func svg(title: String, theme: Theme, side: Int = 520) -> String {
        func n(_ value: Double) -> String { NumberText.trimmed(NumberText.fixed(value, 2)) }
        let inks = SVGInk(theme: theme)
        let ground = inks.ground, ink = inks.text, quiet = inks.quiet, grid = inks.line
        let right = inks.color(.good, "#3f7d20"), gap = inks.color(.bad, "#b3325a")
        let left = 64.0, top = 56.0, plot = Double(side) - 64 - 24, bottom = 56 + plot
        func x(_ value: Double) -> Double { left + value * plot }
        func y(_ value: Double) -> Double { bottom - value * plot }
        var text = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(side) \(side + 92)\" width=\"\(side)\" height=\"\(side + 92)\" font-family=\"sans-serif\" font-size=\"13\">\n"
        text += "<rect width=\"100%\" height=\"100%\" fill=\"\(ground)\"/>\n"
        text += "<text x=\"\(n(left))\" y=\"24\" font-size=\"17\" fill=\"\(ink)\">\(Grid.xml(title))</text>\n"
        text += "<text x=\"\(n(left))\" y=\"43\" fill=\"\(quiet)\">expected calibration error \(NumberText.percent(expectedError)) over \(NumberText.grouped(count)) images</text>\n"
        for tick in 0...5 {
            let value = Double(tick) / 5, label = NumberText.fixed(value, 1)
            text += "<line x1=\"\(n(left))\" x2=\"\(n(x(1)))\" y1=\"\(n(y(value)))\" y2=\"\(n(y(value)))\" stroke=\"\(grid)\" stroke-width=\"0.6\"/>\n"
            text += "<text x=\"\(n(left - 8))\" y=\"\(n(y(value) + 4))\" text-anchor=\"end\" fill=\"\(quiet)\">\(label)</text>\n"
            text += "<text x=\"\(n(x(value)))\" y=\"\(n(bottom + 18))\" text-anchor=\"middle\" fill=\"\(quiet)\">\(label)</text>\n"
        }
        for bin in bins where bin.count > 0 {
            let width = (bin.high - bin.low) * plot - 2
            func bar(_ low: Double, _ high: Double, _ fill: String, _ opacity: Double) -> String {
                "<rect x=\"\(n(x(bin.low) + 1))\" y=\"\(n(y(high)))\" width=\"\(n(width))\" height=\"\(n(max(0, y(low) - y(high))))\" fill=\"\(fill)\" fill-opacity=\"\(n(opacity))\"/>\n"
            }
            text += bar(0, bin.accuracy, right, 0.85)
            text += bar(min(bin.accuracy, bin.confidence), max(bin.accuracy, bin.confidence), gap, 0.35)
            let middle = n(x((bin.low + bin.high) / 2))
            text += "<text x=\"\(middle)\" y=\"\(n(bottom + 52))\" text-anchor=\"middle\" font-size=\"11\" fill=\"\(quiet)\">\(NumberText.grouped(bin.count))</text>\n"
        }
        text += "<line x1=\"\(n(left))\" y1=\"\(n(bottom))\" x2=\"\(n(x(1)))\" y2=\"\(n(top))\" stroke=\"\(ink)\" stroke-dasharray=\"5 4\"/>\n"
        text += "<path d=\"M\(n(left)) \(n(top))V\(n(bottom))H\(n(x(1)))\" fill=\"none\" stroke=\"\(quiet)\"/>\n"
        text += "<text x=\"\(n(x(1)))\" y=\"\(n(bottom + 35))\" text-anchor=\"end\" fill=\"\(quiet)\">confidence of the answer; images below</text>\n"
        text += "<text x=\"16\" y=\"\(n(top + plot / 2))\" text-anchor=\"middle\" fill=\"\(quiet)\" transform=\"rotate(-90 16 \(n(top + plot / 2)))\">accuracy</text>\n"
        var legend = left
        for (fill, opacity, label) in [(right, 0.85, "accuracy"), (gap, 0.35, "gap to confidence")] {
            text += "<rect x=\"\(n(legend))\" y=\"\(n(bottom + 66))\" width=\"14\" height=\"14\" fill=\"\(fill)\" fill-opacity=\"\(n(opacity))\"/>\n"
            text += "<text x=\"\(n(legend + 20))\" y=\"\(n(bottom + 78))\" fill=\"\(ink)\">\(label)</text>\n"
            legend += 110
        }
        text += "<line x1=\"\(n(legend + 50))\" x2=\"\(n(legend + 78))\" y1=\"\(n(bottom + 73))\" y2=\"\(n(bottom + 73))\" stroke=\"\(ink)\" stroke-dasharray=\"5 4\"/>\n"
        text += "<text x=\"\(n(legend + 84))\" y=\"\(n(bottom + 78))\" fill=\"\(ink)\">perfectly calibrated</text>\n"
        return text + "</svg>\n"
    }
}
