import Foundation

extension StoredTensor {
    /// True when no element is NaN or infinite; integers always are finite.
    ///
    /// The test runs at memory speed: masking the exponent and adding its lowest bit carries into the sign bit exactly when
    /// every exponent bit is set, so OR-ing the sums leaves the sign bit set if any element was not finite.
    public var isFinite: Bool { bytes.baseAddress.map { isFinite(from: $0, count: count) } ?? true }

    fileprivate func isFinite(from start: UnsafeRawPointer, count: Int) -> Bool {
        switch type {
        case .f32: !anySpecial(start, count, exponent: 0x7F80_0000 as UInt32)
        case .f16: !anySpecial(start, count, exponent: 0x7C00 as UInt16)
        case .bf16: !anySpecial(start, count, exponent: 0x7F80 as UInt16)
        case .f64: !anySpecial(start, count, exponent: 0x7FF0_0000_0000_0000 as UInt64)
        default: true
        }
    }
}

@inline(__always)
private func anySpecial<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ start: UnsafeRawPointer, _ count: Int, exponent: Bits
) -> Bool {
    let lowest = exponent & (~exponent &+ 1)
    let size = MemoryLayout<Bits>.size
    var gathered: Bits = 0
    for index in 0..<count {
        let bits = start.loadUnaligned(fromByteOffset: index &* size, as: Bits.self)
        gathered |= (bits & exponent) &+ lowest
    }
    return gathered.leadingZeroBitCount == 0
}

extension WeightSource {
    /// The first tensor of `names`, in their order, that holds NaN or infinity; nil when all are finite.
    ///
    /// Large tensors are cut into pieces that all cores share.
    public func firstNotFinite(among names: [String]) -> String? {
        let pieceBytes = 4 << 20
        var pieces: [(tensor: StoredTensor, begin: Int, count: Int)] = []
        for tensor in names.compactMap({ self[$0] }) where tensor.type.isFloat {
            let step = pieceBytes / tensor.type.byteCount
            for begin in stride(from: 0, to: tensor.count, by: step) {
                pieces.append((tensor, begin, min(step, tensor.count - begin)))
            }
        }
        let work = pieces
        let first = FirstPlace()
        DispatchQueue.concurrentPerform(iterations: work.count) { index in
            let (tensor, begin, count) = work[index]
            guard let start = tensor.bytes.baseAddress else { return }
            if !tensor.isFinite(from: start + begin * tensor.type.byteCount, count: count) { first.note(index) }
        }
        return first.place.map { work[$0].tensor.name }
    }
}

/// The smallest number that any thread noted.
private final class FirstPlace: @unchecked Sendable {  // Guarded by `lock`.
    private let lock = NSLock()
    private var smallest: Int?

    var place: Int? { lock.withLock { smallest } }

    func note(_ place: Int) {
        lock.withLock { smallest = min(place, smallest ?? place) }
    }
}
