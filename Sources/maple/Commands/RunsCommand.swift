import ArgumentParser
import Foundation
import RunModel
import RunStore

extension RunQuery.Order: ExpressibleByArgument {}

struct Runs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List runs, newest first.",
        discussion: """
            The list comes from an index that is kept beside the run folders (.catalogue-1.sqlite) and follows them by itself; it may be \
            deleted at any time.
            """)

    @Argument(help: "Words that all occur in a run's name, folder, method, data set, model, seed or state.")
    var search: [String] = []

    @Option(help: "Sort by this; numbers come largest first, names from A.")
    var sort: RunQuery.Order = .created

    @Flag(help: "Turn the order round.")
    var reverse = false

    @Option(help: "At most so many runs.")
    var limit: Int?

    @Option(help: "Folder that holds the run folders (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Flag(help: "Print a JSON list on standard output.")
    var json = false

    private struct Row: Encodable {
        var run: String
        var name: String
        var state: String
        var detail: String?
        var method: String?
        var data: String?
        var seed: Int?
        var steps: Int
        var total_steps: Int?
        var seconds: Double
        var loss: Double?
        var base: Double?
        var new: Double?
        var all: Double?
        var harmonic_mean: Double?
        var created: Double
        var source: String?
    }

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more") }
    }

    func run() throws {
        let root = runs ?? RunFolder.defaultRoot()
        let query = RunQuery(search: search.joined(separator: " "), order: sort, isAscending: sort.isText != reverse, limit: limit)
        let found = try RunLibrary(root: root).catalogue.runs(query).map(\.overview)
        if json {
            return try sayJSON(
                found.map {
                    Row(
                        run: $0.path, name: $0.name, state: $0.state.word, detail: $0.state.detail,
                        method: $0.method?.rawValue, data: $0.data, seed: $0.seed, steps: $0.steps, total_steps: $0.totalSteps,
                        seconds: $0.seconds, loss: $0.loss, base: $0.base, new: $0.new, all: $0.all,
                        harmonic_mean: $0.harmonicMean, created: $0.created, source: $0.source)
                })
        }
        guard !found.isEmpty else {
            return note(search.isEmpty ? "no runs in \(root). Start one: maple train SESSION" : "no run in \(root) matches. Write fewer words.")
        }
        say(
            table(
                ["run", "state", "method", "data", "seed", "steps", "base %", "new %", "HM %", "time"],
                found.map {
                    [
                        ($0.path as NSString).lastPathComponent, $0.state.word, $0.method?.rawValue ?? "-",
                        $0.data.map { ($0 as NSString).lastPathComponent } ?? "-", $0.seed.map(String.init) ?? "-",
                        "\($0.steps)" + ($0.totalSteps.map { "/\($0)" } ?? ""), percent($0.base), percent($0.new),
                        percent($0.harmonicMean), duration($0.seconds),
                    ]
                }, left: [0, 1, 2, 3]))
        for run in found { if let detail = run.source.map({ "imported from \($0)" }) ?? run.state.detail { note("\((run.path as NSString).lastPathComponent): \(detail)") } }
    }
}

extension RunState {
    /// What more there is to say than `word`.
    var detail: String? {
        switch self {
        case .running(let process, let host): "process \(process) on \(host)"
        case .failed(let reason), .broken(let reason): reason
        case .finished, .stopped, .interrupted: nil
        }
    }
}
