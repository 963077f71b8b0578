/// Multi-modal prompt learning (Khattak et al., CVPR 2023, section 3.2).
///
/// Text prompts P_k, (context, text width), are trained for the first `depth` blocks, with one coupler each:
///
///     V_k = P_k F_k^T + f_k,  F_k (vision width, text width)
///
/// Backward: dF_k = dV_k^T P_k;  df_k = column sums of dV_k;  dP_k += dV_k F_k.
final class MaPLe<R: Real>: PromptLearner {
    let parameters: [Parameter<R>]
    let prompts: Prompts<R>
    private let depth: Int
    private let workers: Workers
    private let arena = Arena<R>()

    /// Names and starting values as in the reference: P_0 from words, deeper prompts normal with deviation 0.02, couplers
    /// uniform within 1/sqrt(text width), the deeper ones equal copies of one draw unless told otherwise.
    init(
        weights: CLIPWeights<R>, context: Int, depth: Int, initial: InitialContext, seed: UInt64, equalCouplers: Bool = true,
        workers: Workers
    ) throws(EngineError) {
        let shape = weights.shape, text = shape.text.width, vision = shape.vision.width, arena = arena
        self.depth = depth
        self.workers = workers
        prompts = Prompts(
            shape: shape, textDepth: depth, textTokens: context, visionDepth: depth, visionTokens: context)
        var all = [Parameter<R>("prompt_learner.ctx", shape: [context, text], role: .text(depth: 0), arena: arena)]
        all += (1..<depth).map {
            Parameter(
                "prompt_learner.compound_prompts_text.\($0 - 1)", shape: [context, text], role: .text(depth: $0), arena: arena)
        }
        for k in 0..<depth {
            let name = k == 0 ? "prompt_learner.proj" : "prompt_learner.compound_prompt_projections.\(k - 1)"
            all.append(Parameter(name + ".weight", shape: [vision, text], role: .coupler(depth: k), arena: arena))
            all.append(Parameter(name + ".bias", shape: [vision], role: .coupler(depth: k), arena: arena))
        }
        parameters = all

        var random = InitialValues(seed: seed)
        try initial.fill(all[0].value, context: context, weights: weights, random: &random)
        for k in 1..<max(depth, 1) { random.normal(all[k].value, deviation: 0.02) }
        let bound = 1 / Double(text).squareRoot()
        for k in 0..<depth {
            let weight = all[depth + 2 * k].value, bias = all[depth + 2 * k + 1].value
            if k < 2 || !equalCouplers {
                random.uniform(weight, bound: bound)
                random.uniform(bias, bound: bound)
            } else {
                weight.copy(from: all[depth + 2].value.base)
                bias.copy(from: all[depth + 3].value.base)
            }
        }
    }

    private func textPrompt(_ k: Int) -> Parameter<R> { parameters[k] }
    private func couplerWeight(_ k: Int) -> Parameter<R> { parameters[depth + 2 * k] }
    private func couplerBias(_ k: Int) -> Parameter<R> { parameters[depth + 2 * k + 1] }

    func forward() {
        for k in 0..<depth {
            let p = textPrompt(k).value, v = prompts.vision[k]
            prompts.text[k].copy(from: p.base)
            workers.gemm(
                false, true, p.rows, v.columns, p.columns, p.base, p.columns, couplerWeight(k).value.base, p.columns, 0, v.base,
                v.columns)
            R.addBias(v.base, v.columns, couplerBias(k).value.base, v.rows, v.columns)
        }
    }

    func backward() {
        for k in 0..<depth {
            let p = textPrompt(k), w = couplerWeight(k), b = couplerBias(k), dv = prompts.visionGradient[k]
            p.gradient.copy(from: prompts.textGradient[k].base)
            workers.gemm(
                true, false, dv.columns, p.value.columns, dv.rows, dv.base, dv.columns, p.value.base, p.value.columns, 0,
                w.gradient.base, p.value.columns)
            b.gradient.fill(0)
            for row in 0..<dv.rows { R.addRows(b.gradient.base, dv.columns, dv.row(row), dv.columns, 1, dv.columns) }
            workers.gemm(
                false, false, dv.rows, p.value.columns, dv.columns, dv.base, dv.columns, w.value.base, p.value.columns, 1,
                p.gradient.base, p.value.columns)
        }
    }
}
