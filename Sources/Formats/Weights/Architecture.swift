/// What a set of tensor names belongs to.
public enum Architecture: Equatable, Sendable {
    /// A CLIP with a vision transformer under Hugging Face's names.
    case huggingFace
    /// The same under OpenAI's names; what stands before the text tower's and before the vision tower's.
    case openAI(text: String, vision: String)
    /// Learned prompts without a model that could be used alone.
    case prompts
    /// Another model; the words say which.
    case other(String)
    /// A low-rank or other adapter without its model.
    case adapter(String)
    /// Weights packed into fewer bits.
    case quantised(String)

    /// Told from the names and the element types alone.
    public init(_ source: some WeightSource) {
        let names = source.names
        // No model that is told apart here has so many; to look for each mark in every name would take long.
        guard names.count <= 20_000 else {
            self = .other("model of an unknown kind (\(names.count) tensors)")
            return
        }
        // Contexts are (tokens, width), or that for each class.
        let isContext = source["ctx"].map { (2...3).contains($0.shape.count) } ?? true
        self = Self.recognise(isContext ? names : names.filter { $0 != "ctx" }) { source[$0]?.type }
    }

    private static func recognise(_ names: [String], type: (String) -> TensorType?) -> Architecture {
        let all = Set(names)
        func first(_ parts: String...) -> String? { names.first { name in parts.contains { name.contains($0) } } }
        func any(_ prefix: String) -> Bool { names.contains { $0.hasPrefix(prefix) } }

        if let name = first("lora_A", "lora_B", "lora_down", "lora_up", "lora_embedding", ".w_lora_", "hada_w1", "lokr_w1") {
            return .adapter(name)
        }
        if let name = first(
            "qweight", "qzeros", ".SCB", ".absmax", "quant_map", "weight_scale", "_packed_params", "packed_params", "quant_state", "weight_scb")
        {
            return .quantised(name)
        }
        if Self.holdsPrompts(names) { return .prompts }
        if any("text_decoder.") { return .other("CoCa model, which has a text decoder") }
        for (text, vision) in [("", "visual."), ("text.", "visual."), ("text_encoder.", "image_encoder.")] {
            guard any(vision) else { continue }
            if any(vision + "layer1.") || any(vision + "attnpool.") || any(vision + "stem.") {
                return .other("CLIP with a ResNet; only vision transformers are prompted")
            }
            if any(vision + "trunk.") || any(vision + "blocks.") { return .other("CLIP with a vision tower of the timm library or of EVA") }
            if any(text + "transformer.encoder.") || any(text + "transformer.embeddings.") || any("bert.") {
                return .other("CLIP with another text tower (RoBERTa, T5 and the like)")
            }
            guard all.contains(vision + "conv1.weight"), any(text + "transformer.resblocks.") else { continue }
            if all.contains("logit_bias") { return .other("SigLIP model") }
            if let name = Self.quantisedMatrix(names, type) { return .quantised(name) }
            return .openAI(text: text, vision: vision)
        }
        if any("vision_model.head.") || all.contains("logit_bias") { return .other("SigLIP model") }
        if any("clip.vision_model.") { return .other(any("decoder.") ? "CLIPSeg model" : "model that has a CLIP as its part") }
        if any("text_model.roberta.") { return .other("AltCLIP model") }
        if any("text_model.encoder.layer.") { return .other("ChineseCLIP model, whose text tower is BERT") }
        if any("text_model.encoder.layers."), any("vision_model.encoder.layers.") {
            if let name = Self.quantisedMatrix(names, type) { return .quantised(name) }
            return .huggingFace
        }
        if any("vision_model.encoder.layers.") || all.contains("visual.conv1.weight") {
            return .other("vision tower alone; CLIP's text tower is missing")
        }
        if any("text_model.encoder.layers.") { return .other("text tower alone; CLIP's vision tower is missing") }
        if any("model.diffusion_model.") || any("cond_stage_model.") || any("down_blocks.") { return .other("diffusion model") }
        if any("layer1.") && any("conv1.") { return .other("ResNet image classifier") }
        if any("model.layers.") || any("transformer.h.") { return .other("language model") }
        if any("bert.") || any("encoder.layer.") { return .other("BERT-like or ViT-like encoder") }
        if any("blocks.") && any("patch_embed.") { return .other("vision transformer of the timm library") }
        let shown = names.prefix(3).joined(separator: ", ")
        return .other("model of an unknown kind (its first tensors: \(shown))")
    }

    /// Tensors that the reference's prompt learners train.
    static func holdsPrompts(_ names: [String]) -> Bool {
        names.contains { name in
            name.hasPrefix("prompt_learner.") || name == "ctx" || name.hasSuffix(".VPT") || name.hasSuffix(".VPT_shallow")
                || name.hasPrefix("meta_net.") || name.hasPrefix("compound_prompt")
        }
    }

    /// A matrix of whole numbers where floating-point ones belong.
    private static func quantisedMatrix(_ names: [String], _ type: (String) -> TensorType?) -> String? {
        names.first { name in
            guard name.hasSuffix("weight"), let type = type(name) else { return false }
            return type == .i8 || type == .u8 || type == .i16 || type == .i32
        }
    }
}
