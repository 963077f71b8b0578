/// Curves over a common pair of axes.
///
/// Draws any number of points in time proportional to the columns: each column asks the pyramid for its least and greatest
/// value. Values that are not finite are marked on the axis below; a point without neighbours is drawn as a dot.
public struct LineChart: Sendable {
    public struct Series: Sendable {
        public enum Shape: Sendable { case line, markers }
        public var label: String
        /// Colour by number, from 0.
        public var color: Int
        public var places: CurvePlaces
        public var curve: Curve
        public var shape: Shape
        /// Shows the raw points behind their average.
        public var showsRaw: Bool

        public init(label: String, color: Int, places: CurvePlaces, curve: Curve, shape: Shape = .line, showsRaw: Bool = true) {
            self.label = label
            self.color = color
            self.places = places
            self.curve = curve
            self.shape = shape
            self.showsRaw = showsRaw
        }

        var isSmoothed: Bool { shape == .line && curve.smoothingWeight > 0 }
        func shown(_ range: Range<Int>) -> (low: Float, high: Float, hasGap: Bool)? { isSmoothed ? curve.average(range) : curve.raw(range) }
        func shown(at index: Int) -> Float { isSmoothed ? curve.smoothed[index] : curve.values[index] }
    }

    public var title: String
    public var series: [Series]
    public var unit: AxisUnit
    public var logX: Bool
    public var logY: Bool
    public var format: Ticks.Format
    public var yUnit: String
    /// The part of the horizontal axis that is shown; nil shows everything.
    public var window: ClosedRange<Double>?
    /// Where the value cursor stands.
    public var cursor: Double?
    /// Vertical marks: checkpoints, changes of the learning rate.
    public var marks: [Double]
    /// Where the horizontal axis will end, of a run that goes on: the axis then grows in leaps of a quarter, not at each step.
    public var end: Double?

    public init(
        title: String, series: [Series], unit: AxisUnit = .step, logX: Bool = false, logY: Bool = false, format: Ticks.Format = .number,
        yUnit: String = "", window: ClosedRange<Double>? = nil, cursor: Double? = nil, marks: [Double] = [], end: Double? = nil
    ) {
        self.title = title
        self.series = series
        self.unit = unit
        self.logX = logX
        self.logY = logY
        self.format = format
        self.yUnit = yUnit
        self.window = window
        self.cursor = cursor
        self.marks = marks
        self.end = end
    }

    /// The whole extent of the horizontal axis; nil without points.
    public var extent: ClosedRange<Double>? {
        var low = Double.infinity
        var high = -Double.infinity
        for line in series where line.places.count > 0 {
            var first = line.places.place(0, unit)
            if logX, first <= 0 {
                let index = line.places.firstIndex(from: 1e-9, unit)
                guard index < line.places.count else { continue }
                first = line.places.place(index, unit)
            }
            low = min(low, first)
            high = max(high, line.places.place(line.places.count - 1, unit))
        }
        guard low <= high else { return nil }
        // A run that begins at its first step begins at the origin.
        if !logX, low > 0, low <= (high - low) * 0.02 { low = 0 }
        if let end, high < end, high > 0 {
            var room = end
            while room / 1.25 >= high { room /= 1.25 }
            high = room
        }
        return low...high
    }

    func range(of line: Series, _ window: ClosedRange<Double>) -> Range<Int> {
        let first = line.places.firstIndex(from: window.lowerBound, unit)
        let end = line.places.firstIndex(from: window.upperBound.nextUp, unit)
        return first..<max(first, end)
    }

    /// The scales that the window and the values in it ask for.
    public func scales() -> (x: AxisScale, y: AxisScale)? {
        guard let whole = extent else { return nil }
        var shown = window ?? whole
        if logX, shown.lowerBound <= 0 { shown = min(whole.lowerBound, shown.upperBound)...shown.upperBound }
        var low = Double.infinity
        var high = -Double.infinity
        for line in series {
            let range = range(of: line, shown)
            for part in [line.shown(range), line.showsRaw && line.isSmoothed ? line.curve.raw(range) : nil] {
                guard let part, part.low <= part.high else { continue }
                low = min(low, Double(part.low))
                high = max(high, Double(part.high))
            }
        }
        if logY, low <= 0 { low = leastPositive(shown) ?? high / 1000 }
        if low > high { (low, high) = (0, 1) }
        if low == high {
            let room = low == 0 ? 1 : low.magnitude * 0.1
            (low, high) = logY ? (low / 2, low * 2) : (low - room, high + room)
        }
        if !logY {
            let margin = (high - low) * 0.04
            // Quantities that begin at zero keep their zero.
            low = low >= 0 && low < (high - low) * 0.25 ? 0 : low - margin
            high = format == .percent ? min(max(1, high), high + margin) : high + margin
        }
        return (AxisScale(low: shown.lowerBound, high: shown.upperBound, isLog: logX), AxisScale(low: low, high: high, isLog: logY))
    }

    private func leastPositive(_ window: ClosedRange<Double>) -> Double? {
        var least: Double?
        for line in series {
            let range = range(of: line, window)
            let stride = max(1, range.count / 4096)
            for index in Swift.stride(from: range.lowerBound, to: range.upperBound, by: stride) {
                let value = Double(line.curve.values[index])
                if value > 0, value.isFinite { least = min(least ?? value, value) }
            }
        }
        return least
    }

    /// What the curves say at a place: the nearest point of each, raw and averaged.
    public func readings(at place: Double) -> [(series: Int, index: Int, raw: Double, average: Double)] {
        series.indices.compactMap { number in
            let line = series[number]
            guard line.places.count > 0 else { return nil }
            var index = min(line.places.count - 1, line.places.firstIndex(from: place, unit))
            if index > 0, place - line.places.place(index - 1, unit) < line.places.place(index, unit) - place { index -= 1 }
            return (number, index, Double(line.curve.values[index]), Double(line.curve.smoothed[index]))
        }
    }

    /// Words a value of this chart.
    public func word(_ value: Double) -> String {
        switch format {
        case .percent: value.isFinite ? NumberText.fixed(value * 100, 1) + "%" : NumberText.fixed(value, 0)
        case .rate: NumberText.general(value, 3)
        case .duration: NumberText.duration(value)
        case .number: NumberText.general(value, 4)
        }
    }

    public func wordPlace(_ place: Double) -> String {
        switch unit {
        case .step: "step " + NumberText.grouped(Int(max(-1e15, min(1e15, place.rounded()))))
        case .epoch: "epoch " + NumberText.fixed(place, 2)
        case .time: NumberText.duration(place)
        }
    }
}
