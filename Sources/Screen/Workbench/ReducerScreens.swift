import RunModel

extension WorkbenchState {
    // MARK: Home and Results

    mutating func performHomeOrResults(_ action: Action) -> [Effect] {
        switch action {
        case .switchPane: home.pane = home.pane == .sessions ? .runs : .sessions
        case .newSession:
            let base = selectedSession?.spec
            var spec = SessionSpec(name: "new session", model: ModelSpec(path: base?.model.path ?? ""), data: DataSpec(path: base?.data.path ?? ""))
            spec.data.split = base?.data.split
            return openForm(title: "New session", spec: spec, replacing: nil)
        case .editSession:
            guard let entry = selectedSession, let spec = entry.spec else { return [] }
            return openForm(title: entry.isOwn ? "Edit session" : "Copy of a session that came with maple", spec: spec, replacing: entry.isOwn ? entry.id : nil)
        case .duplicateSession:
            guard var spec = home.pane == .runs ? run(home.runTable.selectedRow?.id)?.spec : selectedSession?.spec else { return [] }
            spec.name += " copy"
            return openForm(title: "Copy session", spec: spec, replacing: nil)
        case .startSession:
            guard let spec = selectedSession?.spec else { return [] }
            return start(spec)
        case .queueSession:
            guard let spec = selectedSession?.spec else { return [] }
            if ownActiveRuns.isEmpty, starting == nil { return start(spec) }
            if let place = queue.firstIndex(of: spec) {
                queue.remove(at: place)
                say("taken out of the queue", .accent)
            } else {
                queue.append(spec)
                say("queued behind \(ownActiveRuns.count + queue.count - 1) other\(ownActiveRuns.count + queue.count > 2 ? "s" : "")", .accent)
            }
            rebuildSessionTable()
        case .resumeRun:
            guard let id = tab == .results ? results.table.selectedRow?.id : home.runTable.selectedRow?.id else { return [] }
            return [begin(run(id)?.name ?? id, .resume(id))]
        case .deleteItem: askToDelete()
        case .groupSeeds, .listEvaluations:
            let wanted: ResultsState.Listing = action == .groupSeeds ? .seeds : .evaluations
            results.listing = results.listing == wanted ? .runs : wanted
            results.table = TableView(resultsTable())
            shareMarksBack()
        case .exportPlot:
            guard let result = shownEvaluation, let row = run(results.run) else { return [] }
            if results.section == .features {
                guard let map = shownFeatures else { return [] }
                return [results.features.showsComponents ? .write(name: "features-pca.svg", text: map.pcaSVG) : .write(name: "features-tsne.svg", text: map.tsneSVG)]
            }
            let title = "\(row.name): \(result.classes.rawValue) classes, step \(NumberText.grouped(result.step))"
            return [.write(name: "calibration.svg", text: EvaluationAnalysis.calibration(result).svg(title: title, theme: theme))]
        case .mapFeatures: return mapFeatures()
        case .featureView: results.features.showsComponents.toggle()
        case .nextSection, .previousSection:
            let count = ResultsState.Section.allCases.count
            let next = (results.section.rawValue + (action == .nextSection ? 1 : count - 1)) % count
            results.section = ResultsState.Section(rawValue: next) ?? .classes
        case .earlierCheckpoint, .laterCheckpoint:
            results.evaluation += action == .earlierCheckpoint ? -1 : 1
            rebuildEvaluation()
            return wantedPredictions()
        default: break
        }
        return []
    }

    private mutating func shareMarksBack() {
        if results.listing == .runs { results.table.setMarks(home.runTable.marked) }
    }

    private mutating func start(_ spec: SessionSpec) -> [Effect] {
        guard let own = ownActiveRuns.first else { return [begin(spec.name, .start(spec))] }
        dialogs.append(
            .question(
                Question(
                    title: "Start", text: "“\(own.name)” is still training; one run trains at a time.",
                    choices: [.init("u", "Queue “\(spec.name)” behind it"), .init("c", "Cancel")])))
        pendingQueue = spec
        return []
    }

    private mutating func askToDelete() {
        if tab == .home, home.pane == .sessions, let entry = selectedSession {
            dialogs.append(
                .question(
                    Question(
                        title: "Delete session", text: "Delete the file \(lastPathPart(entry.id))? Its runs stay.",
                        choices: [.init("d", "Delete", [.deleteSession(entry.id), .loadSessions], dangerous: true), .init("c", "Cancel")])))
            return
        }
        guard let id = tab == .results ? results.table.selectedRow?.id : home.runTable.selectedRow?.id, let row = run(id) else { return }
        dialogs.append(
            .question(
                Question(
                    title: "Delete run",
                    text: "Delete “\(row.name)” with its \(NumberText.grouped(row.step)) steps, checkpoints and evaluations? This cannot be undone.",
                    choices: [.init("d", "Delete", [.deleteRun(id), .loadRuns], dangerous: true), .init("c", "Cancel")])))
    }

    mutating func openForm(title: String, spec: SessionSpec, replacing: String?) -> [Effect] {
        let form = FormState(title: title, spec: spec, replacing: replacing)
        dialogs.append(.form(form))
        return form.pathEffects
    }

    // MARK: Live

    mutating func performLive(_ action: Action) -> [Effect] {
        let step = live.plot.extentFraction
        switch action {
        case .pause:
            guard let id = live.run, let row = run(id) else { return [] }
            let isPaused = row.status == .paused
            live.pending = isPaused ? "going on…" : "pausing \(whenTaken)…"
            return [.send(isPaused ? .proceed : .pause, id)]
        case .singleStep: return send(.singleStep, run(live.run)?.status == .evaluating ? "one step \(whenTaken)…" : "one step…")
        case .stop: return send(.stop, "stopping and saving…")
        case .snapshot: return send(.snapshot, "snapshot \(whenTaken)…")
        case .evaluate: return send(.evaluate([.base, .new]), "evaluating \(whenTaken)…")
        case .learningRate:
            let now = liveTrace?.lastPoint?.learningRate ?? run(live.run)?.spec.optim.lr ?? 0
            dialogs.append(
                .entry(
                    EntryState(
                        purpose: .learningRate, title: "Learning rate", field: TextField(NumberText.setting(now)),
                        hint: "from the next step on; later epochs scale with it", error: nil)))
        case .note:
            dialogs.append(.entry(EntryState(purpose: .note, title: "Note", field: TextField(""), hint: "kept with the run's events", error: nil)))
        case .nextPanel, .previousPanel:
            let count = LiveState.Panel.allCases.count
            live.panel = LiveState.Panel(rawValue: (live.panel.rawValue + (action == .nextPanel ? 1 : count - 1)) % count) ?? .loss
        case .maximise: live.isMaximised.toggle()
        case .smoother, .rougher:
            live.plot.smoother(action == .smoother ? 1 : -1)
            smoothLive()
            say("smoothing \(NumberText.trimmed(NumberText.fixed(live.plot.smoothing, 3)))", .accent)
        case .resetView:
            if live.isMaximised, live.plot.cursor == nil, live.plot.window == nil { live.isMaximised = false }
            live.plot.window = nil
            live.plot.cursor = nil
        case .rawPoints: live.plot.showsRaw.toggle()
        case .overlay:
            let others = runs.filter { $0.id != live.run }
            let marked = Set(others.indices.filter { live.overlays.contains(others[$0].id) })
            dialogs.append(
                .menu(
                    MenuState(
                        purpose: .overlay(others.map(\.id)), title: "Lay over: space marks, enter takes",
                        items: others.map { $0.name + "  " + $0.status.word }, marked: marked)))
        case .sortClasses:
            let all = LiveState.ClassOrder.allCases
            live.classOrder = all[((all.firstIndex(of: live.classOrder) ?? 0) + 1) % all.count]
            live.classTop = 0
        case .classList:
            let have = ClassSubset.allCases.filter { liveTrace?.evaluation($0) != nil }
            if let place = have.firstIndex(of: live.subset) { live.subset = have[(place + 1) % have.count] } else if let first = have.first { live.subset = first }
            live.classTop = 0
        case .normKind:
            let kinds = liveTrace?.norms.kinds ?? []
            let views = LiveState.NormView.allCases
            let place = views.firstIndex(of: live.normView) ?? 0
            if place + 1 < views.count {
                live.normView = views[place + 1]
            } else {
                live.normView = .value
                if !kinds.isEmpty { live.normKind = kinds[((kinds.firstIndex(of: live.normKind) ?? -1) + 1) % kinds.count] }
            }
        case .nextRun:
            let active = runs.filter { $0.status.isActive }
            let place = active.firstIndex { $0.id == live.run } ?? -1
            guard !active.isEmpty else { return [] }
            return openLive(active[(place + 1) % active.count].id)
        case .exportPlot:
            if let text = livePanelSVG() { return [.write(name: live.panel.title.lowercased().replacing(" ", with: "-") + ".svg", text: text)] }
            let panel = live.panel.isPlot ? live.panel : .loss
            let chart = liveChart(panel)
            return [.write(name: panel.title.lowercased().replacing(" ", with: "-") + ".svg", text: chart.svg(theme: theme))]
        default: live.plot.look(action, extent: liveChart(.loss).extent, step: step)
        }
        return []
    }

    /// The panels that are no curves.
    private func livePanelSVG() -> String? {
        guard let trace = liveTrace else { return nil }
        switch live.panel {
        case .norms:
            let (kind, measure) = shownNorms(trace)
            let tracks = trace.norms.tracks(kind)
            guard !tracks.isEmpty else { return nil }
            let title = "\(trace.row.name): \(kind.rawValue), \(measure), step \(NumberText.grouped(trace.row.step))"
            return normMap(tracks).svg(title: title, rowTitle: "depth", columnTitle: live.normView == .value && kind != .coupler ? "token" : measure, theme: theme)
        case .classes:
            guard let place = trace.evaluation(live.subset) else { return nil }
            let result = trace.evaluations[place]
            return ClassBars(
                title: "\(trace.row.name): \(live.subset.rawValue) classes", caption: "step \(NumberText.grouped(result.step)), mean \(NumberText.percent(result.accuracy))",
                rows: liveClassRows()).svg(theme: theme)
        default: return nil
        }
    }

    /// Commands are read between steps; only a stop ends an evaluation early.
    private var whenTaken: String { run(live.run)?.status == .evaluating ? "after this evaluation" : "after this step" }

    private mutating func send(_ command: RunCommand, _ pending: String) -> [Effect] {
        guard let id = live.run else { return [] }
        live.pending = pending
        return [.send(command, id)]
    }

    mutating func smoothLive() {
        for id in [live.run].compactMap({ $0 }) + live.overlays { traces[id]?.setSmoothing(live.plot.smoothing) }
    }

    // MARK: Compare

    mutating func performCompare(_ action: Action) -> [Effect] {
        switch action {
        case .nextSection, .previousSection:
            let count = CompareState.Section.allCases.count
            let next = (compare.section.rawValue + (action == .nextSection ? 1 : count - 1)) % count
            compare.section = CompareState.Section(rawValue: next) ?? .settings
            return wantedPredictions()
        case .nextMember: compare.member = compare.members.isEmpty ? 0 : (compare.member + 1) % compare.members.count
        case .swapMembers:
            compare.members.swapAt(0, 1)
            compare.prompts = nil
            rebuildCompare()
            return [.comparePrompts(compare.members)] + wantedPredictions()
        case .removeMember:
            guard compare.members.indices.contains(compare.member) else { return [] }
            compare.members.remove(at: compare.member)
            compare.prompts = nil
            rebuildCompare()
            return compare.members.isEmpty ? [] : [.comparePrompts(compare.members)]
        case .earlierCheckpoint, .laterCheckpoint: return moveCheckpoint(action == .earlierCheckpoint ? -1 : 1)
        case .classList:
            let all = ClassSubset.allCases
            compare.subset = all[((all.firstIndex(of: compare.subset) ?? 0) + 1) % all.count]
            rebuildCompare()
            return wantedPredictions()
        case .smoother, .rougher:
            compare.plot.smoother(action == .smoother ? 1 : -1)
            for member in compare.members { traces[member.run]?.setSmoothing(compare.plot.smoothing) }
            say("smoothing \(NumberText.trimmed(NumberText.fixed(compare.plot.smoothing, 3)))", .accent)
        case .exportPlot:
            let accuracy = compareEvaluationChart()
            return [.write(name: "compare-loss.svg", text: compareChart().svg(theme: theme))]
                + (accuracy.series.isEmpty ? [] : [.write(name: "compare-accuracy-\(compare.subset.rawValue).svg", text: accuracy.svg(theme: theme))])
        default: compare.plot.look(action, extent: compareChart().extent, step: compare.plot.extentFraction)
        }
        return []
    }

    /// Goes to the evaluation before or after, of the chosen member.
    private mutating func moveCheckpoint(_ direction: Int) -> [Effect] {
        guard compare.members.indices.contains(compare.member) else { return [] }
        let member = compare.members[compare.member]
        guard let trace = traces[member.run] else { return [] }
        let steps = Array(Set(trace.evaluations.filter { $0.classes == compare.subset }.map(\.step))).sorted()
        guard !steps.isEmpty else {
            say("no evaluation of the \(compare.subset.rawValue) classes", .warning)
            return []
        }
        let now = member.step ?? steps[steps.count - 1]
        let place = (steps.lastIndex { $0 <= now } ?? 0) + direction
        guard steps.indices.contains(place) else {
            say(direction < 0 ? "this is the first evaluation" : "this is the last evaluation", .warning)
            return []
        }
        compare.members[compare.member].step = place == steps.count - 1 ? nil : steps[place]
        compare.prompts = nil
        rebuildCompare()
        return [.comparePrompts(compare.members)] + wantedPredictions()
    }
}

extension PlotView {
    /// Share of the shown width that the cursor moves at a key press.
    var extentFraction: Double { 0.01 }

    /// Zoom, pan, cursor and axes.
    mutating func look(_ action: Action, extent: ClosedRange<Double>?, step: Double) {
        guard let extent else { return }
        let shown = window ?? extent
        // On a logarithmic axis, places are moved by their logarithm.
        let scale = AxisScale(low: shown.lowerBound, high: shown.upperBound, isLog: logX)
        func clamped(_ low: Double, _ high: Double) -> ClosedRange<Double>? {
            let low = max(extent.lowerBound, low)
            let high = min(extent.upperBound, high)
            guard high > low else { return window }
            return low <= extent.lowerBound && high >= extent.upperBound ? nil : low...high
        }
        switch action {
        case .logY: logY.toggle()
        case .logX:
            logX.toggle()
            window = nil
        case .axisUnit:
            let all = AxisUnit.allCases
            unit = all[((all.firstIndex(of: unit) ?? 0) + 1) % all.count]
            window = nil
            cursor = nil
        case .zoomIn, .zoomOut:
            let middle = cursor.flatMap { scale.fraction($0) } ?? 0.5
            let factor = action == .zoomIn ? 0.5 : 2.0
            guard action == .zoomOut || shown.upperBound - shown.lowerBound > max(1e-9, (extent.upperBound - extent.lowerBound) * 1e-6) else { return }
            window = clamped(scale.value(middle - middle * factor), scale.value(middle + (1 - middle) * factor))
        case .panLeft, .panRight:
            guard window != nil else { return }
            let shift = action == .panLeft ? -0.2 : 0.2
            var low = scale.value(shift)
            var high = scale.value(1 + shift)
            if low < extent.lowerBound { (low, high) = (extent.lowerBound, high + extent.lowerBound - low) }
            if high > extent.upperBound { (low, high) = (low - (high - extent.upperBound), extent.upperBound) }
            window = clamped(low, high)
        case .cursorLeft, .cursorRight:
            let now = cursor.flatMap { scale.fraction($0) } ?? 1
            let next = min(1, max(0, now + (action == .cursorLeft ? -step : step)))
            cursor = cursor == nil && action == .cursorRight ? scale.value(1) : scale.value(next)
        default: break
        }
    }
}
