import RunModel
import TOMLKit
import TOMLText

/// Reads TOML text into a session, gathering every fault on the way.
struct SessionReader {
    let file: String
    private let schema: SessionSchema
    private let outline: TOMLOutline
    private var tree: TOMLTree
    private var overrides: [String: SessionOverride] = [:]
    private(set) var diagnostics: [SessionDiagnostic] = []
    /// Beyond this many faults nobody reads on.
    private static let limit = 1000

    init(text: String, file: String, overrides: [String], schema: SessionSchema = .session) throws {
        self.file = file
        self.schema = schema
        outline = TOMLOutline(text)
        tree = try Self.parse(text, outline: outline, file: file)
        for text in overrides {
            do {
                let override = try SessionOverride(text, file: file, schema: schema)
                self.overrides[override.key.path] = override
                tree.set(override.value, at: override.key.parts[...])
            } catch let error as SessionDiagnostics {
                diagnostics += error.diagnostics
            }
        }
    }

    /// The library sees no text that the outline has not passed.
    private static func parse(_ text: String, outline: TOMLOutline, file: String) throws -> TOMLTree {
        func refused(_ line: Int?, _ problem: SessionProblem) -> SessionDiagnostics {
            SessionDiagnostics([SessionDiagnostic(file: file, line: line, key: "", message: problem.message)])
        }
        switch outline.ending {
        case .complete: break
        case .tooDeep(let line): throw refused(line, .tooDeep(limit: TOMLOutline.depthLimit))
        case .escapedNul(let line): throw refused(line, .escapedNul)
        case .stopped(let line, let reason): throw refused(line, .syntax("\(reason)."))
        }
        do {
            return try TOMLTree(parsing: text)
        } catch let error as TOMLParseError {
            throw refused(error.source.begin.line, .syntax(shortened(error.description, to: 200) + "."))
        }
    }

    /// - Throws: `SessionDiagnostics` holding all faults.
    mutating func spec(defaultName: String) throws -> SessionSpec {
        if case .string(let kind) = tree[["kind"]] { throw otherKind(kind) }
        checkKeys()
        for path in ["model.path", "data.path"] where tree[path.split(separator: ".").map(String.init)[...]] == nil {
            let table = String(path.prefix { $0 != "." })
            report(path, line: outline.line(of: [table]), "\(path) is missing. Write it under [\(table)].")
        }
        let spec = build(defaultName: defaultName)
        if spec.optim.warmupEpochs > spec.optim.epochs {
            let key = overrides["optim.warmup_epochs"] != nil || tree[["optim", "warmup_epochs"]] != nil
                ? "optim.warmup_epochs" : "optim.epochs"
            report(
                key,
                "optim.warmup_epochs is \(spec.optim.warmupEpochs), more than the \(spec.optim.epochs) of optim.epochs; "
                    + "it must be a whole number from 0 to \(spec.optim.epochs).")
        }
        checkMethod(spec)
        try throwIfFaulty()
        return spec
    }

    /// Pretraining sessions and protocols say their kind; a session of one run has none.
    private func otherKind(_ kind: String) -> SessionDiagnostics {
        let what =
            switch ProtocolKind(rawValue: kind) {
            case .ablation?: "it is an ablation: maple ablation \(file)"
            case _?: "it is a protocol: maple protocol \(file)"
            case nil where kind == "pretrain":
                "it is a pretraining session: maple pretrain \(file). A run of it learns no prompts; its finished model is the folder \"model\" within it."
            case nil: "unknown key kind: a session of one run has none."
            }
        return SessionDiagnostics([SessionDiagnostic(file: file, line: outline.line(of: ["kind"]), key: "kind", message: what)])
    }

    /// Keys that only one method knows must not be set for another: they would do nothing.
    private mutating func checkMethod(_ spec: SessionSpec) {
        let method = spec.method, name = method.name.rawValue
        func foreign(_ key: String, _ owner: MethodName) -> String {
            "\(key) is for the method \"\(owner.rawValue)\", and method.name is \"\(name)\". Remove the key."
        }
        if method.position != .end, method.name != .coop { report("method.position", foreign("method.position", .coop)) }
        if method.classSpecific, method.name != .coop { report("method.class_specific", foreign("method.class_specific", .coop)) }
        if method.visionContext != nil, method.name != .independent {
            report("method.vision_context", foreign("method.vision_context", .independent))
        }
        if method.visionDepth != nil, method.name != .independent {
            report("method.vision_depth", foreign("method.vision_depth", .independent))
        }
        if method.ensemble != .none, method.name != .zeroshot {
            report("method.ensemble", foreign("method.ensemble", .zeroshot))
        }
        if method.classSpecific, method.name == .coop, spec.eval.classes != [spec.data.classes] {
            report(
                "method.class_specific",
                "method.class_specific learns a context for each training class and none for others: "
                    + "eval.classes must be [\"\(spec.data.classes.rawValue)\"], as data.classes.")
        }
    }

    func throwIfFaulty() throws {
        guard !diagnostics.isEmpty else { return }
        // In the order of lines; overrides last, as they were typed.
        let sorted = diagnostics.enumerated().sorted { a, b in
            let keyA = (a.element.override == nil ? 0 : 1, a.element.line ?? 0, a.offset)
            let keyB = (b.element.override == nil ? 0 : 1, b.element.line ?? 0, b.offset)
            return keyA < keyB
        }
        throw SessionDiagnostics(sorted.map(\.element))
    }

    /// Reports a fault of `key` at the override that set it, or else at its line.
    mutating func report(_ key: String, line: Int? = nil, _ message: String) {
        guard diagnostics.count < Self.limit else { return }
        if let override = overrides[key] {
            diagnostics.append(SessionDiagnostic(file: file, override: override.text, key: key, message: message))
        } else {
            let line = line ?? outline.line(of: key.split(separator: ".").map(String.init))
            diagnostics.append(SessionDiagnostic(file: file, line: line, key: key, message: message))
        }
    }

    func isOverridden(_ key: String) -> Bool { overrides[key] != nil }

    // MARK: Checking

    /// Reports every key that is unknown or has a wrong value.
    mutating func checkKeys() { checkTable(tree, path: []) }

    private mutating func checkTable(_ table: TOMLTree, path: [String]) {
        guard case .table(let entries) = table else { return }
        for (name, value) in entries.sorted(by: { $0.key < $1.key }) {
            let parts = path + [name]
            let dotted = parts.joined(separator: ".")
            if path.isEmpty, name == SessionKey.recordedTable { continue }
            if path.isEmpty, schema.tables.contains(name) {
                if case .table = value {
                    checkTable(value, path: parts)
                } else {
                    report(dotted, "\(name) is \(value.described); it wants a table: write [\(name)] and its keys below.")
                }
            } else if let key = schema.byPath[dotted], key.parts == parts {
                if let fault = key.fault(in: value) { report(dotted, line: faultLine(key, value), fault) }
            } else {
                let shown = shortened(dotted, to: 60)
                let what = if case .table = value, path.isEmpty { "unknown table [\(shown)]" } else { "unknown key \(shown)" }
                let message = "\(what). \(Suggestion.forKey(parts, in: schema))"
                guard diagnostics.count < Self.limit else { return }
                diagnostics.append(SessionDiagnostic(file: file, line: outline.line(of: parts), key: dotted, message: message))
            }
        }
    }

    /// The line of the list element that is at fault, where a list spreads over several.
    private func faultLine(_ key: SessionKey, _ value: TOMLTree) -> Int? {
        guard case .list(let elements) = value, overrides[key.path] == nil else { return nil }
        for index in elements.indices where key.fault(in: .list(Array(elements[...index]))) != nil {
            return outline.line(of: key.parts + [String(index)])
        }
        return nil
    }

    // MARK: Building

    /// A sound value of a key; nil where it is absent or was reported.
    func sound(_ path: String) -> TOMLTree? {
        guard let key = schema.byPath[path], let value = tree[key.parts[...]], key.fault(in: value) == nil else { return nil }
        return value
    }

    func text(_ path: String, _ fallback: String) -> String {
        if case .string(let text) = sound(path) { text } else { fallback }
    }

    func whole(_ path: String, _ fallback: Int) -> Int {
        if case .integer(let value) = sound(path) { value } else { fallback }
    }

    func number(_ path: String, _ fallback: Double) -> Double {
        switch sound(path) {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: fallback
        }
    }

    private func flag(_ path: String, _ fallback: Bool) -> Bool {
        if case .flag(let value) = sound(path) { value } else { fallback }
    }

    func word<Word: RawRepresentable>(_ path: String, _ fallback: Word) -> Word where Word.RawValue == String {
        if case .string(let text) = sound(path), let word = Word(rawValue: text) { word } else { fallback }
    }

    private func build(defaultName: String) -> SessionSpec {
        var data = DataSpec(path: text("data.path", ""))
        if case .string(let split) = sound("data.split") { data.split = split }
        data.classes = word("data.classes", data.classes)
        switch sound("data.shots") {
        case .integer(let shots): data.shots = shots
        case .string: data.shots = nil
        default: break
        }
        data.crop = flag("data.crop", data.crop)
        data.flip = flag("data.flip", data.flip)
        data.template = text("data.template", data.template)
        data.allowMissing = flag("data.allow_missing", data.allowMissing)

        var method = MethodSpec()
        method.name = word("method.name", method.name)
        method.context = whole("method.context", method.context)
        method.depth = whole("method.depth", method.depth)
        method.initialWords = text("method.init", method.initialWords)
        method.position = word("method.position", method.position)
        method.classSpecific = flag("method.class_specific", method.classSpecific)
        if case .integer(let tokens) = sound("method.vision_context") { method.visionContext = tokens }
        if case .integer(let depth) = sound("method.vision_depth") { method.visionDepth = depth }
        method.ensemble = word("method.ensemble", method.ensemble)
        // Sessions of earlier versions hold it for every method.
        let couplers = word("method.couplers", method.couplers)
        if method.name == .maple { method.couplers = couplers }

        var optim = OptimSpec()
        optim.lr = number("optim.lr", optim.lr)
        optim.epochs = whole("optim.epochs", optim.epochs)
        optim.batch = whole("optim.batch", optim.batch)
        optim.momentum = number("optim.momentum", optim.momentum)
        optim.weightDecay = number("optim.weight_decay", optim.weightDecay)
        optim.schedule = word("optim.schedule", optim.schedule)
        optim.warmupEpochs = whole("optim.warmup_epochs", optim.warmupEpochs)
        optim.warmupLR = number("optim.warmup_lr", optim.warmupLR)

        var eval = EvalSpec()
        eval.every = whole("eval.every", eval.every)
        if case .list(let elements) = sound("eval.classes") {
            eval.classes = elements.compactMap { if case .string(let text) = $0 { ClassSubset(rawValue: text) } else { nil } }
        }
        eval.subset = word("eval.subset", eval.subset)
        eval.batch = whole("eval.batch", eval.batch)
        eval.zeroShot = flag("eval.zero_shot", eval.zeroShot)

        var model = ModelSpec(path: text("model.path", ""))
        if case .string(let place) = sound("model.vocabulary") { model.vocabulary = place }

        return SessionSpec(
            name: text("name", defaultName), seed: whole("seed", 1), model: model,
            data: data, method: method, optim: optim, eval: eval,
            log: LogSpec(tensorBoard: flag("log.tensorboard", false)))
    }
}
