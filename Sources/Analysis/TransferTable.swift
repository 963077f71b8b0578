import RunModel

/// What a model that was trained on the source scored on one data set; a fraction.
public struct TransferScore: Sendable, Equatable, Codable {
    public var row: String
    public var method: MethodName
    public var dataset: String
    public var seed: Int
    public var accuracy: Double

    public init(row: String, method: MethodName, dataset: String, seed: Int, accuracy: Double) {
        self.row = row
        self.method = method
        self.dataset = dataset
        self.seed = seed
        self.accuracy = accuracy
    }
}

/// The paper's tables of transfer: for each method the accuracy on the source, on each target, and the targets' average.
public struct TransferTable: Sendable, Equatable, Codable {
    public struct Line: Sendable, Equatable, Codable {
        public var row: String
        public var method: MethodName
        public var dataset: String
        public var isSource: Bool
        public var accuracy: Spread?
        /// Percent.
        public var paper: Double?
        /// Data sets that an average is over.
        public var datasets: Int?
    }

    public var lines: [Line]

    /// - Parameter targets: titles in the table's order, those without scores included.
    public init(
        _ scores: [TransferScore], kind: ProtocolKind, rows: [(label: String, method: MethodName)], source: String,
        targets: [String]
    ) {
        lines = []
        for (label, method) in rows {
            let own = scores.filter { $0.row == label }
            func line(_ dataset: String, isSource: Bool) -> Line {
                let here = own.filter { $0.dataset == dataset }.sorted { $0.seed < $1.seed }
                return Line(
                    row: label, method: method, dataset: dataset, isSource: isSource, accuracy: Spread(here.map(\.accuracy)),
                    paper: PaperFigures.transfer(kind, method, dataset), datasets: nil)
            }
            let all = [line(source, isSource: true)] + targets.map { line($0, isSource: false) }
            lines += all
            guard targets.count > 1 else { continue }
            let present = all.filter { !$0.isSource && $0.accuracy != nil }
            let bySeed = Dictionary(grouping: own.filter { $0.dataset != source }, by: \.seed).sorted { $0.key < $1.key }
            let complete = bySeed.filter { $0.value.count == present.count }
                .map { $0.value.reduce(0) { $0 + $1.accuracy } / Double(max(1, present.count)) }
            let mean = Spread(present.compactMap { $0.accuracy?.mean })
            lines.append(
                Line(
                    row: label, method: method, dataset: "Average", isSource: false,
                    accuracy: mean.map { Spread(mean: $0.mean, deviation: Spread(complete)?.deviation, count: complete.count) },
                    paper: PaperFigures.transferAverage(kind, method, over: present.map(\.dataset)), datasets: present.count))
        }
    }
}
