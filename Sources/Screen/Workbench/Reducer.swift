import RunModel

extension WorkbenchState {
    /// Takes one input and says what is to be done. The only way in which the workbench changes.
    public mutating func reduce(_ input: Input) -> [Effect] {
        switch input {
        case .key(let key): return reduceKey(key)
        case .mouse(let event): return reduceMouse(event)
        case .paste(let text): return reducePaste(text)
        case .resize(let size):
            self.size = size
            return []
        case .tick(let time):
            now = time
            if let status, status.until < time { self.status = nil }
            return []
        case .memory(let bytes):
            memory = bytes
            return []
        case .run(let id, let event): return reduceRun(id, event)
        case .trainingEnded: return reduceEnd()
        case .answer(let answer): return reduceAnswer(answer)
        case .interrupt: return askToQuit()
        case .terminate: return [.stopTraining, .quit]
        }
    }

    mutating func say(_ text: String, _ role: Role = .text) {
        status = Status(text: text, role: role, until: now + (role == .bad ? 12 : 6))
    }

    mutating func askToQuit() -> [Effect] {
        let own = ownActiveRuns
        if dialogs.contains(where: { if case .question(let q) = $0 { return q.title == "Quit" }; return false }) {
            // A second Ctrl-C means it.
            return [.stopTraining, .quit]
        }
        guard let name = own.first?.name ?? starting else { return [.quit] }
        dialogs.append(
            .question(
                Question(
                    title: "Quit", text: "“\(name)” is training. Its last step is saved, and it can be resumed later from where it stopped.",
                    choices: [
                        .init("s", "Stop, save and quit", [.stopTraining, .quit]), .init("c", "Cancel"),
                    ])))
        return []
    }

    mutating func reducePaste(_ text: String) -> [Effect] {
        // A paste is text, never commands: it goes to an open field or nowhere.
        guard let top = dialogs.last else { return [] }
        switch top {
        case .form, .entry, .palette, .browser:
            var effects: [Effect] = []
            for character in text.prefix(4096) where !character.isNewline { effects += reduceKey(.character(character)) }
            return effects.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        default: return []
        }
    }

    // MARK: Events of runs

    mutating func reduceRun(_ id: RunID, _ event: RunEvent) -> [Effect] {
        arriving[id]?.append(event)
        var trace = traces[id] ?? runs.first { $0.id == id }.map { RunTrace(row: $0) }
        traces[id] = nil
        trace?.apply(event)
        if let trace {
            traces[id] = trace
            if let place = runs.firstIndex(where: { $0.id == id }) {
                runs[place] = trace.row
            }
        }
        if id == live.run, isAnswer(event) { live.pending = nil }
        switch event {
        case .step: return []
        case .evaluationProgress: return []
        case .evaluated: refreshEvaluationTables(id)
        case .finished, .stopped, .failed:
            if case .failed(let text) = event { say(text, .bad) }
        default: break
        }
        rebuildRunTables()
        return []
    }

    private func isAnswer(_ event: RunEvent) -> Bool {
        switch event {
        case .commandTaken, .stopped, .finished, .failed: true
        default: false
        }
    }

    private mutating func reduceEnd() -> [Effect] {
        if awaited != nil {
            (starting, awaited) = (nil, nil)
        } else {
            // A short run may end before the answer to its start has come.
            isOver = starting != nil
        }
        return [.loadRuns] + startQueued()
    }

    mutating func startQueued() -> [Effect] {
        guard !queue.isEmpty, starting == nil else { return [] }
        let next = queue.removeFirst()
        rebuildSessionTable()
        return [begin(next.name, .start(next))]
    }

    /// Says that a run is on its way: reading a model may take a while.
    mutating func begin(_ name: String, _ effect: Effect) -> Effect {
        (starting, isOver) = (name, false)
        return effect
    }

    mutating func refreshEvaluationTables(_ id: RunID) {
        if results.run == id, results.level != .runs { rebuildEvaluation() }
        if compare.members.contains(where: { $0.run == id }) { rebuildCompare() }
    }

    // MARK: Answers

    /// Asks for a run's trace, and keeps the events that come while it is being read.
    mutating func read(_ id: RunID) -> Effect {
        arriving[id] = []
        return .loadTrace(id)
    }

    mutating func reduceAnswer(_ answer: Answer) -> [Effect] {
        switch answer {
        case .sessions(let entries):
            sessions = entries
            rebuildSessionTable()
        case .row(let row):
            guard let place = runs.firstIndex(where: { $0.id == row.id }) else { return [] }
            var rows = runs
            rows[place] = row
            return reduceAnswer(.runs(rows))
        case .runs(let rows):
            hasLoadedRuns = true
            // What events told of an open run is newer than the list; a run that ended elsewhere is not.
            runs = rows.map { row in
                guard let trace = traces[row.id], trace.row.step > row.step, row.status.isActive else { return row }
                var newer = row
                newer.step = trace.row.step
                newer.loss = trace.row.loss
                newer.seconds = trace.row.seconds
                return newer
            }
            for (place, row) in runs.enumerated() {
                // A list does not tell whether a run that is alive is paused or evaluates; its events do.
                if row.status == .running, let known = traces[row.id]?.row.status, known.isActive {
                    runs[place].status = known
                } else {
                    traces[row.id]?.row.status = row.status
                }
                traces[row.id]?.row.isElsewhere = row.isElsewhere
                traces[row.id]?.row.remark = row.remark
            }
            let known = Set(runs.map(\.id))
            for id in traces.keys.sorted() where !known.contains(id) && traces[id]?.row.status.isActive != true {
                traces[id] = nil
                if live.run == id { live.run = nil }
                live.overlays.removeAll { $0 == id }
            }
            noteArrival()
            rebuildRunTables()
            if live.run == nil, let active = runs.first(where: { $0.status.isActive }) {
                live.run = active.id
                return [read(active.id), .follow(active.id)]
            }
        case .trace(var trace):
            trace.setSmoothing(tab == .compare ? compare.plot.smoothing : live.plot.smoothing)
            let id = trace.row.id
            // What came while the run was being read is not lost.
            for event in arriving.removeValue(forKey: id) ?? [] { trace.catchUp(event) }
            traces[id] = trace
            if let place = runs.firstIndex(where: { $0.id == id }) { runs[place] = trace.row } else { runs.append(trace.row) }
            noteArrival()
            rebuildRunTables()
            if live.run == id, trace.evaluation(live.subset) == nil, let other = trace.evaluations.last { live.subset = other.classes }
            refreshEvaluationTables(id)
            return wantedPredictions()
        case .evaluation(let id, let result):
            guard let place = traces[id]?.evaluations.firstIndex(where: { EvaluationKey($0) == EvaluationKey(result) }) else { return [] }
            traces[id]?.evaluations[place] = result
            refreshEvaluationTables(id)
        case .started(let id):
            awaited = id
            status = nil
            tab = .live
            live.run = id
            live.overlays = []
            live.plot.window = nil
            live.plot.cursor = nil
            let effects: [Effect] = [.loadRuns, read(id), .follow(id)]
            return isOver ? effects + reduceEnd() : effects
        case .folder(let listing):
            return withBrowser { browser in
                // A relative start is answered by the folder's full path.
                guard listing.path == browser.path || !browser.path.hasPrefix("/") else { return }
                browser.path = listing.path
                browser.listing = listing
                browser.selected = min(browser.selected, max(0, browser.shown.count - 1))
            }
        case .described(let found):
            for place in dialogs.indices {
                switch dialogs[place] {
                case .form(var form):
                    form.descriptions[found.path] = found
                    dialogs[place] = .form(form)
                case .browser(var browser):
                    browser.descriptions[found.path] = found
                    dialogs[place] = .browser(browser)
                default: break
                }
            }
        case .thumbnail(let path, let picture, let problem):
            if results.thumbnails.count > 64 { results.thumbnails = [:] }
            results.thumbnails[path] = picture
            results.thumbnailProblem = picture == nil ? (problem ?? "cannot be shown") : nil
        case .prompts(let comparison):
            compare.prompts = comparison
            compare.promptTable.replace(Tables.prompts(comparison))
        case .featureProgress(let work): if results.features.work != nil { results.features.work = work }
        case .features(let run, let key, let map, let problem): reduceFeatures(run, key, map, problem)
        case .saved(let path): say("written: \(path)", .good)
        case .notStarted(let text):
            (starting, awaited, isOver) = (nil, nil, false)
            tell(text, title: "Not started")
            return startQueued()
        case .failed(let text): tell(text, title: "Not done")
        }
        return []
    }

    /// A started run counts as starting until it is listed, so that at no time it seems that nothing trains.
    private mutating func noteArrival() {
        guard let id = awaited, runs.contains(where: { $0.id == id }) else { return }
        (starting, awaited) = (nil, nil)
    }

    /// Says at the start what was wrong with settings or themes.
    public mutating func greet(_ text: String) { tell(text, title: "Please note") }

    /// Bad news: in the footer where it fits, else in a window of its own.
    private mutating func tell(_ text: String, title: String) {
        let isShort = !text.contains(where: \.isNewline) && CharacterWidth.of(text) <= size.width - 2
        if isShort || !dialogs.isEmpty {
            say(text.split(whereSeparator: \.isNewline).joined(separator: " "), .bad)
        } else {
            status = nil
            dialogs.append(.message(title: title, text: text))
        }
    }

    private mutating func withBrowser(_ change: (inout BrowserState) -> Void) -> [Effect] {
        for place in dialogs.indices.reversed() {
            if case .browser(var browser) = dialogs[place] {
                change(&browser)
                dialogs[place] = .browser(browser)
                return []
            }
        }
        return []
    }

    // MARK: Tables that follow the values

    mutating func rebuildSessionTable() { home.sessionTable.replace(Tables.sessions(sessions, queue: queue)) }

    mutating func rebuildRunTables() {
        home.runTable.replace(Tables.homeRuns(runs, now: now))
        results.table.replace(resultsTable())
    }

    func resultsTable() -> Table {
        switch results.listing {
        case .runs: Tables.results(runs)
        case .seeds: Tables.grouped(runs)
        case .evaluations: Tables.evaluations(runs)
        }
    }

    /// The evaluation that Results shows.
    var shownEvaluation: EvaluationResult? {
        guard let trace = results.run.flatMap({ traces[$0] }), trace.evaluations.indices.contains(results.evaluation) else { return nil }
        return trace.evaluations[results.evaluation]
    }

    mutating func rebuildEvaluation() {
        guard let trace = results.run.flatMap({ traces[$0] }) else { return }
        if let wanted = results.wanted {
            results.evaluation = trace.evaluations.firstIndex { EvaluationKey($0) == wanted } ?? results.evaluation
            results.wanted = nil
        }
        results.evaluation = max(0, min(results.evaluation, trace.evaluations.count - 1))
        guard let result = shownEvaluation else { return }
        let baseline = trace.baseline(result.classes)
        results.classTable.replace(Tables.classes(result, baseline: baseline?.step == result.step && baseline?.method == result.method ? nil : baseline))
        results.pairTable.replace(Tables.pairs(result))
        results.calibrationTable.replace(Tables.calibration(result))
        rebuildFeatures()
        if results.level == .images { results.imageTable.replace(Tables.images(result, classIndex: results.imageClass)) }
    }

    /// The evaluation of a compared member on the chosen class list.
    func evaluation(of member: CheckpointID) -> EvaluationResult? {
        guard let trace = traces[member.run], let place = trace.evaluation(compare.subset, atMost: member.step) else { return nil }
        return trace.evaluations[place]
    }

    mutating func rebuildCompare() {
        let known = compare.members.filter { run($0.run) != nil }
        compare.members = known
        compare.member = max(0, min(compare.member, compare.members.count - 1))
        compare.settingsTable.replace(Tables.settings(compare.members.compactMap { run($0.run)?.spec }))
        let evaluations = compare.members.map(evaluation)
        let isFirst = compare.classTable.table.columns.isEmpty
        compare.classTable.replace(Tables.classComparison(evaluations))
        if isFirst, compare.members.count > 1 {
            compare.classTable.sort(by: compare.classTable.table.columns.count - 2, descending: true)
            compare.classTable.selected = 0
        }
        if let before = evaluations.first ?? nil, let after = evaluations.last ?? nil, evaluations.count > 1, !before.predictions.isEmpty, !after.predictions.isEmpty {
            let found = EvaluationAnalysis.flips(before, after)
            compare.flipTable.replace(Tables.flips(found.flips))
            compare.test = found.test
            compare.paired = found.paired
        } else {
            compare.flipTable.replace(Tables.flips([]))
            compare.test = nil
            compare.paired = 0
        }
    }

    /// Predictions that the present screen needs and does not have.
    func wantedPredictions() -> [Effect] {
        var effects: [Effect] = []
        func want(_ id: RunID, _ result: EvaluationResult) {
            guard result.predictions.isEmpty, result.count > 0 else { return }
            effects.append(.loadPredictions(id, EvaluationKey(result)))
        }
        if tab == .results, results.level != .runs, let id = results.run, let result = shownEvaluation { want(id, result) }
        if tab == .compare, compare.section == .flips {
            for member in compare.members { if let result = evaluation(of: member) { want(member.run, result) } }
        }
        return effects
    }
}
