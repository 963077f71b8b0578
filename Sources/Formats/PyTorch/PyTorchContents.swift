/// The pickle of a PyTorch file with the records its storages lie in; turns tensor descriptions into tensors.
final class PyTorchContents: @unchecked Sendable {  // Immutable after init; the memory is a read-only file.
    let file: MappedFile
    /// The bytes that texts of the pickle point into.
    let pickle: UnsafeRawBufferPointer
    let heap: PickleHeap
    let root: PickleValue
    /// Byte ranges of the records in the file by storage key.
    private let records: [String: Range<Int>]

    init(
        file: MappedFile, pickle: UnsafeRawBufferPointer, heap: PickleHeap, root: PickleValue, records: [String: Range<Int>]
    ) {
        (self.file, self.pickle, self.heap, self.root, self.records) = (file, pickle, heap, root, records)
    }

    /// Text of the pickle; bytes that are not UTF-8 are replaced.
    func text(_ value: PickleValue) -> String? {
        guard case .text(let offset, let count) = value else { return nil }
        return String(decoding: pickle[Int(offset)..<Int(offset) + Int(count)], as: UTF8.self)
    }

    /// The elements of a tensor in the file, proved to lie inside its record.
    struct View {
        var type: TensorType
        var record: Range<Int>
        /// In elements, from the record's start.
        var offset: Int
        var shape: [Int]
        var strides: [Int]
        var count: Int

        var isContiguous: Bool {
            var expected = 1
            for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
                if stride != expected { return false }
                expected *= extent
            }
            return true
        }
    }

    /// Checks tensor number `index`; `name` is for messages.
    func view(_ index: Int32, name: String) throws(PyTorchProblem) -> View {
        let tensor = heap.tensors[Int(index)]
        let storage = heap.storages[Int(tensor.storage)]
        let key = text(storage.key) ?? ""
        guard let record = records[key] else { throw .missingRecord(record: key, tensor: name) }
        let size = storage.type.byteCount
        let (elements, tooMany) = storage.offset.addingReportingOverflow(storage.count)
        let (needed, tooLarge) = elements.multipliedReportingOverflow(by: size)
        guard !tooMany, !tooLarge, needed <= record.count else {
            throw .shortRecord(record: key, tensor: name, needed: tooMany || tooLarge ? .max : needed, found: record.count)
        }
        guard let count = Self.product(tensor.shape), let last = Self.lastElement(tensor, count: count),
            count == 0 || last < storage.count
        else { throw .outsideStorage(tensor: name, shape: tensor.shape) }
        let (offset, overflow) = storage.offset.addingReportingOverflow(count == 0 ? 0 : tensor.offset)
        guard !overflow else { throw .outsideStorage(tensor: name, shape: tensor.shape) }
        // The stride of an axis of one element means nothing and may be any number.
        let strides = zip(tensor.shape, tensor.strides).map { $0 == 1 ? 0 : $1 }
        return View(type: storage.type, record: record, offset: offset, shape: tensor.shape, strides: strides, count: count)
    }

    private static func product(_ shape: [Int]) -> Int? {
        byteCount(shape: shape, type: .f64).map { $0 / 8 }
    }

    /// The largest element index that the view touches.
    private static func lastElement(_ tensor: PickleHeap.Tensor, count: Int) -> Int? {
        guard count > 0 else { return 0 }
        var last = tensor.offset
        for (extent, stride) in zip(tensor.shape, tensor.strides) {
            let (step, large) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflow) = last.addingReportingOverflow(step)
            guard !large, !overflow else { return nil }
            last = sum
        }
        return last
    }

    /// The tensor under `name`: in place where it is contiguous, else gathered into memory that `budget` (bytes) pays for.
    func tensor(_ index: Int32, name: String, budget: inout Int) throws(PyTorchProblem) -> StoredTensor {
        let view = try view(index, name: name)
        let size = view.type.byteCount
        if view.count == 0 || view.isContiguous {
            let start = view.record.lowerBound + view.offset * size
            let range = view.count == 0 ? view.record.lowerBound..<view.record.lowerBound : start..<start + view.count * size
            return StoredTensor(
                name: name, type: view.type, shape: view.shape, bytes: UnsafeRawBufferPointer(rebasing: file.bytes[range]),
                owner: file)
        }
        // A view that repeats elements can be far larger than its record.
        guard view.count * size <= budget else { throw .tooLargeView(tensor: name, shape: view.shape) }
        budget -= view.count * size
        let copy = GatheredElements(view, from: UnsafeRawBufferPointer(rebasing: file.bytes[view.record]))
        return StoredTensor(name: name, type: view.type, shape: view.shape, bytes: copy.bytes, owner: copy)
    }
}

/// The elements of a strided view in row-major order.
private final class GatheredElements: @unchecked Sendable {  // Written in init only.
    let bytes: UnsafeRawBufferPointer

    init(_ view: PyTorchContents.View, from record: UnsafeRawBufferPointer) {
        let size = view.type.byteCount
        let target = UnsafeMutableRawBufferPointer.allocate(byteCount: view.count * size, alignment: 64)
        bytes = UnsafeRawBufferPointer(target)
        switch size {
        case 1: Self.gather(view, record, target, UInt8.self)
        case 2: Self.gather(view, record, target, UInt16.self)
        case 4: Self.gather(view, record, target, UInt32.self)
        default: Self.gather(view, record, target, UInt64.self)
        }
    }

    deinit { bytes.deallocate() }

    private static func gather<Element: FixedWidthInteger & BitwiseCopyable>(
        _ view: PyTorchContents.View, _ record: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer, _: Element.Type
    ) {
        let size = MemoryLayout<Element>.size
        guard let inner = view.shape.last, let innerStride = view.strides.last, inner > 0 else { return }
        // An odometer over all but the last axis; the last one is a plain loop.
        var place = [Int](repeating: 0, count: view.shape.count - 1)
        var source = view.offset
        var out = 0
        while true {
            for step in 0..<inner {
                let element = record.loadUnaligned(fromByteOffset: (source + step * innerStride) * size, as: Element.self)
                target.storeBytes(of: element, toByteOffset: out * size, as: Element.self)
                out += 1
            }
            var axis = place.count - 1
            while axis >= 0 {
                place[axis] += 1
                source += view.strides[axis]
                if place[axis] < view.shape[axis] { break }
                source -= view.strides[axis] * view.shape[axis]
                place[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
