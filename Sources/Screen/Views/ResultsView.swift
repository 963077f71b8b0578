import RunModel

extension WorkbenchState {
    func drawResults(_ scene: inout Scene, _ area: Rect) {
        switch results.level {
        case .runs:
            let titles: [ResultsState.Listing: String] = [
                .runs: "Results", .seeds: "Results, grouped over seeds (mean ± standard deviation)", .evaluations: "Evaluations of all runs",
            ]
            let title = titles[results.listing] ?? ""
            scene.grid.frame(area, title: title, note: countNote(results.table), focused: true)
            scene.table(results.table, area.inset(1, 1), focused: true, empty: hasLoadedRuns ? (results.listing == .evaluations ? "no evaluations yet" : "no runs yet") : "reading runs…")
        case .evaluation: drawEvaluation(&scene, area)
        case .images: drawImages(&scene, area)
        }
    }

    private func drawEvaluation(_ scene: inout Scene, _ area: Rect) {
        guard let trace = results.run.flatMap({ traces[$0] }) else {
            scene.grid.frame(area, title: "Results")
            scene.grid.put("reading the run…", x: area.x + 2, y: area.y + 1, style: .dim)
            return
        }
        var rest = area
        let head = rest.takeTop(3)
        guard let result = shownEvaluation else {
            scene.grid.frame(area, title: trace.row.name)
            scene.grid.put("this run has no evaluation yet; esc goes back", x: area.x + 2, y: area.y + 1, style: .dim)
            return
        }
        drawEvaluationHead(&scene, head, trace, result)
        let isWide = rest.width >= 130
        let parts = isWide ? Layout.columns(rest, [Share(0.6, minimum: 70), Share(0.4, minimum: 44)]) : [rest]
        switch results.section {
        case .classes:
            scene.grid.frame(parts[0], title: "Classes", note: countNote(results.classTable), focused: true)
            scene.table(results.classTable, parts[0].inset(1, 1), focused: true, empty: "no classes")
        case .confusions:
            scene.grid.frame(parts[0], title: "Most confused pairs", note: countNote(results.pairTable), focused: true)
            scene.table(results.pairTable, parts[0].inset(1, 1), focused: true, empty: result.predictions.isEmpty ? "no predictions kept for this evaluation" : "no image was mistaken")
        case .features:
            return drawFeatures(&scene, parts[0], parts.count > 1 ? parts[1] : nil)
        case .calibration:
            let calibration = EvaluationAnalysis.calibration(result)
            scene.grid.frame(parts[0], title: "Calibration", note: "expected error \(NumberText.percent(calibration.expectedError)) over \(NumberText.grouped(calibration.count)) images", focused: true)
            scene.table(results.calibrationTable, parts[0].inset(1, 1), focused: true, empty: "no predictions kept")
        }
        if parts.count > 1 {
            // A wide screen shows a second section beside the first.
            let side: ResultsState.Section = results.section == .confusions ? .classes : .confusions
            let table = side == .classes ? results.classTable : results.pairTable
            scene.grid.frame(parts[1], title: side.title, note: countNote(table))
            let inner = parts[1].inset(1, 1)
            table.draw(into: &scene.grid, inner, glyphs: scene.glyphs, focused: false, empty: "no predictions kept")
        }
    }

    private func drawEvaluationHead(_ scene: inout Scene, _ rect: Rect, _ trace: RunTrace, _ result: EvaluationResult) {
        let place = results.evaluation + 1
        scene.grid.put(
            [
                (" " + trace.row.name, Style(.title)), ("  \(result.method.rawValue) · \(result.classes.rawValue) classes · \(result.subset.rawValue) images", .dim),
                ("  step \(NumberText.grouped(result.step))", .text), ("  evaluation \(place) of \(trace.evaluations.count)", .dim),
            ], x: rect.x, y: rect.y, limit: rect.width)
        var pieces: [(String, Style)] = [(" ", .text)]
        func add(_ label: String, _ value: String, _ style: Style = .text) {
            pieces.append((label + " ", .dim))
            pieces.append((value + "   ", style))
        }
        add("accuracy", NumberText.percent(result.accuracy), Style(.accent, on: .background, .bold))
        if let base = trace.baseline(result.classes), base.step != result.step || base.method != result.method {
            let gain = result.accuracy - base.accuracy
            add("over zero-shot", NumberText.points(gain), Style(Tables.gainRole(gain)))
        }
        add("macro F1", NumberText.percent(result.macroF1))
        add("loss", NumberText.fixed(result.loss, 3) + " nats")
        add("images", NumberText.grouped(result.count))
        add("in", NumberText.duration(result.seconds))
        if !result.skipped.isEmpty { add("skipped", NumberText.grouped(result.skipped.count), Style(.warning)) }
        scene.grid.put(pieces, x: rect.x, y: rect.y + 1, limit: rect.width - 1)
        drawSections(&scene, Rect(x: rect.x, y: rect.y + 2, width: rect.width, height: 1), ResultsState.Section.allCases.map(\.title), results.section.rawValue)
    }

    /// A row of section names with the open one marked.
    func drawSections(_ scene: inout Scene, _ rect: Rect, _ titles: [String], _ selected: Int) {
        var x = rect.x + 1
        for (index, title) in titles.enumerated() {
            let isOpen = index == selected
            x += scene.grid.put(isOpen ? "▸ " : "  ", x: x, y: rect.y, style: .accent, limit: rect.maxX - x)
            x += scene.grid.put(title, x: x, y: rect.y, style: isOpen ? Style(.accent, on: .background, .bold) : .dim, limit: rect.maxX - x)
            x += 2
        }
    }

    private func drawImages(_ scene: inout Scene, _ area: Rect) {
        guard let result = shownEvaluation, result.perClass.indices.contains(results.imageClass) else { return }
        let item = result.perClass[results.imageClass]
        let pictureWidth = min(64, max(30, area.width * 2 / 5))
        var rest = area
        let side = rest.takeRight(pictureWidth)
        scene.grid.frame(rest, title: item.name, note: "\(NumberText.grouped(item.correct)) of \(NumberText.grouped(item.count)) right", focused: true)
        scene.table(results.imageTable, rest.inset(1, 1), focused: true, empty: result.predictions.isEmpty ? "reading predictions…" : "no images of this class")
        let selected = results.imageTable.selectedRow?.id
        scene.grid.frame(side, title: "Image", note: selected.map(lastPathPart) ?? "")
        var inner = side.inset(2, 1)
        guard let path = selected, let prediction = result.predictions.first(where: { $0.path == path }) else { return }
        // Below the picture: the five likeliest classes.
        let list = inner.takeBottom(min(6, prediction.top.count + 1))
        for (line, pair) in zip(prediction.top, prediction.probability).enumerated() where line + 1 < list.height {
            let y = list.y + 1 + line
            let isTrue = pair.0 == prediction.label
            let name = result.perClass.indices.contains(pair.0) ? result.perClass[pair.0].name : "–"
            let nameWidth = max(8, list.width - 20)
            scene.grid.put(TextFit.fitted(name, to: nameWidth), x: list.x, y: y, style: Style(isTrue ? .good : (line == 0 ? .bad : .text)), limit: nameWidth)
            Bars.draw(into: &scene.grid, x: list.x + nameWidth + 1, y: y, width: 11, fraction: Double(pair.1), style: Style(isTrue ? .good : .series2), glyphs: scene.glyphs)
            scene.grid.put(TextFit.fitted(NumberText.percent(Double(pair.1)), to: 6, .right), x: list.x + nameWidth + 13, y: y, style: .dim)
        }
        if let picture = results.thumbnails[path] {
            picture.draw(into: &scene.grid, inner, glyphs: scene.glyphs, hasColor: hasColor)
        } else {
            let text = results.thumbnailProblem ?? "reading the image…"
            for (line, part) in TextFit.wrapped(text, to: inner.width).prefix(inner.height).enumerated() {
                scene.grid.put(part, x: inner.x, y: inner.y + line, style: results.thumbnailProblem == nil ? .dim : Style(.warning))
            }
        }
    }
}
