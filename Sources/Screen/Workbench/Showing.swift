/// The screens that can be shown once, by name: `maple show NAME`.
public enum ShownScreen: String, Sendable, CaseIterable {
    case home, live, results, grouped, evaluations, evaluation, confusions, calibration, features, images
    case compareSettings = "compare-settings"
    case compareCurves = "compare-curves"
    case compareClasses = "compare-classes"
    case compareFlips = "compare-flips"
    case comparePrompts = "compare-prompts"
    case loss, accuracy, rate, classes, norms, log, form, help

    /// Compares two runs or more.
    public var needsTwoRuns: Bool { rawValue.hasPrefix("compare") }
}

extension WorkbenchState {
    /// Goes to a screen; `members` are the run to show, or the checkpoints to compare (the newest runs when empty). Call it once
    /// sessions and runs have been answered, carry out the effects, feed the answers back, and render.
    public mutating func show(_ screen: ShownScreen, members wanted: [CheckpointID] = []) -> [Effect] {
        let first = wanted.first?.run ?? runs.first { $0.status.isActive }?.id ?? runs.first?.id
        switch screen {
        case .home: return go(.home)
        case .results: return go(.results)
        case .grouped:
            tab = .results
            return perform(.groupSeeds)
        case .evaluations:
            tab = .results
            return perform(.listEvaluations)
        case .live, .loss, .accuracy, .rate, .classes, .norms, .log:
            let panels: [ShownScreen: LiveState.Panel] = [.loss: .loss, .accuracy: .accuracy, .rate: .rate, .classes: .classes, .norms: .norms, .log: .log]
            if let panel = panels[screen] {
                live.panel = panel
                live.isMaximised = true
            }
            tab = .live
            guard let first else { return [] }
            return openLive(first)
        case .evaluation, .confusions, .calibration, .features, .images:
            tab = .results
            guard let first else { return [] }
            results.listing = .runs
            results.table.replace(Tables.results(self.runs))
            results.table.select(id: first)
            let sections: [ShownScreen: ResultsState.Section] = [.confusions: .confusions, .calibration: .calibration, .features: .features]
            let section = sections[screen] ?? .classes
            let effects = open()
            results.section = section
            return effects
        case .compareSettings, .compareCurves, .compareClasses, .compareFlips, .comparePrompts:
            let sections: [ShownScreen: CompareState.Section] = [
                .compareSettings: .settings, .compareCurves: .curves, .compareClasses: .classes, .compareFlips: .flips, .comparePrompts: .prompts,
            ]
            let members = wanted.isEmpty ? self.runs.prefix(2).map { CheckpointID(run: $0.id) } : wanted
            results.table.setMarks(members.map(\.run))
            tab = .results
            shareMarks()
            let effects = beginComparison(members)
            compare.section = sections[screen] ?? .settings
            return effects + wantedPredictions()
        case .form: return perform(.editSession)
        case .help: return perform(.help)
        }
    }

    /// The second half of `show`, when the first one's answers are there: the images of the first class, or the features.
    public mutating func showDeeper(_ screen: ShownScreen) -> [Effect] {
        if screen == .features, context == .evaluation { return perform(.mapFeatures) }
        guard screen == .images, context == .evaluation else { return wantedPredictions() }
        return open()
    }
}
