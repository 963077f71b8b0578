import Foundation
import RunModel
import RunStore

/// A small generator whose sequence depends on its seed alone.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

func samplePoint(_ step: Int, loss: Double? = nil, norms: Int = 0) -> MetricPoint {
    var generator = SplitMix(state: UInt64(step))
    return MetricPoint(
        step: step, epoch: step / 100, loss: loss ?? Double(Float.random(in: 0...5, using: &generator)),
        accuracy: Double(Int.random(in: 0...4, using: &generator)) / 4, learningRate: 0.0035 * Double.random(in: 0...1, using: &generator),
        time: Double(step) * 0.8123456789, imagesPerSecond: Double.random(in: 4...6, using: &generator),
        norms: (0..<norms).map { depth in
            PromptNorm(
                kind: depth % 3 == 0 ? .coupler : depth % 3 == 1 ? .text : .vision, depth: depth,
                tokens: [.random(in: 0...2, using: &generator), .random(in: 0...2, using: &generator)],
                gradient: .random(in: 0...0.001, using: &generator), moved: .random(in: 0...1, using: &generator))
        })
}

func sampleSpec(_ name: String = "pets", seed: Int = 1) -> SessionSpec {
    SessionSpec(name: name, seed: seed, model: ModelSpec(path: "/models/m"), data: DataSpec(path: "/data/pets"))
}

func sampleEvaluation(
    _ classes: ClassSubset, step: Int, accuracy: Double, data: String = "/data/pets", subset: ImageSubset = .test
) -> EvaluationResult {
    EvaluationResult(
        method: .maple, data: data, split: "split.json", classes: classes, subset: subset, step: step, epoch: step / 10,
        accuracy: accuracy, macroF1: accuracy - 0.1, count: 2, loss: 1.25,
        perClass: [ClassResult(name: "Bäumchen \"1\"", correct: 1, count: 1), ClassResult(name: "b\n", correct: 0, count: 1)],
        predictions: [
            Prediction(path: "a/1.png", label: 0, top: [0, 1], probability: [0.7, 0.3]),
            Prediction(path: "b/ü.png", label: 1, top: [0, 1], probability: [1 / 3, 1e-9]),
        ],
        skipped: ["c.jpg"], seconds: 0.5)
}

extension RunFolder {
    func append(_ text: String, to file: String) {
        let descriptor = Foundation.open(file, O_WRONLY | O_APPEND | O_CREAT, 0o644)
        _ = text.withCString { write(descriptor, $0, strlen($0)) }
        Foundation.close(descriptor)
    }

    func text(_ file: String) -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
}
