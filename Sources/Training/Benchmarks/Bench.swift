import Datasets
import Engine
import Formats
import Foundation
import RunModel

/// Times training steps and evaluation of any method, on a dump of a PyTorch peer or on random weights of a named shape.
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
        var method: MethodSpec
        var prompted: PromptedCLIP
        /// (batch, 3, size, size)
        var images: [Float]
        var labels: [Int32]
        var modelSeconds: Double
        var check: BenchReport.Check?
    }

    /// What a method takes where nothing is said: the paper's tokens and depth, the latter at most the layers of its towers.
    public static func method(_ name: MethodName, context: Int?, depth: Int?, shape: CLIPShape) -> MethodSpec {
        let layers = name == .vision ? shape.vision.layers : min(shape.text.layers, name == .language ? .max : shape.vision.layers)
        let usual: (context: Int, depth: Int) =
            switch name {
            case .zeroshot, .coop, .cocoop: (4, 1)
            case .vision: (8, 12)
            case .language: (4, 12)
            case .independent: (2, 12)
            case .maple: (2, 9)
            }
        return MethodSpec(name: name, context: context ?? usual.context, depth: depth ?? min(usual.depth, layers))
    }

    /// Random weights of a named shape, sentences of the length that class names mostly have, noise for images.
    public func run(
        shape name: String, classes: Int, batch: Int, context: Int?, depth: Int?, method: MethodName = .maple
    ) throws -> BenchReport {
        guard let shape = Self.shapes[name] else {
            throw TrainingError.goldens("the shape \(name) is not known. Use one of: \(Self.shapes.keys.sorted().joined(separator: ", ")).")
        }
        let random = RandomCLIP(shape: shape, seed: 1)
        let began = Self.now()
        let clip = try FrozenCLIP(
            shape: shape, startToken: 49406, source: random.source, workers: Workers(count: threads))
        let modelSeconds = Self.now() - began
        let spec = Self.method(method, context: context, depth: depth, shape: shape)
        var generator = RunGenerator(seed: 1, "bench")
        // Four fixed words or the learned tokens, one to three of a name, full stop, end token.
        let words = (0..<max(4, method == .vision ? 0 : spec.context)).map { Int32(320 + $0) }
        let sentences = (0..<classes).map { _ in
            [49406] + words + (0...generator.below(3)).map { _ in Int32(1000 + generator.below(40_000)) } + [269, 49407]
        }
        let prompts = try LearnedPrompts(
            clip: clip, method: PromptMethod(spec), initial: .words(Array(words.prefix(spec.context))), seed: 1)
        let prompted = try PromptedCLIP(
            prompts: prompts, sentences: sentences, batch: batch, momentum: 0.9, weightDecay: 5e-4)
        let images = (0..<(batch * 3 * shape.imageSize * shape.imageSize)).map { _ in Float(generator.normal()) }
        return try measure(
            Subject(
                name: name, clip: clip, sentences: sentences, method: spec, prompted: prompted, images: images,
                labels: (0..<batch).map { _ in Int32(generator.below(classes)) }, modelSeconds: modelSeconds))
    }

    /// A folder that a peer wrote: the same weights, prompts, batch and expected numbers.
    ///
    /// - Parameter method: MaPLe's numbers are those of `torch_peer.py --dump`; another method's were added to the same folder
    ///   by `methods_peer.py`.
    public func run(dump folder: String, method: MethodName = .maple) throws -> BenchReport {
        let dump = try BenchDump(folder: folder, method: method)
        let began = Self.now()
        let model = try ModelFolder(path: folder, threads: threads)
        let modelSeconds = Self.now() - began
        let sentences = ClassSentences(
            classNames: dump.classNames, template: dump.template, tokenizer: model.tokenizer,
            window: model.configuration.contextLength
        ).tokens
        let images = try dump.images(size: model.clip.shape.imageSize)
        guard dump.labels.allSatisfy({ (0..<sentences.count).contains(Int($0)) }) else {
            throw TrainingError.goldens("\(folder)/expected.json has labels that are no classes")
        }
        let words = sentences[0].dropFirst().prefix(dump.method.context)
        let prompts = try LearnedPrompts(
            clip: model.clip, method: PromptMethod(dump.method),
            initial: method == .vision ? .random : .words(Array(words)), seed: 1)
        let prompted = try PromptedCLIP(
            prompts: prompts, sentences: sentences, batch: dump.labels.count, momentum: 0.9, weightDecay: 5e-4)
        for t in prompts.trainable { try dump.start(of: t.name, shape: t.shape).copyFloats(into: t.value) }
        let check = try dump.check(prompted, images: images, sentences: sentences, window: model.configuration.contextLength)
        return try measure(
            Subject(
                name: dump.shape, clip: model.clip, sentences: sentences, method: dump.method, prompted: prompted,
                images: images, labels: dump.labels, modelSeconds: modelSeconds, check: check))
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
            method: subject.method.name, shape: subject.name, classes: subject.sentences.count, batch: batch,
            context: subject.method.context, depth: subject.method.depth, trainableParameters: prompted.prompts.parameterCount,
            threads: clip.workers.count, warmup: warmup, steps: steps, stepSecondsMedian: step,
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
