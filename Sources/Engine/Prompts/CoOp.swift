/// Context optimisation (Zhou et al., "Learning to prompt for vision-language models", IJCV 2022): the sentence's context
/// tokens are trained, (context, text width), or (classes, context, text width) where each class has its own.
final class CoOp<R: Real>: PromptLearner {
    let parameters: [Parameter<R>]
    let prompts: Prompts<R>
    private let arena = Arena<R>()

    init(
        weights: CLIPWeights<R>, context: Int, classes: Int?, initial: InitialContext, seed: UInt64
    ) throws(EngineError) {
        let width = weights.shape.text.width
        let tokens = Parameter<R>(
            "prompt_learner.ctx", shape: (classes.map { [$0] } ?? []) + [context, width], role: .text(depth: 0), arena: arena)
        var random = InitialValues(seed: seed)
        try initial.fill(tokens.value, context: context, weights: weights, random: &random)
        parameters = [tokens]
        prompts = Prompts(text: [tokens], vision: [])
    }

    func forward() {}
    func backward() {}
}
