/// One value inside a PyTorch file, to look into what lies beside the weights: the epoch, optimiser state, schedules.
///
///     let epoch = file.root["epoch"]?.integer
///     let momentum = try file.root["optimizer"]?["state"]?[0]?["momentum_buffer"]?.tensor()
///
/// Values of classes other than plain containers are placeholders: their attributes can be read, nothing of them runs.
public struct PyTorchValue: Sendable {
    private let contents: PyTorchContents
    private let value: Box

    private struct Box: @unchecked Sendable { let value: PickleValue }  // Plain numbers.

    init(_ contents: PyTorchContents, _ value: PickleValue) {
        self.contents = contents
        self.value = Box(value: value)
    }

    var raw: PickleValue { value.value }

    public var isNone: Bool { if case .none = raw { true } else { false } }
    public var bool: Bool? { if case .bool(let value) = raw { value } else { nil } }
    public var integer: Int? { if case .integer(let value) = raw { value } else { nil } }
    public var text: String? { contents.text(raw) }

    /// A floating-point or whole number.
    public var real: Double? {
        switch raw {
        case .real(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }

    /// The elements of a list or tuple, nil for anything else.
    public var elements: [PyTorchValue]? {
        switch raw {
        case .list(let place), .tuple(let place):
            contents.heap.containers[Int(place)].map { PyTorchValue(contents, $0) }
        default: nil
        }
    }

    /// Keys and values of a dictionary or of a placeholder's attributes, in the file's order; nil for anything else.
    public var entries: [(key: PyTorchValue, value: PyTorchValue)]? {
        guard let flat = pairs else { return nil }
        return stride(from: 0, to: flat.count - 1, by: 2).map {
            (PyTorchValue(contents, flat[$0]), PyTorchValue(contents, flat[$0 + 1]))
        }
    }

    /// The value under a text key; the last one where a key was set again.
    public subscript(key: String) -> PyTorchValue? { find { contents.text($0) == key } }

    /// The value under an integer key.
    public subscript(key: Int) -> PyTorchValue? {
        find { if case .integer(let number) = $0 { number == key } else { false } }
    }

    /// The tensor, nil when the value is none. Throws when it does not lie in the file.
    public func tensor(named name: String = "tensor") throws -> StoredTensor? {
        guard case .tensor(let index) = raw else { return nil }
        var budget = 64 << 20
        do throws(PyTorchProblem) {
            return try contents.tensor(index, name: name, budget: &budget)
        } catch {
            throw FormatError.pytorch(path: contents.file.path, error)
        }
    }

    var isTensor: Bool { if case .tensor = raw { true } else { false } }

    /// The class that a placeholder stands for.
    public var className: String? {
        guard case .object(let place) = raw else { return nil }
        return contents.heap.names[Int(contents.heap.objects[Int(place)].name)].text
    }

    private var pairs: [PickleValue]? {
        switch raw {
        case .dictionary(let place): return contents.heap.containers[Int(place)]
        case .object(let place):
            if case .dictionary(let state) = contents.heap.objects[Int(place)].state { return contents.heap.containers[Int(state)] }
            return []
        default: return nil
        }
    }

    private func find(_ matches: (PickleValue) -> Bool) -> PyTorchValue? {
        guard let flat = pairs else { return nil }
        for place in stride(from: flat.count - 2, through: 0, by: -2) where matches(flat[place]) {
            return PyTorchValue(contents, flat[place + 1])
        }
        return nil
    }
}
