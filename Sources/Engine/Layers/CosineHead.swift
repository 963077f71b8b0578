/// Cosine similarity of images and classes, cross-entropy, and the way back.
///
///     i = I / |I|,  t = T / |T|,  logits = s i t^T,  loss = mean over rows of -log softmax(logits)[label]
struct CosineHead<R: Real> {
    /// exp(logit_scale); moves where the weights are trained.
    var scale: R
    let workers: Workers
    /// (images, embedding) and (classes, embedding), unit length, with the inverse lengths they had.
    let image: Matrix<R>
    let imageInverse: UnsafeMutablePointer<R>
    let text: Matrix<R>
    let textInverse: UnsafeMutablePointer<R>
    /// (images, classes)
    let logits: Matrix<R>
    let logitGradient: Matrix<R>
    /// Gradients of the unit features, then of the raw ones.
    let imageGradient: Matrix<R>
    let textGradient: Matrix<R>

    init(scale: R, images: Int, classes: Int, embedding: Int, workers: Workers, arena: Arena<R>) {
        self.scale = scale
        self.workers = workers
        image = arena.matrix(images, embedding)
        imageInverse = arena.buffer(images)
        text = arena.matrix(classes, embedding)
        textInverse = arena.buffer(classes)
        logits = arena.matrix(images, classes)
        logitGradient = arena.matrix(images, classes)
        imageGradient = arena.matrix(images, embedding)
        textGradient = arena.matrix(classes, embedding)
    }

    /// Fills `logits` for the first `count` rows of `imageFeatures`.
    func forward(imageFeatures: Matrix<R>, count: Int, textFeatures: Matrix<R>) {
        let e = image.columns, classes = text.rows
        R.unitRows(imageFeatures.base, count, e, image.base, imageInverse)
        R.unitRows(textFeatures.base, classes, e, text.base, textInverse)
        workers.gemm(false, true, count, classes, e, image.base, e, text.base, e, 0, logits.base, classes)
        for i in 0..<(count * classes) { logits.base[i] *= scale }
    }

    /// The mean loss of the first `count` rows; fills the gradients of the raw features.
    func backward(labels: UnsafePointer<Int32>, count: Int) -> R {
        let classes = text.rows
        let loss = R.crossEntropy(logits.base, labels, count, classes, logitGradient.base)
        featureGradients(count)
        return loss
    }

    /// From `logitGradient` to the gradients of the raw features.
    func featureGradients(_ count: Int) {
        let e = image.columns, classes = text.rows
        for i in 0..<(count * classes) { logitGradient.base[i] *= scale }
        workers.gemm(false, false, count, e, classes, logitGradient.base, classes, text.base, e, 0, imageGradient.base, e)
        workers.gemm(true, false, classes, e, count, logitGradient.base, classes, image.base, e, 0, textGradient.base, e)
        R.unitRowsBackward(imageGradient.base, image.base, imageInverse, count, e, imageGradient.base)
        R.unitRowsBackward(textGradient.base, text.base, textInverse, classes, e, textGradient.base)
    }
}
