import RunModel

/// All that was measured in a run as one table: a row a step, norms flattened, evaluations in the row of their step.
///
/// Columns: `step epoch loss accuracy lr time images_per_second`, then for each prompt `text_0_token_0 ... text_0_gradient
/// text_0_moved` (kind, depth from 0), then `base_accuracy base_macro_f1 base_loss ... harmonic_mean`. A cell without a
/// measurement is empty.
public struct MetricTable {
    /// A cell; numbers are written as the shortest text that reads back as the same number.
    enum Value: Equatable {
        case whole(Int)
        case double(Double)
        case float(Float)
    }

    public let columns: [String]
    /// Of the rows, ascending.
    public let steps: [Int]
    private let places: [String: Int]
    private let points: [MetricPoint]
    /// By step.
    private let evaluations: [Int: [EvaluationFigure]]
    private static let fixed = ["step", "epoch", "loss", "accuracy", "lr", "time", "images_per_second"]

    /// - Throws: `RunStoreError`.
    public init(_ run: RunFolder) throws {
        self.init(points: try run.metrics(norms: true).points, evaluations: try EvaluationFigure.all(of: run))
    }

    init(points: [MetricPoint], evaluations: [EvaluationFigure]) {
        var columns = Self.fixed
        var places = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1, $0) })
        func note(_ name: String) {
            guard places[name] == nil else { return }
            places[name] = columns.count
            columns.append(name)
        }
        struct Layout: Equatable {
            var kind: PromptNorm.Kind
            var depth: Int
            var tokens: Int
        }
        var layout: [Layout] = []
        for point in points {
            // Nearly always the layout of the row before.
            let own = point.norms.map { Layout(kind: $0.kind, depth: $0.depth, tokens: $0.tokens.count) }
            if own != layout { point.norms.forEach { $0.figures.forEach { note($0.name) } } }
            layout = own
        }
        evaluations.forEach { note($0.name) }
        (self.columns, self.places, self.points) = (columns, places, points)
        self.evaluations = Dictionary(grouping: evaluations, by: \.step)
        steps = Set(points.map(\.step)).union(self.evaluations.keys).sorted()
    }

    /// Calls `body` with the cells of each row, ascending by step.
    private func forEachRow(_ body: ([Value?]) throws -> Void) rethrows {
        var next = 0
        for step in steps {
            var row = [Value?](repeating: nil, count: columns.count)
            row[0] = .whole(step)
            while next < points.count, points[next].step <= step {
                let point = points[next]
                next += 1
                row[1] = .whole(point.epoch)
                row[5] = .double(point.time)
                for (place, value) in zip([2, 3, 4, 6], point.figures) { row[place] = value.map(Value.double) }
                for norm in point.norms {
                    for figure in norm.figures { if let place = places[figure.name] { row[place] = .float(figure.value) } }
                }
            }
            for figure in evaluations[step] ?? [] { if let place = places[figure.name] { row[place] = .double(figure.value) } }
            try body(row)
        }
    }

    // MARK: Writing

    /// Comma-separated, a header line first. Numbers that are not finite are `nan`, `inf` and `-inf`.
    public func writeCSV(_ append: ([UInt8]) throws -> Void) throws {
        try append(Array((columns.joined(separator: ",") + "\n").utf8))
        try forEachRow { row in
            let cells = row.map { value in
                switch value {
                case .whole(let whole): String(whole)
                case .double(let number): number.description
                case .float(let number): number.description
                case nil: ""
                }
            }
            try append(Array((cells.joined(separator: ",") + "\n").utf8))
        }
    }

    /// One JSON object a line; a number that is not finite is `null` beside `<key>_is` ("nan", "inf", "-inf"). Empty cells are
    /// left out.
    public func writeJSONLines(_ append: ([UInt8]) throws -> Void) throws {
        try forEachRow { row in
            let object = JSONText.object { text in
                for (name, value) in zip(columns, row) {
                    switch value {
                    case .whole(let whole): text.field(name, whole)
                    case .double(let number): text.field(name, number)
                    case .float(let number): text.field(name, number)
                    case nil: break
                    }
                }
            }
            try append(object + [0x0A])
        }
    }
}

extension MetricPoint {
    /// Loss, accuracy, learning rate and images per second; nil for what was not measured.
    public var figures: [Double?] {
        [(Figures.loss, loss), (.accuracy, accuracy), (.learningRate, learningRate), (.imagesPerSecond, imagesPerSecond)]
            .map { measured.contains($0) ? $1 : nil }
    }
}

extension PromptNorm {
    /// Its numbers with their names: `text_0_token_0`, `text_0_gradient`, `text_0_moved`.
    public var figures: [(name: String, value: Float)] {
        let stem = "\(kind.rawValue)_\(depth)"
        return tokens.enumerated().map { ("\(stem)_token_\($0)", $1) } + [("\(stem)_gradient", gradient), ("\(stem)_moved", moved)]
    }
}

/// One number of an evaluation and what it is called: `base_accuracy`, `new_loss`, `harmonic_mean`.
///
/// Images other than the test images and data sets other than the run's own are named too: `base_accuracy_val`,
/// `all_accuracy_imagenet-sketch`.
public struct EvaluationFigure: Sendable, Equatable {
    public var step: Int
    /// Seconds since 1970.
    public var time: Double
    public var name: String
    public var value: Double

    /// - Parameter data: the run's own data set; nil takes every evaluation for the run's own.
    public static func figures(of result: EvaluationResult, at time: Double, data: String?) -> [EvaluationFigure] {
        let suffix = suffix(of: result, data: data)
        return [("accuracy", result.accuracy), ("macro_f1", result.macroF1), ("loss", result.loss)].map {
            EvaluationFigure(step: result.step, time: time, name: "\(result.classes.rawValue)_\($0)\(suffix)", value: $1)
        }
    }

    /// The harmonic mean that `new` completes, with what was measured before at the same step.
    public static func harmonicMean(of new: EvaluationResult, at time: Double, data: String?, among earlier: [EvaluationFigure]) -> EvaluationFigure? {
        guard new.classes != .all else { return nil }
        let suffix = suffix(of: new, data: data)
        let other: ClassSubset = new.classes == .base ? .new : .base
        let name = "\(other.rawValue)_accuracy\(suffix)"
        guard let found = earlier.last(where: { $0.step == new.step && $0.name == name }) else { return nil }
        return EvaluationFigure(
            step: new.step, time: time, name: "harmonic_mean\(suffix)", value: RunModel.harmonicMean(new.accuracy, found.value))
    }

    private static func suffix(of result: EvaluationResult, data: String?) -> String {
        let isOwn = data == nil || result.data == data
        return (result.subset == .test ? "" : "_\(result.subset.rawValue)")
            + (isOwn ? "" : "_" + RunFolder.slug(result.data.split(separator: "/").last.map(String.init) ?? "data"))
    }

    /// The figures of all evaluations that a run's events tell, by time; those of steps that a resumed run took anew are left out.
    /// - Throws: `RunStoreError`.
    public static func all(of run: RunFolder) throws -> [EvaluationFigure] {
        let overview = try? SummaryFile.read(run), data = overview?.data
        var figures: [EvaluationFigure] = []
        for recorded in try run.events() {
            switch recorded.event {
            case .started(_, _, let fromStep): figures.removeAll { $0.step > fromStep }
            // The zero-shot figures that a run keeps to be measured against are not its own.
            case .evaluated(let result) where overview?.method.map({ $0 == result.method }) ?? true:
                let mean = harmonicMean(of: result, at: recorded.time, data: data, among: figures)
                figures += Self.figures(of: result, at: recorded.time, data: data) + (mean.map { [$0] } ?? [])
            default: break
            }
        }
        return figures
    }
}
