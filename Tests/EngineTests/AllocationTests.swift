import CAllocationCount
import Testing

@testable import Engine

@Suite(.serialized) struct AllocationTests {
    @Test("the counter sees an allocation")
    func counterWorks() {
        allocation_count_start()
        let block = Array(repeating: 1.0, count: 1000 + Int.random(in: 0..<10))
        #expect(allocation_count_stop() >= 1 && block.count >= 1000)
    }

    @Test("after the first, a training step allocates nothing", arguments: [1, 2])
    func stepAllocatesNothing(threads: Int) throws {
        let random = RandomCLIP(shape: SelfCheck.shape, seed: 4)
        let clip = try FrozenCLIP(
            shape: SelfCheck.shape, startToken: 0, source: random.source, workers: Workers(count: threads))
        let prompts = try LearnedPrompts(
            clip: clip, method: .maple(context: 2, depth: 3), initial: .words([5, 6]), seed: 1)
        let model = try PromptedCLIP(
            prompts: prompts, sentences: SelfCheck.sentences, batch: 3, momentum: 0.9, weightDecay: 5e-4)
        let pixels = (0..<(3 * 3 * 24 * 24)).map { Float($0 % 17) / 17 }
        let labels: [Int32] = [0, 2, 5]
        var losses: [Float] = [0, 0, 0, 0]
        pixels.withUnsafeBufferPointer { pixels in
            labels.withUnsafeBufferPointer { labels in
                guard let images = pixels.baseAddress else { return }
                for i in 0..<4 {
                    allocation_count_start()
                    let outcome = model.step(images: images, labels: labels, learningRate: 0.01)
                    let count = allocation_count_stop()
                    losses[i] = outcome.loss
                    if i > 0 { #expect(count == 0, "step \(i + 1) allocated \(count) times") }
                }
            }
        }
        #expect(Set(losses).count == 4)
    }

    @Test("after the first, a step that trains all weights allocates no buffer", arguments: [1, 2])
    func pretrainingAllocatesNothing(threads: Int) throws {
        let shape = SelfCheck.shape
        let clip = try TrainableCLIP(shape: shape, batch: 7, optimiser: AdamW(), seed: 3, workers: Workers(count: threads))
        let pixels = (0..<(7 * 3 * 24 * 24)).map { Float($0 % 17) / 17 }
        let plan = try TextPlan(captions: SelfCheck.sentences, window: shape.contextLength, vocabulary: shape.vocabulary)
        pixels.withUnsafeBufferPointer { pixels in
            guard let images = pixels.baseAddress else { return }
            for i in 0..<4 {
                allocation_count_start()
                _ = clip.step(images: images, captions: plan, learningRate: 1e-3)
                let count = allocation_count_stop()
                if i > 0 { #expect(count <= 1, "step \(i + 1) allocated \(count) times") }
            }
        }
    }
}
