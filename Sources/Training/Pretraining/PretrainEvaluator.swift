import Engine
import RunModel

/// Measures a CLIP between steps of its pretraining: zero-shot accuracy on classes that training never saw, and retrieval among
/// pairs that were kept out.
struct PretrainEvaluator {
    let spec: PretrainSpec
    let source: any PairSource
    let tokens: CaptionTokens

    /// The sentence of a class, `{}` standing for its name.
    static let template = "a photo of a {}."

    /// Zero-shot over the combinations; nil where classes are not known, or when `progress` answers false.
    func zeroShot(_ clip: FrozenCLIP, step: Int, epoch: Int, progress: (Int, Int) -> Bool) throws -> EvaluationResult? {
        guard let combinations = source.combinations else { return nil }
        let names = combinations.classNames, began = ContinuousClock.now
        let scorer = try Scorer(
            clip: clip, prompts: nil, sentences: names.map { tokens.ids(Self.template.replacing("{}", with: $0)) })
        let perImage = 3 * spec.model.image * spec.model.image
        let pixels = UnsafeMutablePointer<Float>.allocate(capacity: scorer.capacity * perImage)
        defer { pixels.deallocate() }
        var board = Scoreboard(classes: names.count)
        var predictions: [Prediction] = []
        var logits = [Float](repeating: 0, count: scorer.capacity * names.count)
        for number in 0..<spec.eval.images {
            for first in stride(from: 0, to: names.count, by: scorer.capacity) {
                let labels = Array(first..<min(names.count, first + scorer.capacity))
                combinations.fill(pixels, labels: labels, number: number)
                logits.withUnsafeMutableBufferPointer { buffer in
                    guard let base = buffer.baseAddress else { return }
                    scorer.logits(images: pixels, count: labels.count, into: base)
                    for (i, label) in labels.enumerated() {
                        let ranking = Ranking(UnsafeBufferPointer(start: base + i * names.count, count: names.count), label: label)
                        board.add(label: label, answer: ranking.top[0], loss: ranking.loss)
                        predictions.append(
                            Prediction(
                                path: "\(names[label]) \(number + 1)", label: label, top: ranking.top, probability: ranking.probability))
                    }
                }
                if !progress(predictions.count, names.count * spec.eval.images) { return nil }
            }
        }
        return EvaluationResult(
            method: .zeroshot, data: source.name, split: nil, classes: .new, subset: .test, step: step, epoch: epoch,
            accuracy: board.accuracy, macroF1: board.macroF1, count: board.total, loss: board.meanLoss,
            perClass: names.indices.map { ClassResult(name: names[$0], correct: board.correct[$0], count: board.count[$0]) },
            predictions: predictions, skipped: [], seconds: began.duration(to: .now).inSeconds)
    }

    /// Recall at 1 among the pairs that were kept out, both ways, as an evaluation with two classes: an image finds a caption
    /// that is its own or says the same, a caption its image. Nil without such pairs, or when `progress` answers false.
    func retrieval(
        _ clip: FrozenCLIP, step: Int, epoch: Int, warn: (String) -> Void, progress: (Int, Int) -> Bool
    ) throws -> EvaluationResult? {
        let n = source.validationPairs, began = ContinuousClock.now
        guard n > 1 else { return nil }
        let perImage = 3 * spec.model.image * spec.model.image, group = 64
        let pixels = UnsafeMutablePointer<Float>.allocate(capacity: n * perImage)
        defer { pixels.deallocate() }
        var captions: [String] = []
        for first in stride(from: 0, to: n, by: group) {
            let places = first..<min(n, first + group)
            let content = try source.validation(places: places, into: pixels + first * perImage)
            content.warnings.forEach { warn("kept-out pair: \($0); the next one takes its place") }
            captions += content.captions
            if !progress(0, n) { return nil }
        }
        let scorer = try Scorer(clip: clip, prompts: nil, sentences: captions.map(tokens.ids))
        var logits = [Float](repeating: 0, count: n * n)
        let isWhole = logits.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return false }
            for first in stride(from: 0, to: n, by: scorer.capacity) {
                let count = min(n - first, scorer.capacity)
                scorer.logits(images: pixels + first * perImage, count: count, into: base + first * n)
                if !progress(first + count, n) { return false }
            }
            return true
        }
        guard isWhole else { return nil }
        var right = (rows: 0, columns: 0)
        for i in 0..<n {
            var row = 0, column = 0
            for j in 1..<n {
                if logits[i * n + j] > logits[i * n + row] { row = j }
                if logits[j * n + i] > logits[column * n + i] { column = j }
            }
            if captions[row] == captions[i] { right.rows += 1 }
            if captions[column] == captions[i] { right.columns += 1 }
        }
        let both = [
            ClassResult(name: "captions of images", correct: right.rows, count: n),
            ClassResult(name: "images of captions", correct: right.columns, count: n),
        ]
        let accuracy = Double(right.rows + right.columns) / Double(2 * n)
        // Nothing is predicted here that F1 or a loss would be of.
        return EvaluationResult(
            method: .zeroshot, data: source.name, split: nil, classes: .all, subset: .test, step: step, epoch: epoch,
            accuracy: accuracy, macroF1: accuracy, count: 2 * n, loss: 0, perClass: both, predictions: [], skipped: [],
            seconds: began.duration(to: .now).inSeconds)
    }
}
