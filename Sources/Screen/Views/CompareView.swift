import RunModel

extension WorkbenchState {
    func drawCompare(_ scene: inout Scene, _ area: Rect) {
        guard !compare.members.isEmpty else {
            scene.grid.frame(area, title: "Compare")
            let lines = ["Nothing is compared yet.", "Mark two or more runs in Results (3) with space, then press c.", "One marked run compares its first evaluation with its last."]
            for (index, line) in lines.enumerated() { scene.grid.put(TextFit.truncated(line, to: area.width - 6), x: area.x + 3, y: area.y + 2 + index, style: index == 0 ? .text : .dim) }
            return
        }
        var rest = area
        drawMembers(&scene, rest.takeTop(min(compare.members.count, 4)))
        drawSections(&scene, rest.takeTop(1), CompareState.Section.allCases.map(\.title), compare.section.rawValue)
        let a = compare.members.first.map(memberLabel) ?? "A"
        switch compare.section {
        case .settings:
            scene.grid.frame(rest, title: "Settings", note: countNote(compare.settingsTable), focused: true)
            scene.table(compare.settingsTable, rest.inset(1, 1), focused: true, empty: "no settings")
        case .curves:
            let chart = compareChart()
            let parts = Layout.rows(rest, [Share(0.58, minimum: 9), Share(0.42, minimum: 8, rank: 1)])
            var notes = ["nats"]
            if compare.plot.smoothing > 0 { notes.append("EMA \(NumberText.trimmed(NumberText.fixed(compare.plot.smoothing, 3)))") }
            if compare.plot.logY { notes.append("log y") }
            if compare.plot.logX { notes.append("log x") }
            scene.grid.frame(parts[0], title: "Loss", note: notes.joined(separator: " · "), focused: true)
            drawChart(chart, &scene, parts[0], nil)
            if parts[1].height > 0 {
                scene.grid.frame(parts[1], title: "Accuracy, \(compare.subset.rawValue) classes", note: "evaluated")
                drawChart(compareEvaluationChart(), &scene, parts[1], nil)
            }
        case .classes:
            let change = compareChange()
            scene.grid.frame(rest, title: "Accuracy per class, \(compare.subset.rawValue)", note: change, focused: true)
            scene.table(compare.classTable, rest.inset(1, 1), focused: true, empty: "no evaluation of the \(compare.subset.rawValue) classes: b goes on")
        case .flips:
            scene.grid.frame(rest, title: "Images that flipped, \(compare.subset.rawValue)", note: countNote(compare.flipTable), focused: true)
            var inner = rest.inset(1, 1)
            drawTest(&scene, inner.takeTop(2))
            scene.table(compare.flipTable, inner, focused: true, empty: compare.test == nil ? "predictions of both are needed" : "no image changed sides")
        case .prompts:
            scene.grid.frame(rest, title: "Prompts: L2 norms and cosine with \(a)", note: countNote(compare.promptTable), focused: true)
            scene.table(compare.promptTable, rest.inset(1, 1), focused: true, empty: compare.prompts == nil ? "reading checkpoints…" : "no prompts in common")
        }
    }

    func memberLabel(_ member: CheckpointID) -> String {
        guard let place = compare.members.firstIndex(of: member) else { return "–" }
        return String(LineChart.letter(place))
    }

    private func drawMembers(_ scene: inout Scene, _ rect: Rect) {
        for (index, member) in compare.members.prefix(rect.height).enumerated() {
            let y = rect.y + index
            let isChosen = index == compare.member
            let row = run(member.run)
            let step = member.step ?? evaluation(of: member)?.step ?? row?.step ?? 0
            var pieces: [(String, Style)] = [
                (isChosen ? "▸" : " ", .accent), ("\(LineChart.letter(index)) ", Style(.series(index), on: .background, .bold)),
                (TextFit.fitted(row?.name ?? member.run, to: min(44, max(12, rect.width - 58))), Style(.title)),
                ("  " + TextFit.fitted("step \(NumberText.grouped(step))" + (member.step == nil ? " (last)" : ""), to: 19), .dim),
            ]
            let place = traces[member.run]
            func accuracy(_ classes: ClassSubset) -> Double? {
                guard let trace = place, let found = trace.evaluation(classes, atMost: member.step) else { return nil }
                return trace.evaluations[found].accuracy
            }
            let base = accuracy(.base), new = accuracy(.new)
            var h: Double?
            if let base, let new { h = RunModel.harmonicMean(base, new) }
            for (label, value) in [("base", base), ("new", new), ("H", h)] {
                pieces.append((" \(label) ", .dim))
                pieces.append((TextFit.fitted(NumberText.percent(value), to: 6, .right), label == "H" ? .accent : .text))
            }
            scene.grid.put(pieces, x: rect.x, y: y, limit: rect.width)
        }
    }

    private func compareChange() -> String {
        guard compare.members.count > 1, let first = compare.members.first.flatMap(evaluation), let last = compare.members.last.flatMap(evaluation) else { return countNote(compare.classTable) }
        let gain = last.accuracy - first.accuracy
        let better = compare.classTable.table.rows.filter { $0.items.contains { $0.role == .good } }.count
        let worse = compare.classTable.table.rows.filter { $0.items.contains { $0.role == .bad } }.count
        return "mean \(NumberText.points(gain)) · \(better) better, \(worse) worse of \(compare.classTable.table.rows.count)"
    }

    private func drawTest(_ scene: inout Scene, _ rect: Rect) {
        guard let test = compare.test else { return }
        let last = compare.members.last.map(memberLabel) ?? "B"
        scene.grid.put(
            [
                (" \(last) gained ", .dim), (NumberText.grouped(test.gained), Style(.good)), (" and lost ", .dim), (NumberText.grouped(test.lost), Style(.bad)),
                (" of \(NumberText.grouped(compare.paired)) images that both saw", .dim),
            ], x: rect.x, y: rect.y, limit: rect.width)
        let kind = test.isExact ? "exact binomial" : "χ² = \(NumberText.fixed(test.chiSquare, 2)), continuity corrected"
        let verdict = test.pValue < 0.05 ? "the difference is unlikely to be chance" : "no significant difference"
        scene.grid.put(
            [
                (" McNemar p ", .dim), (NumberText.pValue(test.pValue), Style(test.pValue < 0.05 ? .accent : .text, on: .background, .bold)), ("  \(kind); ", .dim), (verdict, .text),
            ], x: rect.x, y: rect.y + 1, limit: rect.width)
    }

    // MARK: Charts

    func compareChart() -> LineChart {
        // Two checkpoints of one run have one curve.
        var seen: Set<RunID> = []
        let series = compare.members.enumerated().compactMap { number, member -> LineChart.Series? in
            guard seen.insert(member.run).inserted, let trace = traces[member.run] else { return nil }
            return .init(label: trace.row.name, color: number, places: trace.places, curve: trace.loss, showsRaw: false)
        }
        return LineChart(
            title: "Loss", series: series, unit: compare.plot.unit, logX: compare.plot.logX, logY: compare.plot.logY, window: compare.plot.window,
            cursor: compare.plot.cursor)
    }

    func compareEvaluationChart() -> LineChart {
        var seen: Set<RunID> = []
        let series = compare.members.enumerated().compactMap { number, member -> LineChart.Series? in
            guard seen.insert(member.run).inserted, let trace = traces[member.run] else { return nil }
            let (places, curve) = trace.evaluationCurve(compare.subset)
            return curve.count == 0 ? nil : .init(label: trace.row.name, color: number, places: places, curve: curve, showsRaw: false)
        }
        return LineChart(
            title: "Accuracy", series: series, unit: compare.plot.unit, logX: compare.plot.logX, format: .percent, yUnit: "%", window: compare.plot.window,
            cursor: compare.plot.cursor)
    }
}
