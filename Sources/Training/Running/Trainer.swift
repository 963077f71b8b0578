import Datasets
import Engine
import Foundation
import RunModel

/// Trains one session from its first or a later step to its end, telling what happens and obeying commands between steps.
///
/// Runs on the thread that calls `run`; `TrainingQueue` puts it on its own. Nothing but values leaves it.
public final class Trainer {
    /// What a trainer works on, opened and checked before the first step.
    public struct Inputs {
        public var spec: SessionSpec
        public var model: ModelFolder
        /// All classes, all images.
        public var data: ImageDataset
        /// Zero-shot figures of the same model, images and sentence that are known already.
        public var zeroShot: [EvaluationResult]

        public init(spec: SessionSpec, model: ModelFolder, data: ImageDataset, zeroShot: [EvaluationResult] = []) {
            self.spec = spec
            self.model = model
            self.data = data
            self.zeroShot = zeroShot
        }
    }

    /// Where an interrupted run goes on.
    public struct Continuation {
        public var checkpoint: String
        /// Training seconds before.
        public var seconds: Double
        /// Accuracies of the evaluations at the checkpoint's step that are already stored.
        public var evaluated: [ClassSubset: Double]
        /// Class lists whose zero-shot figures are already stored.
        public var measured: Set<ClassSubset>

        public init(checkpoint: String, seconds: Double, evaluated: [ClassSubset: Double], measured: Set<ClassSubset> = []) {
            self.checkpoint = checkpoint
            self.seconds = seconds
            self.evaluated = evaluated
            self.measured = measured
        }
    }

    /// The few-shot draw, cut to the session's classes.
    public let training: ImageDataset
    /// Where checkpoints are written; to be set before `run`.
    public var checkpointFolder = "."
    public let warnings: [String]
    private let inputs: Inputs
    private let prompts: LearnedPrompts
    private let prompted: PromptedCLIP
    private let schedule: LearningRateSchedule
    private let evaluator: Evaluator
    private let cache = ImageCache()
    private let commands: CommandMailbox
    private let emit: (RunEvent) -> Void
    private let stepsPerEpoch: Int
    private var state: CheckpointState
    private var seconds: Double
    /// Classes that need no evaluation at this step any more.
    private var evaluated: Set<ClassSubset>
    /// Class lists whose zero-shot figures the run has.
    private var measured: Set<ClassSubset>
    private var last: MetricPoint?
    /// The latest accuracy of each.
    private var latest: [ClassSubset: Double]
    /// What the newest checkpoint holds.
    private var saved: CheckpointState?
    private var told: Set<String> = []
    private var isStopping = false
    private var isPaused = false

    private var spec: SessionSpec { inputs.spec }
    private var totalSteps: Int { isTraining ? stepsPerEpoch * spec.optim.epochs : 0 }
    private var isTraining: Bool { spec.method.name != .zeroshot }

    /// - Parameters:
    ///   - emit: called for every event on the thread that runs.
    /// - Throws: errors of model, data, method or checkpoint, each saying what to do.
    public init(
        _ inputs: Inputs, continuing: Continuation? = nil, commands: CommandMailbox, emit: @escaping (RunEvent) -> Void
    ) throws {
        self.inputs = inputs
        self.commands = commands
        self.emit = emit
        let spec = inputs.spec, model = inputs.model
        if !spec.data.allowMissing { try inputs.data.requireComplete() }
        training = inputs.data.withoutMissing().fewShot(shots: spec.data.shots, seed: spec.seed).cut(to: spec.data.classes)
        try ClassSentences.checkRoom(
            inputs.data.classNames, method: spec.method, tokenizer: model.tokenizer, window: model.configuration.contextLength)
        let sentences = Self.sentences(training.classNames, spec: spec, model: model)
        let short = spec.method.name == .zeroshot ? nil : training.belowShots(spec.data.shots)
        var notes = inputs.data.warnings + sentences.warnings + (short.map { [$0] } ?? [])
        if spec.method.name == .zeroshot, let own = inputs.data.template, own != spec.data.template {
            notes.append("the data set's own sentence is \"\(own)\", the session's \"\(spec.data.template)\": set data.template to compare with the paper")
        }
        warnings = notes
        let method = try PromptMethod(spec.method, classes: training.classNames.count)
        if method != .zeroshot, training.train.isEmpty {
            throw TrainingError.emptySubset(
                subset: "train", classes: spec.data.classes.rawValue, data: inputs.data.folder)
        }
        // Said now, not after hours of training.
        for classes in spec.eval.classes where classes == spec.data.classes || !spec.method.classSpecific {
            guard inputs.data.cut(to: classes).items(of: spec.eval.subset).isEmpty else { continue }
            throw TrainingError.emptySubset(
                subset: spec.eval.subset.rawValue, classes: classes.rawValue, data: inputs.data.folder)
        }
        let batch = max(1, min(spec.optim.batch, training.train.count))
        stepsPerEpoch = BatchLoader.stepsPerEpoch(images: training.train.count, batch: spec.optim.batch)
        prompts = try LearnedPrompts(
            clip: model.clip, method: method, initial: PromptWords(spec.method, tokenizer: model.tokenizer).initial,
            seed: UInt64(bitPattern: Int64(spec.seed)), equalCouplers: spec.method.couplers == .copies)
        // Zero-shot CLIP takes no step: one sentence stands for all that an ensemble may have.
        prompted = try PromptedCLIP(
            prompts: prompts, sentences: method == .zeroshot ? Array(sentences.tokens.prefix(1)) : sentences.tokens, batch: batch, momentum: spec.optim.momentum,
            weightDecay: spec.optim.weightDecay)
        schedule = LearningRateSchedule(
            shape: spec.optim.schedule == .cosine ? .cosine : .constant, rate: spec.optim.lr, epochs: spec.optim.epochs,
            warmupEpochs: spec.optim.warmupEpochs, warmupRate: spec.optim.warmupLR)
        evaluator = Evaluator(model: model, cache: cache)
        seconds = continuing?.seconds ?? 0
        latest = continuing?.evaluated ?? [:]
        evaluated = Set(latest.keys)
        measured = continuing?.measured ?? []
        if let continuing {
            state = try Checkpoint.restore(prompts, from: continuing.checkpoint)
            prompted.restore(stepsTaken: state.step)
            guard state.modelFingerprint == model.fingerprint else {
                throw TrainingError.modelChanged(expected: state.modelFingerprint, found: model.fingerprint)
            }
            saved = state
        } else {
            state = CheckpointState(
                step: 0, epoch: 0, batch: 0, seed: spec.seed, rateFactor: nil, modelFingerprint: model.fingerprint,
                method: spec.method)
        }
    }

    /// What a rate set by hand scales: the warm-up's tiny rate would make a huge factor for the epochs after it.
    private var withoutWarmUp: LearningRateSchedule {
        var schedule = schedule
        schedule.warmupRate = schedule.rate
        return schedule
    }

    /// The sentences of `names` under a session's method.
    static func sentences(_ names: [String], spec: SessionSpec, model: ModelFolder) -> ClassSentences {
        ClassSentences(
            classNames: names, spec: spec, tokenizer: model.tokenizer, window: model.configuration.contextLength)
    }

    public var parameterCount: Int { prompts.parameterCount }
    /// Optimiser steps taken.
    public var step: Int { state.step }

    /// The drawn files of each class, in drawing order.
    public var samples: DrawnSamples {
        var paths: [[String]] = Array(repeating: [], count: training.classNames.count)
        for item in training.train { paths[item.label].append(item.path) }
        return DrawnSamples(
            seed: spec.seed, shots: spec.data.shots,
            classes: training.classNames.enumerated().map { .init(name: $1, label: $0, paths: paths[$0]) })
    }

    /// Trains to the end, or until it is told to stop.
    ///
    /// - Returns: the run's figures; nil when it was stopped and can be resumed.
    /// - Throws: `TrainingError.nonFinite`, `DatasetError`, `FormatError.write`; the last checkpoint is kept.
    public func run() throws -> RunSummary? {
        emit(.started(totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch, fromStep: state.step))
        warnings.forEach(warn)
        if isTraining {
            if state.step == 0 { try checkpoint(named: "epoch-0") }
            // An interruption may have come between an epoch's checkpoint and its evaluation.
            if state.step > 0, state.batch == 0 { try evaluateIfDue() }
            let loader = try BatchLoader(
                items: training.train, classNames: training.classNames, batch: spec.optim.batch,
                transform: ImageTransform(geometry: inputs.model.geometry, crops: spec.data.crop, flips: spec.data.flip),
                plan: .training(
                    seed: spec.seed, epochs: spec.optim.epochs, from: BatchPosition(epoch: state.epoch, batch: state.batch)),
                cache: cache)
            defer { loader.cancel() }
            while !isStopping, state.step < totalSteps {
                try obeyCommands()
                if isStopping { break }
                guard let batch = try loader.next() else { break }
                try step(batch)
                loader.recycle(batch)
                if state.batch == 0 {
                    try checkpoint(named: "epoch-\(state.epoch)")
                    try evaluateIfDue()
                }
            }
        } else {
            try evaluate(spec.eval.classes)
        }
        return try finish()
    }

    private func step(_ batch: ImageBatch) throws {
        for image in batch.skipped { warn(image.reason) }
        let began = ContinuousClock.now
        let epoch = state.epoch
        let rate = state.rateFactor.map { $0 * withoutWarmUp.rate(epoch: epoch) } ?? schedule.rate(epoch: epoch)
        let outcome = batch.labels.withUnsafeBufferPointer {
            prompted.step(images: batch.images, labels: $0, learningRate: rate)
        }
        if let tensor = outcome.nonFinite {
            throw TrainingError.nonFinite(step: state.step + 1, tensor: tensor, loss: outcome.loss, learningRate: rate)
        }
        let spent = began.duration(to: .now).inSeconds
        seconds += spent
        state.step += 1
        state.batch += 1
        if state.batch == stepsPerEpoch { (state.epoch, state.batch) = (epoch + 1, 0) }
        let point = MetricPoint(
            step: state.step, epoch: epoch, loss: Double(outcome.loss),
            accuracy: Double(outcome.correct) / Double(batch.count), learningRate: rate, time: seconds,
            imagesPerSecond: Double(batch.count) / spent, norms: prompts.norms().map(PromptNorm.init))
        last = point
        emit(.step(point))
    }

    private func checkpoint(named name: String) throws {
        // The loss of the last step was finite, its update need not have been: such a checkpoint could not be resumed.
        if let broken = prompts.trainable.first(where: { !($0.value.allSatisfy(\.isFinite) && $0.momentum.allSatisfy(\.isFinite)) }) {
            throw TrainingError.nonFinite(
                step: state.step, tensor: broken.name, loss: Float(last?.loss ?? .nan), learningRate: last?.learningRate ?? 0)
        }
        let file = "\(name).safetensors"
        try Checkpoint.write(prompts, state, to: checkpointFolder + "/" + file)
        saved = state
        emit(.checkpointWritten(file: file, step: state.step))
    }

    private func evaluateIfDue() throws {
        let every = spec.eval.every
        let isLast = state.step >= totalSteps
        guard isLast || (every > 0 && state.epoch % every == 0) else { return }
        try evaluate(spec.eval.classes.filter { !evaluated.contains($0) })
        evaluated = []
    }

    private func evaluate(_ subsets: [ClassSubset]) throws {
        for classes in subsets where !isStopping {
            if spec.method.classSpecific, classes != spec.data.classes {
                warn("\(classes.rawValue) classes were not evaluated: \(EngineError.ownContexts(classes: training.classNames.count))")
                continue
            }
            let data = inputs.data.cut(to: classes)
            try measureZeroShot(data, classes)
            let sentences = Self.sentences(data.classNames, spec: spec, model: inputs.model)
            sentences.warnings.forEach(warn)
            let result = try score(
                Evaluator.Task(
                    data: data, classes: classes, subset: spec.eval.subset, sentences: sentences.tokens,
                    method: spec.method.name, step: state.step, epoch: state.epoch, batch: spec.eval.batch),
                prompts: isTraining ? prompts : nil)
            guard let result else { return }
            latest[classes] = result.accuracy
            emit(.evaluated(result))
        }
    }

    /// What gains are measured against: zero-shot CLIP under the session's template, once a run and class list.
    private func measureZeroShot(_ data: ImageDataset, _ classes: ClassSubset) throws {
        guard isTraining, !measured.contains(classes) else { return }
        if var known = inputs.zeroShot.first(where: { $0.classes == classes && $0.subset == spec.eval.subset }) {
            measured.insert(classes)
            known.data = data.folder
            return emit(.evaluated(known))
        }
        guard spec.eval.zeroShot else { return }
        let sentences = ClassSentences(
            classNames: data.classNames, template: spec.data.template, tokenizer: inputs.model.tokenizer,
            window: inputs.model.configuration.contextLength)
        let task = Evaluator.Task(
            data: data, classes: classes, subset: spec.eval.subset, sentences: sentences.tokens, method: .zeroshot,
            batch: spec.eval.batch)
        guard let result = try score(task, prompts: nil) else { return }
        measured.insert(classes)
        emit(.evaluated(result))
    }

    /// Nil when it was stopped, which then ends the run.
    private func score(_ task: Evaluator.Task, prompts: LearnedPrompts?) throws -> EvaluationResult? {
        guard !isStopping else { return nil }
        let result = try evaluator.evaluate(task, prompts: prompts) { done, total in
            emit(.evaluationProgress(classes: task.classes, done: done, total: total))
            return !commands.holdsStop
        }
        if let text = result?.skippedWarning { warn(text) }
        if result == nil { isStopping = true }
        return result
    }

    /// The same image or name comes again in every epoch and evaluation: once is enough.
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
            case .pause: break
            case .proceed:
                isPaused = false
                emit(.proceeding(step: state.step))
            case .singleStep:
                // One step now; the next round waits again.
                isPaused = false
                commands.post(.pause)
                emit(.proceeding(step: state.step))
                return
            case .stop: isStopping = true
            case .snapshot: try checkpoint(named: "step-\(state.step)")
            case .evaluate(let subsets): try evaluate(subsets)
            case .setLearningRate(let rate):
                let planned = withoutWarmUp.rate(epoch: state.epoch), factor = rate / planned
                if planned > 0, factor > 0, factor.isFinite {
                    state.rateFactor = factor
                } else {
                    emit(.warning("a learning rate of \(rate) cannot be set here"))
                }
            case .note: break
            }
        }
    }

    private func finish() throws -> RunSummary? {
        if isStopping {
            // At an epoch's start its own checkpoint holds this state, unless a command has changed it since.
            if isTraining, state != saved {
                try checkpoint(named: state.batch == 0 ? "epoch-\(state.epoch)" : "step-\(state.step)")
            }
            emit(.stopped(step: state.step))
            return nil
        }
        let summary = RunSummary(
            steps: state.step, seconds: seconds, loss: last?.loss, base: latest[.base], new: latest[.new], all: latest[.all])
        emit(.finished(summary))
        return summary
    }
}

extension PromptNorm {
    init(_ norm: TensorNorm) {
        let kind: Kind
        let depth: Int
        switch norm.role {
        case .text(let k): (kind, depth) = (.text, k)
        case .vision(let k): (kind, depth) = (.vision, k)
        case .coupler(let k): (kind, depth) = (.coupler, k)
        case .metaNet(let k): (kind, depth) = (.metaNet, k)
        }
        self.init(kind: kind, depth: depth, tokens: norm.tokens, gradient: norm.gradient, moved: norm.moved)
    }
}
