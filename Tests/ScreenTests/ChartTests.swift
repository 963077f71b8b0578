import Foundation
#if canImport(FoundationXML)
import FoundationXML
#endif
@testable import Screen
import Testing

@Suite struct ChartTests {
    static func chart(_ values: [Float], smoothing: Double = 0, logY: Bool = false, logX: Bool = false, steps: [Int32]? = nil) -> LineChart {
        let steps = steps ?? (0..<values.count).map { Int32($0 + 1) }
        let places = CurvePlaces(steps: steps, times: steps.map(Float.init))
        return LineChart(title: "t", series: [.init(label: "a", color: 0, places: places, curve: Curve(values, smoothing: smoothing))], logX: logX, logY: logY)
    }

    static func draw(_ chart: LineChart, _ width: Int = 60, _ height: Int = 14, _ glyphs: Glyphs = .braille) -> Grid {
        var grid = Grid(size: Size(width, height))
        chart.draw(into: &grid, grid.bounds, glyphs: glyphs)
        return grid
    }

    // MARK: Moving average

    /// TensorBoard's rule, written out: the average starts at 0 and is divided by 1 - w^n over the finite points.
    @Test func movingAverageIsDebiased() {
        let values: [Float] = [1, 3, .nan, 2, 5, 4]
        let smooth = Smoothing.smoothed(values, weight: 0.6)
        var average = 0.0
        var n = 0.0
        for (index, value) in values.enumerated() where value.isFinite {
            n += 1
            average = average * 0.6 + 0.4 * Double(value)
            #expect(abs(Double(smooth[index]) - average / (1 - pow(0.6, n))) < 1e-6)
        }
        #expect(smooth[0] == 1)
        #expect(smooth[2].isNaN)
    }

    /// A panel of the log of another program is drawn only where the log has its figure.
    @Test func curvesKnowWhetherTheyHoldNumbers() {
        #expect(!Curve().hasNumbers && !Curve([.nan, .infinity]).hasNumbers && Curve([.nan, 0, .nan]).hasNumbers)
        #expect(!Curve(Array(repeating: .nan, count: 5000)).hasNumbers && Curve(Array(repeating: .nan, count: 5000) + [1]).hasNumbers)
    }

    @Test func constantSeriesIsLeftAlone() {
        #expect(Smoothing.smoothed(Array(repeating: 0.1, count: 50), weight: 0.9) == Array(repeating: 0.1, count: 50))
    }

    @Test func infinitePassesThrough() {
        let smooth = Smoothing.smoothed([1, .infinity, 2], weight: 0.5)
        #expect(smooth[1] == .infinity)
        #expect(smooth[2].isFinite)
    }

    @Test func growingEqualsFillingAtOnce() {
        var random = Sample.Generator(state: 5)
        let values = (0..<5000).map { _ in random.unit() < 0.01 ? Float.nan : Float(random.unit()) }
        let whole = Curve(values, smoothing: 0.9)
        var grown = Curve([], smoothing: 0.9)
        for value in values { grown.append(value) }
        for _ in 0..<500 {
            let a = Int(random.unit() * 5000), b = Int(random.unit() * 5001)
            let range = min(a, b)..<max(a, b)
            let x = whole.raw(range), y = grown.raw(range)
            #expect(x?.low == y?.low && x?.high == y?.high && x?.hasGap == y?.hasGap)
            let finite = values[range].filter(\.isFinite)
            if let low = finite.min(), let high = finite.max() {
                #expect(x?.low == low && x?.high == high, "range \(range)")
            }
            #expect(x.map(\.hasGap) ?? false == values[range].contains { !$0.isFinite })
        }
    }

    // MARK: Drawing

    @Test(arguments: Glyphs.allCases) func isolatedPointIsDrawn(_ glyphs: Glyphs) {
        let grid = Self.draw(Self.chart([.nan, 0.5, .nan]), 40, 10, glyphs)
        let text = grid.plainText()
        #expect(text.contains("×"))
        let dots = grid.cells.filter { $0.style.foreground == .role(.series1) }
        #expect(dots.count == 1)
        #expect(Self.draw(Self.chart([0.5]), 40, 10, glyphs).cells.contains { $0.style.foreground == .role(.series1) })
    }

    @Test func nanIsMarkedInALongSeries() {
        var values = (0..<100_000).map { Float(sin(Double($0) / 5000)) + 2 }
        values[50_000] = .nan
        let grid = Self.draw(Self.chart(values, smoothing: 0.9), 80, 12)
        #expect(grid.cells.filter { $0.glyph == "×" }.count == 1)
    }

    @Test func logarithmicAxesAreTrue() {
        // A power law is a straight line on two logarithmic axes.
        let steps = (1...1000).map(Int32.init)
        let values = steps.map { Float(100 / Double($0)) }
        let chart = Self.chart(values, logY: true, logX: true, steps: steps)
        let scales = chart.scales()
        #expect(scales?.x.isLog == true && scales?.y.isLog == true)
        for step in [1.0, 10, 31.6, 100, 1000] {
            let x = scales?.x.fraction(step) ?? 0
            let y = scales?.y.fraction(100 / step) ?? 0
            #expect(abs(x + y - 1) < 1e-6)
        }
        let text = Self.draw(chart, 80, 16).plainText()
        #expect(text.contains("10") && text.contains("100"))
    }

    @Test func zeroOnALogarithmicAxisDoesNotBreak() {
        _ = Self.draw(Self.chart([0, 1, 10, 0, -5, 100], logY: true))
        _ = Self.draw(Self.chart([0, 0, 0], logY: true))
        _ = Self.draw(Self.chart([-1, -2], logY: true, logX: true))
        _ = Self.draw(Self.chart([.nan, .nan]))
        _ = Self.draw(Self.chart([.infinity, -.infinity, 1e38, -1e38]))
        _ = Self.draw(Self.chart([]))
    }

    @Test func ticksAreRound() {
        let ticks = Ticks.choose(AxisScale(low: 0.13, high: 2.71, isLog: false), limit: 6, format: .number)
        #expect(ticks.map(\.label) == ["0.5", "1.0", "1.5", "2.0", "2.5"])
        #expect(Ticks.choose(AxisScale(low: 0, high: 2000, isLog: false), limit: 5, format: .number).map(\.label) == ["0", "500", "1k", "1.5k", "2k"])
        #expect(Ticks.choose(AxisScale(low: 0, high: 150, isLog: false), limit: 4, format: .duration).map(\.label) == ["0", "1m", "2m"])
        #expect(Ticks.choose(AxisScale(low: 1e-5, high: 1, isLog: true), limit: 6, format: .number).count == 6)
        var random = Sample.Generator(state: 77)
        for _ in 0..<2000 {
            let low = (random.unit() - 0.5) * 1e6 * random.unit(), span = random.unit() * 1e4 + 1e-9
            let limit = 1 + Int(random.unit() * 9)
            let found = Ticks.choose(AxisScale(low: low, high: low + span, isLog: false), limit: limit, format: .number)
            #expect(found.count <= limit)
            #expect(found.allSatisfy { $0.value >= low - span * 0.01 && $0.value <= low + span * 1.01 })
        }
    }

    @Test func cursorReadsTheNearestPoint() {
        var chart = Self.chart([1, 2, 3, 4, 5])
        chart.cursor = 3.2
        let reading = chart.readings(at: 3.2).first
        #expect(reading?.index == 2 && reading?.raw == 3)
        #expect(chart.readout().map(\.0).joined().contains("step 3"))
    }

    @Test func aMillionPointsDrawFast() {
        var random = Sample.Generator(state: 3)
        let values = (0..<1_000_000).map { Float(2 / (1 + Double($0) / 1e5) + random.unit()) }
        let steps = (1...1_000_000).map(Int32.init)
        let clock = ContinuousClock()
        var trace = RunTrace(row: RunRow(id: "x", spec: Sample.spec("x"), status: .finished))
        trace.setSmoothing(0.9)
        let filling = clock.measure {
            trace.setColumns(steps: steps, times: values, loss: values, accuracy: values, learningRate: values, throughput: values)
        }
        let chart = LineChart(title: "t", series: [.init(label: "a", color: 0, places: trace.places, curve: trace.loss)])
        var grid = Grid(size: Size(200, 60))
        let drawing = clock.measure { for _ in 0..<10 { chart.draw(into: &grid, grid.bounds, glyphs: .braille) } }
        print("1,000,000 points: columns filled in \(filling), a frame of 200x60 drawn in \(drawing / 10)")
        #expect(filling < .milliseconds(700))
        #expect(drawing / 10 < .milliseconds(16))
    }

    @Test func svgHasAxesAndLegend() {
        var chart = Self.chart((0..<50_000).map { Float(1 / (1 + Double($0) / 1000)) }, smoothing: 0.9)
        chart.series.append(chart.series[0])
        chart.series[0].label = "first & <best>"
        let svg = chart.svg(theme: .dark)
        #expect(svg.contains("first &amp; &lt;best&gt;"))
        #expect(svg.contains(">step</text>"))
        #expect(svg.utf8.count < 400_000)
        #expect(XMLParser(data: Data(svg.utf8)).parse())
    }
}
