/// Co-CoOp's model: each image shifts the context tokens, so each has text features of its own.
///
/// Classes share the context rows within an image. Several images' trees go through the text tower together, so many that
/// products are large and memory stays bounded; loss and backward pass follow at once, before the next images.
final class ConditionalModel<R: Real>: TrainingModel {
    private let conditional: CoCoOp<R>
    let vision: VisionTower<R>
    let texts: ConditionalTexts<R>
    /// (batch, classes)
    let logits: Matrix<R>
    private let logitGradient: Matrix<R>
    private let scale: R
    private let arena = Arena<R>()
    /// (images at once)
    private let labels: UnsafeMutablePointer<Int32>

    /// - Parameter places: gives the class list's sentences so many times over, each with its own context slots.
    init(
        weights: CLIPWeights<R>, start: StartToken<R>, learner: CoCoOp<R>, batch: Int,
        rowsAtOnce: Int = ConditionalTexts<R>.rowsAtOnce, workers: Workers, places: (_ copies: Int) -> [[TextPlace]]
    ) throws(EngineError) {
        conditional = learner
        scale = weights.scale
        vision = VisionTower(weights: weights, capacity: batch, prompts: 0, depth: 0, training: false, workers: workers)
        texts = try ConditionalTexts(
            weights: weights, start: start, net: learner.value, images: batch, training: true, rowsAtOnce: rowsAtOnce,
            workers: workers, places: places)
        logits = arena.matrix(batch, texts.classes)
        logitGradient = arena.matrix(texts.imagesAtOnce, texts.classes)
        labels = .allocate(capacity: texts.imagesAtOnce)
    }

    deinit { labels.deallocate() }

    var learner: any PromptLearner<R> { conditional }
    var imageFeatures: Matrix<R> { vision.features }
    var textFeatures: Matrix<R> { texts.raw }

    func forward(_ pixels: UnsafePointer<R>, count: Int) {
        vision.forward(pixels, count: count, [])
        texts.prepare(conditional.value, imageFeatures: vision.features, count: count)
        for group in 0..<texts.groups(count) { texts.forward(group: group, count: count, scale: scale, logits: logits) }
    }

    func gradients(_ pixels: UnsafePointer<R>, labels batch: UnsafeBufferPointer<Int32>) -> R {
        let count = batch.count
        vision.forward(pixels, count: count, [])
        texts.prepare(conditional.value, imageFeatures: vision.features, count: count)
        var loss: R = 0
        for group in 0..<texts.groups(count) {
            texts.forward(group: group, count: count, scale: scale, logits: logits)
            let range = texts.images(group, count: count)
            for (i, image) in range.enumerated() { labels[i] = batch[image] }
            // The kernel gives the mean over these images; the batch's mean is asked for.
            let share = R(range.count) / R(count)
            loss += share * R.crossEntropy(logits.row(range.lowerBound), labels, range.count, texts.classes, logitGradient.base)
            for i in 0..<(range.count * texts.classes) { logitGradient.base[i] *= scale * share }
            texts.backward(group: group, count: count, logitGradient: logitGradient)
        }
        texts.finish(conditional.value, into: conditional.gradient, count: count)
        return loss
    }
}

/// Text features of a class list for each image of a batch.
final class ConditionalTexts<R: Real> {
    let classes: Int
    /// Images whose trees go through the tower together.
    let imagesAtOnce: Int
    /// (images * classes, embedding): before normalisation.
    let raw: Matrix<R>
    /// The plan of one image's tree.
    let plan: TextPlan
    private let capacity: Int
    private let contexts: ShiftedContexts<R>
    private let tower: TextTower<R>
    /// For each group of images: its rows of the contexts and of their gradient, as the tower takes them.
    private let groupContexts: [[Matrix<R>]]
    private let groupGradients: [[Matrix<R>]]
    /// (images, embedding), unit length.
    private let image: Matrix<R>
    /// (images at once * classes, embedding): unit length, inverse lengths, gradient.
    private let unit: Matrix<R>
    private let inverse: UnsafeMutablePointer<R>
    private let imageInverse: UnsafeMutablePointer<R>
    private let gradient: Matrix<R>
    private let arena = Arena<R>()

    /// Rows of the text tower that are computed at once: enough for full-speed products, few enough to stay small.
    static var rowsAtOnce: Int { 1024 }

    init(
        weights: CLIPWeights<R>, start: StartToken<R>, net: ContextNet<R>, images: Int, training: Bool, rowsAtOnce: Int,
        workers: Workers, places: (_ copies: Int) -> [[TextPlace]]
    ) throws(EngineError) {
        let shape = weights.shape, arena = arena, e = shape.embedding, n = net.tokens.rows, d = net.tokens.columns
        func plan(_ copies: Int) throws(EngineError) -> TextPlan {
            try TextPlan(sentences: places(copies), window: shape.contextLength, vocabulary: shape.vocabulary)
        }
        let one = try plan(1)
        self.plan = one
        classes = one.readouts.count
        capacity = images
        let most = max(1, min(images, rowsAtOnce / max(1, one.rows)))
        // Groups of one size, as far as that goes.
        let groups = (images + most - 1) / most
        let together = (images + groups - 1) / groups
        imagesAtOnce = together
        tower = TextTower(
            weights: weights, start: start, plan: together == 1 ? one : try plan(together), textDepth: 1, training: training,
            workers: workers)
        // The last group may reach beyond the images; its spare rows are computed and not used.
        let contexts = ShiftedContexts(net: net, images: groups * together)
        self.contexts = contexts
        func part(_ whole: Matrix<R>, _ group: Int) -> [Matrix<R>] {
            [Matrix(base: whole.row(group * together * n), rows: together * n, columns: d)]
        }
        groupContexts = (0..<groups).map { part(contexts.contexts, $0) }
        groupGradients = (0..<groups).map { part(contexts.gradient, $0) }
        raw = arena.matrix(images * classes, e)
        image = arena.matrix(images, e)
        imageInverse = arena.buffer(images)
        unit = arena.matrix(together * classes, e)
        inverse = arena.buffer(together * classes)
        gradient = arena.matrix(training ? together * classes : 0, e)
    }

    func groups(_ count: Int) -> Int { (count + imagesAtOnce - 1) / imagesAtOnce }

    func images(_ group: Int, count: Int) -> Range<Int> {
        (group * imagesAtOnce)..<min(count, (group + 1) * imagesAtOnce)
    }

    /// The contexts of `count` images from their features, (count, embedding) before normalisation.
    func prepare(_ net: ContextNet<R>, imageFeatures: Matrix<R>, count: Int) {
        precondition(count <= capacity)
        R.unitRows(imageFeatures.base, count, image.columns, image.base, imageInverse)
        contexts.forward(net, images: image, count: count)
    }

    /// Text features and logits, scale * cosine, of one group of images.
    func forward(group: Int, count: Int, scale: R, logits: Matrix<R>) {
        let e = image.columns, range = images(group, count: count)
        tower.forward(groupContexts[group])
        let rows = range.count * classes
        raw.row(range.lowerBound * classes).update(from: tower.features.base, count: rows * e)
        R.unitRows(tower.features.base, rows, e, unit.base, inverse)
        for (i, index) in range.enumerated() {
            R.gemm(
                false, true, 1, classes, e, scale, image.row(index), e, unit.row(i * classes), e, 0, logits.row(index), classes)
        }
    }

    /// Gradients of one group's contexts, right after its forward pass.
    ///
    /// - Parameter logitGradient: (images of the group, classes), the scale taken in already.
    func backward(group: Int, count: Int, logitGradient: Matrix<R>) {
        let e = image.columns, range = images(group, count: count), rows = range.count * classes
        // Spare images of the last group must give nothing.
        gradient.fill(0)
        for (i, index) in range.enumerated() {
            R.gemm(
                false, false, classes, e, 1, 1, logitGradient.row(i), 1, image.row(index), e, 0, gradient.row(i * classes), e)
        }
        R.unitRowsBackward(gradient.base, unit.base, inverse, rows, e, gradient.base)
        for m in groupGradients[group] { m.fill(0) }
        tower.backward(gradient, groupGradients[group])
    }

    /// Gradients of all groups' contexts to those of the network and its tokens.
    func finish(_ net: ContextNet<R>, into result: ContextNet<R>, count: Int) {
        contexts.backward(net, into: result, images: image, count: count)
    }
}
