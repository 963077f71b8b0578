import Foundation
import RunModel
import RunStore
import Screen

/// Two or more checkpoints laid side by side: what `maple compare` prints. Every later member is measured against the first.
struct RunComparison {
    struct Member {
        var id: CheckpointID
        var trace: RunTrace
        /// Folder name, with the step where it is not the last one.
        var title: String
    }

    struct Setting {
        var key: String
        /// One for each member.
        var values: [String]
        var differs: Bool { Set(values).count > 1 }
    }

    struct ClassRow {
        var name: String
        /// nil where a member has no image of the class.
        var accuracies: [Double?]
        /// Last member over the first.
        var change: Double?
    }

    /// One later member against the first on one class list.
    struct Pair {
        var member: Int
        /// Images that both scored.
        var paired: Int
        var flips: [EvaluationAnalysis.Flip]
        var test: McNemar
    }

    /// One class list that at least one member was evaluated on.
    struct Board {
        var classes: ClassSubset
        /// The evaluation of each member: the newest at or before its step.
        var results: [EvaluationResult?]
        /// Largest gain first, then by name.
        var rows: [ClassRow]
        /// nil where predictions are missing: `problems` says why.
        var pairs: [Pair]
    }

    var members: [Member]
    var settings: [Setting]
    var boards: [Board]
    var prompts: PromptComparison?
    /// What could not be compared, and why.
    var problems: [String] = []

    /// - Throws: `RunStoreError` where a run cannot be read.
    init(_ ids: [CheckpointID], from library: RunLibrary, classes wanted: [ClassSubset] = ClassSubset.allCases) throws {
        members = try ids.map { id in
            let name = RunFolder(path: id.run).name
            return Member(id: id, trace: try library.trace(of: id.run), title: id.step.map { "\(name) at step \($0)" } ?? name)
        }
        let lists = members.map(\.trace.row.spec.settings)
        settings = (lists.first ?? []).indices.map { place in Setting(key: lists[0][place].key, values: lists.map { $0[place].value }) }
        boards = []
        for classes in wanted {
            let places = members.map { member in member.trace.evaluation(classes, atMost: member.id.step) }
            guard places.contains(where: { $0 != nil }) else { continue }
            var results: [EvaluationResult?] = []
            for (member, place) in zip(members, places) {
                guard let place else {
                    results.append(nil)
                    continue
                }
                let head = member.trace.evaluations[place]
                do {
                    results.append(try library.evaluation(of: member.id.run, EvaluationKey(head)))
                } catch {
                    problems.append("\(error)")
                    results.append(head)
                }
            }
            boards.append(Self.board(classes, results))
        }
        do {
            let methods = members.map(\.trace.row.spec.method.name)
            if !methods.contains(.zeroshot) { prompts = try library.comparePrompts(ids) }
        } catch {
            problems.append("\(error)")
        }
    }

    private static func board(_ classes: ClassSubset, _ results: [EvaluationResult?]) -> Board {
        let tables = results.map { result in
            Dictionary((result?.perClass ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        }
        var names: [String] = []
        var seen: Set<String> = []
        for name in results.flatMap({ $0?.perClass.map(\.name) ?? [] }) where seen.insert(name).inserted { names.append(name) }
        let rows = names.map { name in
            let accuracies = tables.map { table in table[name].flatMap { $0.count > 0 ? $0.accuracy : nil } }
            var change: Double?
            if accuracies.count > 1, let first = accuracies[0], let last = accuracies[accuracies.count - 1] { change = last - first }
            return ClassRow(name: name, accuracies: accuracies, change: change)
        }
        var pairs: [Pair] = []
        if let first = results.first ?? nil, !first.predictions.isEmpty {
            for (member, result) in results.enumerated().dropFirst() {
                guard let result, !result.predictions.isEmpty else { continue }
                let found = EvaluationAnalysis.flips(first, result)
                pairs.append(Pair(member: member, paired: found.paired, flips: found.flips, test: found.test))
            }
        }
        return Board(
            classes: classes, results: results,
            rows: rows.sorted { ($0.change ?? -.infinity, $1.name) > ($1.change ?? -.infinity, $0.name) }, pairs: pairs)
    }
}
