/// One trainable tensor with its gradient, momentum and starting value.
struct Parameter<R: Real> {
    /// The name it has in the public implementation's module.
    let name: String
    /// As in the reference's checkpoints; linear weights are (output, input).
    let shape: [Int]
    /// What it is, for the norms panel.
    let role: ParameterRole
    let value: Matrix<R>
    let gradient: Matrix<R>
    let momentum: Matrix<R>
    let initial: Matrix<R>

    init(_ name: String, shape: [Int], role: ParameterRole, arena: Arena<R>) {
        self.name = name
        self.shape = shape
        self.role = role
        let rows = shape.count > 1 ? shape.dropLast().reduce(1, *) : 1
        let columns = shape.last ?? 1
        value = arena.matrix(rows, columns)
        gradient = arena.matrix(rows, columns)
        momentum = arena.matrix(rows, columns)
        initial = arena.matrix(rows, columns)
    }
}

/// Where a trainable tensor acts.
public enum ParameterRole: Sendable, Equatable {
    /// Context tokens that enter text block `depth`.
    case text(depth: Int)
    /// Context tokens that enter vision block `depth`.
    case vision(depth: Int)
    /// The linear map from text to vision prompts of block `depth`.
    case coupler(depth: Int)
    /// A layer of the network that shifts context tokens for each image: 0 or 1.
    case metaNet(layer: Int)
}

/// Stochastic gradient descent as PyTorch's: g = grad + decay * w; m = momentum * m + g (g itself in the first step);
/// w -= lr * m. No dampening, no Nesterov.
struct SGD: Sendable, Equatable {
    var momentum: Double
    var weightDecay: Double

    func step<R: Real>(_ parameters: [Parameter<R>], learningRate: Double, first: Bool) {
        for p in parameters {
            R.sgd(
                p.value.base, p.gradient.base, p.momentum.base, p.value.count, R(learningRate), R(momentum), R(weightDecay),
                first)
        }
    }
}
