import Datasets
import Engine
import Formats
import Foundation
import RunModel

/// Times training steps and evaluation: MaPLe's on a dump of the PyTorch peer, any method's on random weights of a named
/// shape.
public struct Bench {
    public var steps = 5
    public var warmup = 1
    public var threads = 0
    public var evalImages = 32
    public var learningRate = 0.0035

    public init() {}

    /// Shapes by name: vit-b/16, vit-b/32, vit-l/14 and a tiny one.
    public static let shapes: [String: CLIPShape] = [
        "vit-b/16": shape(image: 224, patch: 16, vision: (768, 12, 12), text: (512, 12, 8), embedding: 512),
        "vit-b/32": shape(image: 224, patch: 32, vision: (768, 12, 12), text: (512, 12, 8), embedding: 512),
        "vit-l/14": shape(image: 224, patch: 14, vision: (1024, 24, 16), text: (768, 12, 12), embedding: 768),
        "tiny": shape(image: 32, patch: 8, vision: (192, 4, 3), text: (128, 4, 2), embedding: 64),
    ]

    private static func shape(
        image: Int, patch: Int, vision: (Int, Int, Int), text: (Int, Int, Int), embedding: Int
    ) -> CLIPShape {
        CLIPShape(
            vision: TowerShape(width: vision.0, layers: vision.1, heads: vision.2, hidden: 4 * vision.0),
            text: TowerShape(width: text.0, layers: text.1, heads: text.2, hidden: 4 * text.0), imageSize: image,
            patchSize: patch, contextLength: 77, vocabulary: 49408, embedding: embedding)
    }

    /// What is timed, wherever it came from.
    private struct Subject {
        var name: String
        var clip: FrozenCLIP
        var sentences: [[Int32]]
        var context: Int
        var depth: Int
        var prompted: PromptedCLIP
        /// (batch, 3, size, size)
        var images: [Float]
        var labels: [Int32]
        var modelSeconds: Double
        var check: BenchReport.Check?
    }

    /// Random weights of a named shape, sentences of the length that class names mostly have, noise for images.
    ///
    /// - Parameter depth: prompted blocks; nil takes 9, or as many as the towers have.
    public func run(
        shape name: String, classes: Int, batch: Int, context: Int, depth: Int?, method: MethodName = .maple
    ) throws -> BenchReport {
        guard let shape = Self.shapes[name] else {
            throw TrainingError.goldens("the shape \(name) is not known. Use one of: \(Self.shapes.keys.sorted().joined(separator: ", ")).")
        }
        let random = RandomCLIP(shape: shape, seed: 1)
        let began = Self.now()
        let clip = try FrozenCLIP(
            shape: shape, startToken: 49406, source: random.source, workers: Workers(count: threads))
        let modelSeconds = Self.now() - began
        var generator = RunGenerator(seed: 1, "bench")
        // Four fixed words, one to three of a name, full stop, end token.
        let sentences = (0..<classes).map { _ in
            [49406, 320, 1125, 539, 320] + (0...generator.below(3)).map { _ in Int32(1000 + generator.below(40_000)) }
                + [269, 49407]
        }
        let depth = depth ?? min(9, shape.text.layers, shape.vision.layers)
        let prompts = try LearnedPrompts(
            clip: clip, method: PromptMethod(MethodSpec(name: method, context: context, depth: depth)),
            initial: .words((0..<context).map { 320 + Int32($0) }), seed: 1)
        let prompted = try PromptedCLIP(
            prompts: prompts, sentences: sentences, batch: batch, momentum: 0.9, weightDecay: 5e-4)
        let images = (0..<(batch * 3 * shape.imageSize * shape.imageSize)).map { _ in Float(generator.normal()) }
        return try measure(
            Subject(
                name: name, clip: clip, sentences: sentences, context: context, depth: depth, prompted: prompted,
                images: images, labels: (0..<batch).map { _ in Int32(generator.below(classes)) },
                modelSeconds: modelSeconds))
    }

    private struct Expected: Decodable {
        var shape: String
        var n_ctx: Int
        var depth: Int
        var classnames: [String]
        var template: String
        var labels: [Int32]
        var loss: Double
        var grad_norms: [String: Double]
    }

    /// A folder that the peer wrote with `--dump`: the same weights, prompts, batch and expected numbers.
    public func run(dump folder: String) throws -> BenchReport {
        let expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/expected.json")))
        let began = Self.now()
        let model = try ModelFolder(path: folder, threads: threads)
        let modelSeconds = Self.now() - began
        let batch = try SafetensorsFile(path: folder + "/batch.safetensors")
        let initial = try SafetensorsFile(path: folder + "/prompts.safetensors")
        let numbers = try SafetensorsFile(path: folder + "/expected.safetensors")
        let sentences = ClassSentences(
            classNames: expected.classnames, template: expected.template, tokenizer: model.tokenizer,
            window: model.configuration.contextLength
        ).tokens
        let size = model.clip.shape.imageSize
        let images = try batch.tensor("images", shape: [expected.labels.count, 3, size, size]).floats()
        guard expected.labels.allSatisfy({ (0..<sentences.count).contains(Int($0)) }) else {
            throw TrainingError.goldens("\(folder)/expected.json has labels that are no classes")
        }
        let words = sentences[0].dropFirst().prefix(expected.n_ctx)
        let prompts = try LearnedPrompts(
            clip: model.clip, method: .maple(context: expected.n_ctx, depth: expected.depth), initial: .words(Array(words)),
            seed: 1)
        let prompted = try PromptedCLIP(
            prompts: prompts, sentences: sentences, batch: expected.labels.count, momentum: 0.9, weightDecay: 5e-4)
        for t in prompts.trainable { try initial.tensor(t.name, shape: t.shape).copyFloats(into: t.value) }

        let loss = expected.labels.withUnsafeBufferPointer { prompted.gradients(images: images, labels: $0) }
        var norms = 0.0, gradients = 0.0
        for t in prompts.trainable {
            let found = t.gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            if let norm = expected.grad_norms[t.name] { norms = max(norms, abs(found - norm) / max(norm, 1e-12)) }
            let wanted = try numbers.tensor("grad/" + t.name, shape: t.shape).floats()
            let largest = wanted.reduce(0) { max($0, abs($1)) }
            let difference = zip(t.gradient, wanted).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            gradients = max(gradients, Double(difference / max(largest, 1e-12)))
        }
        let wantedLogits = try numbers.tensor("logits").floats()
        let logits = prompted.logits(images: images, count: expected.labels.count)
        let logitError = zip(logits, wantedLogits).reduce(0.0) { max($0, Double(abs($1.0 - $1.1))) }
        let width = model.configuration.contextLength
        let padded = sentences.flatMap { $0 + Array(repeating: 0, count: max(0, width - $0.count)) }.map(Int64.init)
        let tokensEqual = try batch.tensor("tokens").integers() == padded
        let lossError = abs(Double(loss) - expected.loss)
        let check = BenchReport.Check(
            passed: tokensEqual && lossError <= 1e-4 && logitError <= 1e-4 && gradients <= 1e-4 && norms <= 1e-4,
            tokensEqual: tokensEqual, loss: lossError, logits: logitError, gradientNorms: norms, gradients: gradients)
        return try measure(
            Subject(
                name: expected.shape, clip: model.clip, sentences: sentences, context: expected.n_ctx,
                depth: expected.depth, prompted: prompted, images: images, labels: expected.labels,
                modelSeconds: modelSeconds, check: check))
    }

    private func measure(_ subject: Subject) throws -> BenchReport {
        let clip = subject.clip, prompted = subject.prompted, batch = subject.labels.count
        let machine = MachineRate(workers: clip.workers)
        var times: [Double] = []
        var losses: [Double] = []
        var rates: [Double] = []
        var operations = 0
        for k in 0..<(warmup + steps) {
            Arithmetic.reset()
            let began = Self.now()
            let outcome = subject.labels.withUnsafeBufferPointer {
                prompted.step(images: subject.images, labels: $0, learningRate: learningRate)
            }
            let spent = Self.now() - began
            operations = Arithmetic.operations
            losses.append(Double(outcome.loss))
            if k >= warmup {
                times.append(spent)
                rates.append(machine.measure(seconds: Self.now) / 1e9)
            }
        }
        let peakTrain = Self.peakMiB
        var evaluation: BenchReport.Evaluation?
        if evalImages > 0 {
            let began = Self.now()
            let scorer = try Scorer(clip: clip, prompts: prompted.prompts, sentences: subject.sentences)
            let ready = Self.now()
            let size = clip.shape.imageSize, values = 3 * size * size
            var generator = RunGenerator(seed: 2, "bench")
            let images = (0..<(scorer.capacity * values)).map { _ in Float(generator.uniform(-2, 2)) }
            var logits = [Float](repeating: 0, count: scorer.capacity * scorer.classes)
            let start = Self.now()
            var done = 0
            while done < evalImages {
                let count = min(scorer.capacity, evalImages - done)
                scorer.logits(images: images, count: count, into: &logits)
                done += count
            }
            evaluation = .init(
                textFeaturesSeconds: ready - began, images: done, imagesPerSecond: Double(done) / (Self.now() - start),
                batch: scorer.capacity)
        }
        let step = median(times), rate = rates.max() ?? machine.measure(seconds: Self.now) / 1e9
        let middle = median(rates) ?? rate
        let perSecond = step.map { Double(operations) / $0 / 1e9 }
        return BenchReport(
            shape: subject.name, classes: subject.sentences.count, batch: batch, context: subject.context,
            depth: subject.depth, threads: clip.workers.count, warmup: warmup, steps: steps, stepSecondsMedian: step,
            stepSeconds: times, trainImagesPerSecond: step.map { Double(batch) / $0 }, losses: losses, eval: evaluation,
            peakTrainMiB: peakTrain, peakMiB: Self.peakMiB, blasCore: BLAS.coreName, stepGFLOP: Double(operations) / 1e9,
            stepGFLOPPerSecond: perSecond, gemmGFLOPPerSecond: rate, gemmGFLOPPerSecondMedian: middle,
            gemmShare: perSecond.map { $0 / rate }, gemmShareMedian: perSecond.map { $0 / middle },
            textRows: prompted.plan.rows, textRowsReference: subject.sentences.count * clip.shape.contextLength,
            modelSeconds: subject.modelSeconds, check: subject.check)
    }

    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Peak resident memory of this process, in MiB.
    static var peakMiB: Double {
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_maxrss) / 1024
    }
}
