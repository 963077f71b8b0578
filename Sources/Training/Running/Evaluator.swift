import Datasets
import Engine
import Foundation
import RunModel

/// Scores a data set's images over its class names with a method's prompts as they are.
public struct Evaluator {
    public let model: ModelFolder
    /// Keeps small pictures decoded between evaluations.
    public let cache: ImageCache

    public init(model: ModelFolder, cache: ImageCache) {
        self.model = model
        self.cache = cache
    }

    /// What is to be scored.
    public struct Task {
        /// Already cut to its classes.
        public var data: ImageDataset
        public var classes: ClassSubset
        public var subset: ImageSubset
        /// One for each class, or equally many one after the other.
        public var sentences: [[Int32]]
        public var method: MethodName
        public var step: Int
        public var epoch: Int
        /// Images per batch of the loader.
        public var batch: Int

        public init(
            data: ImageDataset, classes: ClassSubset, subset: ImageSubset, sentences: [[Int32]], method: MethodName,
            step: Int = 0, epoch: Int = 0, batch: Int = 32
        ) {
            self.data = data
            self.classes = classes
            self.subset = subset
            self.sentences = sentences
            self.method = method
            self.step = step
            self.epoch = epoch
            self.batch = batch
        }
    }

    /// - Parameters:
    ///   - prompts: what was learned; nil is zero-shot CLIP.
    ///   - progress: called after each batch with images done and in all; answering false stops.
    /// - Returns: nil when it was stopped.
    /// - Throws: `TrainingError.emptySubset`, `DatasetError`, `EngineError`.
    public func evaluate(
        _ task: Task, prompts: LearnedPrompts?, progress: (_ done: Int, _ total: Int) -> Bool
    ) throws -> EvaluationResult? {
        let began = ContinuousClock.now
        let items = task.data.items(of: task.subset)
        guard !items.isEmpty, !task.sentences.isEmpty else {
            throw TrainingError.emptySubset(
                subset: task.subset.rawValue, classes: task.classes.rawValue, data: task.data.folder)
        }
        // An ensemble has several sentences for each class.
        let scorer = try Scorer(
            clip: model.clip, prompts: prompts, sentences: task.sentences,
            templates: max(1, task.sentences.count / max(1, task.data.classNames.count)))
        let loader = try BatchLoader(
            items: items, classNames: task.data.classNames, batch: min(task.batch, scorer.capacity),
            transform: ImageTransform(geometry: model.geometry), plan: .evaluation, cache: cache)
        defer { loader.cancel() }
        let classes = scorer.classes
        var board = Scoreboard(classes: classes)
        var predictions: [Prediction] = []
        predictions.reserveCapacity(items.count)
        var logits = [Float](repeating: 0, count: scorer.capacity * classes)
        while let batch = try loader.next() {
            logits.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                scorer.logits(images: batch.images, count: batch.count, into: base)
                for (i, item) in batch.items.enumerated() {
                    let row = UnsafeBufferPointer(start: base + i * classes, count: classes)
                    let ranking = Ranking(row, label: item.label)
                    board.add(label: item.label, answer: ranking.top[0], loss: ranking.loss)
                    predictions.append(
                        Prediction(path: item.path, label: item.label, top: ranking.top, probability: ranking.probability))
                }
            }
            loader.recycle(batch)
            if !progress(predictions.count, items.count) { return nil }
        }
        let spent = began.duration(to: .now)
        return EvaluationResult(
            method: task.method, data: task.data.folder, split: task.data.splitFile, classes: task.classes,
            subset: task.subset, step: task.step, epoch: task.epoch, accuracy: board.accuracy, macroF1: board.macroF1,
            count: board.total, loss: board.meanLoss,
            perClass: task.data.classNames.indices.map {
                ClassResult(name: task.data.classNames[$0], correct: board.correct[$0], count: board.count[$0])
            }, predictions: predictions, skipped: loader.skipped.map(\.path), seconds: spent.inSeconds)
    }
}

extension EvaluationResult {
    /// What to say of images that could not be read; nil when all could.
    public var skippedWarning: String? {
        guard let first = skipped.first else { return nil }
        if skipped.count == 1 { return "1 image could not be read and was left out: \(first)" }
        let more = skipped.count > 10 ? " and \(skipped.count - 10) more" : ""
        return "\(skipped.count) images could not be read and were left out: \(skipped.prefix(10).joined(separator: ", "))\(more)"
    }
}

extension Duration {
    /// Seconds with their fraction.
    public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
