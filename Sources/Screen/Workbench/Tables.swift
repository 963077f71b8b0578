import RunModel

/// Turns values into tables. Built when the values change, not at each frame.
enum Tables {
    typealias Item = Table.Item

    static func sessions(_ entries: [SessionEntry], queue: [SessionSpec]) -> Table {
        Table(
            columns: [
                .init("Session", flexible: true, minimum: 16), .init("Method", minimum: 6), .init("Data", flexible: true, minimum: 8, rank: 2),
                .init("Shots", numeric: true, rank: 1), .init("Epochs", numeric: true, rank: 3),
            ],
            rows: entries.map { entry in
                guard let spec = entry.spec else {
                    return Table.Row(id: entry.id, items: [Item(entry.name, role: .bad), Item("unreadable", role: .bad), Item(""), Item(""), Item("")])
                }
                let waits = queue.contains(spec)
                return Table.Row(
                    id: entry.id,
                    items: [
                        Item(entry.name + (waits ? " (queued)" : ""), role: entry.problem == nil ? .text : .warning), Item(spec.method.name.rawValue, role: .dim),
                        Item(lastPathPart(spec.data.path), role: .dim),
                        .number(Double(spec.data.shots ?? 1_000_000), spec.data.shots.map(String.init) ?? "all", role: .dim),
                        .number(Double(spec.optim.epochs), String(spec.optim.epochs), role: .dim),
                    ])
            })
    }

    static func homeRuns(_ runs: [RunRow], now: Double) -> Table {
        Table(
            columns: [
                .init("Run", flexible: true, minimum: 16), .init("State", minimum: 8), .init("Step", numeric: true, rank: 3),
                .init("Base", numeric: true, rank: 2), .init("New", numeric: true, rank: 2), .init("H", numeric: true, rank: 1),
                .init("Began", numeric: true, rank: 4),
            ],
            rows: runs.map { run in
                let state = run.status.word + (run.isElsewhere && run.status.isActive ? " ⇄" : "")
                return Table.Row(
                    id: run.id,
                    items: [
                        Item(run.name), Item(state, role: run.status.role), .number(Double(run.step), NumberText.grouped(run.step), role: .dim),
                        accuracy(run.base), accuracy(run.new), accuracy(run.harmonicMean),
                        .number(run.began, NumberText.ago(now - run.began), role: .dim),
                    ])
            })
    }

    static func accuracy(_ value: Double?, role: Role = .text) -> Item { .number(value, NumberText.percent(value), role: role) }

    static let resultColumns: [Table.Column] = [
        .init("Run", flexible: true, minimum: 14), .init("Method", minimum: 6), .init("Data", flexible: true, minimum: 8, rank: 3), .init("Seed", numeric: true, rank: 5),
        .init("Base", numeric: true), .init("New", numeric: true), .init("H", numeric: true), .init("All", numeric: true, rank: 6), .init("Loss", numeric: true, rank: 8),
        .init("Steps", numeric: true, rank: 4), .init("Time", numeric: true, rank: 7), .init("State", minimum: 8, rank: 2),
        .init("Remark", flexible: true, rank: 9),
    ]

    static func results(_ runs: [RunRow]) -> Table {
        Table(
            columns: resultColumns,
            rows: runs.map { run in
                Table.Row(
                    id: run.id,
                    items: [
                        Item(run.name), Item(run.methodName, role: .dim), Item(run.dataName, role: .dim),
                        .number(Double(run.spec.seed), run.isLog ? "–" : String(run.spec.seed), role: .dim), accuracy(run.base), accuracy(run.new),
                        accuracy(run.harmonicMean, role: .accent), accuracy(run.all),
                        .number(run.loss, run.loss.map { NumberText.fixed($0, 3) } ?? "–", role: .dim),
                        .number(Double(run.step), NumberText.grouped(run.step), role: .dim),
                        .number(run.seconds, NumberText.duration(run.seconds), role: .dim),
                        Item(run.status.word + (run.isElsewhere && run.status.isActive ? " ⇄" : ""), role: run.status.role),
                        Item(run.remark, role: .warning),
                    ])
            })
    }

    /// A row for each evaluation of each run; `WorkbenchState.evaluationRow` reads the ids.
    static func evaluations(_ runs: [RunRow]) -> Table {
        Table(
            columns: [
                .init("Run", flexible: true, minimum: 14), .init("Method", minimum: 6), .init("Data", flexible: true, minimum: 8, rank: 4), .init("Seed", numeric: true, rank: 6),
                .init("Step", numeric: true), .init("Classes", minimum: 4), .init("Images", minimum: 5, rank: 7), .init("Accuracy", numeric: true),
                .init("Macro F1", numeric: true, rank: 2), .init("Loss", numeric: true, rank: 3), .init("Count", numeric: true, rank: 5),
                .init("Time", numeric: true, rank: 8),
            ],
            rows: runs.flatMap { run in
                run.evaluations.enumerated().map { place, result in
                    Table.Row(
                        id: "\(place):\(run.id)",
                        items: [
                            Item(run.name), Item(result.method.rawValue, role: result.method == run.spec.method.name ? .text : .dim),
                            Item(lastPathPart(result.data), role: .dim), .number(Double(run.spec.seed), String(run.spec.seed), role: .dim),
                            .number(Double(result.step), NumberText.grouped(result.step), role: .dim), Item(result.classes.rawValue),
                            Item(result.subset.rawValue, role: .dim), accuracy(result.accuracy, role: .accent), accuracy(result.macroF1),
                            .number(result.loss, NumberText.fixed(result.loss, 3), role: .dim), .number(Double(result.count), NumberText.grouped(result.count), role: .dim),
                            .number(result.seconds, NumberText.duration(result.seconds), role: .dim),
                        ])
                }
            })
    }

    /// Runs that differ in the seed alone become one row with mean and deviation.
    static func grouped(_ runs: [RunRow]) -> Table {
        var keys: [String] = []
        var groups: [String: [RunRow]] = [:]
        for run in runs {
            let key = run.spec.settings.filter { $0.key != "name" && $0.key != "seed" }.map { $0.key + "=" + $0.value }
                .joined(separator: "\n")
            if groups[key] == nil { keys.append(key) }
            groups[key, default: []].append(run)
        }
        func spread(_ runs: [RunRow], _ value: (RunRow) -> Double?, role: Role = .text) -> Item {
            guard let spread = EvaluationAnalysis.spread(runs.compactMap(value)) else { return .number(nil, "") }
            let text = NumberText.percent(spread.mean) + (spread.deviation.map { " ± " + NumberText.fixed($0 * 100, 1) } ?? "")
            return .number(spread.mean, text, role: role)
        }
        return Table(
            columns: [
                .init("Runs", flexible: true, minimum: 14), .init("Method", minimum: 6), .init("Data", flexible: true, minimum: 8, rank: 1), .init("Seeds", numeric: true),
                .init("Base", numeric: true), .init("New", numeric: true), .init("H", numeric: true), .init("All", numeric: true, rank: 2),
            ],
            rows: keys.map { key in
                let members = groups[key] ?? []
                let first = members.first
                return Table.Row(
                    id: key,
                    items: [
                        Item(first?.name ?? ""), Item(first?.spec.method.name.rawValue ?? "", role: .dim), Item(first?.dataName ?? "", role: .dim),
                        .number(Double(members.count), String(members.count), role: .dim), spread(members, \.base), spread(members, \.new),
                        spread(members, \.harmonicMean, role: .accent), spread(members, \.all),
                    ])
            })
    }

    static func gainRole(_ gain: Double) -> Role { gain > 0.0005 ? .good : (gain < -0.0005 ? .bad : .dim) }

    static func classes(_ result: EvaluationResult, baseline: EvaluationResult?) -> Table {
        let before = Dictionary((baseline?.perClass ?? []).map { ($0.name, $0.accuracy) }, uniquingKeysWith: { first, _ in first })
        return Table(
            columns: [
                .init("Class", flexible: true, minimum: 12), .init("Right", numeric: true), .init("Images", numeric: true),
                .init("Accuracy", numeric: true), .init("Zero-shot", numeric: true, rank: 1), .init("Gain", numeric: true),
                .init("–  gain  +", numeric: true, minimum: 17, rank: 2),
            ],
            rows: result.perClass.enumerated().map { index, item in
                let old = before[item.name]
                let gain = old.map { item.accuracy - $0 }
                return Table.Row(
                    id: String(index),
                    items: [
                        Item(item.name), .number(Double(item.correct), NumberText.grouped(item.correct), role: .dim),
                        .number(Double(item.count), NumberText.grouped(item.count), role: .dim), accuracy(item.count == 0 ? nil : item.accuracy),
                        accuracy(old, role: .dim), .number(gain, gain.map { NumberText.points($0) } ?? "–", role: gainRole(gain ?? 0)),
                        gain.map { .signedBar($0) } ?? Item("", key: .missing, bar: 0),
                    ])
            })
    }

    static func pairs(_ result: EvaluationResult) -> Table {
        let names = result.perClass
        return Table(
            columns: [
                .init("True class", flexible: true, minimum: 12), .init("Taken for", flexible: true, minimum: 12), .init("Images", numeric: true),
                .init("Of class", numeric: true),
            ],
            rows: EvaluationAnalysis.confusions(result).map { pair in
                let share = Double(pair.count) / Double(max(1, names[pair.truth].count))
                return Table.Row(
                    id: "\(pair.truth)-\(pair.predicted)",
                    items: [
                        Item(names[pair.truth].name), Item(names[pair.predicted].name, role: .warning),
                        .number(Double(pair.count), NumberText.grouped(pair.count)), .number(share, NumberText.percent(share), role: .dim),
                    ])
            })
    }

    static func calibration(_ result: EvaluationResult) -> Table {
        Table(
            columns: [
                .init("Probability", minimum: 11), .init("Images", numeric: true), .init("Confidence", numeric: true), .init("Accuracy", numeric: true),
                .init("Gap", numeric: true), .init("–  gap  +", numeric: true, minimum: 17, rank: 1),
            ],
            rows: EvaluationAnalysis.calibration(result).bins.enumerated().map { index, bin in
                let range = NumberText.fixed(bin.low, 1) + " – " + NumberText.fixed(bin.high, 1)
                let gap = bin.accuracy - bin.confidence
                guard bin.count > 0 else {
                    return Table.Row(id: String(index), items: [Item(range, role: .faint), .number(0, "0", role: .faint), .number(nil, ""), .number(nil, ""), .number(nil, ""), Item("", key: .missing, bar: 0)])
                }
                return Table.Row(
                    id: String(index),
                    items: [
                        Item(range), .number(Double(bin.count), NumberText.grouped(bin.count), role: .dim), accuracy(bin.confidence, role: .dim), accuracy(bin.accuracy),
                        .number(gap, NumberText.points(gap), role: gap.magnitude < 0.03 ? .dim : (gap > 0 ? .good : .bad)), .signedBar(gap * 2),
                    ])
            })
    }

    static func images(_ result: EvaluationResult, classIndex: Int) -> Table {
        func name(_ index: Int?) -> String {
            guard let index, result.perClass.indices.contains(index) else { return "–" }
            return result.perClass[index].name
        }
        let members = result.predictions.filter { $0.label == classIndex }
        let shared = sharedFolder(members.map(\.path))
        return Table(
            columns: [.init("Image", flexible: true, minimum: 12), .init("Said", flexible: true, minimum: 10), .init("Prob.", numeric: true), .init("", minimum: 5)],
            rows: members.map { item in
                let probability = item.probability.first.map(Double.init)
                return Table.Row(
                    id: item.path,
                    items: [
                        Item(String(item.path.dropFirst(shared)), role: .dim), Item(name(item.top.first), role: item.isCorrect ? .text : .bad),
                        .number(probability, NumberText.percent(probability)), Item(item.isCorrect ? "right" : "wrong", role: item.isCorrect ? .good : .bad),
                    ])
            })
    }

    /// Every setting in which the members differ, then those that they share.
    static func settings(_ specs: [SessionSpec]) -> Table {
        let lists = specs.map(\.settings)
        guard let first = lists.first else { return Table(columns: [], rows: []) }
        var rows: [Table.Row] = []
        for differing in [true, false] {
            for (place, entry) in first.enumerated() {
                let values = lists.map { $0[place].1 }
                let differs = Set(values).count > 1
                guard differs == differing else { continue }
                rows.append(
                    Table.Row(
                        id: entry.0,
                        items: [Item(entry.0, role: differs ? .text : .dim)]
                            + values.enumerated().map { Item($0.element, role: differs ? .series($0.offset) : .dim) }
                            + [Item(differs ? "differs" : "same", role: differs ? .accent : .faint)]))
            }
        }
        return Table(
            columns: [.init("Setting", minimum: 16)]
                + specs.indices.map { .init(String(LineChart.letter($0)), flexible: true, minimum: 10, rank: $0 > 1 ? $0 : 0) } + [.init("", minimum: 7)],
            rows: rows)
    }

    /// Accuracy of every class in each member; the difference is the last member's over the first's.
    static func classComparison(_ results: [EvaluationResult?]) -> Table {
        guard let first = results.compactMap({ $0 }).first else { return Table(columns: [], rows: []) }
        let maps = results.map { result in
            Dictionary((result?.perClass ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        }
        let isPair = results.count > 1
        return Table(
            columns: [.init("Class", flexible: true, minimum: 12), .init("Images", numeric: true, rank: 1)]
                + results.indices.map { .init(String(LineChart.letter($0)), numeric: true, minimum: 6, rank: $0 > 3 ? $0 : 0) }
                + (isPair ? [.init("Change", numeric: true), .init("–  change  +", numeric: true, minimum: 21, rank: 2)] : []),
            rows: first.perClass.enumerated().map { index, item in
                let values = maps.map { map in map[item.name].flatMap { $0.count > 0 ? $0.accuracy : nil } }
                var items: [Item] = [Item(item.name), .number(Double(item.count), NumberText.grouped(item.count), role: .dim)]
                items += values.map { accuracy($0) }
                if isPair {
                    if let a = values.first ?? nil, let b = values.last ?? nil {
                        items += [.number(b - a, NumberText.points(b - a), role: gainRole(b - a)), .signedBar(b - a)]
                    } else {
                        items += [.number(nil, ""), Item("", key: .missing, bar: 0)]
                    }
                }
                return Table.Row(id: "\(index)", items: items)
            })
    }

    /// Letters of the folders that all paths begin with: names that are cut should be cut where they differ.
    private static func sharedFolder(_ paths: [String]) -> Int {
        guard var shared = paths.first?.lastIndex(of: "/").map({ paths[0][...$0] }) else { return 0 }
        for path in paths.dropFirst() {
            while !path.hasPrefix(shared) {
                guard let slash = shared.dropLast().lastIndex(of: "/") else { return 0 }
                shared = shared[...slash]
            }
        }
        return shared.count
    }

    static func flips(_ flips: [EvaluationAnalysis.Flip]) -> Table {
        let shared = sharedFolder(flips.map(\.path))
        return Table(
            columns: [
                .init("", minimum: 6), .init("True class", flexible: true, minimum: 10), .init("A said", flexible: true, minimum: 10),
                .init("Prob.", numeric: true, rank: 2), .init("B said", flexible: true, minimum: 10), .init("Prob.", numeric: true, rank: 2),
                .init("Image", flexible: true, minimum: 10, rank: 1),
            ],
            rows: flips.map { flip in
                Table.Row(
                    id: flip.path,
                    items: [
                        Item(flip.isGain ? "gained" : "lost", role: flip.isGain ? .good : .bad), Item(flip.label),
                        Item(flip.before, role: flip.isGain ? .bad : .good),
                        .number(Double(flip.confidenceBefore), NumberText.percent(Double(flip.confidenceBefore)), role: .dim),
                        Item(flip.after, role: flip.isGain ? .good : .bad),
                        .number(Double(flip.confidenceAfter), NumberText.percent(Double(flip.confidenceAfter)), role: .dim), Item(String(flip.path.dropFirst(shared)), role: .dim),
                    ])
            })
    }

    static func prompts(_ comparison: PromptComparison) -> Table {
        let count = comparison.members.count
        return Table(
            columns: [.init("Prompt", minimum: 8), .init("Depth", numeric: true)]
                + (0..<count).map { .init("‖\(LineChart.letter($0))‖", numeric: true, minimum: 7) }
                + (1..<max(1, count)).flatMap { [Table.Column("cos A,\(LineChart.letter($0))", numeric: true, minimum: 8), Table.Column("", minimum: 12, rank: $0 + 1)] },
            rows: comparison.rows.enumerated().map { index, row in
                var items: [Item] = [Item(row.kind.rawValue), .number(Double(row.depth), String(row.depth), role: .dim)]
                for place in 0..<count {
                    let norm = row.norms.indices.contains(place) ? row.norms[place] : nil
                    items.append(.number(norm, norm.map { NumberText.general($0, 4) } ?? "–"))
                }
                for place in 1..<max(1, count) {
                    let cosine = row.cosines.indices.contains(place) ? row.cosines[place] : nil
                    items.append(.number(cosine, cosine.map { NumberText.fixed($0, 3) } ?? "–", role: .text))
                    items.append(Item("", key: cosine.map { .number($0) } ?? .missing, role: .series(place), bar: max(0, cosine ?? 0)))
                }
                return Table.Row(id: String(index), items: items)
            })
    }
}
