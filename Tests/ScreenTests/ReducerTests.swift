import RunModel
@testable import Screen
import Testing

@Suite struct ReducerTests {
    @Test func noKeyMeansTwoThings() {
        for context in KeyContext.allCases {
            var seen: [Key: Action] = [:]
            for binding in Keymap.bindings(in: context) {
                for key in binding.keys {
                    #expect(seen[key] == nil, "\(key.label) on \(context): \(String(describing: seen[key])) and \(binding.action)")
                    seen[key] = binding.action
                }
            }
        }
        // Each action has a line in the table.
        for action in Action.allCases { #expect(Keymap.binding(action) != nil, "\(action) has no key") }
    }

    @Test func everyKeyOnEveryScreenIsHarmless() {
        let keys: [Key] = (32..<127).compactMap { Unicode.Scalar($0).map { Key.character(Character($0)) } }
            + [.enter, .escape, .tab, .backTab, .backspace, .delete, .up, .down, .left, .right, .home, .end, .pageUp, .pageDown, .shiftLeft, .shiftRight, .function(1), .control("l")]
        var random = Sample.Generator(state: 2024)
        for screen in Sample.screens {
            var state = Sample.state(100, 30)
            screen.go(&state)
            for _ in 0..<300 {
                _ = state.reduce(.key(keys[Int(random.unit() * Double(keys.count))]))
                if random.unit() < 0.1 { _ = state.reduce(.mouse(MouseEvent([.press, .drag, .wheelUp, .wheelDown, .doubleClick][Int(random.unit() * 5)], x: Int(random.unit() * 100), y: Int(random.unit() * 30)))) }
                if random.unit() < 0.05 { _ = state.reduce(.resize(Size(Int(random.unit() * 300), Int(random.unit() * 100)))) }
                if random.unit() < 0.1 { _ = state.render() }
            }
            _ = state.render()
        }
    }

    @Test func pauseGoesToTheRunAndBack() {
        var state = Sample.state(120, 40)
        Sample.press(&state, .character("2"))
        let id = state.live.run ?? ""
        #expect(Sample.press(&state, .character(" ")) == [.send(.pause, id)])
        #expect(state.live.pending != nil)
        _ = state.reduce(.run(id, .commandTaken(.pause, step: 1287)))
        #expect(state.live.pending == nil)
        _ = state.reduce(.run(id, .paused(step: 1287)))
        #expect(state.run(id)?.status == .paused)
        #expect(Sample.press(&state, .character(" ")) == [.send(.proceed, id)])
        #expect(Sample.press(&state, .character(".")) == [.send(.singleStep, id)])
        #expect(Sample.press(&state, .character("s")) == [.send(.snapshot, id)])
        #expect(Sample.press(&state, .character("e")) == [.send(.evaluate([.base, .new]), id)])
        #expect(Sample.press(&state, .character("S")) == [.send(.stop, id)])
    }

    @Test func disabledKeysSayWhy() {
        var state = Sample.state(120, 40)
        Sample.press(&state, .tab, .down, .enter)
        #expect(state.live.run == "/runs/maple-seed2")
        #expect(Sample.press(&state, .character("p")).isEmpty)
        #expect(state.status?.text == "pause: the run is finished")
    }

    @Test func learningRateIsChecked() {
        var state = Sample.state(120, 40)
        Sample.press(&state, .character("2"), .character("r"), .control("u"))
        for key in Sample.keys("fast") { Sample.press(&state, key) }
        #expect(Sample.press(&state, .enter).isEmpty)
        Sample.press(&state, .control("u"))
        for key in Sample.keys("0.002") { Sample.press(&state, key) }
        #expect(Sample.press(&state, .enter) == [.send(.setLearningRate(0.002), "/runs/maple-seed1")])
    }

    @Test func quittingAsksWhileTraining() {
        var state = Sample.state(120, 40)
        #expect(Sample.press(&state, .control("c")).isEmpty)
        #expect(state.dialogs.count == 1)
        #expect(Sample.press(&state, .escape).isEmpty)
        #expect(state.dialogs.isEmpty)
        _ = state.reduce(.interrupt)
        #expect(Sample.press(&state, .character("s")) == [.stopTraining, .quit])
        // The run of the other process is left alone.
        #expect(state.reduce(.terminate) == [.stopTraining, .quit])
        _ = state.reduce(.run("/runs/maple-seed1", .stopped(step: 1300)))
        #expect(Sample.press(&state, .character("q")) == [.quit])
    }

    @Test func formValidatesWhileTyping() {
        var state = Sample.state(120, 40)
        Sample.press(&state, .character("e"))
        func form() -> FormState? { if case .form(let form)? = state.dialogs.last { return form }; return nil }
        #expect(form()?.problems.isEmpty == true)
        Sample.press(&state, .control("u"))
        #expect(form()?.problem(.name) != nil)
        #expect(Sample.press(&state, .control("s")).isEmpty)
        for key in Sample.keys("better") { Sample.press(&state, key) }
        let effects = Sample.press(&state, .control("s"))
        guard case .saveSession(let spec, let replacing)? = effects.first else {
            Issue.record("nothing saved")
            return
        }
        #expect(spec.name == "better" && replacing == "/home/a/sessions/tiny-imagenet-maple.toml")
        #expect(spec.optim.lr == 0.0035 && spec.optim.weightDecay == 5e-4 && spec.optim.warmupLR == 1e-5 && spec.data.shots == 16)
    }

    @Test func browserFillsTheForm() {
        var state = Sample.state(120, 40)
        Sample.screens.first { $0.name == "browser" }?.go(&state)
        let effects = Sample.press(&state, .enter)
        guard case .form(let form)? = state.dialogs.last else {
            Issue.record("no form")
            return
        }
        #expect(form.text(.model) == "/models/clip-vit-base-patch16")
        #expect(form.problem(.model) == nil)
        #expect(effects.allSatisfy { if case .describe = $0 { return true }; return false })
    }

    @Test func queueStartsWhenARunEnds() {
        var state = Sample.state(120, 40)
        #expect(Sample.press(&state, .down, .character("u")).isEmpty)
        #expect(state.queue.map(\.name) == ["tiny-imagenet coop"])
        #expect(state.reduce(.run("/runs/maple-seed1", .finished(RunSummary(steps: 2000, seconds: 1, loss: nil)))).isEmpty)
        // Its last files are written before the next one begins.
        let effects = state.reduce(.trainingEnded)
        #expect(effects == [.loadRuns, .start(Sample.spec("tiny-imagenet coop", method: .coop, lr: 0.002, depth: 1))])
        #expect(state.queue.isEmpty)
    }

    /// The end of a very short run may be told before the answer to its start.
    @Test func queueGoesOnBehindARunThatEndedAtOnce() {
        var state = Sample.state(120, 40)
        Sample.press(&state, .down, .character("u"))
        _ = state.reduce(.trainingEnded)
        #expect(state.starting == "tiny-imagenet coop")
        state.queue = [Sample.spec("third")]
        #expect(state.reduce(.trainingEnded) == [.loadRuns])
        #expect(state.reduce(.answer(.started("/runs/coop-1"))).last == .start(Sample.spec("third")))
        #expect(state.starting == "third" && state.queue.isEmpty)
        // A start that failed gives way to the next as well.
        state.queue = [Sample.spec("fourth")]
        #expect(state.reduce(.trainingEnded) == [.loadRuns])
        #expect(state.reduce(.answer(.notStarted("no model"))) == [.start(Sample.spec("fourth"))])
    }

    @Test func featuresAreAskedForStoppedAndExported() throws {
        var state = Sample.state(120, 40)
        Sample.press(&state, .character("3"), .down, .enter)
        #expect(state.availability(.mapFeatures) != .available)
        Sample.press(&state, .tab, .tab, .tab)
        #expect(state.availability(.exportPlot) != .available)
        guard case .mapFeatures(let run, let key)? = Sample.press(&state, .character("f")).first else {
            Issue.record("nothing asked for")
            return
        }
        #expect(Sample.press(&state, .character("f")) == [.stopFeatures])
        _ = state.reduce(.answer(.features(run, key, nil, problem: "stopped")))
        #expect(state.results.features.work == nil && state.results.features.problem == "stopped")
        #expect(Sample.press(&state, .character("f")) == [.mapFeatures(run, key)])
        _ = state.reduce(.answer(.features(run, key, Sample.features(state.shownEvaluation), problem: nil)))
        #expect(state.shownFeatures?.labels.count == 600)
        #expect(Sample.press(&state, .character("P")) == [.write(name: "features-tsne.svg", text: "<svg/>")])
        #expect(Sample.press(&state, .character("v"), .character("P")) == [.write(name: "features-pca.svg", text: "<svg></svg>")])
        // Enter goes on to the chosen class's images.
        Sample.press(&state, .down, .enter)
        #expect(state.context == .images && state.results.imageClass == 1)
    }

    @Test func everyLivePanelThatIsAPictureIsExported() throws {
        var state = Sample.state(120, 40)
        Sample.press(&state, .character("2"))
        for (panel, file) in [(LiveState.Panel.norms, "prompt-norms.svg"), (.classes, "per-class-accuracy.svg"), (.loss, "loss.svg")] {
            state.live.panel = panel
            guard case .write(let name, let text)? = Sample.press(&state, .character("P")).first else {
                Issue.record("\(panel) writes nothing")
                continue
            }
            #expect(name == file && text.hasPrefix("<svg ") && text.hasSuffix("</svg>\n"))
            #expect(!text.contains("nan") && !text.contains("inf\""))
            if panel == .norms { #expect(text.contains(">depth<") && text.contains(">token 1<")) }
            if panel == .classes { #expect(text.contains("zero-shot CLIP")) }
        }
    }

    /// Nothing that is just beginning is lost without a question.
    @Test func quittingAsksWhileARunBegins() {
        var state = Sample.state(120, 40)
        _ = state.reduce(.run("/runs/maple-seed1", .stopped(step: 1300)))
        state.starting = "tiny-imagenet coop"
        #expect(state.reduce(.interrupt).isEmpty)
        #expect(Sample.press(&state, .character("s")) == [.stopTraining, .quit])
    }

    @Test func compareFromMarks() {
        var state = Sample.state(120, 40)
        Sample.compare(&state)
        #expect(state.tab == .compare)
        #expect(state.compare.members.map(\.run) == ["/runs/maple-seed2", "/runs/coop"])
        #expect(Sample.press(&state, .character(",")) == [.comparePrompts([CheckpointID(run: "/runs/maple-seed2", step: 1600), CheckpointID(run: "/runs/coop")])])
        Sample.press(&state, .character("s"))
        #expect(state.compare.members.first?.run == "/runs/coop")
    }

    @Test func drillingDownAsksForWhatIsMissing() throws {
        var state = Sample.state(120, 40)
        let id = "/runs/maple-seed2"
        for place in state.traces[id]?.evaluations.indices ?? 0..<0 { state.traces[id]?.evaluations[place].predictions = [] }
        Sample.press(&state, .character("3"), .down)
        let wanted = Sample.press(&state, .enter)
        let shown = try #require(state.shownEvaluation)
        #expect(shown.classes == .new && shown.step == 2000)
        #expect(wanted == [.loadPredictions(id, EvaluationKey(shown))])
        _ = state.reduce(.answer(.evaluation(id, Sample.evaluation(Sample.spec("x"), .new, step: 2000, level: 0.7, seed: 9))))
        #expect(state.results.pairTable.table.rows.isEmpty == false)
        let effects = Sample.press(&state, .enter)
        #expect(effects == [.loadThumbnail(run: id, data: shown.data, path: "test/goldfish/0.jpg")])
        _ = state.reduce(.answer(.thumbnail(path: "test/goldfish/0.jpg", nil, problem: "The data folder was /data/x. Is the disk there?")))
        #expect(state.render().plainText().contains("The data folder was"))
    }

    @Test func zoomPanAndCursor() {
        var state = Sample.state(120, 40)
        Sample.press(&state, .character("2"), .left, .left, .character("+"))
        let window = state.live.plot.window
        // A live axis grows in leaps, at most to the run's end.
        #expect(window != nil && (window?.upperBound ?? 0) <= 2000)
        Sample.press(&state, .character("["))
        #expect((state.live.plot.window?.lowerBound ?? 0) < (window?.lowerBound ?? 0))
        for _ in 0..<40 { Sample.press(&state, .character("+"), .character("["), .character("]")) }
        _ = state.render()
        Sample.press(&state, .character("a"), .character("x"), .character("y"))
        #expect(state.live.plot.unit == .epoch && state.live.plot.logX && state.live.plot.logY)
        _ = state.render()
        Sample.press(&state, .character("a"))
        #expect(state.render().plainText().contains("time"))
        Sample.press(&state, .character("0"))
        #expect(state.live.plot.window == nil && state.live.plot.cursor == nil)
    }

    @Test func clickingAPlotSetsTheCursor() {
        var state = Sample.state(120, 40)
        Sample.press(&state, .character("2"))
        _ = state.reduce(.mouse(MouseEvent(.press, x: 30, y: 10)))
        #expect(state.live.plot.cursor != nil)
        _ = state.reduce(.mouse(MouseEvent(.press, x: 30, y: 0)))
        #expect(state.tab == .results)
        _ = state.reduce(.mouse(MouseEvent(.press, x: 5, y: 5)))
        #expect(state.results.table.selected == 2)
    }

    @Test func pasteNeverRunsCommands() {
        var state = Sample.state(120, 40)
        #expect(state.reduce(.paste("qqqD\u{3}")).isEmpty)
        #expect(state.tab == .home && state.dialogs.isEmpty)
        Sample.press(&state, .character("n"), .control("u"))
        _ = state.reduce(.paste("pasted\nname"))
        guard case .form(let form)? = state.dialogs.last else { return }
        #expect(form.text(.name) == "pastedname")
    }

    @Test func resumedRunReplacesRepeatedSteps() {
        var trace = RunTrace(row: RunRow(id: "a", spec: Sample.spec("a"), status: .running))
        for step in [1, 2, 3, 4, 3, 4, 5] {
            trace.append(MetricPoint(step: step, epoch: 0, loss: Double(step), accuracy: 0, learningRate: 0, time: Double(step), imagesPerSecond: 1))
        }
        #expect(trace.places.steps == [1, 2, 3, 4, 5])
        #expect(trace.loss.values == [1, 2, 3, 4, 5])
    }

    @Test func normHistoryStaysSmall() {
        var history = NormHistory()
        for step in 0..<20_000 {
            history.add(MetricPoint(step: step, epoch: 0, loss: 0, accuracy: 0, learningRate: 0, time: 0, imagesPerSecond: 0, norms: [PromptNorm(kind: .text, depth: 0, tokens: [Float(step)], gradient: 0, moved: 0)]))
        }
        let count = history.tracks.first?.history.count ?? 0
        #expect(count >= 200 && count < 512)
        #expect(history.tracks.first?.last.tokens == [19_999])
    }

    @Test(arguments: [(20, 5), (40, 10), (79, 24), (80, 23), (1, 1), (0, 0), (300, 100)]) func anySizeIsDrawn(_ width: Int, _ height: Int) {
        for screen in Sample.screens {
            var state = Sample.state(120, 40)
            screen.go(&state)
            _ = state.reduce(.resize(Size(width, height)))
            let grid = state.render()
            #expect(grid.width == width && grid.height == height)
            if width < 80 && width >= 20 && height >= 5 { #expect(grid.plainText().contains("maple needs")) }
        }
    }
}
