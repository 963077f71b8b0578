/// The element types that weight files hold, by their safetensors names.
public enum TensorType: String, Sendable, CaseIterable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u8 = "U8"
    case bool = "BOOL"

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16, .i16: 2
        case .i8, .u8, .bool: 1
        }
    }

    public var isFloat: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16: true
        default: false
        }
    }
}

/// A named, contiguous, row-major (C order), little-endian tensor inside a weight file.
///
/// The value keeps its file mapped, so `bytes` stays valid while the value (or a copy) lives. The bytes need not be aligned
/// to the element size: take `alignedFloats` where a plain pointer is wanted and fall back to `floats()`.
public struct StoredTensor: @unchecked Sendable {  // Read-only bytes, kept alive by `owner`.
    public let name: String
    public let type: TensorType
    /// Extents, outermost first; empty for a scalar.
    public let shape: [Int]
    public let bytes: UnsafeRawBufferPointer
    /// What keeps `bytes` alive.
    let owner: any AnyObject & Sendable

    /// Elements: the product of the shape, 1 for a scalar.
    public var count: Int { bytes.count / type.byteCount }

    /// The elements in place, without a copy: for F32 at an address that is a multiple of 4. Valid while this value lives.
    public var alignedFloats: UnsafeBufferPointer<Float>? {
        guard type == .f32, let start = bytes.baseAddress, Int(bitPattern: start) % MemoryLayout<Float>.alignment == 0 else {
            return nil
        }
        return UnsafeBufferPointer(start: start.assumingMemoryBound(to: Float.self), count: count)
    }

    /// The elements as 32-bit floats; F64 is rounded. Throws for integer types.
    public func floats() throws -> [Float] {
        guard type.isFloat else { throw FormatError.elementType(tensor: name, type: type, wanted: "floating-point") }
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            copyFloats(to: buffer)
            initialized = count
        }
    }

    /// Writes the elements as 32-bit floats to `target`, which must hold `count`. Throws for integer types.
    public func copyFloats(into target: UnsafeMutableBufferPointer<Float>) throws {
        guard type.isFloat else { throw FormatError.elementType(tensor: name, type: type, wanted: "floating-point") }
        precondition(target.count == count, "the target must hold exactly the tensor's elements")
        copyFloats(to: target)
    }

    private func copyFloats(to target: UnsafeMutableBufferPointer<Float>) {
        guard let out = target.baseAddress, let start = bytes.baseAddress else { return }
        let count = count
        switch type {
        case .f32:
            UnsafeMutableRawPointer(out).copyMemory(from: start, byteCount: count * 4)
        case .f16:
            for index in 0..<count { out[index] = float(half: start.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)) }
        case .bf16:
            for index in 0..<count {
                let bits = start.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
                out[index] = Float(bitPattern: UInt32(bits) << 16)
            }
        case .f64:
            for index in 0..<count { out[index] = Float(start.loadUnaligned(fromByteOffset: index * 8, as: Double.self)) }
        default:
            break
        }
    }

    /// The elements of an integer or boolean tensor. Throws for floating-point types.
    public func integers() throws -> [Int64] {
        func read<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> [Int64] {
            (0..<count).map { Int64(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self)) }
        }
        return switch type {
        case .i64: read(Int64.self)
        case .i32: read(Int32.self)
        case .i16: read(Int16.self)
        case .i8: read(Int8.self)
        case .u8, .bool: read(UInt8.self)
        case .f64, .f32, .f16, .bf16:
            throw FormatError.elementType(tensor: name, type: type, wanted: "whole-number")
        }
    }

    /// The same bytes under another name and an equal number of elements, as loaders rename tensors.
    func renamed(_ name: String, shape: [Int]? = nil) -> StoredTensor {
        StoredTensor(name: name, type: type, shape: shape ?? self.shape, bytes: bytes, owner: owner)
    }
}

/// IEEE 754 binary16 to binary32, exact, without branches so that loops over it vectorise.
///
/// The exponent is moved by multiplying with 2^112, which also normalises subnormals; infinities and NaN get their
/// exponent filled in.
@inline(__always)
func float(half bits: UInt16) -> Float {
    let magnitude = UInt32(bits & 0x7FFF)
    let moved = (Float(bitPattern: magnitude << 13) * Float(bitPattern: 0x7780_0000)).bitPattern
    let special: UInt32 = magnitude >= 0x7C00 ? 0x7F80_0000 : 0
    return Float(bitPattern: moved | special | UInt32(bits & 0x8000) << 16)
}

/// binary32 to IEEE 754 binary16, rounded to nearest, ties to even; values beyond its range become infinite.
func halfBits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
    // Below 2^-14 the spacing is constant: adding 0.5 lets the processor round the bits into place.
    if magnitude < 0x3880_0000 {
        let rounded = (Float(bitPattern: magnitude) + 0.5).bitPattern &- (0.5 as Float).bitPattern
        return sign | UInt16(truncatingIfNeeded: rounded)
    }
    // A carry out of the fraction goes on into the exponent, which is right, to infinity as well.
    let rebased = magnitude &- (112 << 23)
    let rounded = rebased &+ 0xFFF &+ (rebased >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: rounded >> 13)
}

extension StoredTensor {
    /// At most `limit` elements as 32-bit floats, spread evenly from the first to the last; none of a tensor of integers.
    public func samples(_ limit: Int) -> [Float] {
        guard type.isFloat, count > 0, limit > 0 else { return [] }
        let taken = min(limit, count)
        return (0..<taken).map { index in
            let place = taken == 1 ? 0 : (count - 1) / (taken - 1) * index + (count - 1) % (taken - 1) * index / (taken - 1)
            let one = StoredTensor(
                name: name, type: type, shape: [1],
                bytes: UnsafeRawBufferPointer(rebasing: bytes[place * type.byteCount..<(place + 1) * type.byteCount]), owner: owner)
            return (try? one.floats().first) ?? .nan
        }
    }
}
