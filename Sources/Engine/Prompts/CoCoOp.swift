/// Conditional context optimisation (Zhou et al., "Conditional prompt learning for vision-language models", CVPR 2022):
/// context tokens P, (context, d), and a small network that shifts all of them for each image,
///
///     P_i = P + W2 relu(W1 x_i + b1) + b2,   x_i the image's unit feature.
///
/// So every image has text features of its own: see `ConditionalModel`.
final class CoCoOp<R: Real>: PromptLearner {
    let parameters: [Parameter<R>]
    /// The context before it is shifted; its gradient is the sum over images.
    let prompts: Prompts<R>
    let value: ContextNet<R>
    let gradient: ContextNet<R>
    private let arena = Arena<R>()

    /// Names and starting values as in the reference: linear weights and biases uniform within 1/sqrt(inputs), a hidden
    /// layer of a sixteenth of the embedding.
    init(weights: CLIPWeights<R>, context: Int, initial: InitialContext, seed: UInt64) throws(EngineError) {
        let d = weights.shape.text.width, e = weights.shape.embedding, hidden = max(1, e / 16), arena = arena
        func parameter(_ name: String, _ shape: [Int], _ role: ParameterRole) -> Parameter<R> {
            Parameter("prompt_learner." + name, shape: shape, role: role, arena: arena)
        }
        parameters = [
            parameter("ctx", [context, d], .text(depth: 0)),
            parameter("meta_net.linear1.weight", [hidden, e], .metaNet(layer: 0)),
            parameter("meta_net.linear1.bias", [hidden], .metaNet(layer: 0)),
            parameter("meta_net.linear2.weight", [d, hidden], .metaNet(layer: 1)),
            parameter("meta_net.linear2.bias", [d], .metaNet(layer: 1)),
        ]
        prompts = Prompts(text: [parameters[0]], vision: [])
        value = ContextNet(parameters.map(\.value))
        gradient = ContextNet(parameters.map(\.gradient))
        var random = InitialValues(seed: seed)
        try initial.fill(parameters[0].value, context: context, weights: weights, random: &random)
        for (k, inputs) in [(1, e), (2, e), (3, hidden), (4, hidden)] {
            random.uniform(parameters[k].value, bound: 1 / Double(inputs).squareRoot())
        }
    }


    func forward() {}
    func backward() {}
}

/// Co-CoOp's tensors, or their gradients.
struct ContextNet<R: Real> {
    /// (context, d)
    let tokens: Matrix<R>
    /// (hidden, embedding), (hidden), (d, hidden), (d)
    let weight1: Matrix<R>
    let bias1: Matrix<R>
    let weight2: Matrix<R>
    let bias2: Matrix<R>

    /// In the order of `CoCoOp.parameters`.
    init(_ all: [Matrix<R>]) {
        (tokens, weight1, bias1, weight2, bias2) = (all[0], all[1], all[2], all[3], all[4])
    }
}

/// The context tokens of a batch of images.
final class ShiftedContexts<R: Real> {
    /// (images * context, d)
    let contexts: Matrix<R>
    let gradient: Matrix<R>
    /// (images, hidden), after the relu; then its gradient.
    private let hidden: Matrix<R>
    private let hiddenGradient: Matrix<R>
    /// (images, d)
    private let shift: Matrix<R>
    private let arena = Arena<R>()

    init(net: ContextNet<R>, images: Int) {
        let n = net.tokens.rows, d = net.tokens.columns, inner = net.weight1.rows
        contexts = arena.matrix(images * n, d)
        gradient = arena.matrix(images * n, d)
        hidden = arena.matrix(images, inner)
        hiddenGradient = arena.matrix(images, inner)
        shift = arena.matrix(images, d)
    }

    /// Fills the contexts of the first `count` images.
    ///
    /// - Parameter images: (count, embedding), unit length.
    func forward(_ net: ContextNet<R>, images: Matrix<R>, count: Int) {
        let n = net.tokens.rows, d = net.tokens.columns, inner = hidden.columns, e = images.columns
        R.gemm(false, true, count, inner, e, 1, images.base, e, net.weight1.base, e, 0, hidden.base, inner)
        R.addBias(hidden.base, inner, net.bias1.base, count, inner)
        for i in 0..<(count * inner) { hidden.base[i] = max(0, hidden.base[i]) }
        R.gemm(false, true, count, d, inner, 1, hidden.base, inner, net.weight2.base, inner, 0, shift.base, d)
        R.addBias(shift.base, d, net.bias2.base, count, d)
        for i in 0..<count {
            contexts.row(i * n).update(from: net.tokens.base, count: n * d)
            R.addBias(contexts.row(i * n), d, shift.row(i), n, d)
        }
    }

    /// Turns `gradient` of the first `count` images into gradients of the network and of its tokens, replacing what they held.
    ///
    /// dP = sum_i dP_i;  ds_i = sum of dP_i over tokens;  dW2 = ds^T h;  dh = ds W2 where h > 0;  dW1 = dh^T x.
    func backward(_ net: ContextNet<R>, into result: ContextNet<R>, images: Matrix<R>, count: Int) {
        let n = net.tokens.rows, d = net.tokens.columns, inner = hidden.columns, e = images.columns
        result.tokens.fill(0)
        result.bias1.fill(0)
        result.bias2.fill(0)
        for i in 0..<count {
            let own = shift.row(i)
            own.update(repeating: 0, count: d)
            for j in 0..<n {
                let row = gradient.row(i * n + j)
                R.addRows(own, d, row, d, 1, d)
                R.addRows(result.tokens.row(j), d, row, d, 1, d)
            }
            R.addRows(result.bias2.base, d, own, d, 1, d)
        }
        R.gemm(true, false, d, inner, count, 1, shift.base, d, hidden.base, inner, 0, result.weight2.base, inner)
        R.gemm(false, false, count, inner, d, 1, shift.base, d, net.weight2.base, inner, 0, hiddenGradient.base, inner)
        for i in 0..<(count * inner) where hidden.base[i] <= 0 { hiddenGradient.base[i] = 0 }
        for i in 0..<count { R.addRows(result.bias1.base, inner, hiddenGradient.row(i), inner, 1, inner) }
        R.gemm(true, false, inner, e, count, 1, hiddenGradient.base, inner, images.base, e, 0, result.weight1.base, e)
    }
}
