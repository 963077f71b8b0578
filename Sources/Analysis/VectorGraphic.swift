/// Builds a small SVG: white ground, black text, colours that differ for the colour-blind as well.
struct VectorGraphic {
    let width: Double
    let height: Double
    private var elements: [String] = []

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    /// Okabe and Ito's eight, then evenly spread hues.
    static func colour(_ index: Int, of count: Int) -> String {
        let fixed = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#B8A800"]
        if count <= fixed.count { return fixed[((index % fixed.count) + fixed.count) % fixed.count] }
        // Neighbours in class order lie far apart on the circle, and differ in lightness.
        let hue = (Double(index) * 137.508).truncatingRemainder(dividingBy: 360)
        return hex(hue: hue, saturation: 0.65, lightness: 0.35 + 0.15 * Double(index % 3))
    }

    /// `#rrggbb`, which every reader of SVG knows; hue in degrees.
    private static func hex(hue: Double, saturation: Double, lightness: Double) -> String {
        let reach = saturation * min(lightness, 1 - lightness)
        let channels = [0.0, 8, 4].map { offset -> String in
            let k = (offset + hue / 30).truncatingRemainder(dividingBy: 12)
            let value = Int((255 * (lightness - reach * max(-1, min(k - 3, 9 - k, 1)))).rounded())
            return (value < 16 ? "0" : "") + String(value, radix: 16)
        }
        return "#" + channels.joined()
    }

    /// One or two decimals, always with a point.
    static func number(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "0" }
        let hundredths = Int((value * 100).rounded())
        let whole = abs(hundredths) / 100, rest = abs(hundredths) % 100
        let sign = hundredths < 0 ? "-" : ""
        if rest == 0 { return "\(sign)\(whole)" }
        return "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character.isNewline ? " " : character)
            }
        }
        return result
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, colour: String = "#000", width: Double = 1) {
        elements.append(
            "<line x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\" x2=\"\(Self.number(x2))\" y2=\"\(Self.number(y2))\" stroke=\"\(colour)\" stroke-width=\"\(Self.number(width))\"/>")
    }

    mutating func path(_ points: [(Double, Double)], colour: String, dashed: Bool = false) {
        let text = points.map { "\(Self.number($0.0)),\(Self.number($0.1))" }.joined(separator: " ")
        elements.append(
            "<polyline points=\"\(text)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\"\(dashed ? " stroke-dasharray=\"6 4\"" : "")/>")
    }

    mutating func dot(_ x: Double, _ y: Double, radius: Double, colour: String, title: String? = nil) {
        let inside = title.map { "<title>\(Self.escaped($0))</title>" } ?? ""
        elements.append("<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"\(Self.number(radius))\" fill=\"\(colour)\">\(inside)</circle>")
    }

    enum Anchor: String { case start, middle, end }

    mutating func text(_ text: String, _ x: Double, _ y: Double, size: Double = 13, anchor: Anchor = .start, colour: String = "#000") {
        elements.append(
            "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(Self.number(size))\" text-anchor=\"\(anchor.rawValue)\" fill=\"\(colour)\">\(Self.escaped(text))</text>")
    }

    var svg: String {
        let w = Self.number(width), h = Self.number(height)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(w)" height="\(h)" viewBox="0 0 \(w) \(h)" font-family="sans-serif">
            <rect width="100%" height="100%" fill="#fff"/>
            \(elements.joined(separator: "\n"))
            </svg>

            """
    }
}
