import Testing

@testable import Engine

/// Finite differences through every method's learner and the towers that it trains, in double precision.
@Suite struct MethodGradientTests {
    struct Case: CustomStringConvertible, Sendable {
        var description: String
        var method: PromptMethod
        var initial: InitialContext = .random
        var shape: CLIPShape = MethodGradientTests.small
        var images = 3
        var threads = 1
        /// Co-CoOp: text rows at once.
        var rowsAtOnce = 1024
    }

    static let small = GradientTests.shape(
        vision: (15, 3, 3), text: (14, 3, 2), image: 6, patch: 3, embedding: 7)
    /// Wide enough for a meta-net with several hidden values.
    static let wide = GradientTests.shape(
        vision: (9, 2, 1), text: (10, 2, 2), image: 4, patch: 2, embedding: 48, activation: .gelu)

    static let cases: [Case] = [
        Case(description: "coop, end, words", method: .coop(context: 4, position: .end, classes: nil), initial: .words([5, 6, 7, 8])),
        Case(description: "coop, middle, odd length", method: .coop(context: 3, position: .middle, classes: nil)),
        Case(description: "coop, front, two threads", method: .coop(context: 4, position: .front, classes: nil), threads: 2),
        Case(description: "coop, one token in the middle", method: .coop(context: 1, position: .middle, classes: nil)),
        Case(description: "coop, class-specific", method: .coop(context: 2, position: .end, classes: 5), initial: .words([5, 6])),
        Case(description: "coop, class-specific, middle", method: .coop(context: 4, position: .middle, classes: 5)),
        Case(description: "cocoop", method: .cocoop(context: 4), shape: wide),
        Case(description: "cocoop, an image at a time", method: .cocoop(context: 2), shape: wide, rowsAtOnce: 1),
        Case(
            description: "cocoop, a last group that is not full", method: .cocoop(context: 3), initial: .words([5, 6, 7]),
            shape: wide, threads: 2, rowsAtOnce: 50),
        Case(description: "vision, deep", method: .vision(PromptSize(context: 3, depth: 3))),
        Case(description: "vision, shallow", method: .vision(PromptSize(context: 1, depth: 1)), images: 1),
        Case(description: "language, deep", method: .language(PromptSize(context: 4, depth: 3)), initial: .words([5, 6, 7, 8])),
        Case(
            description: "independent, deeper in text",
            method: .independent(text: PromptSize(context: 2, depth: 3), vision: PromptSize(context: 4, depth: 2))),
        Case(
            description: "independent, deeper in vision",
            method: .independent(text: PromptSize(context: 4, depth: 1), vision: PromptSize(context: 1, depth: 3)), threads: 3),
    ]

    static func learner(
        _ method: PromptMethod, weights: CLIPWeights<Double>, initial: InitialContext, workers: Workers
    ) throws -> any PromptLearner<Double> {
        switch method {
        case .zeroshot: NoPrompts()
        case .coop(let context, _, let classes):
            try CoOp(weights: weights, context: context, classes: classes, initial: initial, seed: 3)
        case .cocoop(let context): try CoCoOp(weights: weights, context: context, initial: initial, seed: 3)
        case .vision(let size): try IndependentPrompts(weights: weights, text: nil, vision: size, initial: initial, seed: 3)
        case .language(let size): try IndependentPrompts(weights: weights, text: size, vision: nil, initial: initial, seed: 3)
        case .independent(let text, let vision):
            try IndependentPrompts(weights: weights, text: text, vision: vision, initial: initial, seed: 3)
        case .maple(let context, let depth):
            try MaPLe(weights: weights, context: context, depth: depth, initial: initial, seed: 3, workers: workers)
        }
    }

    static func model(_ c: Case) throws -> any TrainingModel<Double> {
        let workers = Workers(count: c.threads)
        let weights = try CLIPWeights<Double>(shape: c.shape, source: RandomCLIP(shape: c.shape, seed: 7).source)
        let start = StartToken(weights: weights, id: 0)
        let learner = try learner(c.method, weights: weights, initial: c.initial, workers: workers)
        // Prompts of the method's own size, so that gradients are not tiny.
        var random = InitialValues(seed: 17)
        for p in learner.parameters where p.shape.count > 1 { random.normal(p.value, deviation: 0.3) }
        if let learner = learner as? CoCoOp<Double> {
            return try ConditionalModel(
                weights: weights, start: start, learner: learner, batch: c.images, rowsAtOnce: c.rowsAtOnce, workers: workers
            ) { c.method.sentences(GradientTests.names, copies: $0) }
        }
        let plan = try TextPlan(
            sentences: c.method.sentences(GradientTests.names), window: c.shape.contextLength, vocabulary: c.shape.vocabulary)
        return Model(weights: weights, start: start, learner: learner, plan: plan, batch: c.images, workers: workers)
    }

    static func pixels(_ c: Case) -> [Double] {
        var random = InitialValues(seed: 11)
        return (0..<(c.images * 3 * c.shape.imageSize * c.shape.imageSize)).map { _ in 2 * random.unit() - 1 }
    }

    @Test("every trainable tensor's gradient equals the central difference", arguments: cases)
    func centralDifferences(_ c: Case) throws {
        let model = try Self.model(c)
        let pixels = Self.pixels(c)
        let labels = (0..<c.images).map { Int32($0 * 2 % GradientTests.names.count) }
        func loss() -> Double { labels.withUnsafeBufferPointer { model.gradients(pixels, labels: $0) } }
        _ = loss()
        let analytic = model.learner.parameters.map { $0.gradient.array }
        #expect(!analytic.isEmpty)
        var worst = 0.0
        for (index, p) in model.learner.parameters.enumerated() {
            let largest = analytic[index].map(abs).max() ?? 0
            #expect(largest > 1e-6, "\(c): \(p.name) has no gradient")
            var random = InitialValues(seed: UInt64(index))
            for _ in 0..<8 {
                let at = Int(random.unit() * Double(p.value.count))
                let value = p.value.base[at], step = 1e-5
                p.value.base[at] = value + step
                let above = loss()
                p.value.base[at] = value - step
                let below = loss()
                p.value.base[at] = value
                let difference = abs((above - below) / (2 * step) - analytic[index][at])
                let relative = difference / (largest + 1e-5)
                worst = max(worst, relative)
                #expect(relative < 1e-5, "\(c): \(p.name)[\(at)]")
            }
        }
        print("    \(c): worst relative difference \(worst)")
    }

    @Test("the size of Co-CoOp's groups of images changes nothing", arguments: [1, 25, 50, 60])
    func groups(_ rows: Int) throws {
        var c = Self.cases[6]
        c.images = 5
        let whole = try Self.model(c)
        c.rowsAtOnce = rows
        let parts = try Self.model(c)
        let pixels = Self.pixels(c)
        // Fewer images than the model takes, too.
        for labels: [Int32] in [[0, 1, 2, 3, 4], [4, 2], [1]] {
            let a = labels.withUnsafeBufferPointer { whole.gradients(pixels, labels: $0) }
            let b = labels.withUnsafeBufferPointer { parts.gradients(pixels, labels: $0) }
            #expect(abs(a - b) < 1e-12)
            for (p, q) in zip(whole.learner.parameters, parts.learner.parameters) {
                for (x, y) in zip(p.gradient.array, q.gradient.array) { #expect(abs(x - y) < 1e-12) }
            }
        }
    }

    @Test func unconditionalContextIsCoOp() throws {
        // With a meta-net of zeros every image has the same text features: CoOp's.
        var c = Self.cases[6]
        let conditional = try Self.model(c)
        c.method = .coop(context: 4, position: .end, classes: nil)
        let plain = try Self.model(c)
        for p in conditional.learner.parameters.dropFirst() { p.value.fill(0) }
        plain.learner.parameters[0].value.copy(from: conditional.learner.parameters[0].value.base)
        let pixels = Self.pixels(c), labels: [Int32] = [0, 2, 4]
        let a = labels.withUnsafeBufferPointer { conditional.gradients(pixels, labels: $0) }
        let b = labels.withUnsafeBufferPointer { plain.gradients(pixels, labels: $0) }
        #expect(abs(a - b) < 1e-12)
        for (x, y) in zip(conditional.learner.parameters[0].gradient.array, plain.learner.parameters[0].gradient.array) {
            #expect(abs(x - y) < 1e-12)
        }
    }
}
