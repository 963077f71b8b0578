import CZlib
import Files
import Foundation

/// Writes checkpoints that `torch.load(weights_only=True)` reads: a dictionary with a state dictionary of F32 tensors and
/// plain values beside it.
///
///     try PyTorchWriter.write(
///         stateDictionary: [TensorToWrite("ctx", shape: [4, 512], floats: values)],
///         beside: [("epoch", .integer(5)), ("optimizer", .none)], to: "model.pth.tar-5")
///
/// Source: torch.serialization's zip container (stored records, data aligned to 64 bytes) and pickle protocol 2.
public enum PyTorchWriter {
    /// A plain value beside the state dictionary.
    public enum Value: Sendable {
        case none
        case integer(Int)
        case real(Double)
        case text(String)
    }

    /// Writes `path` whole or not at all. Throws `FormatError.write`.
    public static func write(
        stateDictionary tensors: [TensorToWrite], beside values: [(key: String, value: Value)], to path: String
    ) throws {
        var pickle = PickleWriter()
        pickle.begin()
        pickle.text("state_dict")
        pickle.emptyOrderedDictionary()
        pickle.mark()
        for (number, tensor) in tensors.enumerated() {
            pickle.text(tensor.name)
            try pickle.tensor(storage: number, shape: tensor.shape, type: tensor.type, path: path)
        }
        pickle.setItems()
        for (key, value) in values {
            pickle.text(key)
            pickle.value(value)
        }
        pickle.end()

        // The folder within the archive is named after the file, up to its first full stop, as torch does.
        let stem = (path as NSString).lastPathComponent.split(separator: ".").first.map(String.init) ?? "archive"
        try WholeFile.write(path) { file in
            var zip = ZipWriter(path: path)
            try zip.add("\(stem)/data.pkl", to: file) { try pickle.bytes.withUnsafeBytes($0) }
            try zip.add("\(stem)/byteorder", to: file) { try Array("little".utf8).withUnsafeBytes($0) }
            for (number, tensor) in tensors.enumerated() {
                try zip.add("\(stem)/data/\(number)", to: file) { body in try tensor.withBytes(body) }
            }
            try zip.add("\(stem)/version", to: file) { try Array("3\n".utf8).withUnsafeBytes($0) }
            try zip.end(file)
        }
    }
}

/// The few pickle operations that a checkpoint needs.
private struct PickleWriter {
    private(set) var bytes: [UInt8] = []

    /// A dictionary to which everything up to `end` belongs.
    mutating func begin() {
        bytes += [0x80, 2, UInt8(ascii: "}")]
        mark()
    }

    mutating func end() {
        setItems()
        bytes.append(UInt8(ascii: "."))
    }

    mutating func mark() { bytes.append(UInt8(ascii: "(")) }
    mutating func setItems() { bytes.append(UInt8(ascii: "u")) }

    mutating func text(_ text: String) {
        bytes.append(UInt8(ascii: "X"))
        word(UInt32(text.utf8.count))
        bytes += text.utf8
    }

    private mutating func word(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }

    mutating func value(_ value: PyTorchWriter.Value) {
        switch value {
        case .none: bytes.append(UInt8(ascii: "N"))
        case .integer(let number): integer(number)
        case .real(let number):
            bytes.append(UInt8(ascii: "G"))
            withUnsafeBytes(of: number.bitPattern.bigEndian) { bytes += $0 }
        case .text(let words): text(words)
        }
    }

    private mutating func integer(_ number: Int) {
        if let small = Int32(exactly: number) {
            bytes.append(UInt8(ascii: "J"))
            word(UInt32(bitPattern: small))
        } else {
            bytes += [0x8A, 8]
            withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
        }
    }

    private mutating func name(_ module: String, _ name: String) {
        bytes += Array("c\(module)\n\(name)\n".utf8)
    }

    mutating func emptyOrderedDictionary() {
        name("collections", "OrderedDict")
        bytes += [UInt8(ascii: ")"), UInt8(ascii: "R")]
    }

    private mutating func tuple(_ numbers: [Int]) {
        mark()
        numbers.forEach { integer($0) }
        bytes.append(UInt8(ascii: "t"))
    }

    /// `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)`.
    mutating func tensor(storage: Int, shape: [Int], type: TensorType, path: String) throws {
        let storages: [TensorType: String] = [.f32: "FloatStorage", .f16: "HalfStorage", .f64: "DoubleStorage", .i64: "LongStorage"]
        guard let kind = storages[type] else { throw FormatError.write(path: path, reason: "\(type.rawValue) tensors are not written") }
        name("torch._utils", "_rebuild_tensor_v2")
        mark()
        mark()
        text("storage")
        name("torch", kind)
        text("\(storage)")
        text("cpu")
        integer(shape.reduce(1, *))
        bytes += [UInt8(ascii: "t"), UInt8(ascii: "Q")]
        integer(0)
        tuple(shape)
        tuple(shape.indices.map { shape[($0 + 1)...].reduce(1, *) })
        bytes.append(0x89)
        emptyOrderedDictionary()
        bytes += [UInt8(ascii: "t"), UInt8(ascii: "R")]
    }
}

/// Writes stored entries, each entry's data at a multiple of 64 bytes.
private struct ZipWriter {
    private let path: String
    private var position = 0
    private var directory: [UInt8] = []
    private var count = 0

    init(path: String) { self.path = path }

    private static func u16(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt16(value).littleEndian, Array.init) }
    private static func u32(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }

    mutating func add(
        _ name: String, to file: FileReplacement, _ content: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        var sum: UInt32 = 0
        var size = 0
        try content {
            sum = UInt32(crc32_z(0, $0.bindMemory(to: UInt8.self).baseAddress, $0.count))
            size = $0.count
        }
        let start = position + 30 + name.utf8.count
        guard let offset = UInt32(exactly: position), let bytes = UInt32(exactly: size), start + 128 + size <= UInt32.max else {
            throw FormatError.write(path: path, reason: "archives of 4 GB and more are not written")
        }
        // An extra field of padding, marked "FB" as torch marks it, moves the data to the next multiple of 64.
        let padding = (64 - (start + 4) % 64) % 64
        let extra = Self.u16(0x4246) + Self.u16(padding) + [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
        // Version 2.0, no flags, stored, 1 January 1980.
        let common = Self.u16(20) + Self.u16(0) + Self.u16(0) + Self.u16(0) + Self.u16(0x21) + Self.u32(sum) + Self.u32(bytes) + Self.u32(bytes)
            + Self.u16(name.utf8.count)
        try file.append(Self.u32(0x0403_4B50) + common + Self.u16(extra.count) + Array(name.utf8) + extra)
        try content { try file.append($0) }
        directory += Self.u32(0x0201_4B50) + Self.u16(20) + common + Self.u16(0) + Self.u16(0) + Self.u16(0) + Self.u16(0)
        directory += Self.u32(0) + Self.u32(offset) + Array(name.utf8)
        position += 30 + name.utf8.count + extra.count + size
        count += 1
    }

    func end(_ file: FileReplacement) throws {
        try file.append(directory)
        guard count < 0xFFFF, let start = UInt32(exactly: position), let size = UInt32(exactly: directory.count) else {
            throw FormatError.write(path: path, reason: "archives of 4 GB and more are not written")
        }
        try file.append(
            Self.u32(0x0605_4B50) + Self.u16(0) + Self.u16(0) + Self.u16(count) + Self.u16(count) + Self.u32(size) + Self.u32(start) + Self.u16(0))
    }
}
