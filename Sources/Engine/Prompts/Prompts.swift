/// The prompts as the towers see them, and the gradients that the towers return.
final class Prompts<R: Real> {
    /// One (context tokens, text width) matrix for each prompted text block.
    let text: [Matrix<R>]
    let textGradient: [Matrix<R>]
    /// One (context tokens, vision width) matrix for each prompted vision block.
    let vision: [Matrix<R>]
    let visionGradient: [Matrix<R>]
    private let arena = Arena<R>()

    /// Prompts that a learner computes from its parameters.
    init(shape: CLIPShape, textDepth: Int, textTokens: Int, visionDepth: Int, visionTokens: Int) {
        let arena = arena
        func some(_ depth: Int, _ tokens: Int, _ width: Int) -> [Matrix<R>] {
            (0..<depth).map { _ in arena.matrix(tokens, width) }
        }
        text = some(textDepth, textTokens, shape.text.width)
        textGradient = some(textDepth, textTokens, shape.text.width)
        vision = some(visionDepth, visionTokens, shape.vision.width)
        visionGradient = some(visionDepth, visionTokens, shape.vision.width)
    }

    /// Prompts that are trained as they are: views of the parameters, which their owner keeps alive.
    init(text: [Parameter<R>], vision: [Parameter<R>]) {
        self.text = text.map(\.value)
        textGradient = text.map(\.gradient)
        self.vision = vision.map(\.value)
        visionGradient = vision.map(\.gradient)
    }

    /// Vision tokens that are appended to the patches.
    var visionTokens: Int { vision.first?.rows ?? 0 }
}
