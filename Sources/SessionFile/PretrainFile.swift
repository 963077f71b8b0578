import Foundation
import RunModel
import TOMLText

/// Reads, checks and writes pretraining sessions: TOML text with `kind = "pretrain"`.
///
/// ```
/// kind = "pretrain"
/// [model]                  # the shape of a CLIP that starts from nothing
/// image = 64
/// patch = 8
/// [data]
/// source = "drawn"         # or "captions", with path
/// [optim]
/// batch = 128
/// ```
public enum PretrainFile {
    static let schema: SessionSchema = {
        let size = SessionKey.Kind.whole(1...65_536)
        return SessionSchema([
            SessionKey("kind", .word(["pretrain"]), "what kind of session this is"),
            SessionKey("name", .text(1...200), "what the run is called", otherNames: ["title", "experiment"]),
            SessionKey("seed", .whole(Int.min...Int.max), "seeds the start values, the drawings and the order"),
            SessionKey("model.image", .whole(1...4096), "side of the images in pixels", otherNames: ["image_size"]),
            SessionKey("model.patch", .whole(1...4096), "side of a patch in pixels", otherNames: ["patch_size"]),
            SessionKey("model.vision_width", size, "width of the vision tower"),
            SessionKey("model.vision_layers", .whole(1...64), "its blocks"),
            SessionKey("model.vision_heads", .whole(1...256), "its attention heads"),
            SessionKey("model.text_width", size, "width of the text tower", otherNames: ["transformer_width"]),
            SessionKey("model.text_layers", .whole(1...64), "its blocks", otherNames: ["transformer_layers"]),
            SessionKey("model.text_heads", .whole(1...256), "its attention heads", otherNames: ["transformer_heads"]),
            SessionKey("model.embedding", size, "width of the joint space", otherNames: ["embed_dim", "projection_dim"]),
            SessionKey("model.context", .whole(3...4096), "places of the text tower", otherNames: ["context_length"]),
            SessionKey("model.vocabulary", .whole(1...1_000_000), "tokens to learn from the captions", otherNames: ["vocab_size"]),
            SessionKey("model.vocabulary_path", .path, "folder of a vocabulary to use instead"),
            SessionKey(
                "model.precision", .word(PretrainSpec.Precision.allCases.map(\.rawValue)), "numbers of the finished model",
                otherNames: ["dtype"]),
            SessionKey("data.source", .word(PretrainSpec.Source.allCases.map(\.rawValue)), "where pairs come from"),
            SessionKey("data.path", .path, "folder of captioned images", otherNames: ["root", "folder", "dir"]),
            SessionKey("data.captions", .text(1...500), "captions file in the folder: image, tab, caption"),
            SessionKey("data.pairs", .whole(1...100_000_000), "drawn pictures of an epoch"),
            SessionKey("data.alike", .whole(1...22), "drawn pictures in a row that share colour and fill", otherNames: ["group"]),
            SessionKey("data.validation", .whole(0...20_000), "pairs kept out of training", otherNames: ["val"]),
            SessionKey("optim.lr", .number(least: 0, isOpen: true, below: nil), "highest learning rate", otherNames: ["learning_rate"]),
            SessionKey("optim.epochs", .whole(1...100_000), "passes over the pairs", otherNames: ["max_epoch", "epoch"]),
            SessionKey("optim.batch", .whole(2...65_536), "pairs per step", otherNames: ["batch_size"]),
            SessionKey("optim.beta1", .number(least: 0, isOpen: false, below: 1), "decay of the first moment"),
            SessionKey("optim.beta2", .number(least: 0, isOpen: false, below: 1), "decay of the second moment"),
            SessionKey("optim.epsilon", .number(least: 0, isOpen: true, below: nil), "added to the root of the second moment", otherNames: ["eps"]),
            SessionKey("optim.weight_decay", .number(least: 0, isOpen: false, below: nil), "decoupled weight decay", otherNames: ["decay"]),
            SessionKey("optim.warmup_steps", .whole(0...10_000_000), "steps of linear warm-up", otherNames: ["warmup"]),
            SessionKey("eval.every", .whole(0...100_000), "epochs between evaluations; 0: at the end", otherNames: ["interval"]),
            SessionKey("eval.images", .whole(1...1000), "drawings of each combination"),
        ])
    }()

    /// Whether text is, or wants to be, a pretraining session.
    public static func isPretraining(_ text: String) -> Bool {
        guard TOMLOutline(text).ending == .complete, let tree = try? TOMLTree(parsing: text) else { return false }
        return tree[["kind"]] == .string("pretrain")
    }

    /// Reads a session file and makes its paths absolute, as `SessionFile.read` does.
    ///
    /// - Throws: `SessionDiagnostics`, all faults at once.
    public static func read(path: String, overrides: [String] = [], workingFolder: String? = nil) throws -> PretrainSpec {
        let text = try SessionFile.text(path: path)
        let working = workingFolder ?? FileManager.default.currentDirectoryPath
        let absolute = SessionPaths.tidied(path.hasPrefix("/") ? path : working + "/" + path)
        let folder = String(absolute[..<(absolute.lastIndex(of: "/") ?? absolute.startIndex)])
        let paths = SessionPaths(sessionFolder: folder.isEmpty ? "/" : folder, workingFolder: working)
        var reader = try SessionReader(text: text, file: path, overrides: overrides, schema: schema)
        var spec = try spec(&reader, defaultName: SessionFile.stem(of: path))
        if var path = spec.data.path {
            SessionFile.resolve("data.path", &path, paths, &reader)
            spec.data.path = path
        }
        if var path = spec.model.vocabularyPath {
            SessionFile.resolve("model.vocabulary_path", &path, paths, &reader)
            spec.model.vocabularyPath = path
        }
        try reader.throwIfFaulty()
        return spec
    }

    /// Reads a session from text without looking at any file.
    public static func parse(text: String, name: String, overrides: [String] = []) throws -> PretrainSpec {
        var reader = try SessionReader(text: text, file: name, overrides: overrides, schema: schema)
        return try spec(&reader, defaultName: name)
    }

    private static func spec(_ reader: inout SessionReader, defaultName: String) throws -> PretrainSpec {
        reader.checkKeys()
        if reader.sound("kind") == nil {
            reader.report("kind", line: 1, "kind is missing; a pretraining session begins with kind = \"pretrain\".")
        }
        var spec = PretrainSpec(name: reader.text("name", defaultName), seed: reader.whole("seed", 1))
        var model = spec.model
        model.image = reader.whole("model.image", model.image)
        model.patch = reader.whole("model.patch", model.patch)
        model.vision = tower("vision", model.vision, reader)
        model.text = tower("text", model.text, reader)
        model.embedding = reader.whole("model.embedding", model.embedding)
        model.context = reader.whole("model.context", model.context)
        model.vocabulary = reader.whole("model.vocabulary", model.vocabulary)
        if case .string(let path) = reader.sound("model.vocabulary_path") { model.vocabularyPath = path }
        model.precision = reader.word("model.precision", model.precision)
        spec.model = model

        spec.data.source = reader.word("data.source", spec.data.source)
        if case .string(let path) = reader.sound("data.path") { spec.data.path = path }
        spec.data.captions = reader.text("data.captions", spec.data.captions)
        spec.data.pairs = reader.whole("data.pairs", spec.data.pairs)
        spec.data.alike = reader.whole("data.alike", spec.data.alike)
        spec.data.validation = reader.whole("data.validation", spec.data.validation)

        spec.optim.lr = reader.number("optim.lr", spec.optim.lr)
        spec.optim.epochs = reader.whole("optim.epochs", spec.optim.epochs)
        spec.optim.batch = reader.whole("optim.batch", spec.optim.batch)
        spec.optim.beta1 = reader.number("optim.beta1", spec.optim.beta1)
        spec.optim.beta2 = reader.number("optim.beta2", spec.optim.beta2)
        spec.optim.epsilon = reader.number("optim.epsilon", spec.optim.epsilon)
        spec.optim.weightDecay = reader.number("optim.weight_decay", spec.optim.weightDecay)
        spec.optim.warmupSteps = reader.whole("optim.warmup_steps", spec.optim.warmupSteps)
        spec.eval.every = reader.whole("eval.every", spec.eval.every)
        spec.eval.images = reader.whole("eval.images", spec.eval.images)
        check(spec, &reader)
        try reader.throwIfFaulty()
        return spec
    }

    private static func tower(_ name: String, _ fallback: PretrainSpec.Tower, _ reader: SessionReader) -> PretrainSpec.Tower {
        PretrainSpec.Tower(
            width: reader.whole("model.\(name)_width", fallback.width), layers: reader.whole("model.\(name)_layers", fallback.layers),
            heads: reader.whole("model.\(name)_heads", fallback.heads))
    }

    private static func check(_ spec: PretrainSpec, _ reader: inout SessionReader) {
        let model = spec.model
        if model.image % model.patch != 0 {
            reader.report("model.patch", "model.patch is \(model.patch), which does not divide the \(model.image) of model.image.")
        }
        for (name, tower) in [("vision", model.vision), ("text", model.text)] where tower.width % tower.heads != 0 {
            reader.report(
                "model.\(name)_heads",
                "model.\(name)_heads is \(tower.heads), which does not divide the \(tower.width) of model.\(name)_width.")
        }
        switch (spec.data.source, spec.data.path) {
        case (.captions, nil):
            reader.report("data.path", "data.path is missing: data.source \"captions\" wants the folder of the images.")
        case (.drawn, _?):
            reader.report("data.path", "data.path is for data.source \"captions\"; drawn pictures come from no folder. Remove one of the two.")
        default: break
        }
        if spec.data.source == .captions, spec.data.alike > 1 {
            reader.report("data.alike", "data.alike is for data.source \"drawn\". Remove it.")
        }
        if spec.data.source == .drawn, spec.optim.batch > spec.data.pairs {
            reader.report(
                "optim.batch",
                "optim.batch is \(spec.optim.batch), more than the \(spec.data.pairs) pairs of an epoch (data.pairs). Make the batch smaller.")
        }
    }

    /// The session as TOML with every key written out; `parse` gives the same value back.
    public static func write(_ spec: PretrainSpec, provenance: Provenance? = nil) -> String {
        let quoted: (String) -> String = SessionFile.quoted
        var lines = ["kind = \"pretrain\"", "name = \(quoted(spec.name))", "seed = \(spec.seed)"]
        func table(_ name: String, _ entries: [(String, String)]) {
            lines += ["", "[\(name)]"]
            for (key, value) in entries { lines.append("\(key) = \(value)") }
        }
        func tower(_ name: String, _ tower: PretrainSpec.Tower) -> [(String, String)] {
            [("\(name)_width", "\(tower.width)"), ("\(name)_layers", "\(tower.layers)"), ("\(name)_heads", "\(tower.heads)")]
        }
        let model = spec.model, data = spec.data, optim = spec.optim
        var entries: [(String, String)] = [("image", "\(model.image)"), ("patch", "\(model.patch)")]
        entries += tower("vision", model.vision)
        entries += tower("text", model.text)
        entries.append(("embedding", "\(model.embedding)"))
        entries.append(("context", "\(model.context)"))
        entries.append(("vocabulary", "\(model.vocabulary)"))
        if let path = model.vocabularyPath { entries.append(("vocabulary_path", quoted(path))) }
        entries.append(("precision", quoted(model.precision.rawValue)))
        table("model", entries)
        entries = [("source", quoted(data.source.rawValue))]
        if let path = data.path { entries.append(("path", quoted(path))) }
        entries.append(("captions", quoted(data.captions)))
        entries.append(("pairs", "\(data.pairs)"))
        entries.append(("alike", "\(data.alike)"))
        entries.append(("validation", "\(data.validation)"))
        table("data", entries)
        table(
            "optim",
            [
                ("lr", "\(optim.lr)"), ("epochs", "\(optim.epochs)"), ("batch", "\(optim.batch)"), ("beta1", "\(optim.beta1)"),
                ("beta2", "\(optim.beta2)"), ("epsilon", "\(optim.epsilon)"), ("weight_decay", "\(optim.weightDecay)"),
                ("warmup_steps", "\(optim.warmupSteps)"),
            ])
        table("eval", [("every", "\(spec.eval.every)"), ("images", "\(spec.eval.images)")])
        if let provenance { lines += SessionFile.recordedLines(provenance) }
        return lines.joined(separator: "\n") + "\n"
    }
}
