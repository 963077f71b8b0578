import RunModel

extension WorkbenchState {
    func drawHome(_ scene: inout Scene, _ area: Rect) {
        let isWide = area.width >= 110
        var rest = area
        let details = rest.takeBottom(isWide ? 9 : (home.pane == .runs ? 6 : 5))
        let parts = isWide
            ? Layout.columns(rest, [Share(0.42, minimum: 40), Share(0.58, minimum: 60)])
            : Layout.rows(rest, [Share(0.45, minimum: 6), Share(0.55, minimum: 7)])
        let sessionsFocused = home.pane == .sessions
        let waiting = queue.isEmpty ? "" : "\(queue.count) queued"
        scene.grid.frame(parts[0], title: "Sessions", note: [waiting, countNote(home.sessionTable)].filter { !$0.isEmpty }.joined(separator: " · "), focused: sessionsFocused)
        scene.table(home.sessionTable, parts[0].inset(1, 1), focused: sessionsFocused, pane: .sessions, empty: "no sessions yet: n writes one")
        scene.grid.frame(parts[1], title: "Runs", note: countNote(home.runTable), focused: !sessionsFocused)
        scene.table(home.runTable, parts[1].inset(1, 1), focused: !sessionsFocused, pane: .runs, empty: hasLoadedRuns ? "no runs yet: choose a session and press s" : "reading runs…")
        drawHomeDetails(&scene, details)
    }

    func countNote(_ table: TableView) -> String {
        let shown = table.order.count
        let all = table.table.rows.count
        if !table.search.isEmpty { return "“\(table.search)”  \(NumberText.grouped(shown)) of \(NumberText.grouped(all))" }
        return all == 0 ? "" : NumberText.grouped(all)
    }

    private func drawHomeDetails(_ scene: inout Scene, _ rect: Rect) {
        if home.pane == .sessions {
            guard let entry = selectedSession else {
                scene.grid.frame(rect, title: "Start here")
                let lines = ["A session says which model learns from which images, and how.", "n writes one in a form; a demo is one command away: maple demo"]
                for (index, line) in lines.enumerated() { scene.grid.put(TextFit.truncated(line, to: rect.width - 4), x: rect.x + 2, y: rect.y + 1 + index, style: .dim) }
                return
            }
            scene.grid.frame(rect, title: entry.name, note: TextFit.truncatedHead(entry.id, to: max(10, rect.width / 2)))
            guard let spec = entry.spec else {
                let lines = TextFit.wrapped(entry.problem ?? "cannot be read", to: rect.width - 4)
                for (index, line) in lines.prefix(rect.height - 2).enumerated() { scene.grid.put(line, x: rect.x + 2, y: rect.y + 1 + index, style: Style(.bad)) }
                return
            }
            var inner = rect.inset(2, 1)
            if let problem = entry.problem {
                let lines = TextFit.wrapped(problem, to: inner.width).prefix(2)
                let place = inner.takeTop(lines.count)
                for (index, line) in lines.enumerated() { scene.grid.put(line, x: place.x, y: place.y + index, style: Style(.warning)) }
            }
            drawFacts(&scene, inner, facts(spec))
            return
        }
        guard let id = home.runTable.selectedRow?.id, let row = run(id) else {
            scene.grid.frame(rect, title: "No run")
            return
        }
        scene.grid.frame(rect, title: row.name, note: TextFit.truncatedHead(row.id, to: max(10, rect.width / 2)))
        var inner = rect.inset(2, 1)
        let line = inner.takeTop(1)
        var pieces: [(String, Style)] = [(row.status.word, Style(row.status.role))]
        if row.isElsewhere, row.status.isActive { pieces.append(("  in another process", .dim)) }
        pieces.append(("  step \(NumberText.grouped(row.step))" + (row.totalSteps > 0 ? " of \(NumberText.grouped(row.totalSteps))" : ""), .text))
        pieces.append(("  \(NumberText.duration(row.seconds))", .dim))
        if let h = row.harmonicMean { pieces.append(("  H \(NumberText.percent(h))", .accent)) }
        if row.isReadOnly { pieces.append(("  read only", Style(.warning))) }
        if !row.remark.isEmpty { pieces.append(("  " + row.remark, Style(.warning))) }
        scene.grid.put(pieces, x: line.x, y: line.y, limit: line.width)
        drawFacts(&scene, inner, facts(row.spec))
    }

    func facts(_ spec: SessionSpec) -> [(String, String)] {
        let m = spec.method, o = spec.optim, d = spec.data
        let shape = m.name == .zeroshot ? "zeroshot" : "\(m.name.rawValue), context \(m.context), depth \(m.depth)"
        let warm = o.warmupEpochs > 0 ? ", warm-up \(o.warmupEpochs) at \(NumberText.setting(o.warmupLR))" : ""
        return [
            ("model", lastPathPart(spec.model.path)),
            ("method", shape + (m.initialWords.isEmpty ? "" : ", “\(m.initialWords)”")),
            ("data", "\(lastPathPart(d.path)), \(d.classes.rawValue) classes, " + (d.shots.map { "\($0) shots" } ?? "all images")),
            ("optimiser", "rate \(NumberText.setting(o.lr)) \(o.schedule.rawValue)\(warm), batch \(o.batch), \(o.epochs) epochs"),
            ("evaluation", spec.eval.classes.map(\.rawValue).joined(separator: ", ") + (spec.eval.every > 0 ? " every \(spec.eval.every == 1 ? "epoch" : "\(spec.eval.every) epochs")" : " at the end")),
            ("seed", String(spec.seed)),
        ]
    }

    func drawFacts(_ scene: inout Scene, _ rect: Rect, _ facts: [(String, String)]) {
        let columns = rect.height < facts.count ? 2 : 1
        let perColumn = (facts.count + columns - 1) / columns
        let width = rect.width / columns
        for (index, fact) in facts.enumerated() {
            let x = rect.x + index / perColumn * width
            let y = rect.y + index % perColumn
            guard y < rect.maxY else { continue }
            scene.grid.put(TextFit.fitted(fact.0, to: 11), x: x, y: y, style: .dim)
            scene.grid.put(TextFit.truncated(fact.1, to: max(0, width - 13)), x: x + 12, y: y, style: .text)
        }
    }
}
