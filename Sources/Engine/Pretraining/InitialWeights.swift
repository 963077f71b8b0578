extension TrainableWeights {
    /// Starting values of a CLIP that is trained from nothing (OpenAI's code, `initialize_parameters`): normal ones whose
    /// deviation shrinks with width and depth, gains 1, biases 0, and a temperature of 1 / 0.07.
    func initialise(seed: UInt64) {
        var random = InitialValues(seed: seed)
        for tensor in tensors {
            let value = values(tensor), name = tensor.name
            let tower = name.hasPrefix("text_model") || name.hasPrefix("text_projection") ? shape.text : shape.vision
            let width = Double(tower.width)
            if name == "logit_scale" {
                value.fill(R(logarithm(1 / 0.07)))
            } else if name.hasSuffix("norm.weight") || name.contains("layer_norm") && name.hasSuffix(".weight")
                || name.hasSuffix("layrnorm.weight")
            {
                value.fill(1)
            } else if name.hasSuffix(".bias") {
                value.fill(0)
            } else {
                random.normal(value, deviation: deviation(of: name, width: width, layers: Double(tower.layers)))
            }
        }
    }

    private func deviation(of name: String, width: Double, layers: Double) -> Double {
        if name.hasSuffix("token_embedding.weight") { return 0.02 }
        if name.hasPrefix("text_model"), name.hasSuffix("position_embedding.weight") { return 0.01 }
        if name.hasSuffix("patch_embedding.weight") { return 1 / (3 * Double(shape.patchSize * shape.patchSize)).squareRoot() }
        if name.hasSuffix("out_proj.weight") || name.hasSuffix("fc2.weight") { return 1 / (width * 2 * layers).squareRoot() }
        if name.hasSuffix("fc1.weight") { return 1 / (2 * width).squareRoot() }
        return 1 / width.squareRoot()
    }
}
