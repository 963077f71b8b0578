import Foundation

/// Writes a CLIP as a Hugging Face folder: model.safetensors, config.json, preprocessor_config.json and the tokenizer's files.
///
///     try CLIPFolderWriter(clip.files, tokenizer: clip.tokenizer).write(to: "models/vit-b-16", type: .f32)
///
/// The folder appears whole or not at all, and never in place of another.
public struct CLIPFolderWriter {
    private let model: CLIPWeightFiles
    private let tokenizer: BPETokenizer
    /// Tokens that are appended to the vocabulary, with their embeddings, (added, text width).
    private let added: (tokens: [String], embeddings: [Float])

    /// - Parameter added: further tokens and their rows of the token embedding, such as learned contexts.
    public init(_ model: CLIPWeightFiles, tokenizer: BPETokenizer, added: (tokens: [String], embeddings: [Float]) = ([], [])) {
        self.model = model
        self.tokenizer = tokenizer
        self.added = added
    }

    /// - Parameters:
    ///   - type: `.f32` or `.f16`.
    ///   - more: further files, by name.
    /// - Throws: `FormatError.folder(.exists)` where something stands at `path`; `.weights(.beyondRange)`; `.write`.
    public func write(to path: String, type: TensorType, more: [String: String] = [:]) throws {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard !exists(path) else { throw FormatError.folder(path: path, .exists) }
        let parent = CLIPWeightFiles.folder(of: path)
        var template = Array("\(parent)/.\((path as NSString).lastPathComponent).XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FormatError.write(path: path, reason: systemReason()) }
        let temporary = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var finished = false
        defer { if !finished { try? FileManager.default.removeItem(atPath: temporary) } }
        chmod(temporary, 0o755)
        let texts = CLIPFolderTexts(
            model.configuration, preprocessing: model.preprocessing, tokenizer: tokenizer, added: added.tokens)
        try texts.write(with: try tensors(type), type: type, more: more, to: temporary)
        // Checked again: rename would take the place of an empty folder.
        guard !exists(path) else { throw FormatError.folder(path: path, .exists) }
        guard rename(temporary, path) == 0 else { throw FormatError.write(path: path, reason: systemReason()) }
        finished = true
    }

    private func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private func tensors(_ type: TensorType) throws -> [TensorToWrite] {
        try model.configuration.expectedTensors.map { name, shape in
            let tensor = try model.weights.tensor(name, shape: shape).renamed(name, shape: shape)
            if type == .f16, tensor.type != .f16, try tensor.floats().contains(where: { $0.isFinite && halfBits($0) & 0x7FFF == 0x7C00 }) {
                throw FormatError.weights(path: model.path, .beyondRange(name: name, type: type))
            }
            guard name == "text_model.embeddings.token_embedding.weight", !added.tokens.isEmpty else {
                return TensorToWrite(tensor, as: type)
            }
            let rows = [shape[0] + added.tokens.count, shape[1]]
            let all = try tensor.floats() + added.embeddings
            return TensorToWrite(name, shape: rows, floats: all, as: type)
        }
    }
}
