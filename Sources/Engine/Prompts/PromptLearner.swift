/// A method: which tensors are trained, and how they become prompts.
protocol PromptLearner<R>: AnyObject {
    associatedtype R: Real
    var parameters: [Parameter<R>] { get }
    var prompts: Prompts<R> { get }
    /// Parameters to prompts.
    func forward()
    /// Gradients of the prompts to gradients of the parameters.
    func backward()
}

/// What context tokens start from.
public enum InitialContext: Sendable, Equatable {
    /// The embeddings of these tokens, one for each context token.
    case words([Int32])
    /// Normal values of deviation 0.02.
    case random
}

extension InitialContext {
    /// Fills `target`, (context, d) once or several times, with starting values.
    func fill<R: Real>(
        _ target: Matrix<R>, context: Int, weights: CLIPWeights<R>, random: inout InitialValues
    ) throws(EngineError) {
        guard case .words(let ids) = self else { return random.normal(target, deviation: 0.02) }
        guard ids.count == context else { throw .value("\(ids.count) words cannot start \(context) context tokens") }
        for row in 0..<target.rows {
            let id = ids[row % context]
            guard id >= 0, Int(id) < weights.shape.vocabulary else { throw .token(id, vocabulary: weights.shape.vocabulary) }
            target.row(row).update(from: weights.tokenEmbedding + Int(id) * target.columns, count: target.columns)
        }
    }
}

/// Zero-shot CLIP: no prompts, nothing to train.
final class NoPrompts<R: Real>: PromptLearner {
    let parameters: [Parameter<R>] = []
    let prompts = Prompts<R>(text: [], vision: [])

    func forward() {}
    func backward() {}
}
