/// Compares the engine in single precision with itself in double precision on a small random CLIP.
public enum SelfCheck {
    static let shape = CLIPShape(
        vision: TowerShape(width: 96, layers: 3, heads: 3, hidden: 384),
        text: TowerShape(width: 64, layers: 3, heads: 2, hidden: 256), imageSize: 24, patchSize: 4, contextLength: 16,
        vocabulary: 40, embedding: 48)

    static let sentences: [[Int32]] = (0..<7).map { [0, 5, 6, 7, 8, 10 + Int32($0), 20 + Int32($0 % 3), 2, 1] }

    /// Loss and gradients of one training step.
    static func step<R: Real>(_ type: R.Type, workers: Workers) -> (loss: Double, gradients: [[Double]])? {
        let random = RandomCLIP(shape: shape, seed: 5)
        let method = PromptMethod.maple(context: 2, depth: 2)
        guard let weights = try? CLIPWeights<R>(shape: shape, source: random.source),
            let plan = try? TextPlan(
                sentences: sentences.map(method.sentence), window: shape.contextLength, vocabulary: shape.vocabulary),
            let learner = try? MaPLe(
                weights: weights, context: 2, depth: 2, initial: .words([5, 6]), seed: 9, workers: workers)
        else { return nil }
        let model = Model(
            weights: weights, start: StartToken(weights: weights, id: 0), learner: learner, plan: plan, batch: 3,
            workers: workers)
        var random2 = QuickRandom(state: 3)
        let pixels = (0..<(3 * 3 * shape.imageSize * shape.imageSize)).map { _ in R(2 * random2.unit() - 1) }
        let labels: [Int32] = [0, 3, 6]
        let loss = labels.withUnsafeBufferPointer { model.gradients(pixels, labels: $0) }
        return (Double(loss), learner.parameters.map { $0.gradient.array.map { Double($0) } })
    }

    /// The largest difference, relative to its tensor's largest value; infinite when something is not a number.
    public static func run(workers: Workers) -> Double {
        guard let single = step(Float.self, workers: workers), let double = step(Double.self, workers: workers) else {
            return .infinity
        }
        var worst = abs(single.loss - double.loss) / abs(double.loss)
        for (a, b) in zip(single.gradients, double.gradients) {
            let largest = b.reduce(0) { max($0, abs($1)) }
            for (x, y) in zip(a, b) {
                let d = abs(x - y) / largest
                worst = d.isNaN ? .infinity : max(worst, d)
            }
        }
        return worst.isNaN ? .infinity : worst
    }
}
