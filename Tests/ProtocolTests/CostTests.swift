import Engine
import RunModel
import Testing

@testable import Training

struct CostTests {
    static let sentences: [[Int32]] = (0..<20).map { c in [49406, 320, 1125, 539, 320] + (0...(c % 3)).map { Int32(1000 + 10 * c + $0) } + [269, 49407] }

    /// The paper's counts on ViT-B/16.
    @Test(arguments: [
        (MethodSpec(name: .coop, context: 4), 2048), (MethodSpec(name: .cocoop, context: 4), 35_360),
        (MethodSpec(name: .maple, context: 2, depth: 9), 3_555_072), (MethodSpec(name: .maple, context: 2, depth: 3), 1_185_024),
        (MethodSpec(name: .independent, context: 2, depth: 12), 30_720), (MethodSpec(name: .zeroshot), 0),
    ])
    func parameters(method: MethodSpec, expected: Int) throws {
        let shape = try #require(Bench.shapes["vit-b/16"])
        let cost = try MethodCost(shape: shape, method: method, sentences: Self.sentences, classes: 20, batch: 4)
        #expect(cost.trainableParameters == expected)
    }

    /// What is counted from shapes is what the engine computes.
    @Test func arithmetic() throws {
        let shape = try #require(Bench.shapes["tiny"])
        let workers = Workers(count: 1)
        let clip = try FrozenCLIP(shape: shape, startToken: 49406, source: RandomCLIP(shape: shape, seed: 1).source, workers: workers)
        let images = [Float](repeating: 0.1, count: 4 * 3 * 32 * 32)
        for method in [
            MethodSpec(name: .coop, context: 4), MethodSpec(name: .cocoop, context: 4), MethodSpec(name: .vision, context: 4, depth: 3),
            MethodSpec(name: .language, context: 4, depth: 4), MethodSpec(name: .independent, context: 2, depth: 4),
            MethodSpec(name: .maple, context: 2, depth: 3),
        ] {
            let prompts = try LearnedPrompts(clip: clip, method: PromptMethod(method, classes: 20), initial: .random, seed: 1)
            let prompted = try PromptedCLIP(prompts: prompts, sentences: Self.sentences, batch: 4, momentum: 0.9, weightDecay: 0)
            let labels: [Int32] = [0, 1, 2, 3]
            for _ in 0..<2 {
                Arithmetic.reset()
                _ = labels.withUnsafeBufferPointer { prompted.step(images: images, labels: $0, learningRate: 0) }
            }
            let cost = try MethodCost(shape: shape, method: method, sentences: Self.sentences, classes: 20, batch: 4)
            let ratio = cost.stepOperations / Double(Arithmetic.operations)
            #expect(ratio > 0.9 && ratio < 1.1, "\(method.name): counted \(cost.stepOperations), measured \(Arithmetic.operations)")
            #expect(cost.trainableParameters == prompts.parameterCount)
        }
    }
}
