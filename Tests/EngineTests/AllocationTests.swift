import AllocationCount
import Testing

@testable import Engine

/// After its first step, a training step of any method allocates nothing.
@Suite(.enabled(if: allocation_count() >= 0, "needs glibc"))
struct AllocationTests {
    static let methods: [PromptMethod] = [
        .coop(context: 2, position: .end, classes: nil), .coop(context: 4, position: .middle, classes: 5), .cocoop(context: 2),
        .vision(PromptSize(context: 3, depth: 2)), .language(PromptSize(context: 2, depth: 2)),
        .independent(text: PromptSize(context: 2, depth: 3), vision: PromptSize(context: 4, depth: 1)),
        .maple(context: 2, depth: 2),
    ]

    @Test func theCounterCounts() {
        let before = allocation_count()
        let block = UnsafeMutablePointer<Float>.allocate(capacity: 1000)
        #expect(allocation_count() > before)
        block.deallocate()
    }

    @Test("a step allocates nothing", arguments: methods, [1, 2])
    func steps(_ method: PromptMethod, threads: Int) throws {
        let shape = MethodShapeTests.tiny
        let clip = try FrozenCLIP(
            shape: shape, startToken: 0, source: RandomCLIP(shape: shape, seed: 2).source, workers: Workers(count: threads))
        let prompts = try LearnedPrompts(clip: clip, method: method, initial: .random, seed: 1)
        let prompted = try PromptedCLIP(
            prompts: prompts, sentences: GradientTests.names, batch: 3, momentum: 0.9, weightDecay: 5e-4)
        var random = InitialValues(seed: 4)
        let images = (0..<(3 * 3 * 16)).map { _ in Float(2 * random.unit() - 1) }
        let labels: [Int32] = [0, 2, 4]
        labels.withUnsafeBufferPointer { labels in
            images.withUnsafeBufferPointer { images in
                guard let images = images.baseAddress else { return }
                _ = prompted.step(images: images, labels: labels, learningRate: 0.01)
                var fewest = Int.max
                // Other threads of the test runner may allocate meanwhile: one clean round is proof.
                for _ in 0..<20 {
                    let before = allocation_count()
                    for _ in 0..<3 { _ = prompted.step(images: images, labels: labels, learningRate: 0.01) }
                    fewest = min(fewest, Int(allocation_count() - before))
                }
                #expect(fewest == 0, "\(method): \(fewest) allocations in three steps")
            }
        }
    }
}
