import RunModel

/// Whether a key can be used now, and if not, why.
public enum Availability: Sendable, Equatable {
    case available
    case unavailable(String)

    var isAvailable: Bool { self == .available }
}

extension WorkbenchState {
    public func availability(_ action: Action) -> Availability {
        switch action {
        case .startSession, .editSession, .queueSession:
            guard home.pane == .sessions else { return .unavailable("choose a session first (tab)") }
            if action == .startSession, let starting { return .unavailable("“\(starting)” is starting") }
            if action != .editSession, let problem = selectedSession?.firstProblem { return .unavailable(problem) }
            return needsSession(readable: true)
        case .duplicateSession: return home.pane == .runs ? needsHomeRun() : needsSession(readable: true)
        case .deleteItem:
            if tab == .results { return results.listing == .runs ? deletable(results.table.selectedRow?.id) : .unavailable(Self.listRunsFirst) }
            if home.pane == .runs { return deletable(home.runTable.selectedRow?.id) }
            guard let entry = selectedSession else { return .unavailable("no session is chosen") }
            return entry.isOwn ? .available : .unavailable("it came with the program; copy it instead")
        case .resumeRun:
            if tab == .results, results.listing != .runs { return .unavailable(Self.listRunsFirst) }
            let id = tab == .results ? results.table.selectedRow?.id : (home.pane == .runs ? home.runTable.selectedRow?.id : nil)
            guard let row = run(id) else { return .unavailable("choose a run first") }
            if row.isReadOnly { return .unavailable("it can only be read: \(row.remark.isEmpty ? "it was not trained here" : row.remark)") }
            if row.status.isActive { return .unavailable("it is running") }
            if let starting { return .unavailable("“\(starting)” is starting") }
            if let own = ownActiveRuns.first { return .unavailable("“\(own.name)” is training here; one run trains at a time") }
            return row.status == .finished ? .unavailable("it is finished") : .available
        case .open:
            if tab == .home, home.pane == .sessions { return needsSession(readable: true) }
            if tab == .home { return needsHomeRun() }
            if context == .results, results.table.selectedRow == nil { return .unavailable("no run is chosen") }
            if context == .results, results.listing == .seeds { return .unavailable(Self.listRunsFirst) }
            return .available
        case .mark:
            if tab == .home, home.pane == .sessions { return .unavailable("marks are for runs (tab)") }
            return results.listing == .seeds && tab == .results ? .unavailable(Self.listRunsFirst) : .available
        case .compareMarked:
            return markedMembers.isEmpty ? .unavailable("mark two runs first (space)") : .available
        case .pause, .singleStep, .stop, .snapshot, .evaluate, .learningRate, .note: return canCommand(action)
        case .exportPlot where context == .evaluation:
            if results.section == .features { return shownFeatures == nil ? .unavailable("nothing is laid out yet (f)") : .available }
            return results.section == .calibration ? .available : .unavailable("go to the calibration or the features (tab)")
        case .mapFeatures: return results.section == .features ? .available : .unavailable("go to the features (tab)")
        case .featureView:
            if results.section != .features { return .unavailable("go to the features (tab)") }
            return shownFeatures == nil ? .unavailable("nothing is laid out yet (f)") : .available
        case .smoother, .rougher, .logX, .logY, .axisUnit, .zoomIn, .zoomOut, .panLeft, .panRight, .cursorLeft, .cursorRight, .exportPlot:
            if tab == .compare { return compare.section == .curves ? .available : .unavailable("go to the curves (tab)") }
            guard let trace = liveTrace else { return .unavailable("no run is open") }
            return trace.places.count > 0 ? .available : .unavailable("no points yet")
        case .overlay:
            return runs.contains { $0.id != live.run } ? .available : .unavailable("there is no other run")
        case .nextRun:
            return runs.contains { $0.status.isActive && $0.id != live.run } ? .available : .unavailable("no other run is active")
        case .classList, .sortClasses:
            if tab == .compare { return .available }
            return liveTrace?.evaluations.isEmpty == false ? .available : .unavailable("no evaluation yet")
        case .normKind:
            return liveTrace?.norms.tracks.isEmpty == false ? .available : .unavailable("this run has no prompt norms")
        case .nextMember, .removeMember, .earlierCheckpoint, .laterCheckpoint:
            if tab == .compare { return compare.members.isEmpty ? .unavailable("mark runs in Results first") : .available }
            return .available
        case .swapMembers: return compare.members.count == 2 ? .available : .unavailable("needs exactly two runs")
        case .exportTable: return currentTable == nil ? .unavailable("there is no table here") : .available
        case .search:
            return tab == .live && liveTrace?.evaluations.isEmpty != false ? .unavailable("no classes to filter yet") : .available
        default: return .available
        }
    }

    private func needsSession(readable: Bool) -> Availability {
        guard let entry = selectedSession else { return .unavailable("no session is chosen") }
        if readable, let problem = entry.firstProblem, entry.spec == nil { return .unavailable(problem) }
        return .available
    }

    private func needsHomeRun() -> Availability {
        home.runTable.selectedRow == nil ? .unavailable("no run is chosen") : .available
    }

    private func deletable(_ id: RunID?) -> Availability {
        guard let row = run(id) else { return .unavailable("no run is chosen") }
        return row.status.isActive ? .unavailable("it is running: stop it first") : .available
    }

    private func canCommand(_ action: Action) -> Availability {
        guard let row = run(live.run) else { return .unavailable("no run is open") }
        if action == .note, !row.isReadOnly, row.status.isActive { return .available }
        if row.isReadOnly { return .unavailable("it can only be read: \(row.remark.isEmpty ? "it was not trained here" : row.remark)") }
        guard row.status.isActive else { return .unavailable("the run is \(row.status.word)") }
        return .available
    }

    var selectedSession: SessionEntry? {
        guard let id = home.sessionTable.selectedRow?.id else { return nil }
        return sessions.first { $0.id == id }
    }

    private static let listRunsFirst = "list runs first (g, v)"

    /// What a comparison would hold. Marks of runs are shared by Home and Results; a marked evaluation stands for its checkpoint.
    var markedMembers: [CheckpointID] {
        guard tab == .results else { return home.runTable.marked.map { CheckpointID(run: $0) } }
        guard results.listing == .evaluations else { return results.table.marked.map { CheckpointID(run: $0) } }
        return results.table.marked.compactMap { id in evaluationRow(id).map { CheckpointID(run: $0.run.id, step: $0.result.step) } }
            .reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// What a row of the table of evaluations stands for.
    func evaluationRow(_ id: String) -> (run: RunRow, result: EvaluationResult)? {
        guard let cut = id.firstIndex(of: ":"), let place = Int(id[..<cut]), let run = run(String(id[id.index(after: cut)...])),
            run.evaluations.indices.contains(place)
        else { return nil }
        return (run, run.evaluations[place])
    }

    /// The table that export and sorting mean.
    var currentTable: TableView? {
        switch context {
        case .home: home.pane == .runs ? home.runTable : home.sessionTable
        case .live: liveClassTable
        case .results: results.table
        case .evaluation:
            switch results.section {
            case .classes: results.classTable
            case .confusions: results.pairTable
            case .calibration: results.calibrationTable
            case .features: results.features.table
            }
        case .images: results.imageTable
        case .compare:
            switch compare.section {
            case .settings: compare.settingsTable
            case .curves: nil
            case .classes: compare.classTable
            case .flips: compare.flipTable
            case .prompts: compare.promptTable
            }
        }
    }

    /// Changes the table that keys act on.
    mutating func withCurrentTable(_ change: (inout TableView) -> Void) {
        switch context {
        case .home: if home.pane == .runs { change(&home.runTable) } else { change(&home.sessionTable) }
        case .live: break
        case .results: change(&results.table)
        case .evaluation:
            switch results.section {
            case .classes: change(&results.classTable)
            case .confusions: change(&results.pairTable)
            case .calibration: change(&results.calibrationTable)
            case .features: change(&results.features.table)
            }
        case .images: change(&results.imageTable)
        case .compare:
            switch compare.section {
            case .settings: change(&compare.settingsTable)
            case .curves: break
            case .classes: change(&compare.classTable)
            case .flips: change(&compare.flipTable)
            case .prompts: change(&compare.promptTable)
            }
        }
    }
}

extension WorkbenchState {
    /// The classes of the Live panel as a table, for export.
    var liveClassTable: TableView? {
        guard let trace = liveTrace, let place = trace.evaluation(live.subset) else { return nil }
        let result = trace.evaluations[place]
        let baseline = trace.baseline(live.subset)
        return TableView(Tables.classes(result, baseline: baseline?.step == result.step ? nil : baseline))
    }
}
