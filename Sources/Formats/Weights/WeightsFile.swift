import Foundation

/// A file of tensors of any kind that is read here, told by its content and not by its name.
///
///     let file = try WeightsFile(path: "ViT-B-16.pt")
///     print(file.container)      // TorchScript archive
public struct WeightsFile: WeightSource {
    public let source: any WeightSource
    /// What the file is, in words.
    public let container: String

    public var path: String { source.path }
    public var names: [String] { source.names }
    public subscript(name: String) -> StoredTensor? { source[name] }

    /// What stands beside the tensors of a PyTorch file.
    public var root: PyTorchValue? { (source as? PyTorchFile)?.root }
    /// Texts beside the tensors of a safetensors file.
    public var metadata: [String: String] { (source as? SafetensorsFile)?.metadata ?? [:] }

    /// Opens `path`. Throws `FormatError` saying what is wrong with the file, or what else it is.
    public init(path: String) throws(FormatError) {
        if let sign = Self.signOfDownload(path) { throw .file(path: path, .unfinished(sign: sign)) }
        let file = try MappedFile(path: path)
        let byName = Self.foreignEndings.first { path.hasSuffix($0.ending) }?.kind
        if let kind = Self.foreignKind(file.bytes) ?? byName { throw .file(path: path, .foreign(kind: kind)) }
        let looksLikeHeader = file.bytes.count > 8 && file.bytes[8] == UInt8(ascii: "{")
        if !file.bytes.starts(with: ZipArchive.signature), looksLikeHeader || path.hasSuffix(".safetensors") {
            (source, container) = (try SafetensorsFile(file), "safetensors")
        } else {
            let opened = try PyTorchFile(file)
            (source, container) = (opened, opened.container.rawValue)
        }
    }

    /// Endings that downloaders give to files until they are whole.
    private static let partial = [".incomplete", ".part", ".partial", ".crdownload", ".download", ".aria2", ".tmp"]

    /// What a file's name says of a download that has not ended.
    static func signOfDownload(in name: String) -> String? {
        partial.first { name.hasSuffix($0) }.map { "its name ends in \($0)" }
    }

    private static func signOfDownload(_ path: String) -> String? {
        if let sign = signOfDownload(in: path) { return sign }
        // These downloaders keep notes beside a file that has its full length from the beginning.
        guard let notes = [".aria2", ".st"].first(where: { FileManager.default.fileExists(atPath: path + $0) }) else { return nil }
        return "\((path as NSString).lastPathComponent)\(notes) lies beside it"
    }

    /// Kinds that do not begin with a mark of their own.
    private static let foreignEndings: [(ending: String, kind: String)] = [
        (".onnx", "an ONNX model"), (".msgpack", "a Flax model"), (".tflite", "a TensorFlow Lite model"),
    ]

    /// What a file is whose first bytes tell that it is no container of tensors known here.
    private static func foreignKind(_ bytes: UnsafeRawBufferPointer) -> String? {
        func starts(_ text: String) -> Bool { bytes.starts(with: Array(text.utf8)) }
        if starts("GGUF") || starts("ggml") || starts("lmgg") { return "a GGUF file (quantised weights of llama.cpp)" }
        if bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) { return "an HDF5 file (TensorFlow or Keras)" }
        if bytes.starts(with: [0x1F, 0x8B]) { return "a gzip-compressed file" }
        if starts("Rar!") || bytes.starts(with: [0x37, 0x7A, 0xBC, 0xAF]) { return "a packed archive" }
        if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) { return "a NumPy array" }
        if bytes.count > 8, bytes[4..<8].elementsEqual("TFL3".utf8) { return "a TensorFlow Lite model" }
        let opening = String(decoding: bytes.prefix(64), as: UTF8.self).drop { $0.isWhitespace }.lowercased()
        if opening.hasPrefix("<!doctype") || opening.hasPrefix("<html") || opening.hasPrefix("<?xml") {
            return "a web page: the address it was fetched from answered with a page instead of the file"
        }
        // Eight bytes of a header's length, an archive's and a pickle's first byte are no text.
        let start = bytes.prefix(256)
        if start.count >= 8, start.allSatisfy({ (0x20..<0x7F).contains($0) || (9...13).contains($0) }) {
            if opening.hasPrefix("{") || opening.hasPrefix("[") { return "a JSON text" }
            guard let line = String(decoding: start, as: UTF8.self).split(whereSeparator: \.isNewline).first else { return "an empty text" }
            return "a text that begins with '\(line.prefix(60))'"
        }
        return nil
    }
}
