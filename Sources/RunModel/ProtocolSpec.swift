/// Which question a protocol asks.
public enum ProtocolKind: String, Sendable, Equatable, Codable, CaseIterable {
    /// Train on each data set's base classes, test on its base and its new classes.
    case baseToNovel = "base-to-novel"
    /// Train on all classes of one data set, test on others.
    case crossDataset = "cross-dataset"
    /// Train on all classes of one data set, test on shifted copies of it.
    case domainGeneralisation = "domain-generalisation"
    /// Base to novel, with one key of the session taking a list of values.
    case ablation

    /// Whether one source model is tested on other data sets.
    public var isTransfer: Bool { self == .crossDataset || self == .domainGeneralisation }
}

/// What a protocol's session says: over which data sets, methods and seeds which runs are made.
///
/// Settings of runs are kept as overrides `key=value` of a session's keys.
public struct ProtocolSpec: Sendable, Equatable {
    /// A row of the table.
    public struct Method: Sendable, Equatable {
        public var label: String
        public var overrides: [String]

        public init(label: String, overrides: [String]) {
            self.label = label
            self.overrides = overrides
        }
    }

    /// The key that an ablation varies, and its values as overrides write them.
    public struct Variation: Sendable, Equatable {
        public var key: String
        public var values: [String]

        public init(key: String, values: [String]) {
            self.key = key
            self.values = values
        }
    }

    public var kind: ProtocolKind
    public var name: String
    /// Absolute once the session is resolved.
    public var model: String
    /// Folders that data sets are looked for in: the session's `root`, the session's own, the working folder.
    public var roots: [String]
    /// The data set that a transfer protocol trains on.
    public var source: String?
    /// Paths, or names of the paper's data sets; empty for all that the paper's table has.
    public var data: [String]
    public var seeds: [Int]
    /// Score base and new images over base and new names together as well.
    public var generalised: Bool
    /// Evaluate after every epoch, so that forgetting is seen as it happens.
    public var probe: Bool
    /// Go on where images that a split file lists are missing.
    public var allowMissing: Bool
    /// For every run.
    public var shared: [String]
    public var methods: [Method]
    /// For the runs on one data set, by its name in `data` or `source`.
    public var dataOverrides: [String: [String]]
    public var variation: Variation?

    public init(
        kind: ProtocolKind, name: String, model: String, roots: [String] = [], source: String? = nil, data: [String] = [],
        seeds: [Int] = [1, 2, 3], generalised: Bool = false, probe: Bool = false, allowMissing: Bool = false,
        shared: [String] = [], methods: [Method], dataOverrides: [String: [String]] = [:], variation: Variation? = nil
    ) {
        self.kind = kind
        self.name = name
        self.model = model
        self.roots = roots
        self.source = source
        self.data = data
        self.seeds = seeds
        self.generalised = generalised
        self.probe = probe
        self.allowMissing = allowMissing
        self.shared = shared
        self.methods = methods
        self.dataOverrides = dataOverrides
        self.variation = variation
    }
}
