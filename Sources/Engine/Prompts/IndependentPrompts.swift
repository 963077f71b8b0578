/// Deep prompts that are trained as they are, in one tower or in both without a link: deep vision prompting (Jia et al.,
/// ECCV 2022), deep language prompting and independent vision-language prompting (Rasheed et al., CVPR 2023).
final class IndependentPrompts<R: Real>: PromptLearner {
    let parameters: [Parameter<R>]
    let prompts: Prompts<R>
    private let arena = Arena<R>()

    /// Names as in the reference. The sentence's tokens start from `initial`; all others normal with deviation 0.02.
    init(
        weights: CLIPWeights<R>, text: PromptSize?, vision: PromptSize?, initial: InitialContext, seed: UInt64
    ) throws(EngineError) {
        let shape = weights.shape, arena = arena
        func parameters(
            _ size: PromptSize?, _ width: Int, first: String, tower: String, role: (Int) -> ParameterRole
        ) -> [Parameter<R>] {
            guard let size else { return [] }
            return (0..<size.depth).map {
                Parameter(
                    $0 == 0 ? first : "\(tower).transformer.resblocks.\($0).VPT_shallow", shape: [size.context, width],
                    role: role($0), arena: arena)
            }
        }
        let own = parameters(
            text, shape.text.width, first: "prompt_learner.ctx", tower: "text_encoder", role: ParameterRole.text(depth:))
        let seen = parameters(
            vision, shape.vision.width, first: "image_encoder.VPT", tower: "image_encoder", role: ParameterRole.vision(depth:))
        var random = InitialValues(seed: seed)
        if let text, let context = own.first {
            try initial.fill(context.value, context: text.context, weights: weights, random: &random)
        }
        for p in own.dropFirst() + seen { random.normal(p.value, deviation: 0.02) }
        self.parameters = own + seen
        prompts = Prompts(text: own, vision: seen)
    }

    func forward() {}
    func backward() {}
}
