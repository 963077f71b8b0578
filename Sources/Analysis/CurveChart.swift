/// Curves over a varied value, such as accuracy over prompt depth, as SVG.
public struct CurveChart: Sendable, Equatable {
    public struct Curve: Sendable, Equatable {
        public var name: String
        /// One for each tick; nil where there is none. Fractions 0..1.
        public var values: [Double?]
        public var isDashed: Bool

        public init(name: String, values: [Double?], isDashed: Bool = false) {
            self.name = name
            self.values = values
            self.isDashed = isDashed
        }
    }

    public var title: String
    public var horizontal: String
    public var ticks: [String]
    public var curves: [Curve]

    public init(title: String, horizontal: String, ticks: [String], curves: [Curve]) {
        self.title = title
        self.horizontal = horizontal
        self.ticks = ticks
        self.curves = curves
    }

    /// Accuracies in percent on the vertical axis, which spans what there is and a little more.
    public var svg: String {
        var graphic = VectorGraphic(width: 760, height: 420)
        let left = 64.0, right = 540.0, top = 48.0, bottom = 360.0
        let all = curves.flatMap { $0.values.compactMap { $0 } }.filter(\.isFinite).map { 100 * $0 }
        var low = all.min() ?? 0, high = all.max() ?? 100
        let room = max(1, (high - low) * 0.08)
        low = max(0, low - room)
        high = min(100, high + room)
        func x(_ i: Int) -> Double { ticks.count < 2 ? (left + right) / 2 : left + (right - left) * Double(i) / Double(ticks.count - 1) }
        func y(_ value: Double) -> Double { bottom - (bottom - top) * (value - low) / max(1e-9, high - low) }

        graphic.text(title, left, 26, size: 16)
        let step = [0.5, 1, 2, 5, 10, 20].first { (high - low) / $0 <= 7 } ?? 25
        var mark = (low / step).rounded(.up) * step
        while mark <= high + 1e-9 {
            graphic.line(left, y(mark), right, y(mark), colour: "#ddd")
            graphic.text(VectorGraphic.number(mark), left - 8, y(mark) + 4, size: 12, anchor: .end)
            mark += step
        }
        graphic.text("accuracy, %", left, top - 8, size: 12)
        graphic.line(left, bottom, right, bottom)
        graphic.line(left, top, left, bottom)
        for (i, tick) in ticks.enumerated() {
            graphic.line(x(i), bottom, x(i), bottom + 5)
            graphic.text(tick, x(i), bottom + 20, size: 12, anchor: .middle)
        }
        graphic.text(horizontal, (left + right) / 2, bottom + 42, anchor: .middle)
        for (number, curve) in curves.enumerated() {
            let colour = VectorGraphic.colour(number, of: curves.count)
            // A missing value parts the curve.
            var part: [(Double, Double)] = []
            for i in ticks.indices {
                if i < curve.values.count, let value = curve.values[i], value.isFinite {
                    part.append((x(i), y(100 * value)))
                    graphic.dot(x(i), y(100 * value), radius: 3.5, colour: colour, title: "\(curve.name), \(ticks[i]): \(VectorGraphic.number(100 * value)) %")
                } else {
                    if part.count > 1 { graphic.path(part, colour: colour, dashed: curve.isDashed) }
                    part = []
                }
            }
            if part.count > 1 { graphic.path(part, colour: colour, dashed: curve.isDashed) }
            let row = top + 20 * Double(number)
            graphic.path([(right + 20, row), (right + 44, row)], colour: colour, dashed: curve.isDashed)
            graphic.text(curve.name, right + 50, row + 4, size: 12)
        }
        return graphic.svg
    }
}
