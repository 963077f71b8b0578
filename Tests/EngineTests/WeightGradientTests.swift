import Testing

@testable import Engine

/// Gradients of all weights under the contrastive loss: finite differences in double precision, threads, AdamW.
@Suite struct WeightGradientTests {
    struct Case: CustomStringConvertible, Sendable {
        var description: String
        var shape: CLIPShape
        var captions: [[Int32]]
        var threads = 1
    }

    static let captions: [[Int32]] = [
        [0, 5, 6, 7, 8, 1],
        [0, 5, 6, 9, 1],  // shares a beginning with the first
        [0, 10, 1],
        [0, 5, 6, 7, 8, 11, 12, 13, 1],
        [0, 5, 6, 9, 1],  // the second again
        [0, 1],  // nothing but start and end
    ]

    static let cases: [Case] = [
        Case(
            description: "four and three layers, odd widths",
            shape: GradientTests.shape(vision: (21, 4, 3), text: (14, 3, 2), image: 9, patch: 3, embedding: 7),
            captions: captions),
        Case(
            description: "gelu, one head, two threads",
            shape: GradientTests.shape(
                vision: (7, 2, 1), text: (5, 2, 1), image: 4, patch: 2, embedding: 3, activation: .gelu),
            captions: captions, threads: 2),
        Case(
            description: "one layer in each tower, two captions, more threads than captions",
            shape: GradientTests.shape(vision: (6, 1, 2), text: (4, 1, 1), image: 2, patch: 2, embedding: 2),
            captions: Array(captions.prefix(2)), threads: 3),
    ]

    private static func model<R: Real>(_ type: R.Type, _ c: Case) throws -> ContrastiveModel<R> {
        let workers = Workers(count: c.threads)
        let trained = try TrainableWeights<R>(shape: c.shape, workers: workers)
        try trained.load(RandomCLIP(shape: c.shape, seed: 7).source)
        return ContrastiveModel(trained: trained, plan: try plan(c), workers: workers)
    }

    private static func plan(_ c: Case) throws -> TextPlan {
        try TextPlan(captions: c.captions, window: c.shape.contextLength, vocabulary: c.shape.vocabulary)
    }

    private static func pixels<R: Real>(_ type: R.Type, _ c: Case, seed: UInt64 = 11) -> [R] {
        var random = InitialValues(seed: seed)
        return (0..<(c.captions.count * 3 * c.shape.imageSize * c.shape.imageSize)).map { _ in R(2 * random.unit() - 1) }
    }

    @Test("every weight's gradient equals the central difference", arguments: cases)
    func centralDifferences(_ c: Case) throws {
        let model = try Self.model(Double.self, c), pixels = Self.pixels(Double.self, c), plan = try Self.plan(c)
        let trained = model.trained
        func loss() -> Double { model.gradients(pixels, plan: plan) }
        _ = loss()
        let analytic = Array(UnsafeBufferPointer(start: trained.gradient, count: trained.count))
        var worst = 0.0
        for (index, tensor) in trained.tensors.enumerated() {
            let largest = tensor.range.reduce(0) { max($0, abs(analytic[$1])) }
            var random = InitialValues(seed: UInt64(index))
            for _ in 0..<4 {
                let at = tensor.range.lowerBound + Int(random.unit() * Double(tensor.range.count)), step = 1e-5
                let value = trained.values[at]
                trained.values[at] = value + step
                let above = loss()
                trained.values[at] = value - step
                let below = loss()
                trained.values[at] = value
                let relative = abs((above - below) / (2 * step) - analytic[at]) / (largest + 1e-4)
                worst = max(worst, relative)
                #expect(relative < 1e-5, "\(c): \(tensor.name)[\(at - tensor.range.lowerBound)]")
            }
        }
        print("    \(c): worst relative difference \(worst)")
    }

    @Test("threads change nothing but rounding, and a run is repeated bit for bit", arguments: [1, 2, 3, 7])
    func threads(_ count: Int) throws {
        var c = Self.cases[0]
        let one = try Self.model(Double.self, c)
        c.threads = count
        let pixels = Self.pixels(Double.self, c), plan = try Self.plan(c)
        let many = try Self.model(Double.self, c), again = try Self.model(Double.self, c)
        let a = one.gradients(pixels, plan: plan), b = many.gradients(pixels, plan: plan)
        #expect(abs(a - b) < 1e-12)
        #expect(again.gradients(pixels, plan: plan) == b)
        for i in 0..<one.trained.count {
            #expect(abs(one.trained.gradient[i] - many.trained.gradient[i]) < 1e-11)
            #expect(again.trained.gradient[i] == many.trained.gradient[i])
        }
    }

    @Test("a batch leaves nothing behind for the next")
    func batchesAreApart() throws {
        let c = Self.cases[0], seed = UInt64.random(in: 0...1 << 40)
        var random = InitialValues(seed: seed)
        let model = try Self.model(Double.self, c), pixels = Self.pixels(Double.self, c), plan = try Self.plan(c)
        _ = model.gradients(pixels, plan: plan)
        let before = Array(UnsafeBufferPointer(start: model.trained.gradient, count: model.trained.count))
        // Longer and unlike captions, other images.
        let longer = (0..<c.captions.count).map { _ in
            [0] + (0..<(1 + Int(random.unit() * 14))).map { _ in Int32(2 + random.unit() * 20) } + [1]
        }
        let other = try TextPlan(captions: longer, window: c.shape.contextLength, vocabulary: c.shape.vocabulary)
        _ = model.gradients(Self.pixels(Double.self, c, seed: 99), plan: other)
        _ = model.gradients(pixels, plan: plan)
        let after = Array(UnsafeBufferPointer(start: model.trained.gradient, count: model.trained.count))
        #expect(before == after, "seed \(seed)")
    }

    @Test("AdamW moves as its formula says; what does not decay is left alone by the decay")
    func adamW() throws {
        let c = Self.cases[2]
        let trained = try TrainableWeights<Double>(shape: c.shape, workers: Workers(count: 2))
        trained.initialise(seed: 4)
        let optimiser = AdamW(beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.1)
        var random = InitialValues(seed: 8)
        var expected = Array(UnsafeBufferPointer(start: trained.values, count: trained.count))
        var m = [Double](repeating: 0, count: trained.count), v = m
        for step in 1...4 {
            for tensor in trained.tensors {
                for i in tensor.range {
                    let g = random.unit() - 0.5
                    trained.gradient[i] = g
                    m[i] = 0.8 * m[i] + 0.2 * g
                    v[i] = 0.95 * v[i] + 0.05 * g * g
                    let corrected = m[i] / (1 - power(0.8, step)), root = (v[i] / (1 - power(0.95, step))).squareRoot()
                    expected[i] = expected[i] * (1 - 0.01 * (tensor.shape.count >= 2 ? 0.1 : 0)) - 0.01 * corrected / (root + 1e-3)
                }
            }
            trained.step(optimiser, learningRate: 0.01, number: step)
        }
        for i in 0..<trained.count { #expect(abs(trained.values[i] - expected[i]) < 1e-13) }
    }

    @Test("the temperature is clipped at 100, and one that leaves all bounds is told")
    func temperature() throws {
        let c = Self.cases[2], plan = try Self.plan(c), pixels = Self.pixels(Float.self, c)
        func outcome(scale: Double, rate: Double) throws -> PretrainOutcome {
            let clip = try TrainableCLIP(
                shape: c.shape, batch: c.captions.count, optimiser: AdamW(), seed: 1, workers: Workers(count: 1))
            let state = try #require(clip.states.first { $0.name == "logit_scale" })
            state.value[0] = Float(logarithm(scale))
            return clip.step(images: pixels, captions: plan, learningRate: rate)
        }
        #expect(try outcome(scale: 14, rate: 1e-3).fault == nil)
        let high = try outcome(scale: 101, rate: 1e-6)
        #expect(high.scale <= 100.001 && high.fault == nil)
        // AdamW's first step is as long as its rate.
        guard case .temperature = try outcome(scale: 50, rate: 9).fault else {
            Issue.record("a temperature that diverges was not told")
            return
        }
        guard case .nonFinite(let tensor) = try outcome(scale: .nan, rate: 1e-3).fault else {
            Issue.record("a temperature that is no number was not told")
            return
        }
        #expect(tensor == "logit_scale")
    }
}
