/// Scores images against a class list with a method's prompts as they are when it is made.
///
/// Text features are computed once, in parts of bounded size; images go through the vision tower alone. Co-CoOp's text
/// features belong to one image each and are computed with it.
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
    private let conditional: (net: ContextNet<Float>, texts: ConditionalTexts<Float>)?

    /// Rows of the vision tower that are computed at once: enough for full-speed products, few enough to stay small.
    private static let rowsAtOnce = 1200
    private static let sentencesAtOnce = 128

    /// - Parameters:
    ///   - prompts: what was learned; nil scores plain sentences (zero-shot).
    ///   - sentences: token ids of each class's sentence, from the start to the end token.
    ///   - templates: sentences of each class, one after the other; a class's feature is the mean of their unit features,
    ///     made unit length again.
    /// - Throws: `EngineError.noClasses`, `.contextTooLong`, `.token`; `.ownContexts` for class-specific contexts that were
    ///   trained on other classes.
    public init(
        clip: FrozenCLIP, prompts learned: LearnedPrompts?, sentences: [[Int32]], templates: Int = 1
    ) throws(EngineError) {
        guard templates >= 1, sentences.count >= templates, sentences.count.isMultiple(of: templates) else { throw .noClasses }
        self.clip = clip
        let classes = sentences.count / templates
        self.classes = classes
        let method = learned?.method ?? .zeroshot
        let learner = learned?.learner
        try learned?.checkClasses(sentences)
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
        let e = clip.shape.embedding
        let tokens = 1 + clip.shape.patches + (prompts.first?.rows ?? 0)
        var capacity = max(1, Self.rowsAtOnce / tokens)
        if let learner = learner as? CoCoOp<Float> {
            let net = ContextNet(copies(learner.parameters.map(\.value)))
            let texts = try ConditionalTexts(
                weights: clip.weights, start: clip.start, net: net, images: capacity, training: false,
                rowsAtOnce: ConditionalTexts<Float>.rowsAtOnce, workers: clip.workers
            ) { method.sentences(sentences, copies: $0) }
            // No group of images that is only partly filled.
            capacity = capacity / texts.imagesAtOnce * texts.imagesAtOnce
            conditional = (net, texts)
            rawText = arena.matrix(0, e)
            text = arena.matrix(0, e)
        } else {
            conditional = nil
            rawText = arena.matrix(sentences.count, e)
            text = arena.matrix(classes, e)
        }
        self.capacity = capacity
        vision = VisionTower(
            weights: clip.weights, capacity: capacity, prompts: prompts.first?.rows ?? 0, depth: prompts.count,
            training: false, workers: clip.workers)
        image = arena.matrix(capacity, e)
        inverse = arena.buffer(max(capacity, sentences.count))
        guard conditional == nil else { return }
        let textPrompts = copies(learner?.prompts.text)
        let places = method.sentences(sentences)
        for first in stride(from: 0, to: places.count, by: Self.sentencesAtOnce) {
            let plan = try TextPlan(
                sentences: Array(places[first..<min(first + Self.sentencesAtOnce, places.count)]),
                window: clip.shape.contextLength, vocabulary: clip.shape.vocabulary)
            let tower = TextTower(
                weights: clip.weights, start: clip.start, plan: plan, textDepth: textPrompts.count, training: false,
                workers: clip.workers)
            tower.forward(textPrompts)
            rawText.row(first).update(from: tower.features.base, count: tower.features.count)
        }
        if templates == 1 {
            Float.unitRows(rawText.base, classes, e, text.base, inverse)
        } else {
            let units = arena.matrix(sentences.count, e)
            Float.unitRows(rawText.base, sentences.count, e, units.base, inverse)
            // The length of the sum does not matter: it is made unit length.
            for c in 0..<classes {
                for t in 0..<templates { Float.addRows(text.row(c), e, units.row(c * templates + t), e, 1, e) }
            }
            Float.unitRows(text.base, classes, e, text.base, inverse)
        }
    }

    /// Writes exp(logit_scale) * cosine, (count, classes), of up to `capacity` images, (count, 3, size, size) normalised.
    public func logits(images: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>) {
        vision.forward(images, count: count, prompts)
        let e = clip.shape.embedding, scale = clip.logitScale
        if let (net, texts) = conditional {
            texts.prepare(net, imageFeatures: vision.features, count: count)
            let target = Matrix(base: output, rows: count, columns: classes)
            for group in 0..<texts.groups(count) { texts.forward(group: group, count: count, scale: scale, logits: target) }
            return
        }
        Float.unitRows(vision.features.base, count, e, image.base, inverse)
        clip.workers.gemm(false, true, count, classes, e, image.base, e, text.base, e, 0, output, classes)
        for i in 0..<(count * classes) { output[i] *= scale }
    }

    /// (sentences, embedding): raw, before normalisation; of the last call of `logits`, (capacity, classes, embedding), where
    /// each image has its own.
    public var rawTextFeatures: [Float] { conditional?.texts.raw.array ?? rawText.array }
    /// (classes, embedding), unit length: what images are compared with; empty where each image has its own.
    public var textFeatures: [Float] { text.array }
    /// (count, embedding) of the last call of `logits`: raw, before normalisation.
    public func rawImageFeatures(count: Int) -> [Float] {
        Array(UnsafeBufferPointer(start: vision.features.base, count: count * clip.shape.embedding))
    }
}
