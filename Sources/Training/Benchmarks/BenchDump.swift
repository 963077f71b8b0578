import Engine
import Formats
import Foundation
import RunModel

/// A folder that a PyTorch peer wrote: a model, a batch, and one method's starting values and expected numbers.
///
/// `torch_peer.py --dump` writes the model, `batch.safetensors` (images, labels, tokens), `expected.json` and MaPLe's numbers
/// in `prompts.safetensors` and `expected.safetensors`. `methods_peer.py` adds METHOD.json (context, depth, loss, grad_norms)
/// and METHOD.safetensors (init/NAME, grad/NAME, logits) for other methods.
struct BenchDump {
    let folder: String
    let method: MethodSpec
    let shape: String
    let classNames: [String]
    let template: String
    let labels: [Int32]
    private let loss: Double
    private let gradientNorms: [String: Double]
    private let batch: SafetensorsFile
    private let starts: SafetensorsFile
    private let numbers: SafetensorsFile
    private let startPrefix: String

    private struct Common: Decodable {
        var shape: String
        var n_ctx: Int
        var depth: Int
        var classnames: [String]
        var template: String
        var labels: [Int32]
        var loss: Double
        var grad_norms: [String: Double]
    }

    private struct Own: Decodable {
        var context: Int
        var depth: Int
        var loss: Double
        var grad_norms: [String: Double]
    }

    /// - Throws: errors of reading; `TrainingError.goldens` when the folder has no numbers of this method.
    init(folder: String, method name: MethodName) throws {
        func json<T: Decodable>(_ file: String) throws -> T {
            try JSONDecoder().decode(T.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/" + file)))
        }
        let common: Common = try json("expected.json")
        self.folder = folder
        (shape, classNames, template, labels) = (common.shape, common.classnames, common.template, common.labels)
        batch = try SafetensorsFile(path: folder + "/batch.safetensors")
        if name == .maple {
            method = MethodSpec(name: name, context: common.n_ctx, depth: common.depth)
            (loss, gradientNorms, startPrefix) = (common.loss, common.grad_norms, "")
            starts = try SafetensorsFile(path: folder + "/prompts.safetensors")
            numbers = try SafetensorsFile(path: folder + "/expected.safetensors")
        } else {
            guard FileManager.default.fileExists(atPath: "\(folder)/\(name.rawValue).json") else {
                throw TrainingError.goldens(
                    "\(folder) has no numbers of \(name.rawValue). Write them with methods_peer.py --dump \(folder) --method \(name.rawValue).")
            }
            let own: Own = try json("\(name.rawValue).json")
            method = MethodSpec(name: name, context: own.context, depth: own.depth)
            (loss, gradientNorms, startPrefix) = (own.loss, own.grad_norms, "init/")
            numbers = try SafetensorsFile(path: "\(folder)/\(name.rawValue).safetensors")
            starts = numbers
        }
    }

    /// (batch, 3, size, size)
    func images(size: Int) throws -> [Float] { try batch.tensor("images", shape: [labels.count, 3, size, size]).floats() }

    /// The value that a trainable tensor starts from.
    func start(of name: String, shape: [Int]) throws -> StoredTensor { try starts.tensor(startPrefix + name, shape: shape) }

    /// Compares tokens, loss, logits and gradients before the first step.
    func check(_ prompted: PromptedCLIP, images: [Float], sentences: [[Int32]], window: Int) throws -> BenchReport.Check {
        let found = labels.withUnsafeBufferPointer { prompted.gradients(images: images, labels: $0) }
        var norms = 0.0, gradients = 0.0
        for t in prompted.prompts.trainable {
            let length = t.gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            if let norm = gradientNorms[t.name] { norms = max(norms, abs(length - norm) / max(norm, 1e-12)) }
            let wanted = try numbers.tensor("grad/" + t.name, shape: t.shape).floats()
            let largest = wanted.reduce(0) { max($0, abs($1)) }
            let difference = zip(t.gradient, wanted).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            gradients = max(gradients, Double(difference / max(largest, 1e-12)))
        }
        let wantedLogits = try numbers.tensor("logits").floats()
        let logits = prompted.logits(images: images, count: labels.count)
        let logitError = zip(logits, wantedLogits).reduce(0.0) { max($0, Double(abs($1.0 - $1.1))) }
        let padded = sentences.flatMap { $0 + Array(repeating: 0, count: max(0, window - $0.count)) }.map(Int64.init)
        let tokensEqual = try batch.tensor("tokens").integers() == padded
        let lossError = abs(Double(found) - loss)
        return BenchReport.Check(
            passed: tokensEqual && logits.count == wantedLogits.count && lossError <= 1e-4 && logitError <= 1e-4
                && gradients <= 1e-4 && norms <= 1e-4,
            tokensEqual: tokensEqual, loss: lossError, logits: logitError, gradientNorms: norms, gradients: gradients)
    }
}
