import RunModel

/// One key that a session file knows.
public struct SessionKey: Sendable, Equatable {
    /// What a key's value must be.
    enum Kind: Sendable, Equatable {
        /// So many characters, none of them a control character.
        case text(ClosedRange<Int>)
        /// Text with `{}` in it.
        case template
        case path
        case word([String])
        case words([String])
        case flag
        case whole(ClosedRange<Int>)
        /// A finite number from `least` (or above it, where `isOpen`) and below `below`.
        case number(least: Double, isOpen: Bool, below: Double?)
        /// A whole number from 1, or "all".
        case shots
    }

    /// Dotted, such as `optim.lr`.
    public let path: String
    let kind: Kind
    /// What the key does, in a few words.
    public let summary: String
    /// Names that other programs give to the same thing; they only serve to suggest this key.
    let otherNames: [String]

    init(_ path: String, _ kind: Kind, _ summary: String, otherNames: [String] = []) {
        self.path = path
        self.kind = kind
        self.summary = summary
        self.otherNames = otherNames
    }

    var parts: [String] { path.split(separator: ".").map(String.init) }
    var name: String { parts.last ?? path }

    /// The values that the key takes, as a message puts it.
    public var allowed: String {
        switch kind {
        case .text(let range): "text of \(range.lowerBound) to \(range.upperBound) characters on one line"
        case .template: "text with {} where the class name goes, such as \"a photo of a {}.\""
        case .path: "a path as a string"
        case .word(let words): "one of " + words.map { "\"\($0)\"" }.joined(separator: ", ")
        case .words(let words): "a list of " + words.map { "\"\($0)\"" }.joined(separator: ", ") + ", each at most once"
        case .flag: "true or false"
        case .whole(let range):
            range == Int.min...Int.max ? "a whole number" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(let least, let isOpen, let below):
            "a number " + (isOpen ? "above \(plain(least))" : "from \(plain(least))") + (below.map { " and below \(plain($0))" } ?? "")
        case .shots: "a whole number from 1, or \"all\""
        }
    }
}

private func plain(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e9 ? String(Int(value)) : String(value)
}

extension SessionKey {
    private static let subsets = ClassSubset.allCases.map(\.rawValue)

    /// All keys, in the order in which a session is written.
    static let all: [SessionKey] = [
        SessionKey("name", .text(1...200), "what the run is called", otherNames: ["title", "experiment"]),
        SessionKey("seed", .whole(Int.min...Int.max), "seeds the draw, the start values, the order, crops and flips"),
        SessionKey(
            "model.path", .path, "CLIP folder or file", otherNames: ["checkpoint", "weights", "folder", "backbone", "directory"]),
        SessionKey(
            "model.vocabulary", .path, "folder of the vocabulary where the model has none",
            otherNames: ["tokenizer", "bpe", "vocab", "tokenizer_path"]),
        SessionKey("data.path", .path, "folder of images", otherNames: ["root", "folder", "dir", "directory"]),
        SessionKey("data.split", .path, "CoOp split file", otherNames: ["split_file", "split_path"]),
        SessionKey("data.classes", .word(subsets), "classes to train on", otherNames: ["subsample_classes", "subsample"]),
        SessionKey("data.shots", .shots, "images drawn per class", otherNames: ["num_shots", "n_shots", "k"]),
        SessionKey("data.crop", .flag, "train on random resized crops", otherNames: ["random_resized_crop"]),
        SessionKey("data.flip", .flag, "train on images flipped half of the time", otherNames: ["random_flip"]),
        SessionKey("data.template", .template, "sentence for zero-shot prompts", otherNames: ["prompt"]),
        SessionKey(
            "data.allow_missing", .flag, "go on where images of the split file are missing", otherNames: ["ignore_missing", "skip_missing"]),
        SessionKey("method.name", .word(MethodName.allCases.map(\.rawValue)), "prompt learning method", otherNames: ["trainer"]),
        SessionKey("method.context", .whole(1...64), "learned tokens per depth, in the text tower where both have their own", otherNames: ["n_ctx", "context_length", "length"]),
        SessionKey("method.depth", .whole(1...64), "blocks that get learned tokens; coop and cocoop have one", otherNames: ["prompt_depth"]),
        SessionKey("method.init", .text(0...1000), "words that the context starts from", otherNames: ["ctx_init", "initial_words"]),
        SessionKey(
            "method.position", .word(NamePlace.allCases.map(\.rawValue)), "coop: where the class name stands",
            otherNames: ["class_token_position", "name_position"]),
        SessionKey("method.class_specific", .flag, "coop: each class has its own context", otherNames: ["csc"]),
        SessionKey(
            "method.vision_context", .whole(1...64), "independent: learned tokens per depth of the vision tower",
            otherNames: ["n_ctx_vision"]),
        SessionKey(
            "method.vision_depth", .whole(1...64), "independent: prompted blocks of the vision tower",
            otherNames: ["prompt_depth_vision"]),
        SessionKey(
            "method.ensemble", .word(EnsembleName.allCases.map(\.rawValue)), "zeroshot: sentences that are averaged",
            otherNames: ["templates"]),
        SessionKey("method.couplers", .word(CouplerStart.allCases.map(\.rawValue)), "maple: what the deeper couplers start from"),
        SessionKey("optim.lr", .number(least: 0, isOpen: true, below: nil), "learning rate", otherNames: ["learning_rate", "rate"]),
        SessionKey("optim.epochs", .whole(1...100_000), "passes over the images", otherNames: ["max_epoch", "num_epochs", "epoch"]),
        SessionKey("optim.batch", .whole(1...65_536), "images per step", otherNames: ["batch_size"]),
        SessionKey("optim.momentum", .number(least: 0, isOpen: false, below: 1), "momentum"),
        SessionKey("optim.weight_decay", .number(least: 0, isOpen: false, below: nil), "weight decay", otherNames: ["decay", "l2"]),
        SessionKey(
            "optim.schedule", .word(ScheduleName.allCases.map(\.rawValue)), "how the rate moves",
            otherNames: ["lr_scheduler", "scheduler"]),
        SessionKey("optim.warmup_epochs", .whole(0...100_000), "epochs at the warm-up rate", otherNames: ["warmup", "warmup_epoch"]),
        SessionKey(
            "optim.warmup_lr", .number(least: 0, isOpen: false, below: nil), "the warm-up rate", otherNames: ["warmup_cons_lr"]),
        SessionKey("eval.every", .whole(0...100_000), "epochs between evaluations; 0: at the end", otherNames: ["interval", "freq"]),
        SessionKey("eval.classes", .words(subsets), "classes to evaluate"),
        SessionKey("eval.subset", .word(ImageSubset.allCases.map(\.rawValue)), "images to evaluate"),
        SessionKey("eval.batch", .whole(1...65_536), "images per forward pass", otherNames: ["batch_size"]),
        SessionKey("eval.zero_shot", .flag, "score zero-shot CLIP once, to tell gains", otherNames: ["zeroshot", "baseline"]),
        SessionKey("log.tensorboard", .flag, "write event files to the run's folder tensorboard", otherNames: ["tb", "tensor_board"]),
    ]

    /// What a run noted about itself; read by people and by `SessionFile.recorded`, ignored by sessions.
    static let recordedTable = "recorded"
}

/// The keys of one kind of file, in the order in which it is written.
struct SessionSchema: Sendable {
    let keys: [SessionKey]
    let byPath: [String: SessionKey]
    let tables: [String]

    init(_ keys: [SessionKey]) {
        self.keys = keys
        byPath = Dictionary(uniqueKeysWithValues: keys.map { ($0.path, $0) })
        var tables: [String] = []
        for key in keys where key.parts.count > 1 && !tables.contains(key.parts[0]) { tables.append(key.parts[0]) }
        self.tables = tables
    }

    static let session = SessionSchema(SessionKey.all)
}
