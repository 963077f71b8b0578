import Datasets
import Formats
import Foundation
import RunModel
import RunStore

/// Says what a run tells in TensorBoard's terms, event by event.
///
/// | tag | what |
/// |---|---|
/// | train/loss, accuracy, learning_rate, images_per_second | scalars of each step |
/// | norms/text_0_token_0, text_0_gradient, text_0_moved ... | scalars of each step |
/// | eval/base_accuracy, base_macro_f1, base_loss, harmonic_mean ... | scalars of each evaluation; fractions 0..1 |
/// | prompts/<tensor> | histograms at each checkpoint |
/// | samples/<class> | pictures that are trained on, at step 0 |
/// | _hparams_/... | the session's settings |
struct TensorBoardLog {
    /// Takes the events, in order.
    typealias Sink = (TensorBoardEvent) throws -> Void

    /// Where a run keeps the log of its own training.
    static func folder(of run: RunFolder) -> String { run.path + "/tensorboard" }

    let sink: Sink
    /// The run's own data set; nil for one that is not known.
    let data: String?
    /// Evaluations of the latest step.
    private var figures: [EvaluationFigure] = []

    init(data: String?, figures: [EvaluationFigure] = [], sink: @escaping Sink) {
        self.data = data
        self.figures = figures
        self.sink = sink
    }

    // MARK: Scalars

    func step(_ point: MetricPoint, time: Double) throws {
        let tags = ["train/loss", "train/accuracy", "train/learning_rate", "train/images_per_second"]
        var values = zip(tags, point.figures).compactMap { tag, value in value.map { (tag, Float($0)) } }
        for norm in point.norms { values += norm.figures.map { ("norms/" + $0.name, $0.value) } }
        guard !values.isEmpty else { return }
        try sink(TensorBoardEvent(time: time, step: point.step, .values(values.map { SummaryValue($0, .scalar($1)) })))
    }

    mutating func evaluated(_ result: EvaluationResult, time: Double) throws {
        if let before = figures.last, before.step != result.step { figures = [] }
        let mean = EvaluationFigure.harmonicMean(of: result, at: time, data: data, among: figures)
        let new = EvaluationFigure.figures(of: result, at: time, data: data) + (mean.map { [$0] } ?? [])
        figures += new
        try new.forEach(figure)
    }

    func figure(_ figure: EvaluationFigure) throws {
        let value = SummaryValue("eval/" + figure.name, .scalar(Float(figure.value)))
        try sink(TensorBoardEvent(time: figure.time, step: figure.step, .values([value])))
    }

    // MARK: Tensors and pictures

    /// Histograms of a checkpoint's prompts; the optimiser's momentum is left out.
    func checkpoint(path: String, step: Int, time: Double) throws {
        let file = try SafetensorsFile(path: path)
        var values: [SummaryValue] = []
        for name in file.names where !name.hasPrefix("momentum/") {
            guard let tensor = file[name], tensor.type.isFloat else { continue }
            values.append(SummaryValue("prompts/" + name, .histogram(TensorBoardHistogram(try tensor.floats()))))
        }
        if !values.isEmpty { try sink(TensorBoardEvent(time: time, step: step, .values(values))) }
    }

    private static let pictureLimit = 24
    private static let pictureSide = 160

    /// The first picture that each class trains on, of up to 24 classes, resized and cropped to its middle.
    /// - Returns: how many could not be read.
    @discardableResult
    func pictures(_ samples: DrawnSamples, dataFolder: String, time: Double) throws -> Int {
        let side = Self.pictureSide
        let transform = ImageTransform(geometry: try ImageGeometry(resize: side, crop: side, mean: [0, 0, 0], std: [1, 1, 1]))
        var resizer = ImageResizer()
        var missing = 0
        for one in samples.classes.prefix(Self.pictureLimit) {
            guard let path = one.paths.first else { continue }
            guard let image = try? RGBImage(contentsOfFile: path.hasPrefix("/") ? path : dataFolder + "/" + path),
                let view = try? transform.testView(of: image, resizer: &resizer), let png = try? view.png()
            else {
                missing += 1
                continue
            }
            let value = SummaryValue("samples/" + one.name, .image(png: png, width: view.width, height: view.height))
            try sink(TensorBoardEvent(time: time, .values([value])))
        }
        return missing
    }

    // MARK: Settings

    /// What the session was trained with, and the scalars that sessions are compared by.
    func begin(_ spec: SessionSpec, time: Double) throws {
        typealias Value = HyperParameters.Value
        let method = spec.method, optim = spec.optim
        let settings: [(String, Value)] = [
            ("method.name", .text(method.name.rawValue)), ("method.context", .number(Double(method.context))),
            ("method.depth", .number(Double(method.depth))), ("method.init", .text(method.initialWords)),
            ("optim.lr", .number(optim.lr)), ("optim.epochs", .number(Double(optim.epochs))),
            ("optim.batch", .number(Double(optim.batch))), ("optim.momentum", .number(optim.momentum)),
            ("optim.weight_decay", .number(optim.weightDecay)), ("optim.schedule", .text(optim.schedule.rawValue)),
            ("optim.warmup_epochs", .number(Double(optim.warmupEpochs))), ("optim.warmup_lr", .number(optim.warmupLR)),
            ("data.path", .text((spec.data.path as NSString).lastPathComponent)), ("data.classes", .text(spec.data.classes.rawValue)),
            ("data.shots", spec.data.shots.map { .number(Double($0)) } ?? .text("all")),
            ("data.crop", .flag(spec.data.crop)), ("data.flip", .flag(spec.data.flip)),
            ("model.path", .text((spec.model.path as NSString).lastPathComponent)), ("seed", .number(Double(spec.seed))),
        ]
        var metrics = spec.eval.classes.map { "eval/\($0.rawValue)_accuracy" }
        if Set(spec.eval.classes).isSuperset(of: [.base, .new]) { metrics.append("eval/harmonic_mean") }
        metrics.append("train/loss")
        try sink(
            TensorBoardEvent(
                time: time,
                .values([
                    HyperParameters.experiment(settings, metrics: metrics), HyperParameters.sessionStart(settings, time: time),
                ])))
    }

    /// Readers forget what earlier files say of the steps after `step`.
    func restart(afterStep step: Int, time: Double) throws {
        try sink(TensorBoardEvent(time: time, step: step + 1, .restart))
    }

    func end(_ status: HyperParameters.Status, time: Double) throws {
        try sink(TensorBoardEvent(time: time, .values([HyperParameters.sessionEnd(status, time: time)])))
    }
}

extension TensorBoardLog {
    /// Writes all that a run folder holds as one event file in the folder asked for.
    /// - Returns: the file, and what there was to say on the way.
    static func export(_ request: ExportRequest, spec: SessionSpec?) throws -> (file: String, notes: [String]) {
        try request.checkPlace()
        var status = stat()
        if lstat(request.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG { throw ExportError.isFile(path: request.path) }
        let earlier = EventFile.names(in: request.path).map { request.path + "/" + $0 }
        if let first = earlier.first, !request.force { throw ExportError.exists(path: first) }
        let run = request.run
        let overview = RunList.overview(run)
        let begun = overview?.created ?? 0
        let points = try run.metrics(norms: true).points
        let figures = try EvaluationFigure.all(of: run)
        guard !points.isEmpty || !figures.isEmpty else { throw ExportError.nothingMeasured(run: run.path) }
        var written: [String: Double] = [:]
        for recorded in try run.events() {
            if case .checkpointWritten(let file, _) = recorded.event { written[(file as NSString).lastPathComponent] = recorded.time }
        }
        let checkpoints = try run.checkpoints()
        var notes: [String] = []
        let file = try EventFile.write(in: request.path, time: Date().timeIntervalSince1970) { append in
            // Lent for as long as this closure runs.
            try withoutActuallyEscaping(append) { append in
                var log = TensorBoardLog(data: overview?.data, sink: append)
                if let spec { try log.begin(spec, time: begun) }
                if let spec, let samples = try? run.samples() {
                    let missing = try log.pictures(samples, dataFolder: spec.data.path, time: begun)
                    if missing > 0 { notes.append("\(missing) sample pictures below \(spec.data.path) cannot be read and are left out") }
                }
                for point in points { try log.step(point, time: begun + point.time) }
                for figure in figures { try log.figure(figure) }
                for checkpoint in checkpoints {
                    guard let step = checkpoint.step else { continue }
                    do {
                        let time = written[(checkpoint.file as NSString).lastPathComponent] ?? begun
                        try log.checkpoint(path: run.path + "/" + checkpoint.file, step: step, time: time)
                    } catch let error as FormatError {
                        notes.append("\(error) Its histograms are left out.")
                    }
                }
                switch overview?.state {
                case .finished where spec != nil: try log.end(.success, time: overview?.updated ?? begun)
                case .failed: try log.end(.failure, time: overview?.updated ?? begun)
                default: break
                }
            }
        }
        for path in earlier { try? FileManager.default.removeItem(atPath: path) }
        return (file, notes)
    }
}
