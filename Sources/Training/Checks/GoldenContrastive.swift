import Engine
import Formats
import Foundation

/// Pretraining: the gradient of every weight under CLIP's contrastive loss, and five steps of AdamW.
extension GoldenModel {
    func checkContrastive() throws -> GoldenResult {
        var c = GoldenComparison((folder as NSString).lastPathComponent + "/contrastive")
        let expected = try SafetensorsFile(path: folder + "/contrastive.safetensors")
        let shape = model.clip.shape
        let stored = try expected.tensor("images"), ids = try expected.tensor("input_ids")
        let lengths = try expected.tensor("lengths").integers()
        let batch = lengths.count
        guard batch >= 2, stored.shape == [batch, 3, shape.imageSize, shape.imageSize], ids.shape.count == 2,
            ids.shape[0] == batch, lengths.allSatisfy({ (2...ids.shape[1]).contains(Int($0)) })
        else { throw TrainingError.goldens("\(expected.path): images, input_ids and lengths do not fit together") }
        let images = try stored.floats(), tokens = try ids.integers()
        let captions = try TextPlan(
            captions: (0..<batch).map { row in
                tokens[(row * ids.shape[1])...].prefix(Int(lengths[row])).map { Int32(clamping: $0) }
            },
            window: shape.contextLength, vocabulary: shape.vocabulary)
        let clip = try TrainableCLIP(
            shape: shape, batch: batch, optimiser: AdamW(beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: 0.2, decaysAll: true),
            seed: 1, workers: model.clip.workers)
        try clip.load(TensorSource(model.files.weights))

        let loss = clip.gradients(images: images, captions: captions)
        c.compare("loss", [loss], try expected.tensor("loss").floats(), absolute: 1e-4)
        c.compare(
            "logits_per_image", clip.logits, try expected.tensor("logits_per_image").floats(),
            absolute: Tolerance(scale: clip.scale).logits)
        let states = clip.states
        let wanted = Set(expected.names.filter { $0.hasPrefix("grad/") }.map { String($0.dropFirst(5)) })
        c.expectEqual("names of weights", Set(states.map(\.name)), wanted, count: wanted.count)
        for state in states where wanted.contains(state.name) {
            c.compare(
                "grad/" + state.name, Array(state.gradient), try expected.tensor("grad/" + state.name).floats(), absolute: 1e-6,
                relative: 1e-4)
        }
        var losses: [Float] = []
        for _ in 0..<5 {
            let outcome = clip.step(images: images, captions: captions, learningRate: 1e-3)
            if let fault = outcome.fault { c.fault("AdamW step: \(fault)") }
            losses.append(outcome.loss)
        }
        c.compare("adamw_losses", losses, try expected.tensor("adamw_losses").floats(), absolute: 2e-3)
        // Where a gradient is nought but rounding, as those of key biases, AdamW makes whole steps of it: left out.
        for state in states where !state.name.hasSuffix("k_proj.bias") {
            guard let final = expected["adamw_final/" + state.name] else { continue }
            c.compare("adamw_final/" + state.name, Array(state.value), try final.floats(), absolute: 2e-3)
        }
        return c.result
    }
}
