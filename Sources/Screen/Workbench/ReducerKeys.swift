import RunModel

extension WorkbenchState {
    mutating func reduceKey(_ key: Key) -> [Effect] {
        if !dialogs.isEmpty { return reduceDialogKey(key) }
        if let action = Keymap.action(key, in: context) { return perform(action) }
        return moveInList(key)
    }

    /// Carries out an action, or says why it cannot be done.
    public mutating func perform(_ action: Action) -> [Effect] {
        if case .unavailable(let reason) = availability(action) {
            let name = Keymap.binding(action)?.short ?? action.rawValue
            say("\(name): \(reason)", .warning)
            return []
        }
        status = nil
        switch action {
        case .help: dialogs.append(.help(scroll: 0))
        case .palette: dialogs.append(.palette(PaletteState()))
        case .quit: return askToQuit()
        case .goHome: return go(.home)
        case .goLive: return go(.live)
        case .goResults: return go(.results)
        case .goCompare: return go(.compare)
        case .pickTheme:
            dialogs.append(.menu(MenuState(purpose: .theme(original: themeIndex), title: "Theme", items: themes.map(\.name), selected: themeIndex)))
        case .toggleMouse:
            isMouseOn.toggle()
            say(isMouseOn ? "the mouse belongs to the workbench" : "the mouse belongs to the terminal: select and copy", .accent)
            return [.setMouse(isMouseOn), settings]
        case .cycleGlyphs:
            glyphs = glyphs == .braille ? .block : (glyphs == .block ? .ascii : .braille)
            say("drawing with \(glyphs.rawValue) characters", .accent)
            return [settings]
        case .refresh: return [.loadSessions, .loadRuns]
        case .redraw: return [.redraw]
        case .suspend: return suspend()
        case .search:
            let current = tab == .live ? live.filter : (currentTable?.search ?? "")
            dialogs.append(.entry(EntryState(purpose: .search, title: tab == .live ? "Filter classes" : "Search", field: TextField(current), hint: "enter keeps it, esc clears it", error: nil)))
        case .sortNext: withCurrentTable { $0.sortNextColumn() }
        case .sortReverse: withCurrentTable { table in if let column = table.sortColumn { table.sort(by: column) } else { table.sort(by: 0, descending: true) } }
        case .mark: withCurrentTable { table in table.toggleMark(); table.move(1) }
            shareMarks()
        case .compareMarked: return compareMarked()
        case .exportTable:
            guard let table = currentTable?.shownTable else { return [] }
            let items = TableFormat.allCases.map { "\($0.rawValue.uppercased())  .\($0.fileExtension)" }
            dialogs.append(.menu(MenuState(purpose: .tableFormat(name: exportName, table), title: "Export \(NumberText.grouped(table.rows.count)) rows", items: items)))
        case .open: return open()
        case .back: return goBack()
        default:
            switch tab {
            case .home, .results: return performHomeOrResults(action)
            case .live: return performLive(action)
            case .compare: return performCompare(action)
            }
        }
        return []
    }

    var settings: Effect { .saveSettings(theme: theme.name, glyphs: glyphs, mouse: isMouseOn) }

    var exportName: String {
        switch context {
        case .home: home.pane == .runs ? "runs" : "sessions"
        case .live: "classes"
        case .results: results.listing == .runs ? "results" : (results.listing == .seeds ? "results-by-seed" : "evaluations")
        case .evaluation: results.section.title.lowercased().replacing(" ", with: "-")
        case .images: "images"
        case .compare: "compare-" + compare.section.title.lowercased().replacing(" ", with: "-")
        }
    }

    private mutating func suspend() -> [Effect] {
        guard !ownActiveRuns.isEmpty else { return [.suspend] }
        dialogs.append(
            .question(
                Question(
                    title: "Suspend", text: "Training runs inside this program and stands still while it is suspended. It goes on with “fg”.",
                    choices: [.init("s", "Suspend", [.suspend]), .init("c", "Cancel")])))
        return []
    }

    mutating func go(_ target: Tab) -> [Effect] {
        tab = target
        if target == .live, live.run == nil, let row = runs.first(where: { $0.status.isActive }) ?? runs.first { return openLive(row.id) }
        if target == .compare {
            if compare.members.isEmpty, markedMembers.count > 1 { return compareMarked() }
            rebuildCompare()
            return wantedPredictions()
        }
        return []
    }

    mutating func openLive(_ id: RunID) -> [Effect] {
        tab = .live
        if live.run != id {
            live.overlays = []
            live.plot.window = nil
            live.plot.cursor = nil
            live.filter = ""
            live.pending = nil
        }
        live.run = id
        if let trace = traces[id], trace.evaluation(live.subset) == nil, let other = trace.evaluations.last { live.subset = other.classes }
        return (traces[id] == nil ? [read(id)] : []) + [.follow(id)]
    }

    /// Marks on Home and in Results are the same.
    mutating func shareMarks() {
        if tab == .results, results.listing != .runs { return }
        let marks = tab == .home ? home.runTable.marked : results.table.marked
        home.runTable.setMarks(marks)
        results.table.setMarks(marks)
    }

    mutating func compareMarked() -> [Effect] {
        beginComparison(Array(markedMembers.prefix(8)))
    }

    /// Lays checkpoints side by side; a single run is compared with its own beginning.
    mutating func beginComparison(_ members: [CheckpointID]) -> [Effect] {
        tab = .compare
        compare = CompareState()
        compare.members = members
        if members.count == 1, let only = members.first, only.step == nil {
            compare.members = [CheckpointID(run: only.run, step: 0), only]
        }
        rebuildCompare()
        let missing = Set(compare.members.map(\.run)).filter { traces[$0] == nil }.sorted()
        return missing.map { read($0) } + [.comparePrompts(compare.members)] + wantedPredictions()
    }

    // MARK: Lists

    /// Rows that a page key moves.
    var pageRows: Int { max(1, size.height - 8) }

    mutating func moveInList(_ key: Key) -> [Effect] {
        let rows: Int
        switch key {
        case .up, .character("k"): rows = -1
        case .down, .character("j"): rows = 1
        case .pageUp: rows = -pageRows
        case .pageDown: rows = pageRows
        case .home: rows = -1_000_000_000
        case .end: rows = 1_000_000_000
        default: return []
        }
        return scroll(rows)
    }

    mutating func scroll(_ rows: Int) -> [Effect] {
        if tab == .live {
            switch live.panel {
            case .classes:
                let count = liveClassRows().count
                live.classTop = max(0, min(max(0, count - 1), live.classTop + max(-count, min(count, rows))))
            case .log:
                let count = liveTrace?.log.count ?? 0
                live.logBack = max(0, min(max(0, count - 1), live.logBack - max(-count, min(count, rows))))
            default: break
            }
            return []
        }
        withCurrentTable { $0.move(max(-2_000_000, min(2_000_000, rows))) }
        return selectionEffects()
    }

    /// What a new selection needs: the chosen image's picture.
    func selectionEffects() -> [Effect] {
        guard context == .images, let id = results.run, let path = results.imageTable.selectedRow?.id, results.thumbnails[path] == nil,
            let data = shownEvaluation?.data
        else { return [] }
        return [.loadThumbnail(run: id, data: data, path: path)]
    }

    // MARK: Going in and out

    mutating func open() -> [Effect] {
        switch context {
        case .home:
            if home.pane == .sessions { return perform(.editSession) }
            guard let id = home.runTable.selectedRow?.id else { return [] }
            return openLive(id)
        case .results:
            guard let row = results.table.selectedRow?.id else { return [] }
            let chosen = results.listing == .evaluations ? evaluationRow(row) : nil
            let id = chosen?.run.id ?? row
            results.run = id
            results.wanted = chosen.map { EvaluationKey($0.result) }
            results.level = .evaluation
            results.section = .classes
            results.classTable = TableView()
            results.pairTable = TableView()
            results.evaluation = max(0, (traces[id]?.evaluations.count ?? 1) - 1)
            if traces[id] == nil {
                results.evaluation = .max / 2
                return [read(id)]
            }
            rebuildEvaluation()
            return wantedPredictions()
        case .evaluation:
            guard let result = shownEvaluation else { return [] }
            switch results.section {
            case .classes: results.imageClass = results.classTable.selectedRow.flatMap { Int($0.id) } ?? 0
            case .confusions: results.imageClass = results.pairTable.selectedRow?.id.split(separator: "-").first.flatMap { Int($0) } ?? 0
            case .features: results.imageClass = results.features.table.selectedRow.flatMap { Int($0.id) } ?? 0
            case .calibration: return []
            }
            results.level = .images
            results.imageTable = TableView(Tables.images(result, classIndex: results.imageClass))
            return wantedPredictions() + selectionEffects()
        default: return []
        }
    }

    mutating func goBack() -> [Effect] {
        switch context {
        case .images: results.level = .evaluation
        case .evaluation: results.level = .runs
        case .results where !results.table.search.isEmpty: results.table.setSearch("")
        case .results, .compare: tab = .home
        default: break
        }
        return []
    }
}
