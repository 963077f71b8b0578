import RunModel

/// What one run of a base-to-novel protocol scored; fractions 0..1.
public struct BaseToNovelScore: Sendable, Equatable, Codable {
    /// The row of the table: a method's label, with the varied value in an ablation.
    public var row: String
    public var method: MethodName
    public var dataset: String
    public var seed: Int
    public var base: Double
    public var new: Double
    /// Base and new images over all names together.
    public var generalisedBase: Double?
    public var generalisedNew: Double?

    public init(
        row: String, method: MethodName, dataset: String, seed: Int, base: Double, new: Double, generalisedBase: Double? = nil,
        generalisedNew: Double? = nil
    ) {
        self.row = row
        self.method = method
        self.dataset = dataset
        self.seed = seed
        self.base = base
        self.new = new
        self.generalisedBase = generalisedBase
        self.generalisedNew = generalisedNew
    }
}

/// The paper's table: for each method and data set, and for their average, base and new accuracy and their harmonic mean.
///
/// A harmonic mean is that of the mean accuracies, over seeds and over data sets; its deviation is that of the seeds' own.
public struct BaseToNovelTable: Sendable, Equatable, Codable {
    public struct Figures: Sendable, Equatable, Codable {
        public var base: Spread
        public var new: Spread
        public var harmonicMean: Spread

        enum CodingKeys: String, CodingKey {
            case base, new
            case harmonicMean = "harmonic_mean"
        }
    }

    public struct Line: Sendable, Equatable, Codable {
        public var row: String
        public var method: MethodName
        /// "Average" for the mean over data sets.
        public var dataset: String
        /// Nil where nothing could be run.
        public var figures: Figures?
        /// Over all names together.
        public var generalised: Figures?
        /// Percent.
        public var paper: PaperFigures.BaseToNovel?
        /// Data sets that an average is over.
        public var datasets: Int?
    }

    public var lines: [Line]

    /// - Parameters:
    ///   - rows: labels and methods in the table's order.
    ///   - datasets: titles in the table's order, those without scores included.
    ///   - usesPaper: whether the paper's figures belong beside these: not for an ablation's rows.
    public init(_ scores: [BaseToNovelScore], rows: [(label: String, method: MethodName)], datasets: [String], usesPaper: Bool = true) {
        lines = []
        for (label, method) in rows {
            let own = scores.filter { $0.row == label }
            for dataset in datasets {
                let here = own.filter { $0.dataset == dataset }.sorted { $0.seed < $1.seed }
                lines.append(
                    Line(
                        row: label, method: method, dataset: dataset, figures: Self.figures(here.map { ($0.base, $0.new) }),
                        generalised: Self.figures(here.compactMap(Self.generalised)),
                        paper: usesPaper ? PaperFigures.baseToNovel(method, dataset) : nil, datasets: nil))
            }
            guard datasets.count > 1 else { continue }
            let present = datasets.filter { title in own.contains { $0.dataset == title } }
            lines.append(
                Line(
                    row: label, method: method, dataset: "Average", figures: Self.average(own, present) { ($0.base, $0.new) },
                    generalised: Self.average(own, present, Self.generalised),
                    paper: usesPaper ? PaperFigures.baseToNovelAverage(method, over: present) : nil, datasets: present.count))
        }
    }

    private static func generalised(_ score: BaseToNovelScore) -> (Double, Double)? {
        guard let base = score.generalisedBase, let new = score.generalisedNew else { return nil }
        return (base, new)
    }

    static func figures(_ pairs: [(Double, Double)]) -> Figures? {
        guard let base = Spread(pairs.map(\.0)), let new = Spread(pairs.map(\.1)),
            let own = Spread(pairs.map { RunModel.harmonicMean($0.0, $0.1) })
        else { return nil }
        let mean = Spread(mean: RunModel.harmonicMean(base.mean, new.mean), deviation: own.deviation, count: own.count)
        return Figures(base: base, new: new, harmonicMean: mean)
    }

    /// Means over data sets of means over seeds; the deviation is that of the seeds which every data set has.
    private static func average(
        _ scores: [BaseToNovelScore], _ datasets: [String], _ value: (BaseToNovelScore) -> (Double, Double)?
    ) -> Figures? {
        var means: [(Double, Double)] = []
        var bySeed: [Int: [(Double, Double)]] = [:]
        for dataset in datasets {
            let here = scores.filter { $0.dataset == dataset }
            guard let figures = figures(here.compactMap(value)) else { return nil }
            means.append((figures.base.mean, figures.new.mean))
            for score in here { if let pair = value(score) { bySeed[score.seed, default: []].append(pair) } }
        }
        guard let base = Spread(means.map(\.0)), let new = Spread(means.map(\.1)) else { return nil }
        let complete = bySeed.keys.sorted().compactMap { seed -> (Double, Double)? in
            guard let pairs = bySeed[seed], pairs.count == datasets.count else { return nil }
            return (pairs.map(\.0).reduce(0, +) / Double(pairs.count), pairs.map(\.1).reduce(0, +) / Double(pairs.count))
        }
        let seeds = figures(complete)
        func spread(_ mean: Double, _ over: Spread?) -> Spread { Spread(mean: mean, deviation: over?.deviation, count: over?.count ?? 0) }
        return Figures(
            base: spread(base.mean, seeds?.base), new: spread(new.mean, seeds?.new),
            harmonicMean: spread(RunModel.harmonicMean(base.mean, new.mean), seeds?.harmonicMean))
    }
}
