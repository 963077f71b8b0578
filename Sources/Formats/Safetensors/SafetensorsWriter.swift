import Files
import Foundation

/// One tensor for `SafetensorsWriter`: name, element type, shape and bytes.
public struct TensorToWrite: Sendable {
    public let name: String
    public let type: TensorType
    public let shape: [Int]
    private let content: Content

    private enum Content: Sendable {
        case floats([Float])
        case integers([Int64])
        case bytes([UInt8])
        case stored(StoredTensor)
        case converted(StoredTensor)
    }

    /// An F32 tensor; `floats` in row-major order.
    public init(_ name: String, shape: [Int], floats: [Float]) {
        self.init(name: name, type: .f32, shape: shape, content: .floats(floats))
    }

    /// An F32 or F16 tensor; halves are rounded to the nearest.
    public init(_ name: String, shape: [Int], floats: [Float], as type: TensorType) {
        precondition(type == .f32 || type == .f16, "floats are written as F32 or F16")
        self.init(
            name: name, type: type, shape: shape,
            content: type == .f32 ? .floats(floats) : .bytes(floats.map(halfBits).withUnsafeBytes(Array.init)))
    }

    /// An I64 tensor.
    public init(_ name: String, shape: [Int], integers: [Int64]) {
        self.init(name: name, type: .i64, shape: shape, content: .integers(integers))
    }

    /// A tensor of any type from its little-endian bytes.
    public init(_ name: String, type: TensorType, shape: [Int], bytes: [UInt8]) {
        self.init(name: name, type: type, shape: shape, content: .bytes(bytes))
    }

    /// A tensor as it lies in another file, under its own or another name.
    public init(_ tensor: StoredTensor, name: String? = nil) {
        self.init(name: name ?? tensor.name, type: tensor.type, shape: tensor.shape, content: .stored(tensor))
    }

    /// A floating-point tensor of another file, written as F32 or F16; converted while it is written.
    public init(_ tensor: StoredTensor, as type: TensorType) {
        precondition(tensor.type.isFloat && (type == .f32 || type == .f16), "only floating-point tensors are converted, to F32 or F16")
        self.init(
            name: tensor.name, type: type, shape: tensor.shape,
            content: tensor.type == type ? .stored(tensor) : .converted(tensor))
    }

    /// Bytes of the elements.
    var byteCount: Int {
        switch content {
        case .floats(let values): values.count * 4
        case .integers(let values): values.count * 8
        case .bytes(let values): values.count
        case .stored(let tensor): tensor.bytes.count
        case .converted(let tensor): tensor.count * type.byteCount
        }
    }

    private init(name: String, type: TensorType, shape: [Int], content: Content) {
        (self.name, self.type, self.shape, self.content) = (name, type, shape, content)
    }

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        switch content {
        case .floats(let values): return try values.withUnsafeBytes(body)
        case .integers(let values): return try values.withUnsafeBytes(body)
        case .bytes(let values): return try values.withUnsafeBytes(body)
        case .stored(let tensor): return try body(tensor.bytes)
        case .converted(let tensor):
            let floats = [Float](unsafeUninitializedCapacity: tensor.count) { buffer, initialized in
                // Floating-point, as the initialiser made sure.
                try? tensor.copyFloats(into: UnsafeMutableBufferPointer(rebasing: buffer[..<tensor.count]))
                initialized = tensor.count
            }
            if type == .f32 { return try floats.withUnsafeBytes(body) }
            return try floats.map(halfBits).withUnsafeBytes(body)
        }
    }
}

/// Writes safetensors files that appear whole or not at all.
///
/// Tensors are written in the order given and metadata in the order of its keys, so equal input gives equal bytes. The header is
/// padded with spaces to a multiple of 8.
public enum SafetensorsWriter {
    /// Writes `path`. Throws `FormatError.write` when the disk is full or the folder is missing: an older file then stays as it was.
    public static func write(_ tensors: [TensorToWrite], metadata: [String: String] = [:], to path: String) throws {
        try write(tensors, metadata: metadata, to: path, using: FileReplacement.systemWrite)
    }

    static func write(
        _ tensors: [TensorToWrite], metadata: [String: String], to path: String, using systemWrite: @escaping FileReplacement.Write
    ) throws {
        let header = try header(tensors, metadata: metadata, path: path)
        try WholeFile.write(path, using: systemWrite) { file in
            try file.append(header)
            for tensor in tensors { try tensor.withBytes { try file.append($0) } }
        }
    }

    private static func header(_ tensors: [TensorToWrite], metadata: [String: String], path: String) throws -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var seen: Set<String> = ["__metadata__"]
        var position = 0
        for tensor in tensors {
            let bytes = tensor.byteCount
            guard seen.insert(tensor.name).inserted else {
                throw FormatError.safetensors(path: path, .duplicateName(tensor.name))
            }
            guard let expected = byteCount(shape: tensor.shape, type: tensor.type), expected == bytes else {
                throw FormatError.safetensors(
                    path: path,
                    .sizeMismatch(
                        tensor: tensor.name, shape: tensor.shape, type: tensor.type,
                        expected: byteCount(shape: tensor.shape, type: tensor.type) ?? -1, found: bytes))
            }
            let extents = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(extents)],"
                    + "\"data_offsets\":[\(position),\(position + bytes)]}")
            position += bytes
        }
        var text = Array("{\(members.joined(separator: ","))}".utf8)
        text.append(contentsOf: repeatElement(0x20, count: (8 - text.count % 8) % 8))
        guard text.count <= SafetensorsHeader.lengthLimit else {
            throw FormatError.safetensors(path: path, .headerTooLong(bytes: UInt64(text.count)))
        }
        return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
    }

    /// `text` as a JSON string.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
