import ArgumentParser
import Datasets
import Engine
import Formats
import Foundation
import RunModel
import SessionFile
import Training

struct CostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cost", abstract: "What a session costs: parameters, arithmetic, memory, counted and then measured.",
        discussion: """
            Counts from shapes before anything is run, then takes a few steps on noise and scores a batch. A protocol's session \
            gives a line for each of its rows, for its first data set. With --shape, random weights of a known size and made-up class \
            names stand in for the model and the data of a run's session, which need not be there.
            """)

    @Argument(help: "Session file (TOML), of a run or of a protocol.")
    var session: String

    @Option(name: .customLong("set"), help: ArgumentHelp("Override a key of the session, such as optim.batch=1.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: "Random weights of this shape instead of the model: vit-b/16, vit-b/32, vit-l/14 or tiny.")
    var shape: String?

    @Option(help: "With --shape, so many classes of made-up names.")
    var classes = 50

    @Flag(help: "Count only.")
    var countOnly = false

    @Option(help: "Timed steps.")
    var steps = 3

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    @OptionGroup var compute: ThreadOptions

    struct Row: Encodable {
        struct Measured: Encodable {
            var step_gflop: Double
            var step_seconds: Double?
            var train_images_per_second: Double?
            var eval_images_per_second: Double
            /// Of the process so far; later rows include earlier ones.
            var peak_mib: Double
        }
        var name: String
        var classes: Int
        var batch: Int
        var trainable_parameters: Int
        var step_gflop: Double
        var image_gflop: Double
        var text_gflop: Double
        var training_mib: Double
        var scoring_mib: Double
        var measured: Measured?
    }

    func validate() throws {
        if let shape, Bench.shapes[shape] == nil {
            throw ValidationError("--shape must be one of \(Bench.shapes.keys.sorted().joined(separator: ", "))")
        }
        guard (1...100_000).contains(classes), (1...10_000).contains(steps) else { throw ValidationError("--classes and --steps must be at least 1") }
    }

    /// What is costed: a session and its training classes.
    private struct Subject {
        var name: String
        var spec: SessionSpec
        var sentences: [[Int32]]
        var classes: Int
    }

    func run() throws {
        let isProtocol = (try? String(contentsOfFile: session, encoding: .utf8))?.split(whereSeparator: \.isNewline)
            .contains { $0.drop { $0 == " " }.hasPrefix("kind") } ?? false
        var subjects: [Subject] = []
        let size: CLIPShape
        var modelPath = ""
        if isProtocol {
            let spec = try ProtocolFile.read(path: session, overrides: overrides)
            let plan = try ProtocolPlan(spec)
            for line in plan.empty { note("left out: \(line)") }
            let folder = try CLIPFiles(path: spec.model, checkingFinite: false)
            size = try shapeOf(folder)
            modelPath = spec.model
            for row in plan.rows.indices {
                guard let run = plan.runs.first(where: { $0.row == row }), let data = plan.entries[run.data].data else { continue }
                subjects.append(try subject(plan.rows[row].label, run.spec, data.cut(to: run.spec.data.classes).classNames, folder))
            }
        } else {
            if let shape, let known = Bench.shapes[shape] {
                size = known
                let text = try SessionFile.text(path: session)
                let spec = try SessionFile.parse(text: text, name: session, overrides: overrides)
                subjects = [madeUp(spec.name, spec, known)]
            } else {
                let spec = try SessionFile.read(path: session, overrides: overrides)
                let folder = try CLIPFiles(path: spec.model.path, vocabulary: spec.model.vocabulary, checkingFinite: false)
                size = try shapeOf(folder)
                modelPath = spec.model.path
                let names = try ImageDataset.open(path: spec.data.path, split: spec.data.split).cut(to: spec.data.classes).classNames
                subjects = [try subject(spec.name, spec, names, folder)]
            }
        }
        let counted = try subjects.map { subject in
            try MethodCost(
                shape: size, method: subject.spec.method, sentences: subject.sentences, classes: subject.classes,
                batch: subject.spec.optim.batch)
        }
        var rows = zip(subjects, counted).map { subject, cost in
            Row(
                name: subject.name, classes: subject.classes, batch: subject.spec.optim.batch,
                trainable_parameters: cost.trainableParameters, step_gflop: cost.stepOperations / 1e9,
                image_gflop: cost.imageOperations / 1e9, text_gflop: cost.textOperations / 1e9,
                training_mib: (cost.trainingBytes + Self.programBytes) / 1_048_576,
                scoring_mib: (cost.weightBytes + cost.scoringBytes + Self.programBytes) / 1_048_576, measured: nil)
        }
        if !json { show(rows) }
        if !countOnly {
            if !json { say("\nmeasured") }
            let clip = try clip(size, modelPath)
            for index in subjects.indices { rows[index].measured = try measure(subjects[index], clip) }
            if !json { showMeasured(rows) }
        }
        if json { try sayJSON(rows) }
    }

    /// The program itself without a model.
    static let programBytes = 40.0 * 1_048_576

    private func shapeOf(_ folder: CLIPFiles) throws -> CLIPShape {
        if let shape, let known = Bench.shapes[shape] { return known }
        return CLIPShape(folder.configuration)
    }

    private func clip(_ size: CLIPShape, _ path: String) throws -> FrozenCLIP {
        guard shape != nil else { return try ModelFolder(path: path, threads: compute.threads).clip }
        return try FrozenCLIP(
            shape: size, startToken: Int32(size.vocabulary - 2), source: RandomCLIP(shape: size, seed: 1).source,
            workers: Workers(count: compute.threads))
    }

    /// Sentences as long as those of real class names: context or four words, one to three tokens of a name, full stop.
    private func madeUp(_ name: String, _ spec: SessionSpec, _ size: CLIPShape) -> Subject {
        var generator = RunGenerator(seed: 1, "cost")
        let words = max(4, spec.method.context)
        let sentences = (0..<classes).map { _ -> [Int32] in
            [Int32(size.vocabulary - 2)] + (0..<words).map { Int32(320 + $0) }
                + (0...generator.below(3)).map { _ in Int32(1000 + generator.below(40_000)) } + [269, Int32(size.vocabulary - 1)]
        }
        return Subject(name: name, spec: spec, sentences: sentences, classes: classes)
    }

    private func subject(_ name: String, _ spec: SessionSpec, _ names: [String], _ folder: CLIPFiles) throws -> Subject {
        if let shape, let size = Bench.shapes[shape] { return madeUp(name, spec, size) }
        let sentences = ClassSentences(
            classNames: names, spec: spec, tokenizer: folder.tokenizer, window: folder.configuration.contextLength)
        for line in sentences.warnings { note("warning: \(line)") }
        return Subject(name: name, spec: spec, sentences: sentences.tokens, classes: names.count)
    }

    private func measure(_ subject: Subject, _ clip: FrozenCLIP) throws -> Row.Measured {
        let spec = subject.spec, size = clip.shape.imageSize, values = 3 * size * size
        var generator = RunGenerator(seed: 1, "cost pixels")
        let batch = spec.optim.batch
        var prompts: LearnedPrompts?
        var times: [Double] = []
        var operations = 0
        func now() -> Double { ProcessInfo.processInfo.systemUptime }
        if spec.method.name != .zeroshot {
            let learned = try LearnedPrompts(
                clip: clip, method: PromptMethod(spec.method, classes: subject.classes), initial: .random, seed: 1)
            let prompted = try PromptedCLIP(
                prompts: learned, sentences: subject.sentences, batch: batch, momentum: spec.optim.momentum,
                weightDecay: spec.optim.weightDecay)
            let images = (0..<(batch * values)).map { _ in Float(generator.uniform(-2, 2)) }
            let labels = (0..<batch).map { _ in Int32(generator.below(subject.classes)) }
            for step in 0...steps {
                Arithmetic.reset()
                let began = now()
                _ = labels.withUnsafeBufferPointer { prompted.step(images: images, labels: $0, learningRate: 1e-6) }
                if step > 0 { times.append(now() - began) }
                operations = Arithmetic.operations
            }
            prompts = learned
        }
        let scorer = try Scorer(
            clip: clip, prompts: prompts, sentences: subject.sentences, templates: max(1, subject.sentences.count / max(1, subject.classes)))
        let images = (0..<(scorer.capacity * values)).map { _ in Float(generator.uniform(-2, 2)) }
        var logits = [Float](repeating: 0, count: scorer.capacity * scorer.classes)
        scorer.logits(images: images, count: scorer.capacity, into: &logits)
        let began = now()
        scorer.logits(images: images, count: scorer.capacity, into: &logits)
        let spent = max(1e-9, now() - began)
        times.sort()
        let median: Double? = times.isEmpty ? nil : times[times.count / 2]
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        let arithmetic: Double = Double(operations) / 1e9
        let trained: Double? = median.map { (seconds: Double) -> Double in Double(batch) / seconds }
        let scored: Double = Double(scorer.capacity) / spent
        let peak: Double = Double(usage.ru_maxrss) / 1024
        return Row.Measured(
            step_gflop: arithmetic, step_seconds: median, train_images_per_second: trained, eval_images_per_second: scored,
            peak_mib: peak)
    }

    private func gflop(_ value: Double) -> String { String(format: value < 10 ? "%.3f" : "%.1f", value) }

    private func show(_ rows: [Row]) {
        say(table(
            ["method", "classes", "batch", "parameters", "GFLOP/step", "GFLOP/image", "GFLOP texts", "training MiB", "scoring MiB"],
            rows.map { (row: Row) -> [String] in
                let sizes: [String] = [row.name, "\(row.classes)", "\(row.batch)", "\(row.trainable_parameters)"]
                let arithmetic: [String] = [gflop(row.step_gflop), gflop(row.image_gflop), gflop(row.text_gflop)]
                let memory: [String] = [String(format: "%.0f", row.training_mib), String(format: "%.0f", row.scoring_mib)]
                return sizes + arithmetic + memory
            }))
    }

    private func showMeasured(_ rows: [Row]) {
        say(table(
            ["method", "GFLOP/step", "s/step", "images/s training", "images/s scoring", "peak MiB"],
            rows.compactMap { row in
                row.measured.map {
                    [
                        row.name, gflop($0.step_gflop), $0.step_seconds.map { String(format: "%.4f", $0) } ?? "-",
                        $0.train_images_per_second.map { String(format: "%.1f", $0) } ?? "-", String(format: "%.1f", $0.eval_images_per_second),
                        String(format: "%.0f", $0.peak_mib),
                    ]
                }
            }))
    }
}
