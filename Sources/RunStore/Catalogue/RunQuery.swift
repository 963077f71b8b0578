/// Which runs are wanted, and in which order.
public struct RunQuery: Sendable, Equatable {
    /// What runs are sorted by; a run without the value comes last, whichever the direction.
    public enum Order: String, Sendable, CaseIterable {
        case created, updated, name, method, data, seed, steps, time, loss, base, new, all, state
        case harmonicMean = "hm"

        /// Read from A to Z, not from the largest down.
        public var isText: Bool { self == .name || self == .method || self == .data || self == .state }

        var column: String {
            switch self {
            case .time: "seconds"
            case .base: "base"
            case .new: "novel"
            case .all: "every_class"
            case .harmonicMean: "harmonic_mean"
            default: rawValue
            }
        }
    }

    /// Words that all occur in a run's name, folder, method, data, model, seed, state or problem; case and order do not matter.
    public var search: String
    public var order: Order
    public var isAscending: Bool
    public var limit: Int?

    public init(search: String = "", order: Order = .created, isAscending: Bool = false, limit: Int? = nil) {
        self.search = search
        self.order = order
        self.isAscending = isAscending
        self.limit = limit
    }

    var words: [String] { search.lowercased().split(separator: " ").map(String.init) }

    /// Tells text to be found as it is: % and _ are no wildcards.
    static func pattern(_ word: String) -> String {
        "%" + word.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_") + "%"
    }
}
