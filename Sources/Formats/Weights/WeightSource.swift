/// Named tensors, wherever they lie: one safetensors file, a set of shards, a PyTorch file.
public protocol WeightSource: Sendable {
    /// The file (or index file) the tensors come from, for messages.
    var path: String { get }
    /// Every tensor's name, in the file's order.
    var names: [String] { get }
    /// The tensor of that name, nil if there is none.
    subscript(name: String) -> StoredTensor? { get }
}

extension WeightSource {
    /// The tensor, or an error that names it.
    public func tensor(_ name: String) throws -> StoredTensor {
        guard let tensor = self[name] else { throw FormatError.weights(path: path, .missing(name: name, shape: nil, others: 0)) }
        return tensor
    }

    /// The tensor, whose shape must be `shape` and whose elements must be floating-point.
    ///
    /// A scalar may also be stored with shape (1), as some tools write `logit_scale`.
    public func tensor(_ name: String, shape: [Int]) throws -> StoredTensor {
        guard let tensor = self[name] else { throw FormatError.weights(path: path, .missing(name: name, shape: shape, others: 0)) }
        guard tensor.shape == shape || (shape.isEmpty && tensor.shape == [1]) else {
            throw FormatError.weights(path: path, .wrongShape(name: name, expected: shape, found: tensor.shape))
        }
        guard tensor.type.isFloat else { throw FormatError.weights(path: path, .notFloat(name: name, type: tensor.type)) }
        return tensor
    }
}
