/// Memory that a tensor's elements were moved into because they do not lie in the file as they are wanted.
final class OwnedBytes: @unchecked Sendable {  // Written in init only.
    let bytes: UnsafeRawBufferPointer

    init(count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
        fill(memory)
        bytes = UnsafeRawBufferPointer(memory)
    }

    deinit { bytes.deallocate() }
}

extension StoredTensor {
    /// Rows `range` of the first axis, in place.
    func rows(_ range: Range<Int>, name: String) -> StoredTensor {
        let row = bytes.count / max(1, shape.first ?? 1)
        return StoredTensor(
            name: name, type: type, shape: [range.count] + shape.dropFirst(),
            bytes: UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound * row..<range.upperBound * row]), owner: owner)
    }

    /// A matrix (m, n) as (n, m), copied.
    func transposed(name: String) -> StoredTensor {
        precondition(shape.count == 2, "only a matrix can be transposed")
        let (rows, columns, source) = (shape[0], shape[1], bytes)
        func move<Element: FixedWidthInteger & BitwiseCopyable>(_: Element.Type, _ target: UnsafeMutableRawBufferPointer) {
            let size = MemoryLayout<Element>.size
            for column in 0..<columns {
                for row in 0..<rows {
                    let element = source.loadUnaligned(fromByteOffset: (row * columns + column) * size, as: Element.self)
                    target.storeBytes(of: element, toByteOffset: (column * rows + row) * size, as: Element.self)
                }
            }
        }
        let copy = OwnedBytes(count: bytes.count) { target in
            switch type.byteCount {
            case 1: move(UInt8.self, target)
            case 2: move(UInt16.self, target)
            case 4: move(UInt32.self, target)
            default: move(UInt64.self, target)
            }
        }
        return StoredTensor(name: name, type: type, shape: [columns, rows], bytes: copy.bytes, owner: copy)
    }
}
