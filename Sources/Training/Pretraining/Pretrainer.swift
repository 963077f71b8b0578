import Engine
import Formats
import Foundation
import RunModel

/// Trains a CLIP from nothing: batches of pairs, AdamW, checkpoints, evaluations, commands between steps.
///
/// Runs on the training queue; everything it tells goes out through `emit`.
public final class Pretrainer {
    public struct Inputs {
        public var spec: PretrainSpec
        public var source: any PairSource
        /// A folder with vocab.json and merges.txt.
        public var vocabulary: String
        public var threads: Int

        public init(spec: PretrainSpec, source: any PairSource, vocabulary: String, threads: Int) {
            self.spec = spec
            self.source = source
            self.vocabulary = vocabulary
            self.threads = threads
        }
    }

    /// From where an interrupted run goes on.
    public struct Continuation {
        public var checkpoint: String
        /// Seconds of training up to it.
        public var seconds: Double
        /// Evaluations at its step that are already stored.
        public var evaluated: [ClassSubset: Double]

        public init(checkpoint: String, seconds: Double, evaluated: [ClassSubset: Double]) {
            self.checkpoint = checkpoint
            self.seconds = seconds
            self.evaluated = evaluated
        }
    }

    /// What the run cost, next to its summary.
    public struct Speed: Sendable, Equatable {
        /// Of the steps alone, without loading, evaluations and checkpoints.
        public var imagesPerSecond: Double
        /// Operations in matrix products per second, and what this machine does in one large product.
        public var operationsPerSecond: Double
        public var machineRate: Double
    }

    /// Where checkpoints are written; to be set before `run`.
    public var checkpointFolder = "."
    public let configuration: CLIPConfiguration
    private let inputs: Inputs
    private let tokens: CaptionTokens
    private let clip: TrainableCLIP
    private let schedule: WarmCosine
    private let evaluator: PretrainEvaluator
    private let commands: CommandMailbox
    private let emit: (RunEvent) -> Void
    private let stepsPerEpoch: Int
    private var state: PretrainState
    private var seconds: Double
    private var evaluated: [ClassSubset: Double]
    private var isDue: Set<ClassSubset> = [.new, .all]
    private var last: MetricPoint?
    private var saved: PretrainState?
    private var told: Set<String> = []
    private var isStopping = false
    private var isPaused = false
    private var work = (operations: 0, seconds: 0.0, images: 0)

    private var spec: PretrainSpec { inputs.spec }
    private var totalSteps: Int { stepsPerEpoch * spec.optim.epochs }

    /// - Parameter emit: called for every event on the thread that runs.
    /// - Throws: `TrainingError.longCaptions`, `.fewPairs`, `.dataChanged`; errors of shape, vocabulary or checkpoint.
    public init(
        _ inputs: Inputs, continuing: Continuation? = nil, commands: CommandMailbox, emit: @escaping (RunEvent) -> Void
    ) throws {
        self.inputs = inputs
        self.commands = commands
        self.emit = emit
        let spec = inputs.spec, source = inputs.source
        guard source.pairs >= spec.optim.batch else {
            throw TrainingError.fewPairs(
                pairs: source.pairs, validation: source.validationPairs, batch: spec.optim.batch, data: source.name)
        }
        let tokenizer = try BPETokenizer(
            vocabulary: inputs.vocabulary + "/vocab.json", merges: inputs.vocabulary + "/merges.txt")
        configuration = CLIPConfiguration(spec.model, tokenizer: tokenizer)
        tokens = CaptionTokens(tokenizer: tokenizer, context: spec.model.context, vocabulary: configuration.vocabularySize)
        try tokens.check(Array(source.captions().prefix(Self.checkedCaptions)))
        stepsPerEpoch = source.pairs / spec.optim.batch
        clip = try TrainableCLIP(
            shape: CLIPShape(configuration), batch: spec.optim.batch,
            optimiser: AdamW(
                beta1: spec.optim.beta1, beta2: spec.optim.beta2, epsilon: spec.optim.epsilon, weightDecay: spec.optim.weightDecay),
            seed: UInt64(bitPattern: Int64(spec.seed)), workers: Workers(count: inputs.threads))
        schedule = WarmCosine(
            rate: spec.optim.lr, warmup: spec.optim.warmupSteps, steps: stepsPerEpoch * spec.optim.epochs)
        evaluator = PretrainEvaluator(spec: spec, source: source, tokens: tokens)
        seconds = continuing?.seconds ?? 0
        evaluated = continuing?.evaluated ?? [:]
        isDue.subtract(evaluated.keys)
        state = PretrainState(step: 0, seed: spec.seed, rateFactor: nil, dataFingerprint: source.fingerprint)
        if let continuing {
            state = try PretrainCheckpoint.restore(clip, from: continuing.checkpoint)
            guard state.dataFingerprint == source.fingerprint else { throw TrainingError.dataChanged(path: source.name) }
            saved = state
        }
    }

    private static let checkedCaptions = 2000

    public var parameterCount: Int { clip.parameterCount }
    public var threads: Int { clip.workers.count }
    /// Optimiser steps taken.
    public var step: Int { state.step }
    /// exp(logit_scale)
    public var scale: Float { clip.scale }

    /// Nil before the first step of this process.
    public var speed: Speed? {
        guard work.seconds > 0 else { return nil }
        let rate = MachineRate(workers: clip.workers).measure { Self.start.duration(to: .now).inSeconds }
        return Speed(
            imagesPerSecond: Double(work.images) / work.seconds, operationsPerSecond: Double(work.operations) / work.seconds,
            machineRate: rate)
    }

    private static let start = ContinuousClock.now

    /// Trains to the end, or until it is told to stop.
    ///
    /// - Returns: the run's figures; nil when it was stopped and can be resumed.
    /// - Throws: `TrainingError.nonFinite`, `.temperature`, errors of the source; the last checkpoint is kept.
    public func run() throws -> RunSummary? {
        emit(.started(totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch, fromStep: state.step))
        inputs.source.warnings.forEach(warn)
        if state.step == 0 { try checkpoint() }
        // An interruption may have come between an epoch's checkpoint and its evaluation.
        if state.step > 0, state.step % stepsPerEpoch == 0 { try evaluateIfDue() }
        let loader = PairLoader(
            source: inputs.source, tokens: tokens, batch: spec.optim.batch, pixels: 3 * spec.model.image * spec.model.image,
            first: state.step, end: totalSteps)
        defer { loader.cancel() }
        while !isStopping, state.step < totalSteps {
            try obeyCommands()
            if isStopping { break }
            guard let batch = try loader.next() else { break }
            try step(batch)
            loader.recycle(batch)
            guard state.step % stepsPerEpoch == 0 else { continue }
            try checkpoint()
            isDue = [.new, .all]
            try evaluateIfDue()
        }
        return try finish()
    }

    private func step(_ batch: PairBatch) throws {
        batch.warnings.forEach(warn)
        let began = ContinuousClock.now, counted = Arithmetic.operations
        let before = schedule.rate(step: state.step)
        let rate = state.rateFactor.map { $0 * before } ?? before
        let scale = clip.scale
        let outcome = clip.step(images: batch.images, captions: batch.captions, learningRate: rate)
        switch outcome.fault {
        case .nonFinite(let tensor):
            throw TrainingError.nonFinite(step: state.step + 1, tensor: tensor, loss: outcome.loss, learningRate: rate)
        case .temperature(let from, let to):
            throw TrainingError.temperature(step: state.step + 1, from: from, to: to, learningRate: rate)
        case nil: break
        }
        if scale < TrainableCLIP.largestScale * 0.999, outcome.scale >= TrainableCLIP.largestScale * 0.999 {
            warn("the temperature has reached CLIP's limit, exp(logit_scale) = 100, and is held there")
        }
        let spent = began.duration(to: .now).inSeconds
        seconds += spent
        work.operations += Arithmetic.operations - counted
        work.seconds += spent
        work.images += spec.optim.batch
        let point = MetricPoint(
            step: state.step + 1, epoch: state.step / stepsPerEpoch, loss: Double(outcome.loss),
            accuracy: Double(outcome.correct) / Double(spec.optim.batch), learningRate: rate, time: seconds,
            imagesPerSecond: Double(spec.optim.batch) / spent)
        state.step += 1
        last = point
        emit(.step(point))
    }

    private func checkpoint() throws {
        let isWhole = state.step % stepsPerEpoch == 0
        let file = (isWhole ? "epoch-\(state.step / stepsPerEpoch)" : "step-\(state.step)") + ".safetensors"
        // The loss of the last step was finite, its update need not have been.
        if let broken = clip.states.first(where: { !($0.value.allSatisfy(\.isFinite) && $0.secondMoment.allSatisfy(\.isFinite)) }) {
            throw TrainingError.nonFinite(
                step: state.step, tensor: broken.name, loss: Float(last?.loss ?? .nan), learningRate: last?.learningRate ?? 0)
        }
        try PretrainCheckpoint.write(clip, state, to: checkpointFolder + "/" + file)
        saved = state
        emit(.checkpointWritten(file: file, step: state.step))
        // All weights and both moments are large: of the epochs' own checkpoints the last two stay, snapshots all do.
        let old = state.step / stepsPerEpoch - 2
        if isWhole, old >= 0 { unlink("\(checkpointFolder)/epoch-\(old).safetensors") }
    }

    private func evaluateIfDue() throws {
        let epoch = state.step / stepsPerEpoch, every = spec.eval.every
        guard state.step >= totalSteps || (every > 0 && epoch % every == 0) else { return }
        try evaluate(isDue)
        isDue = []
    }

    /// `.new` stands for zero-shot over unseen combinations, `.all` for retrieval.
    private func evaluate(_ subsets: Set<ClassSubset>) throws {
        let frozen = try clip.frozen(startToken: tokens.tokenizer.startToken)
        let epoch = state.step / stepsPerEpoch
        for classes in [ClassSubset.new, .all] where subsets.contains(classes) && !isStopping {
            let progress = { [emit, commands] (done: Int, total: Int) in
                emit(.evaluationProgress(classes: classes, done: done, total: total))
                return !commands.holdsStop
            }
            let result =
                classes == .new
                ? try evaluator.zeroShot(frozen, step: state.step, epoch: epoch, progress: progress)
                : try evaluator.retrieval(frozen, step: state.step, epoch: epoch, warn: warn, progress: progress)
            if let result {
                evaluated[classes] = result.accuracy
                emit(.evaluated(result))
            } else if commands.holdsStop {
                isStopping = true
            }
        }
    }

    private func warn(_ text: String) {
        if told.insert(text).inserted { emit(.warning(text)) }
    }

    /// Takes all waiting commands; while paused, waits for more.
    private func obeyCommands() throws {
        while !isStopping {
            guard let command = isPaused ? commands.wait(seconds: 3600) : commands.take() else {
                if isPaused { continue }
                return
            }
            emit(.commandTaken(command, step: state.step))
            switch command {
            case .pause where !isPaused:
                isPaused = true
                emit(.paused(step: state.step))
            case .proceed:
                isPaused = false
                emit(.proceeding(step: state.step))
            case .singleStep:
                isPaused = false
                commands.post(.pause)
                emit(.proceeding(step: state.step))
                return
            case .stop: isStopping = true
            case .snapshot: try checkpoint()
            case .evaluate: try evaluate([.new, .all])
            case .setLearningRate(let rate):
                let factor = rate / schedule.rate(step: state.step)
                if factor > 0, factor.isFinite {
                    state.rateFactor = factor
                } else {
                    emit(.warning("a learning rate of \(rate) cannot be set here"))
                }
            case .pause, .note: break
            }
        }
    }

    private func finish() throws -> RunSummary? {
        if isStopping {
            if state != saved { try checkpoint() }
            emit(.stopped(step: state.step))
            return nil
        }
        let summary = RunSummary(
            steps: state.step, seconds: seconds, loss: last?.loss, new: evaluated[.new], all: evaluated[.all])
        emit(.finished(summary))
        return summary
    }

    /// Writes the model as it is: an ordinary Hugging Face CLIP folder.
    ///
    /// - Throws: `FormatError.write`.
    public func writeModel(to folder: String) throws {
        let type: TensorType = spec.model.precision == .float16 ? .f16 : .f32
        try CLIPFolderTexts(
            configuration, preprocessing: ImagePreprocessing(imageSize: configuration.imageSize), tokenizer: tokens.tokenizer
        ).write(
            with: clip.states.map { TensorToWrite($0.name, shape: $0.shape, floats: Array($0.value), as: type) }, type: type,
            to: folder)
    }
}

extension CLIPConfiguration {
    /// The shape that a session asks for, with a tokenizer's ids.
    init(_ model: PretrainSpec.Model, tokenizer: BPETokenizer) {
        func tower(_ t: PretrainSpec.Tower) -> Tower {
            Tower(width: t.width, feedForwardWidth: 4 * t.width, layers: t.layers, heads: t.heads)
        }
        self.init(
            text: tower(model.text), vision: tower(model.vision), contextLength: model.context,
            vocabularySize: tokenizer.count, endToken: Int(tokenizer.endToken), imageSize: model.image, patchSize: model.patch,
            embeddingWidth: model.embedding)
    }
}
