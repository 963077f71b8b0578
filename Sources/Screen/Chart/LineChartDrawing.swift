extension LineChart {
    /// Where a chart's plotting area lies, for the mouse.
    public struct Placement: Equatable, Sendable {
        public var plot: Rect
        public var x: AxisScale

        /// The place under a column of the screen.
        public func place(atColumn column: Int) -> Double {
            x.value((Double(column - plot.x) + 0.5) / Double(max(1, plot.width)))
        }
    }

    /// Draws axes and curves into `rect` (without a frame). Returns nil when there is nothing to draw or no room.
    @discardableResult
    public func draw(into grid: inout Grid, _ rect: Rect, glyphs: Glyphs) -> Placement? {
        guard rect.width >= 12, rect.height >= 3 else { return nil }
        guard let (xScale, yScale) = scales() else {
            grid.put("no points yet", x: rect.x + max(0, (rect.width - 13) / 2), y: rect.y + rect.height / 2, style: .dim)
            return nil
        }
        let rows = rect.height - 2
        var ticksY = Ticks.choose(yScale, limit: max(2, min(8, rows / 2 + 1)), format: format)
        if !yUnit.isEmpty, let last = ticksY.indices.last { ticksY[last].label += yUnit }
        let labelWidth = min(rect.width / 3, max(3, ticksY.map { CharacterWidth.of($0.label) }.max() ?? 3))
        let plot = Rect(x: rect.x + labelWidth + 1, y: rect.y, width: rect.width - labelWidth - 2, height: rows)
        guard plot.width >= 4, plot.height >= 1 else { return nil }
        drawAxes(into: &grid, rect, plot, xScale, yScale, ticksY, labelWidth)
        var canvas = DotCanvas(width: plot.width, height: plot.height, glyphs: glyphs)
        var gaps = Set<Int>()
        let order = series.indices.reversed()
        for number in order where series[number].showsRaw && series[number].isSmoothed {
            canvas.newLayer(Style(.seriesFaint(series[number].color)))
            trace(series[number], raw: true, &canvas, xScale, yScale, &gaps)
        }
        for number in order {
            canvas.newLayer(Style(.series(series[number].color)))
            if series[number].shape == .markers { continue }
            trace(series[number], raw: !series[number].isSmoothed, &canvas, xScale, yScale, &gaps)
        }
        canvas.draw(into: &grid, x: plot.x, y: plot.y)
        for number in order where series[number].shape == .markers { mark(series[number], into: &grid, plot, xScale, yScale, glyphs) }
        if hasLetters { letterEnds(into: &grid, plot, xScale, yScale) }
        for gap in gaps.sorted() { grid.set("×", x: plot.x + gap, y: plot.maxY, style: Style(.bad, on: .background, .bold)) }
        drawCursor(into: &grid, plot, xScale, yScale)
        return Placement(plot: plot, x: xScale)
    }

    private func drawAxes(
        into grid: inout Grid, _ rect: Rect, _ plot: Rect, _ xScale: AxisScale, _ yScale: AxisScale, _ ticksY: [Tick], _ labelWidth: Int
    ) {
        let line = Style(.border)
        for y in plot.y..<plot.maxY { grid.set("│", x: plot.x - 1, y: y, style: line) }
        grid.set("└", x: plot.x - 1, y: plot.maxY, style: line)
        for x in plot.x..<plot.maxX { grid.set("─", x: x, y: plot.maxY, style: line) }
        var lastRow = Int.max
        for tick in ticksY {
            guard let fraction = yScale.fraction(tick.value), fraction >= -0.001, fraction <= 1.001 else { continue }
            let row = plot.maxY - 1 - Int((fraction * Double(plot.height - 1)).rounded())
            guard row < lastRow else { continue }
            lastRow = row
            grid.put(TextFit.fitted(tick.label, to: labelWidth, .right), x: rect.x, y: row, style: .dim)
            grid.set("┤", x: plot.x - 1, y: row, style: line)
        }
        let xFormat: Ticks.Format = unit == .time ? .duration : .number
        let title = unit == .time ? "time" : unit.title
        let titleWidth = title.count + 1
        var used = plot.x - 1
        for tick in Ticks.choose(xScale, limit: max(2, plot.width / 12), format: xFormat) {
            guard let fraction = xScale.fraction(tick.value), fraction >= -0.001, fraction <= 1.001 else { continue }
            if unit == .epoch || unit == .step, tick.value != tick.value.rounded(), unit == .step { continue }
            let column = plot.x + Int((fraction * Double(plot.width - 1)).rounded())
            let width = CharacterWidth.of(tick.label)
            let start = max(plot.x - 1, min(column - width / 2, plot.maxX - titleWidth - width))
            grid.set("┴", x: column, y: plot.maxY, style: line)
            guard start > used || used == plot.x - 1, start >= used else { continue }
            grid.put(tick.label, x: start, y: plot.maxY + 1, style: .dim)
            used = start + width + 1
        }
        if used + titleWidth <= plot.maxX + 1 { grid.put(title, x: plot.maxX - title.count, y: plot.maxY + 1, style: Style(.faint)) }
        for mark in marks {
            guard let fraction = xScale.fraction(mark), fraction >= 0, fraction <= 1 else { continue }
            let column = plot.x + Int((fraction * Double(plot.width - 1)).rounded())
            for y in plot.y..<plot.maxY { grid.set("┊", x: column, y: y, style: Style(.faint)) }
        }
    }

    /// One curve as vertical spans, column by column, joined to its neighbour.
    private func trace(
        _ line: Series, raw: Bool, _ canvas: inout DotCanvas, _ xScale: AxisScale, _ yScale: AxisScale, _ gaps: inout Set<Int>
    ) {
        let all = range(of: line, xScale.low...xScale.high)
        guard !all.isEmpty else { return }
        // One point on either side of the window lets lines run out of the picture.
        let drawn = max(0, all.lowerBound - 1)..<min(line.places.count, all.upperBound + 1)
        func row(_ value: Double) -> Int? {
            guard value.isFinite, let fraction = yScale.fraction(value) else { return nil }
            return canvas.rows - 1 - Int((min(1.5, max(-0.5, fraction)) * Double(canvas.rows - 1)).rounded())
        }
        func column(_ place: Double) -> Int? {
            guard let fraction = xScale.fraction(place) else { return nil }
            return Int((min(3, max(-2, fraction)) * Double(canvas.columns - 1)).rounded())
        }
        func value(_ index: Int) -> Double { Double(raw ? line.curve.values[index] : line.curve.smoothed[index]) }
        // Raw points behind their average stay points: joined, they would hide it.
        let isCloud = raw && line.isSmoothed
        if drawn.count <= canvas.columns * 2 {
            var last: (Int, Int)?
            for index in drawn {
                guard let x = column(line.places.place(index, unit)) else { continue }
                guard let y = row(value(index)) else {
                    last = nil
                    if !value(index).isFinite, x >= 0, x < canvas.columns { gaps.insert(x / canvas.dotsX) }
                    continue
                }
                if let (px, py) = last, !isCloud { canvas.line(px, py, x, y) } else { canvas.dot(x, y) }
                last = (x, y)
            }
            return
        }
        var start = all.lowerBound
        var lastRow: Int?
        for x in 0..<canvas.columns {
            let end = x == canvas.columns - 1
                ? all.upperBound : line.places.firstIndex(from: xScale.value((Double(x) + 0.5) / Double(canvas.columns - 1)), unit)
            guard end > start else { continue }
            let range = start..<end
            start = end
            guard let part = raw ? line.curve.raw(range) : line.curve.average(range) else { continue }
            if part.hasGap { gaps.insert(x / canvas.dotsX) }
            guard part.low <= part.high, let top = row(Double(part.high)), let bottom = row(Double(max(part.low, yScale.isLog ? Float(yScale.low) : part.low)))
            else {
                lastRow = nil
                continue
            }
            if isCloud {
                canvas.dot(x, top)
                canvas.dot(x, bottom)
                continue
            }
            canvas.column(x, from: top, to: bottom)
            if let lastRow, let first = row(value(range.lowerBound)), first < top || first > bottom || lastRow < top || lastRow > bottom {
                if lastRow < top { canvas.column(x, from: lastRow + 1, to: top) }
                if lastRow > bottom { canvas.column(x, from: bottom, to: lastRow - 1) }
            }
            lastRow = row(value(range.upperBound - 1))
        }
    }

    private func mark(_ line: Series, into grid: inout Grid, _ plot: Rect, _ xScale: AxisScale, _ yScale: AxisScale, _ glyphs: Glyphs) {
        for index in range(of: line, xScale.low...xScale.high) {
            guard let fx = xScale.fraction(line.places.place(index, unit)), let fy = yScale.fraction(Double(line.curve.values[index])),
                fy.isFinite, fy >= 0, fy <= 1
            else { continue }
            let x = plot.x + Int((fx * Double(plot.width - 1)).rounded())
            let y = plot.maxY - 1 - Int((fy * Double(plot.height - 1)).rounded())
            grid.set("◆", x: x, y: y, style: Style(.series(line.color)))
        }
    }

    /// Several curves carry letters; marks alone do not count.
    var hasLetters: Bool { series.count { $0.shape == .line } > 1 }

    /// A letter at the end of every curve tells them apart where colours cannot.
    private func letterEnds(into grid: inout Grid, _ plot: Rect, _ xScale: AxisScale, _ yScale: AxisScale) {
        var taken: Set<Int> = []
        for (number, line) in series.enumerated() where line.shape == .line {
            let range = range(of: line, xScale.low...xScale.high)
            guard let index = range.last, let fx = xScale.fraction(line.places.place(index, unit)),
                let fy = yScale.fraction(Double(line.shown(at: index))), fy.isFinite
            else { continue }
            let x = min(plot.maxX - 1, plot.x + Int((fx * Double(plot.width - 1)).rounded()) + 1)
            var y = plot.maxY - 1 - Int((min(1, max(0, fy)) * Double(plot.height - 1)).rounded())
            while taken.contains(y * 10_000 + x), y + 1 < plot.maxY { y += 1 }
            taken.insert(y * 10_000 + x)
            grid.set(LineChart.letter(number), x: x, y: y, style: Style(.series(line.color), on: .background, .bold))
        }
    }

    public static func letter(_ number: Int) -> Character {
        Unicode.Scalar(UInt32(65 + max(0, number) % 26)).map(Character.init) ?? "A"
    }

    private func drawCursor(into grid: inout Grid, _ plot: Rect, _ xScale: AxisScale, _ yScale: AxisScale) {
        guard let cursor, let fraction = xScale.fraction(cursor), fraction >= -0.001, fraction <= 1.001 else { return }
        let column = plot.x + Int((min(1, max(0, fraction)) * Double(plot.width - 1)).rounded())
        for y in plot.y..<plot.maxY where grid[column, y].glyph == " " || grid[column, y].glyph == "┊" {
            grid.set("│", x: column, y: y, style: Style(.cursor))
        }
        grid.set("┴", x: column, y: plot.maxY, style: Style(.cursor))
        for reading in readings(at: cursor) {
            let value = Double(series[reading.series].shown(at: reading.index))
            guard let fy = yScale.fraction(value), fy.isFinite, fy >= 0, fy <= 1 else { continue }
            let y = plot.maxY - 1 - Int((fy * Double(plot.height - 1)).rounded())
            grid.set("●", x: column, y: y, style: Style(.series(series[reading.series].color), on: .background, .bold))
        }
    }

    /// The readout at the cursor, or the last values: "step 1,200  A 0.412 (0.437)".
    public func readout(short: Bool = false) -> [(String, Style)] {
        guard let extent else { return [] }
        let place = cursor ?? extent.upperBound
        var pieces: [(String, Style)] = []
        if cursor != nil { pieces.append((wordPlace(place) + "  ", Style(.text))) }
        for reading in readings(at: place) {
            let line = series[reading.series]
            if cursor == nil, line.shape == .markers { continue }
            let shown = line.isSmoothed && !short ? "\(word(reading.average)) (\(word(reading.raw)))" : word(line.isSmoothed ? reading.average : reading.raw)
            if hasLetters {
                pieces.append((String(Self.letter(reading.series)) + " ", Style(.series(line.color), on: .background, .bold)))
            }
            pieces.append((shown + "  ", Style(reading.raw.isFinite ? .text : .bad)))
        }
        return pieces
    }
}
