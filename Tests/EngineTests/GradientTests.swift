import Testing

@testable import Engine

/// Finite differences through both towers, head and prompt learner, in double precision.
@Suite struct GradientTests {
    struct Case: CustomStringConvertible, Sendable {
        var description: String
        var shape: CLIPShape
        var sentences: [[Int32]]
        var context: Int
        var depth: Int
        var images: Int
        var threads = 1
    }

    static func shape(
        vision: (width: Int, layers: Int, heads: Int), text: (width: Int, layers: Int, heads: Int), image: Int, patch: Int,
        embedding: Int, activation: Activation = .quickGELU
    ) -> CLIPShape {
        CLIPShape(
            vision: TowerShape(
                width: vision.width, layers: vision.layers, heads: vision.heads, hidden: 2 * vision.width + 3,
                activation: activation),
            text: TowerShape(
                width: text.width, layers: text.layers, heads: text.heads, hidden: 3 * text.width - 1, activation: activation),
            imageSize: image, patchSize: patch, contextLength: 16, vocabulary: 23, embedding: embedding)
    }

    static let names: [[Int32]] = [
        [0, 5, 6, 7, 8, 9, 10, 2, 1],
        [0, 5, 6, 7, 8, 9, 11, 12, 2, 1],  // shares a beginning with the first
        [0, 5, 6, 7, 8, 13, 2, 1],
        [0, 5, 6, 7, 8, 9, 2, 1],
        [0, 5, 6, 7, 8, 14, 15, 16, 17, 18, 2, 1],
    ]

    static let cases: [Case] = [
        Case(
            description: "depth 3 of 4, two tokens, odd widths",
            shape: shape(vision: (21, 4, 3), text: (14, 4, 2), image: 9, patch: 3, embedding: 7), sentences: names,
            context: 2, depth: 3, images: 3),
        Case(
            description: "depth 1, one token, one head, gelu",
            shape: shape(vision: (7, 2, 1), text: (5, 3, 1), image: 4, patch: 2, embedding: 3, activation: .gelu),
            sentences: names, context: 1, depth: 1, images: 1),
        Case(
            description: "all layers prompted, four tokens, two threads",
            shape: shape(vision: (16, 3, 2), text: (12, 3, 3), image: 6, patch: 2, embedding: 5), sentences: names,
            context: 4, depth: 3, images: 5, threads: 2),
        Case(
            description: "one layer in each tower, one class",
            shape: shape(vision: (6, 1, 2), text: (4, 1, 1), image: 2, patch: 2, embedding: 2),
            sentences: [names[0], names[4]], context: 2, depth: 1, images: 2),
        Case(
            description: "the same sentence twice, more threads than images",
            shape: shape(vision: (10, 2, 5), text: (6, 2, 2), image: 3, patch: 1, embedding: 4),
            sentences: [names[0], names[0], names[2]], context: 3, depth: 2, images: 2, threads: 3),
    ]

    private static func model(_ c: Case) throws -> Model<Double> {
        let workers = Workers(count: c.threads)
        let weights = try CLIPWeights<Double>(shape: c.shape, source: RandomCLIP(shape: c.shape, seed: 7).source)
        let method = PromptMethod.maple(context: c.context, depth: c.depth)
        let plan = try TextPlan(
            sentences: c.sentences.map(method.sentence), window: c.shape.contextLength, vocabulary: c.shape.vocabulary)
        let learner = try MaPLe(
            weights: weights, context: c.context, depth: c.depth, initial: .words(Array(5..<Int32(5 + c.context))), seed: 3,
            workers: workers)
        return Model(
            weights: weights, start: StartToken(weights: weights, id: 0), learner: learner, plan: plan, batch: c.images,
            workers: workers)
    }

    private static func pixels(_ c: Case) -> [Double] {
        var random = InitialValues(seed: 11)
        return (0..<(c.images * 3 * c.shape.imageSize * c.shape.imageSize)).map { _ in 2 * random.unit() - 1 }
    }

    @Test("every trainable tensor's gradient equals the central difference", arguments: cases)
    func centralDifferences(_ c: Case) throws {
        let model = try Self.model(c)
        let pixels = Self.pixels(c)
        let labels = (0..<c.images).map { Int32($0 % c.sentences.count) }
        func loss() -> Double {
            labels.withUnsafeBufferPointer { model.gradients(pixels, labels: $0) }
        }
        _ = loss()
        let analytic = model.learner.parameters.map { $0.gradient.array }
        var worst = 0.0
        for (index, p) in model.learner.parameters.enumerated() {
            let largest = analytic[index].map(abs).max() ?? 0
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
                // The loss is about 1 and known to 1e-16 of that: differences carry some 1e-11 of rounding.
                let relative = difference / (largest + 1e-5)
                worst = max(worst, relative)
                #expect(relative < 1e-5, "\(c): \(p.name)[\(at)]")
            }
        }
        print("    \(c): worst relative difference \(worst)")
    }

    @Test("threads change nothing", arguments: [2, 3, 7])
    func threads(_ count: Int) throws {
        var c = Self.cases[0]
        let one = try Self.model(c)
        c.threads = count
        let many = try Self.model(c)
        let pixels = Self.pixels(c), labels: [Int32] = [0, 1, 4]
        let a = labels.withUnsafeBufferPointer { one.gradients(pixels, labels: $0) }
        let b = labels.withUnsafeBufferPointer { many.gradients(pixels, labels: $0) }
        #expect(abs(a - b) < 1e-12)
        for (p, q) in zip(one.learner.parameters, many.learner.parameters) {
            for (x, y) in zip(p.gradient.array, q.gradient.array) { #expect(abs(x - y) < 1e-12) }
        }
    }

    @Test("a smaller batch than the capacity gives the same as its own model")
    func partialBatch() throws {
        var c = Self.cases[0]
        let wide = try Self.model(c)
        let pixels = Self.pixels(c)
        c.images = 2
        let narrow = try Self.model(c)
        let labels: [Int32] = [1, 3]
        let a = labels.withUnsafeBufferPointer { wide.gradients(pixels, labels: $0) }
        let b = labels.withUnsafeBufferPointer { narrow.gradients(pixels, labels: $0) }
        #expect(a == b)
        for (p, q) in zip(wide.learner.parameters, narrow.learner.parameters) { #expect(p.gradient.array == q.gradient.array) }
    }
}
