import Engine
import Formats
import Foundation
import RunModel

/// The golden cases of one model folder.
final class GoldenModel {
    let folder: String
    let model: ModelFolder
    /// (count, 3, size, size)
    private let images: [Float]
    private let imageCount: Int
    let tolerance: Tolerance

    /// What the goldens' README accepts; wider for logits at scale 100 than at 1/0.07.
    struct Tolerance {
        var rawFeatures = 5e-5
        var features = 1e-5
        var logits = 1e-4
        var gradient = (relative: 1e-4, absolute: 1e-6)
        var losses = 1e-4
        var final = 1e-5
        var finalLogits = 2e-3

        init(scale: Float) {
            guard scale > 20 else { return }
            logits = 5e-4
            losses = 1e-3
            final = 2e-5
            finalLogits = 1e-2
        }
    }

    init(folder: String, threads: Int) throws {
        self.folder = folder
        model = try ModelFolder(path: folder + "/model", threads: threads)
        let inputs = try SafetensorsFile(path: folder + "/inputs.safetensors")
        let stored = try inputs.tensor("images")
        let size = model.clip.shape.imageSize
        guard stored.shape.count == 4, Array(stored.shape.dropFirst()) == [3, size, size] else {
            throw TrainingError.goldens("\(inputs.path): images have the shape \(stored.shape), the model takes (N, 3, \(size), \(size))")
        }
        images = try stored.floats()
        imageCount = stored.shape[0]
        tolerance = Tolerance(scale: model.clip.logitScale)
    }

    private struct CaseFile: Decodable {
        struct Optimizer: Decodable {
            var lr: Double
            var momentum: Double
            var weight_decay: Double
        }
        var name: String
        var method: String
        var classnames: [String]
        var labels: [Int32]?
        var template: String?
        var loss: Double?
        var n_ctx: Int?
        var depth: Int?
        var ctx_init: String?
        var csc: Bool?
        var pos: String?
        var n_ctx_text: Int?
        var depth_text: Int?
        var n_ctx_vision: Int?
        var depth_vision: Int?
        var loss_steps: [Double]?
        var step_rows: [[Int]]?
        var optimizer: Optimizer?
    }

    /// The case's method as a session would say it; nil for one that is not known.
    private static func method(_ file: CaseFile) -> MethodSpec? {
        let words = file.ctx_init ?? ""
        switch file.method {
        case "maple":
            guard let context = file.n_ctx, let depth = file.depth else { return nil }
            return MethodSpec(name: .maple, context: context, depth: depth, initialWords: words)
        case "coop":
            guard let context = file.n_ctx, let place = NamePlace(rawValue: file.pos ?? "end") else { return nil }
            return MethodSpec(
                name: .coop, context: context, depth: 1, initialWords: words, position: place, classSpecific: file.csc ?? false)
        case "cocoop":
            guard let context = file.n_ctx else { return nil }
            return MethodSpec(name: .cocoop, context: context, depth: 1, initialWords: words)
        case "vpt":
            guard let context = file.n_ctx_vision, let depth = file.depth_vision else { return nil }
            return MethodSpec(name: .vision, context: context, depth: depth)
        case "ivlp":
            guard let context = file.n_ctx_text, let depth = file.depth_text, let seen = file.n_ctx_vision,
                let seenDepth = file.depth_vision
            else { return nil }
            if seen == 0 { return MethodSpec(name: .language, context: context, depth: depth, initialWords: words) }
            return MethodSpec(
                name: .independent, context: context, depth: depth, initialWords: words, visionContext: seen,
                visionDepth: seenDepth)
        default: return nil
        }
    }

    func check(caseFile path: String) throws -> GoldenResult {
        let file = try JSONDecoder().decode(CaseFile.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        let name = (folder as NSString).lastPathComponent + "/" + file.name
        let expected = { try SafetensorsFile(path: path.dropLast(5) + ".safetensors") }
        if file.method == "zeroshot" { return try zeroShot(name, file, expected()) }
        guard let method = Self.method(file) else {
            return GoldenResult(name: name, status: .notRun, detail: "the method \(file.method) is not known, or lacks its shape")
        }
        return try trained(name, file, method, expected())
    }

    private func checkTokens(_ sentences: [[Int32]], _ expected: SafetensorsFile, _ c: inout GoldenComparison) throws {
        let window = model.configuration.contextLength
        let padded = sentences.flatMap { $0 + Array(repeating: 0, count: max(0, window - $0.count)) }.map(Int64.init)
        c.expectEqual("tokens", padded, try expected.tensor("tokens").integers(), count: padded.count)
    }

    private func checkFeatures(
        image: [Float], text: [Float], logits: [Float], _ expected: SafetensorsFile, _ c: inout GoldenComparison
    ) throws {
        let e = model.clip.shape.embedding
        c.compare("text_features_raw", text, try expected.tensor("text_features_raw").floats(), absolute: tolerance.rawFeatures)
        c.compare("image_features_raw", image, try expected.tensor("image_features_raw").floats(), absolute: tolerance.rawFeatures)
        c.compare("text_features", unit(text, e), try expected.tensor("text_features").floats(), absolute: tolerance.features)
        c.compare("image_features", unit(image, e), try expected.tensor("image_features").floats(), absolute: tolerance.features)
        c.compare("logits", logits, try expected.tensor("logits").floats(), absolute: tolerance.logits)
    }

    private func zeroShot(_ name: String, _ file: CaseFile, _ expected: SafetensorsFile) throws -> GoldenResult {
        var c = GoldenComparison(name)
        let sentences = ClassSentences(
            classNames: file.classnames, template: file.template ?? "a photo of a {}.", tokenizer: model.tokenizer,
            window: model.configuration.contextLength)
        try checkTokens(sentences.tokens, expected, &c)
        let (logits, features, scorer) = try score(sentences.tokens, prompts: nil)
        let classes = file.classnames.count
        try checkFeatures(image: features, text: scorer.rawTextFeatures, logits: logits, expected, &c)
        if let labels = file.labels, let loss = file.loss {
            let losses = labels.enumerated().map { i, label in
                logits[(i * classes)..<((i + 1) * classes)].withUnsafeBufferPointer { Ranking($0, label: Int(label)).loss }
            }
            c.compare("loss", [losses.reduce(0, +) / Double(losses.count)], [loss], absolute: tolerance.losses)
        }
        return c.result
    }

    /// All images through the scorer: logits (N, C) and raw image features (N, E).
    func score(
        _ sentences: [[Int32]], prompts: LearnedPrompts?, on other: ModelFolder? = nil
    ) throws -> (logits: [Float], features: [Float], scorer: Scorer) {
        let scorer = try Scorer(clip: (other ?? model).clip, prompts: prompts, sentences: sentences)
        let perImage = images.count / imageCount
        var logits: [Float] = []
        var features: [Float] = []
        for first in stride(from: 0, to: imageCount, by: scorer.capacity) {
            let n = min(scorer.capacity, imageCount - first)
            var part = [Float](repeating: 0, count: n * scorer.classes)
            images.withUnsafeBufferPointer { all in
                guard let base = all.baseAddress else { return }
                scorer.logits(images: base + first * perImage, count: n, into: &part)
            }
            logits += part
            features += scorer.rawImageFeatures(count: n)
        }
        return (logits, features, scorer)
    }

    private func trained(
        _ name: String, _ file: CaseFile, _ method: MethodSpec, _ expected: SafetensorsFile
    ) throws -> GoldenResult {
        var c = GoldenComparison(name)
        guard let labels = file.labels, let optimizer = file.optimizer,
            let rows = file.step_rows, let losses = file.loss_steps, labels.count == imageCount,
            rows.allSatisfy({ $0.allSatisfy((0..<imageCount).contains) })
        else { throw TrainingError.goldens("\(name): the case does not say all that a training case must") }
        let words = PromptWords(method, tokenizer: model.tokenizer)
        let sentences = ClassSentences(
            classNames: file.classnames, tokenizer: model.tokenizer, window: model.configuration.contextLength,
            sentence: words.sentence)
        try checkTokens(sentences.tokens, expected, &c)
        let prompts = try LearnedPrompts(
            clip: model.clip, method: PromptMethod(method, classes: file.classnames.count), initial: words.initial, seed: 1)
        let prompted = try PromptedCLIP(
            prompts: prompts, sentences: sentences.tokens, batch: imageCount, momentum: optimizer.momentum,
            weightDecay: optimizer.weight_decay)
        let trainable = prompts.trainable
        if case .words = words.initial, method.name != .vision, let own = trainable.first {
            c.compare("initial ctx", Array(own.value), try expected.tensor("init/" + own.name).floats(), absolute: 0, relative: 1e-7)
        }
        let wanted = Set(expected.names.filter { $0.hasPrefix("init/") }.map { String($0.dropFirst(5)) })
        c.expectEqual("names of trained tensors", Set(trainable.map(\.name)), wanted, count: wanted.count)
        for t in trainable where wanted.contains(t.name) {
            try expected.tensor("init/" + t.name, shape: t.shape).copyFloats(into: t.value)
        }
        var logits = prompted.logits(images: images, count: imageCount)
        let features = prompted.rawFeatures(count: imageCount)
        try checkFeatures(image: features.image, text: features.text, logits: logits, expected, &c)

        let perImage = images.count / imageCount
        var found: [Double] = []
        for (k, step) in rows.enumerated() {
            let batch = step.flatMap { images[($0 * perImage)..<(($0 + 1) * perImage)] }
            let outcome = step.map { labels[$0] }.withUnsafeBufferPointer {
                prompted.step(images: batch, labels: $0, learningRate: optimizer.lr)
            }
            found.append(Double(outcome.loss))
            guard k == 0 else { continue }
            for t in trainable where wanted.contains(t.name) {
                c.compare(
                    "grad/" + t.name, Array(t.gradient), try expected.tensor("grad/" + t.name).floats(),
                    absolute: tolerance.gradient.absolute, relative: tolerance.gradient.relative)
            }
        }
        c.compare("loss_steps", found, losses, absolute: tolerance.losses)
        if let stored = expected["loss_steps"] {
            c.compare("loss_steps", found, try stored.floats().map(Double.init), absolute: tolerance.losses)
        }
        for t in trainable where wanted.contains(t.name) {
            c.compare(
                "final/" + t.name, Array(t.value), try expected.tensor("final/" + t.name).floats(), absolute: tolerance.final)
        }
        logits = prompted.logits(images: images, count: imageCount)
        let wantedLogits = try expected.tensor("logits_final").floats()
        c.compare("logits_final", logits, wantedLogits, absolute: tolerance.finalLogits)
        // Evaluation goes another way through the towers than training: it must arrive at the same numbers.
        let scored = try score(sentences.tokens, prompts: prompts).logits
        c.compare("logits_final of the scorer", scored, wantedLogits, absolute: tolerance.finalLogits)
        return c.result
    }

    private struct ParityFile: Decodable { var texts: [String] }

    /// Both towers inside: what enters each block, the pooled tokens, features, logits.
    ///
    /// Of the last block's output only [CLS] and the end tokens exist here; they are compared after normalisation.
    func checkParity() throws -> GoldenResult {
        var c = GoldenComparison((folder as NSString).lastPathComponent + "/hf_parity")
        let file = try JSONDecoder().decode(
            ParityFile.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/hf_parity.json")))
        let expected = try SafetensorsFile(path: folder + "/hf_parity.safetensors")
        let shape = model.clip.shape
        let sentences = try file.texts.map {
            try model.tokenizer.encodeWithSpecials($0, contextLength: shape.contextLength)
        }
        let ids = try expected.tensor("input_ids_pad0"), width = ids.shape.last ?? 0
        c.expectEqual(
            "input_ids", sentences.flatMap { $0 + Array(repeating: 0, count: max(0, width - $0.count)) }.map(Int64.init),
            try ids.integers(), count: ids.count)
        let wantedImages = try expected.tensor("image_features_raw"), n = wantedImages.shape.first ?? 0
        guard n >= 1, n <= imageCount else { throw TrainingError.goldens("hf_parity asks for \(n) images of \(imageCount)") }
        let trace = try TowerTrace(clip: model.clip, sentences: sentences, images: n)
        trace.look(at: images, count: n)
        let features = trace.rawFeatures(count: n), e = shape.embedding
        let image = unit(features.image, e), text = unit(features.text, e)
        c.compare("text_features_raw", features.text, try expected.tensor("text_features_raw").floats(), absolute: tolerance.rawFeatures)
        c.compare("image_features_raw", features.image, try wantedImages.floats(), absolute: tolerance.rawFeatures)
        c.compare("text_features", text, try expected.tensor("text_features").floats(), absolute: tolerance.features)
        c.compare("image_features", image, try expected.tensor("image_features").floats(), absolute: tolerance.features)
        var logits: [Float] = []
        for i in 0..<n {
            for t in sentences.indices {
                let dot = zip(image[(i * e)..<((i + 1) * e)], text[(t * e)..<((t + 1) * e)]).reduce(0) { $0 + $1.0 * $1.1 }
                logits.append(dot * model.clip.logitScale)
            }
        }
        c.compare("logits_per_image", logits, try expected.tensor("logits_per_image").floats(), absolute: tolerance.logits)
        c.compare("vision_pooled", trace.visionPooled(count: n), try expected.tensor("vision_pooled").floats(), absolute: tolerance.rawFeatures)
        c.compare("text_pooled", trace.textPooled, try expected.tensor("text_pooled").floats(), absolute: tolerance.rawFeatures)
        // Hidden states are residual streams of up to 8: the tolerance of raw features, relative to their size.
        for layer in 0..<shape.vision.layers {
            guard let hidden = expected["vision_hidden.\(layer)"] else { continue }
            let found = (0..<(hidden.shape.first ?? 0)).flatMap { trace.visionHidden(layer: layer, image: $0) }
            c.compare(hidden.name, found, try hidden.floats(), absolute: tolerance.rawFeatures)
        }
        for layer in 0..<shape.text.layers {
            guard let hidden = expected["text_hidden.\(layer)"], hidden.shape.count == 3 else { continue }
            let values = try hidden.floats(), places = hidden.shape[1], d = hidden.shape[2]
            for s in 0..<hidden.shape[0] {
                let found = trace.textHidden(layer: layer, sentence: s)
                let count = min(found.count / d, places - 1)
                let first = (s * places + 1) * d
                c.compare(
                    "\(hidden.name)[\(s)]", Array(found.prefix(count * d)), Array(values[first..<(first + count * d)]),
                    absolute: tolerance.rawFeatures)
            }
        }
        // Of the last hidden states only [CLS] and the end tokens are computed here.
        if let hidden = expected["vision_last_hidden"], hidden.shape.count == 3 {
            let values = try hidden.floats(), (tokens, d) = (hidden.shape[1], hidden.shape[2])
            let wanted = (0..<hidden.shape[0]).flatMap { values[($0 * tokens * d)..<($0 * tokens * d + d)] }
            c.compare("vision_last_hidden[CLS]", trace.visionLast(count: n), wanted, absolute: tolerance.rawFeatures)
        }
        if let hidden = expected["text_last_hidden"], hidden.shape.count == 3 {
            let values = try hidden.floats(), (places, d) = (hidden.shape[1], hidden.shape[2])
            let pooled = trace.textPooled
            // The first places alone are in the file: longer sentences end behind them.
            for (s, ids) in sentences.enumerated() where ids.count <= places && s < hidden.shape[0] {
                let first = (s * places + ids.count - 1) * d
                c.compare(
                    "text_last_hidden[end of \(s)]", Array(pooled[(s * d)..<((s + 1) * d)]),
                    Array(values[first..<(first + d)]), absolute: tolerance.rawFeatures)
            }
        }
        return c.result
    }

    private func unit(_ rows: [Float], _ width: Int) -> [Float] {
        stride(from: 0, to: rows.count, by: width).flatMap { first in
            let row = rows[first..<(first + width)]
            let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return row.map { $0 / norm }
        }
    }
}
