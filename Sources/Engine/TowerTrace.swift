/// Looks inside both towers: what enters each block, for comparison with other implementations.
public final class TowerTrace {
    private let clip: FrozenCLIP
    private let text: TextTower<Float>
    private let vision: VisionTower<Float>

    /// - Parameters:
    ///   - sentences: token ids from the start to the end token.
    ///   - images: the most images of one look.
    public init(clip: FrozenCLIP, sentences: [[Int32]], images: Int) throws(EngineError) {
        self.clip = clip
        let plan = try TextPlan(
            sentences: sentences.map { $0.map(TextPlace.word) }, window: clip.shape.contextLength,
            vocabulary: clip.shape.vocabulary)
        text = TextTower(
            weights: clip.weights, start: clip.start, plan: plan, textDepth: 0, training: true, workers: clip.workers)
        vision = VisionTower(
            weights: clip.weights, capacity: images, prompts: 0, depth: 0, training: true, workers: clip.workers)
        text.forward([])
    }

    /// Runs `count` images, (count, 3, size, size) normalised.
    public func look(at images: UnsafePointer<Float>, count: Int) { vision.forward(images, count: count, []) }

    /// What enters vision block `layer`: (tokens, width) of one image of the last look.
    public func visionHidden(layer: Int, image: Int) -> [Float] { vision.blockInput(layer: layer, image: image) }

    /// [CLS] after the last block, before normalisation: (count, width).
    public func visionLast(count: Int) -> [Float] { vision.lastClass(count: count) }

    /// [CLS] after the last block and normalisation: (count, width).
    public func visionPooled(count: Int) -> [Float] { vision.pooled(count: count) }

    /// What enters text block `layer`: (places - 1, width) of one sentence, the start token left out.
    public func textHidden(layer: Int, sentence: Int) -> [Float] { text.blockInput(layer: layer, sentence: sentence) }

    /// The end token after the last block and normalisation: (sentences, width).
    public var textPooled: [Float] { text.pooled }

    /// (sentences, embedding) and (count, embedding), before normalisation.
    public func rawFeatures(count: Int) -> (text: [Float], image: [Float]) {
        (
            text.features.array,
            Array(UnsafeBufferPointer(start: vision.features.base, count: count * clip.shape.embedding))
        )
    }
}

extension TextTower {
    /// (places - 1, width): the rows of one sentence, from the one behind the start token to the end token.
    func blockInput(layer: Int, sentence: Int) -> [R] {
        let d = memories[layer].input.columns, row = plan.readouts[sentence]
        let way = plan.ancestors[Int(plan.ancestorStart[row])..<Int(plan.ancestorStart[row + 1])].dropFirst()
        return way.flatMap { Array(UnsafeBufferPointer(start: memories[layer].input.row(Int($0)), count: d)) }
    }

    /// (sentences, width)
    var pooled: [R] {
        let d = normalised.columns
        return plan.readouts.flatMap {
            Array(UnsafeBufferPointer(start: normalised.row($0 - plan.firstReadout), count: d))
        }
    }
}

extension VisionTower {
    /// (1 + patches, width): [CLS] and patches of one image.
    func blockInput(layer: Int, image: Int) -> [R] {
        let input = memories[layer].input
        return Array(UnsafeBufferPointer(start: input.row(image * tokens), count: tokens * input.columns))
    }

    /// (count, width)
    func lastClass(count: Int) -> [R] { Array(UnsafeBufferPointer(start: last.base, count: count * last.columns)) }

    /// (count, width)
    func pooled(count: Int) -> [R] { Array(UnsafeBufferPointer(start: normalised.base, count: count * normalised.columns)) }
}
