/// Scores images against a class list with a method's prompts as they are when it is made.
///
/// Text features are computed once, in parts of bounded size; images go through the vision tower alone.
public final class Scorer {
    public let classes: Int
    /// Images that one call of `logits` takes.
    public let capacity: Int
    private let clip: FrozenCLIP
    private let vision: VisionTower<Float>
    private let prompts: [Matrix<Float>]
    private let arena = Arena<Float>()
    /// (classes, embedding), unit length.
    private let text: Matrix<Float>
    private let rawText: Matrix<Float>
    private let image: Matrix<Float>
    private let inverse: UnsafeMutablePointer<Float>

    /// Rows of the vision tower that are computed at once: enough for full-speed products, few enough to stay small.
    private static let rowsAtOnce = 2048
    private static let classesAtOnce = 128

    /// - Parameters:
    ///   - prompts: what was learned; nil scores plain sentences (zero-shot).
    ///   - sentences: token ids of each class's sentence, from the start to the end token.
    public init(clip: FrozenCLIP, prompts learned: LearnedPrompts?, sentences: [[Int32]]) throws(EngineError) {
        guard !sentences.isEmpty else { throw .noClasses }
        self.clip = clip
        classes = sentences.count
        let method = learned?.method ?? .zeroshot
        let learner = learned?.learner
        learner?.forward()
        // Copies: training may go on while this scorer is in use.
        let arena = arena
        func copies(_ matrices: [Matrix<Float>]?) -> [Matrix<Float>] {
            (matrices ?? []).map {
                let copy = arena.matrix($0.rows, $0.columns)
                copy.copy(from: $0.base)
                return copy
            }
        }
        prompts = copies(learner?.prompts.vision)
        let textPrompts = copies(learner?.prompts.text)
        let e = clip.shape.embedding
        rawText = arena.matrix(classes, e)
        text = arena.matrix(classes, e)
        for first in stride(from: 0, to: sentences.count, by: Self.classesAtOnce) {
            let part = sentences[first..<min(first + Self.classesAtOnce, sentences.count)]
            let plan = try TextPlan(
                sentences: part.map(method.sentence), window: clip.shape.contextLength, vocabulary: clip.shape.vocabulary)
            let tower = TextTower(
                weights: clip.weights, start: clip.start, plan: plan, textDepth: textPrompts.count, training: false,
                workers: clip.workers)
            tower.forward(textPrompts)
            rawText.row(first).update(from: tower.features.base, count: tower.features.count)
        }
        let tokens = 1 + clip.shape.patches + (prompts.first?.rows ?? 0)
        capacity = max(1, Self.rowsAtOnce / tokens)
        vision = VisionTower(
            weights: clip.weights, capacity: capacity, prompts: prompts.first?.rows ?? 0, depth: prompts.count,
            training: false, workers: clip.workers)
        image = arena.matrix(capacity, e)
        inverse = arena.buffer(max(capacity, classes))
        Float.unitRows(rawText.base, classes, e, text.base, inverse)
    }

    /// Writes exp(logit_scale) * cosine, (count, classes), of up to `capacity` images, (count, 3, size, size) normalised.
    public func logits(images: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>) {
        vision.forward(images, count: count, prompts)
        let e = clip.shape.embedding, scale = clip.logitScale
        Float.unitRows(vision.features.base, count, e, image.base, inverse)
        clip.workers.gemm(false, true, count, classes, e, image.base, e, text.base, e, 0, output, classes)
        for i in 0..<(count * classes) { output[i] *= scale }
    }

    /// (classes, embedding): raw, before normalisation.
    public var rawTextFeatures: [Float] { rawText.array }
    /// (count, embedding) of the last call of `logits`: raw, before normalisation.
    public func rawImageFeatures(count: Int) -> [Float] {
        Array(UnsafeBufferPointer(start: vision.features.base, count: count * clip.shape.embedding))
    }
}
