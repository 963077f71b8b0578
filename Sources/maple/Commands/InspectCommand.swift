import ArgumentParser
import Engine
import Formats
import Foundation
import Training

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what a model folder or a safetensors file holds.")

    @Argument(help: "CLIP folder, or a safetensors file.")
    var path: String

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    private struct ModelReport: Encodable {
        struct Tower: Encodable {
            var width: Int
            var layers: Int
            var heads: Int
            var hidden: Int
            var activation: String
        }
        var kind = "clip"
        var path: String
        var parameters: Int
        var dtypes: [String: Int]
        var vision: Tower
        var text: Tower
        var image_size: Int
        var patch_size: Int
        var context_length: Int
        var vocabulary: Int
        var embedding: Int
        var logit_scale: Float
        var fingerprint: String
    }

    private struct FileReport: Encodable {
        struct Tensor: Encodable {
            var name: String
            var dtype: String
            var shape: [Int]
        }
        var kind = "safetensors"
        var path: String
        var metadata: [String: String]
        var tensors: [Tensor]
    }

    func run() throws {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        if exists, !isFolder.boolValue { try file() } else { try folder() }
    }

    private func folder() throws {
        let folder = try CLIPFolder(path: path)
        let c = folder.configuration
        var dtypes: [String: Int] = [:]
        var parameters = 0
        for (name, _) in c.expectedTensors {
            guard let tensor = folder.weights[name] else { continue }
            dtypes[tensor.type.rawValue, default: 0] += tensor.count
            parameters += tensor.count
        }
        func tower(_ t: CLIPConfiguration.Tower) -> ModelReport.Tower {
            .init(width: t.width, layers: t.layers, heads: t.heads, hidden: t.feedForwardWidth, activation: t.activation.rawValue)
        }
        let scale = exp(try folder.weights.tensor("logit_scale", shape: []).floats().first ?? 0)
        let report = ModelReport(
            path: path, parameters: parameters, dtypes: dtypes, vision: tower(c.vision), text: tower(c.text),
            image_size: c.imageSize, patch_size: c.patchSize, context_length: c.contextLength, vocabulary: c.vocabularySize,
            embedding: c.embeddingWidth, logit_scale: scale, fingerprint: folder.fingerprint)
        if json { return try sayJSON(report) }
        say("CLIP with a vision transformer, \(parameters) parameters (\(dtypes.map { "\($0.value) in \($0.key)" }.sorted().joined(separator: ", ")))")
        say("")
        say(table(["tower", "width", "layers", "heads", "hidden", "activation"], [("vision", report.vision), ("text", report.text)].map {
            [$0.0, "\($0.1.width)", "\($0.1.layers)", "\($0.1.heads)", "\($0.1.hidden)", $0.1.activation]
        }))
        say("")
        say("image        \(c.imageSize)x\(c.imageSize) pixels, patches of \(c.patchSize), \(c.patches) of them")
        say("text         \(c.contextLength) places, vocabulary of \(c.vocabularySize)")
        say("embedding    \(c.embeddingWidth)")
        say("logit scale  \(String(format: "%.2f", scale))")
        say("fingerprint  \(report.fingerprint)")
    }

    private func file() throws {
        let file = try SafetensorsFile(path: path)
        let tensors = file.names.compactMap { file[$0] }
        if let bad = tensors.first(where: { $0.type.isFloat && !$0.isFinite }) {
            throw FormatError.weights(path: path, .notFinite(name: bad.name))
        }
        let report = FileReport(
            path: path, metadata: file.metadata,
            tensors: tensors.map { .init(name: $0.name, dtype: $0.type.rawValue, shape: $0.shape) })
        if json { return try sayJSON(report) }
        for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) { say("\(key): \(value)") }
        if !file.metadata.isEmpty { say("") }
        say(table(["tensor", "dtype", "shape"], report.tensors.map {
            [$0.name, $0.dtype, $0.shape.isEmpty ? "scalar" : $0.shape.map(String.init).joined(separator: "x")]
        }, left: [0, 1, 2]))
    }
}
