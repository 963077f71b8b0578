import RunModel

extension WorkbenchState {
    func drawLive(_ scene: inout Scene, _ area: Rect) {
        guard let trace = liveTrace else {
            scene.grid.frame(area, title: "Live")
            let text = live.run == nil ? "No run is open. Start a session on Home (1), or open a run there." : "reading the run…"
            scene.grid.put(TextFit.truncated(text, to: area.width - 4), x: area.x + max(2, (area.width - text.count) / 2), y: area.y + area.height / 2, style: .dim)
            return
        }
        var rest = area
        drawRunHeader(&scene, rest.takeTop(2), trace)
        if live.isMaximised {
            draw(live.panel, &scene, rest, trace)
            return
        }
        let columns = Layout.columns(rest, [Share(rest.width >= 150 ? 0.55 : 0.56, minimum: 42), Share(0.44, minimum: 34)])
        let isTall = rest.height >= 30
        // A short screen shows two plots and two panels; the chosen one is always among them.
        var left: [LiveState.Panel] = isTall ? [.loss, .accuracy, .rate] : [.loss, live.panel == .rate ? .rate : .accuracy]
        if isTall, rest.height < 34 { left = [.loss, .accuracy, .rate] }
        let right: [LiveState.Panel] = isTall ? [.classes, .norms, .log] : [.classes, live.panel == .log ? .log : .norms]
        let leftShares = left.map { Share($0 == .loss ? 0.40 : ($0 == .accuracy ? 0.36 : 0.24), minimum: 7) }
        let normRows = (trace.norms.tracks(live.normKind).count) + 4
        let rightShares = right.map { panel -> Share in
            switch panel {
            case .classes: Share(0.5, minimum: 8)
            case .norms: Share(isTall ? 0.3 : 0.45, minimum: min(isTall ? normRows : 9, max(6, rest.height / 2 - 2)))
            default: Share(0.2, minimum: 6)
            }
        }
        for (panel, rect) in zip(left, Layout.rows(columns[0], leftShares)) { draw(panel, &scene, rect, trace) }
        for (panel, rect) in zip(right, Layout.rows(columns[1], rightShares)) { draw(panel, &scene, rect, trace) }
    }

    private func draw(_ panel: LiveState.Panel, _ scene: inout Scene, _ rect: Rect, _ trace: RunTrace) {
        scene.target(rect, .panel(panel))
        switch panel {
        case .loss, .accuracy, .rate: drawPlot(panel, &scene, rect)
        case .classes: drawClasses(&scene, rect, trace)
        case .norms: drawNorms(&scene, rect, trace)
        case .log: drawLog(&scene, rect, trace)
        }
    }

    // MARK: Header

    private func drawRunHeader(_ scene: inout Scene, _ rect: Rect, _ trace: RunTrace) {
        let row = trace.row
        var pieces: [(String, Style)] = [(" \(row.status.word)", Style(row.status.role, on: .background, .bold))]
        if row.isElsewhere, row.status.isActive { pieces.append((" in another process", .dim)) }
        pieces.append(("  " + row.name, Style(.title)))
        let shape = row.isLog ? "log of another program" : "\(row.methodName) · \(row.dataName) · seed \(row.spec.seed)"
        pieces.append(("  " + shape, .dim))
        var right: [(String, Style)] = []
        if let pending = live.pending { right = [(pending + " ", Style(.warning))] } else if row.isReadOnly { right = [("read only ", Style(.warning))] }
        let rightWidth = right.reduce(0) { $0 + CharacterWidth.of($1.0) }
        scene.grid.put(pieces, x: rect.x, y: rect.y, limit: rect.width - rightWidth - 1)
        scene.grid.put(right, x: rect.maxX - rightWidth, y: rect.y)

        // Second row: progress bar, step, epoch, pace, time left, memory.
        var fields: [(String, String)] = []
        let total = row.totalSteps
        fields.append(("step", NumberText.grouped(row.step) + (total > 0 ? "/" + NumberText.grouped(total) : "")))
        if !row.isLog { fields.append(("epoch", "\(row.step / trace.stepsPerEpoch)" + (total > 0 ? "/\(max(1, total / trace.stepsPerEpoch))" : ""))) }
        if let pace = trace.throughput.last, pace.isFinite, pace > 0 { fields.append(("img/s", NumberText.fixed(Double(pace), pace < 10 ? 1 : 0))) }
        if let left = trace.timeLeft { fields.append(("left", NumberText.duration(left))) } else { fields.append(("took", NumberText.duration(row.seconds))) }
        if let memory, !row.isElsewhere, row.status.isActive { fields.append(("mem", NumberText.bytes(memory))) }
        let text = fields.reduce(0) { $0 + CharacterWidth.of($1.0) + CharacterWidth.of($1.1) + 4 }
        let spark = rect.width >= 110 ? 16 : 0
        let barWidth = max(8, min(60, rect.width - text - spark - 4))
        var x = rect.x + 1
        let y = rect.y + 1
        if let progress = trace.evaluating {
            Bars.draw(into: &scene.grid, x: x, y: y, width: barWidth, fraction: Double(progress.done) / Double(max(1, progress.total)), style: Style(.series2), glyphs: scene.glyphs)
            x += barWidth + 2
            x += scene.grid.put("evaluating \(progress.classes.rawValue) \(NumberText.grouped(progress.done))/\(NumberText.grouped(progress.total))  ", x: x, y: y, style: .accent, limit: rect.maxX - x)
        } else {
            Bars.draw(into: &scene.grid, x: x, y: y, width: barWidth, fraction: Double(row.step) / Double(max(1, total)), style: .accent, glyphs: scene.glyphs)
            x += barWidth + 2
        }
        for (index, field) in fields.enumerated() {
            guard x + CharacterWidth.of(field.0) + CharacterWidth.of(field.1) + 2 < rect.maxX else { break }
            x += scene.grid.put(field.0 + " ", x: x, y: y, style: .dim)
            x += scene.grid.put(field.1, x: x, y: y, style: .text)
            if index == 2, spark > 0, trace.throughput.count > 1, fields[2].0 == "img/s" {
                Bars.sparkline(into: &scene.grid, x: x + 1, y: y, width: spark, values: Array(trace.throughput.values.suffix(spark * 4)), style: .dim, glyphs: scene.glyphs)
                x += spark + 1
            }
            x += 3
        }
    }

    // MARK: Plots

    func liveChart(_ panel: LiveState.Panel) -> LineChart {
        var series: [LineChart.Series] = []
        let ids = [live.run].compactMap { $0 } + live.overlays
        for (number, id) in ids.enumerated() {
            guard let trace = traces[id] else { continue }
            let label = trace.row.name
            switch panel {
            case .loss: series.append(.init(label: label, color: number, places: trace.places, curve: trace.loss, showsRaw: live.plot.showsRaw))
            case .accuracy: series.append(.init(label: label, color: number, places: trace.places, curve: trace.accuracy, showsRaw: live.plot.showsRaw))
            default: series.append(.init(label: label, color: number, places: trace.places, curve: trace.learningRate, showsRaw: false))
            }
        }
        if panel == .accuracy, live.overlays.isEmpty, let trace = liveTrace {
            for (number, classes) in [ClassSubset.base, .new, .all].enumerated() {
                let (places, curve) = trace.evaluationCurve(classes)
                if curve.count > 0 { series.append(.init(label: "\(classes.rawValue), evaluated", color: number + 1, places: places, curve: curve, shape: .markers)) }
            }
        }
        let marks = (liveTrace?.rateChanges ?? []).map { step -> Double in
            guard let places = liveTrace?.places, places.count > 0 else { return Double(step) }
            return places.place(min(places.count - 1, places.firstIndex(from: Double(step), .step)), live.plot.unit)
        }
        return LineChart(
            title: panel.title, series: series, unit: live.plot.unit, logX: live.plot.logX, logY: panel == .accuracy ? false : live.plot.logY,
            format: panel == .accuracy ? .percent : (panel == .rate ? .rate : .number), yUnit: panel == .accuracy ? "%" : "",
            window: live.plot.window, cursor: live.plot.cursor, marks: marks, end: liveEnd)
    }

    /// Where a run that goes on will end, in the axis's unit.
    private var liveEnd: Double? {
        guard let trace = liveTrace, trace.row.status.isActive, trace.row.totalSteps > 0 else { return nil }
        switch live.plot.unit {
        case .step: return Double(trace.row.totalSteps)
        case .epoch: return Double(trace.row.totalSteps) / Double(trace.stepsPerEpoch)
        // Nobody knows yet; a day has the leaps, too.
        case .time: return 86_400
        }
    }

    private func drawPlot(_ panel: LiveState.Panel, _ scene: inout Scene, _ rect: Rect) {
        let chart = liveChart(panel)
        var notes: [String] = []
        if panel == .loss { notes.append("nats") }
        if panel != .rate, live.plot.smoothing > 0 { notes.append("EMA \(NumberText.trimmed(NumberText.fixed(live.plot.smoothing, 3)))") }
        if live.plot.logY, panel != .accuracy { notes.append("log y") }
        if live.plot.logX { notes.append("log x") }
        if live.plot.window != nil { notes.append("zoomed") }
        let isLogged = chart.series.contains { $0.curve.hasNumbers } || liveTrace?.row.isLog != true
        scene.grid.frame(rect, title: panel.title, note: isLogged ? notes.joined(separator: " · ") : "", focused: live.panel == panel)
        guard isLogged else {
            scene.grid.put("not in this log", x: rect.x + 2, y: rect.y + 1, style: .dim, limit: rect.width - 4)
            return
        }
        drawChart(chart, &scene, rect, panel)
    }

    /// The inside of a plot's frame: readout and legend in one row, the curves below.
    func drawChart(_ chart: LineChart, _ scene: inout Scene, _ rect: Rect, _ panel: LiveState.Panel?) {
        var inner = rect.inset(1, 1)
        inner.x += 1
        inner.width -= 1
        let isLow = inner.height < 6
        if !isLow {
            let line = inner.takeTop(1)
            let pieces = chart.readout(short: line.width < 48)
            let used = scene.grid.put(pieces, x: line.x, y: line.y, limit: line.width - 1)
            drawLegend(chart, &scene, Rect(x: line.x + used + 1, y: line.y, width: line.width - used - 2, height: 1))
        }
        if let placement = chart.draw(into: &scene.grid, inner, glyphs: scene.glyphs) { scene.target(placement.plot, .plot(panel, placement)) }
    }

    private func drawLegend(_ chart: LineChart, _ scene: inout Scene, _ rect: Rect) {
        let shown = chart.series.enumerated().filter { chart.series.count > 1 || $0.element.shape == .markers }
        guard !shown.isEmpty, rect.width > 12 else { return }
        let overlay = chart.series.filter { $0.shape == .line }.count > 1
        var pieces: [(String, Style)] = []
        for (number, line) in shown {
            if line.shape == .line, !overlay { continue }
            let mark = line.shape == .markers ? "◆ " : (overlay ? "\(LineChart.letter(number)) " : "─ ")
            var label = line.label
            if line.shape == .markers {
                let value = line.curve.last.map { NumberText.percent(Double($0)) } ?? ""
                label = rect.width >= 36 ? String(label.split(separator: ",").first ?? "") + " " + value : value
            }
            pieces.append((mark, Style(.series(line.color), on: .background, .bold)))
            pieces.append((TextFit.truncated(label, to: max(6, rect.width / max(1, shown.count) - 5)) + "  ", .dim))
        }
        if let last = pieces.indices.last { pieces[last].0 = pieces[last].0.trimmingTrailingSpaces() }
        let width = pieces.reduce(0) { $0 + CharacterWidth.of($1.0) }
        scene.grid.put(pieces, x: max(rect.x, rect.maxX - width), y: rect.y, limit: rect.width)
    }

    // MARK: Classes

    struct ClassRow {
        var name: String
        var accuracy: Double
        var gain: Double?
        var count: Int
    }

    /// The classes of the newest evaluation, filtered and sorted as the panel shows them.
    func liveClassRows() -> [ClassRow] {
        guard let trace = liveTrace, let place = trace.evaluation(live.subset) else { return [] }
        let result = trace.evaluations[place]
        let base = trace.baseline(live.subset).flatMap { $0.step == result.step && $0.method == result.method ? nil : $0 }
        let before = Dictionary((base?.perClass ?? []).map { ($0.name, $0.accuracy) }, uniquingKeysWith: { first, _ in first })
        let wanted = live.filter.lowercased()
        var rows = result.perClass.compactMap { item -> ClassRow? in
            if !wanted.isEmpty, !item.name.lowercased().contains(wanted) { return nil }
            return ClassRow(name: item.name, accuracy: item.accuracy, gain: before[item.name].map { item.accuracy - $0 }, count: item.count)
        }
        switch live.classOrder {
        case .name: rows = rows.enumerated().sorted { ($0.element.name, $0.offset) < ($1.element.name, $1.offset) }.map(\.element)
        case .accuracy: rows = rows.enumerated().sorted { ($1.element.accuracy, $0.offset) < ($0.element.accuracy, $1.offset) }.map(\.element)
        case .gain:
            rows = rows.enumerated().sorted {
                let a = $0.element.gain ?? -2, b = $1.element.gain ?? -2
                if a != b { return a > b }
                if $0.element.accuracy != $1.element.accuracy { return $0.element.accuracy > $1.element.accuracy }
                return $0.offset < $1.offset
            }.map(\.element)
        }
        return rows
    }

    private func drawClasses(_ scene: inout Scene, _ rect: Rect, _ trace: RunTrace) {
        let isFocused = live.panel == .classes
        guard let place = trace.evaluation(live.subset) else {
            scene.grid.frame(rect, title: "Per-class accuracy", focused: isFocused)
            let text = trace.evaluating != nil ? "evaluating…" : trace.row.isReadOnly ? "no evaluation" : "no evaluation yet: e evaluates now"
            scene.grid.put(TextFit.truncated(text, to: rect.width - 4), x: rect.x + 2, y: rect.y + 1, style: .dim)
            return
        }
        let result = trace.evaluations[place]
        let rows = liveClassRows()
        let order = live.classOrder == .gain && rows.contains { $0.gain != nil } ? "by gain" : (live.classOrder == .name ? "by name" : "by accuracy")
        let filter = live.filter.isEmpty ? "" : " · “\(live.filter)” \(rows.count)"
        scene.grid.frame(rect, title: "Per-class accuracy", note: "\(live.subset.rawValue) · \(order)\(filter)", focused: isFocused)
        var inner = rect.inset(1, 1)
        let head = inner.takeTop(1)
        var summary: [(String, Style)] = [
            (" \(NumberText.percent(result.accuracy))", Style(.title)), (" mean of \(result.perClass.count), step \(NumberText.grouped(result.step))", .dim),
        ]
        if let base = trace.baseline(live.subset), base.step != result.step || base.method != result.method {
            let gain = result.accuracy - base.accuracy
            summary.append(("  \(NumberText.points(gain))", Style(Tables.gainRole(gain))))
            summary.append((" over zero-shot", .dim))
        }
        scene.grid.put(summary, x: head.x, y: head.y, limit: head.width)
        guard inner.height > 0 else { return }
        if rows.isEmpty {
            scene.grid.put("no class matches", x: inner.x + 1, y: inner.y, style: .dim)
            return
        }
        let hasGain = rows.contains { $0.gain != nil }
        let nameWidth = min(max(10, inner.width * 2 / 5), max(6, (rows.map { CharacterWidth.of($0.name) }.max() ?? 6)))
        let first = min(live.classTop, max(0, rows.count - inner.height))
        let barWidth = max(3, inner.width - nameWidth - 3 - 7 - (hasGain ? 7 : 0) - 1)
        for line in 0..<min(inner.height, rows.count - first) {
            let row = rows[first + line]
            let y = inner.y + line
            scene.grid.put(TextFit.fitted(row.name, to: nameWidth), x: inner.x + 1, y: y, style: .text, limit: nameWidth)
            let x = inner.x + nameWidth + 2
            Bars.draw(into: &scene.grid, x: x, y: y, width: barWidth, fraction: row.accuracy, style: Style(row.gain.map { $0 < -0.0005 ? .bad : ($0 > 0.0005 ? .good : .series2) } ?? .series2), glyphs: scene.glyphs)
            scene.grid.put(TextFit.fitted(row.count == 0 ? "–" : NumberText.percent(row.accuracy), to: 6, .right), x: x + barWidth + 1, y: y, style: .text)
            if hasGain, let gain = row.gain {
                scene.grid.put(TextFit.fitted(NumberText.points(gain), to: 6, .right), x: x + barWidth + 8, y: y, style: Style(Tables.gainRole(gain)))
            }
        }
        if rows.count > inner.height {
            let size = max(1, inner.height * inner.height / rows.count)
            let start = (inner.height - size) * first / max(1, rows.count - inner.height)
            for line in start..<(start + size) { scene.grid.set("▐", x: rect.maxX - 1, y: inner.y + line, style: .border) }
        }
    }

    // MARK: Norms

    /// Which norms are looked at, and what they measure.
    func shownNorms(_ trace: RunTrace) -> (kind: PromptNorm.Kind, measure: String) {
        let kinds = trace.norms.kinds
        let kind = kinds.contains(live.normKind) ? live.normKind : (kinds.first ?? .text)
        switch live.normView {
        case .value: return (kind, kind == .coupler ? "L2 norm" : "L2 norm per token")
        case .gradient: return (kind, "gradient norm")
        case .moved: return (kind, "distance from start")
        }
    }

    /// Depth by token, as they stand now.
    func normMap(_ tracks: [NormHistory.Track]) -> HeatMap {
        HeatMap(rows: tracks.map { track in
            switch live.normView {
            case .value: (label: "\(track.depth)", values: track.last.tokens)
            case .gradient: (label: "\(track.depth)", values: [track.last.gradient])
            case .moved: (label: "\(track.depth)", values: [track.last.moved])
            }
        }, hasColor: hasColor)
    }

    private func drawNorms(_ scene: inout Scene, _ rect: Rect, _ trace: RunTrace) {
        let (kind, view) = shownNorms(trace)
        scene.grid.frame(rect, title: "Prompt norms", note: "\(kind.rawValue) · \(view)", focused: live.panel == .norms)
        let inner = rect.inset(1, 1)
        let tracks = trace.norms.tracks(kind)
        guard !tracks.isEmpty, inner.height >= 2 else {
            scene.grid.put("no prompt norms in this run", x: inner.x + 1, y: inner.y, style: .dim)
            return
        }
        let map = normMap(tracks)
        let tokens = max(1, map.rows.map(\.values.count).max() ?? 1)
        let cell = max(2, min(rect.width >= 90 ? 9 : 6, (inner.width / 3) / tokens))
        let sparkX = inner.x + 7 + tokens * (cell + 1)
        let showsGradient = live.normView == .value && inner.width >= 46
        let statWidth = showsGradient ? 18 : 8
        let sparkWidth = max(0, min(48, inner.maxX - sparkX - statWidth - 2))
        // Title row: token numbers, history, what stands at the right.
        scene.grid.put("depth", x: inner.x + 1, y: inner.y, style: Style(.header))
        for token in 0..<tokens where tokens > 1 || live.normView == .value {
            let label = cell >= 7 && tokens > 1 ? "token \(token + 1)" : (tokens > 1 ? "\(token + 1)" : "")
            scene.grid.put(TextFit.fitted(label, to: cell), x: inner.x + 7 + token * (cell + 1), y: inner.y, style: Style(.header))
        }
        if sparkWidth > 6 { scene.grid.put("history", x: sparkX, y: inner.y, style: Style(.header)) }
        let titles = showsGradient ? TextFit.fitted("norm", to: 8, .right) + TextFit.fitted("gradient", to: 10, .right) : TextFit.fitted("value", to: 8, .right)
        scene.grid.put(titles, x: inner.maxX - statWidth - 1, y: inner.y, style: Style(.header))
        let room = inner.height - 2
        for (line, track) in tracks.prefix(room).enumerated() {
            let y = inner.y + 1 + line
            scene.grid.put(TextFit.fitted("\(track.depth)", to: 5, .right), x: inner.x + 1, y: y, style: .dim)
            for (token, value) in map.rows[line].values.enumerated() {
                map.drawValue(value, into: &scene.grid, x: inner.x + 7 + token * (cell + 1), y: y, width: cell, glyphs: scene.glyphs)
            }
            Bars.sparkline(into: &scene.grid, x: sparkX, y: y, width: sparkWidth, values: track.history, style: .dim, glyphs: scene.glyphs)
            let value: Float
            switch live.normView {
            case .value: value = track.last.tokens.isEmpty ? 0 : track.last.tokens.reduce(0, +) / Float(track.last.tokens.count)
            case .gradient: value = track.last.gradient
            case .moved: value = track.last.moved
            }
            var text = TextFit.fitted(NumberText.general(Double(value), 3), to: 8, .right)
            if showsGradient { text += TextFit.fitted(NumberText.general(Double(track.last.gradient), 2), to: 10, .right) }
            scene.grid.put(text, x: inner.maxX - statWidth - 1, y: y, style: value.isFinite ? .text : Style(.bad))
        }
        let scaleY = inner.y + 1 + min(room, tracks.count)
        if scaleY < inner.maxY {
            let used = scene.grid.put("scale ", x: inner.x + 1, y: scaleY, style: .dim)
            map.drawScale(into: &scene.grid, x: inner.x + 1 + used, y: scaleY, glyphs: scene.glyphs)
        }
    }

    // MARK: Log

    private func drawLog(_ scene: inout Scene, _ rect: Rect, _ trace: RunTrace) {
        scene.grid.frame(rect, title: "Log", note: live.logBack > 0 ? "\(live.logBack) lines back" : "", focused: live.panel == .log)
        let inner = rect.inset(1, 1)
        guard inner.height > 0 else { return }
        let end = max(0, trace.log.count - live.logBack)
        let lines = trace.log[max(0, end - inner.height)..<end]
        let width = max(5, lines.map { NumberText.grouped($0.step).count }.max() ?? 5)
        for (index, line) in lines.enumerated() {
            let y = inner.y + index
            scene.grid.put(TextFit.fitted(NumberText.grouped(line.step), to: width, .right), x: inner.x + 1, y: y, style: .dim)
            scene.grid.put(TextFit.truncated(line.text, to: inner.width - width - 4), x: inner.x + width + 3, y: y, style: Style(line.role))
        }
        if lines.isEmpty { scene.grid.put("nothing yet", x: inner.x + 1, y: inner.y, style: .dim) }
    }
}

extension String {
    package func trimmingTrailingSpaces() -> String {
        var text = Substring(self)
        while text.hasSuffix(" ") { text.removeLast() }
        return String(text)
    }
}
