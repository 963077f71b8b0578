/// Every weight of a CLIP as a trainable tensor: values, gradients and AdamW's two moments, each in one stretch of memory.
///
/// `weights` and `gradients` are views of it, so layers read and add up in place.
final class TrainableWeights<R: Real> {
    struct Tensor: Sendable, Equatable {
        /// Its Hugging Face name.
        let name: String
        let shape: [Int]
        /// Where it lies in each stretch.
        let range: Range<Int>
        /// Gains, biases, the class embedding and the temperature do not shrink, as in CLIP's own training.
        var decays: Bool { shape.count >= 2 }
    }

    let shape: CLIPShape
    let tensors: [Tensor]
    let weights: CLIPWeights<R>
    let gradients: CLIPGradients<R>
    let values: UnsafeMutablePointer<R>
    /// After `reduce`: the whole gradient.
    let gradient: UnsafeMutablePointer<R>
    let firstMoment: UnsafeMutablePointer<R>
    let secondMoment: UnsafeMutablePointer<R>
    /// Elements of a stretch; tensors begin at multiples of 16, so there are gaps, which stay zero.
    let count: Int
    private let workers: Workers
    /// One stretch for each worker, the first of which is `gradient`.
    private let sets: [UnsafeMutablePointer<R>]

    init(shape: CLIPShape, workers: Workers) throws(EngineError) {
        let arena = Arena<R>()
        // Asked for their names and shapes first: what a CLIP is made of is written down once, in `CLIPWeights`.
        var tensors: [Tensor] = []
        var end = 0
        let nothing = UnsafePointer(arena.buffer(1))
        _ = try CLIPWeights<R>(shape: shape, owners: []) { name, shape throws(EngineError) in
            let count = shape.reduce(1, *)
            tensors.append(Tensor(name: name, shape: shape, range: end..<(end + count)))
            end = (end + count + 15) / 16 * 16
            return nothing
        }
        let ranges = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.range) })
        func view(_ base: UnsafeMutablePointer<R>) throws(EngineError) -> CLIPWeights<R> {
            try CLIPWeights(shape: shape, owners: [arena]) { name, _ throws(EngineError) in
                guard let range = ranges[name] else { throw .missingTensor(name) }
                return UnsafePointer(base + range.lowerBound)
            }
        }
        self.shape = shape
        self.tensors = tensors
        self.workers = workers
        count = end
        values = arena.buffer(end)
        firstMoment = arena.buffer(end)
        secondMoment = arena.buffer(end)
        sets = (0..<workers.count).map { _ in arena.buffer(end) }
        gradient = sets[0]
        weights = try view(values)
        var views: [CLIPWeights<R>] = []
        for set in sets { views.append(try view(set)) }
        gradients = CLIPGradients(sets: views, shape: shape)
    }

    /// Weights, decayed or not.
    var parameterCount: Int { tensors.reduce(0) { $0 + $1.range.count } }

    func values(_ tensor: Tensor) -> Matrix<R> { Self.row(values, tensor) }
    func gradient(_ tensor: Tensor) -> Matrix<R> { Self.row(gradient, tensor) }

    private static func row(_ base: UnsafeMutablePointer<R>, _ tensor: Tensor) -> Matrix<R> {
        Matrix(base: base + tensor.range.lowerBound, rows: 1, columns: tensor.range.count)
    }

    /// Takes all values from `source`.
    ///
    /// - Throws: `EngineError.missingTensor`, `EngineError.shape`.
    func load(_ source: TensorSource) throws(EngineError) {
        for tensor in tensors {
            guard let raw = source.find(tensor.name) else { throw .missingTensor(tensor.name) }
            let same = raw.shape == tensor.shape || (tensor.shape.isEmpty && raw.shape == [1])
            guard same else { throw .shape(tensor: tensor.name, expected: tensor.shape, found: raw.shape) }
            raw.convert(to: values + tensor.range.lowerBound)
        }
    }

    /// Before a backward pass.
    func clearGradients() {
        workers.split(count, grain: 16) { _, range in
            for set in sets { (set + range.lowerBound).update(repeating: 0, count: range.count) }
        }
    }

    /// After a backward pass: `gradient` becomes the sum of what the workers added up.
    func reduce() {
        workers.split(count, grain: 16) { _, range in
            let first = range.lowerBound, n = range.count
            for set in sets.dropFirst() { R.addRows(gradient + first, n, set + first, n, 1, n) }
        }
    }

    /// One step of AdamW on every tensor.
    ///
    /// - Parameter number: steps taken, this one included.
    func step(_ optimiser: AdamW, learningRate: Double, number: Int) {
        let c1 = 1 - power(optimiser.beta1, number), c2 = 1 - power(optimiser.beta2, number)
        workers.split(count, grain: 16) { _, range in
            for tensor in tensors {
                let part = tensor.range.clamped(to: range), at = part.lowerBound
                guard !part.isEmpty else { continue }
                let decay = tensor.decays || optimiser.decaysAll ? optimiser.weightDecay : 0
                R.adamW(
                    values + at, gradient + at, firstMoment + at, secondMoment + at, part.count, R(learningRate),
                    R(optimiser.beta1), R(optimiser.beta2), R(c1), R(c2), R(optimiser.epsilon), R(decay))
            }
        }
    }

    /// The first tensor whose values or gradient are not finite.
    func firstNonFinite() -> String? {
        for tensor in tensors {
            if !R.allFinite(values + tensor.range.lowerBound, tensor.range.count) { return tensor.name }
            if !R.allFinite(gradient + tensor.range.lowerBound, tensor.range.count) { return "gradient of \(tensor.name)" }
        }
        return nil
    }
}

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as PyTorch's AdamW computes it:
///
///     w *= 1 - lr decay;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
///     w -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
public struct AdamW: Sendable, Equatable {
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    public var weightDecay: Double
    /// Also gains, biases and the temperature.
    public var decaysAll: Bool

    /// The defaults are those of CLIP's vision transformers.
    public init(
        beta1: Double = 0.9, beta2: Double = 0.98, epsilon: Double = 1e-6, weightDecay: Double = 0.2, decaysAll: Bool = false
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.decaysAll = decaysAll
    }
}
