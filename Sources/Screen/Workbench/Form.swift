import RunModel

/// A session as it is typed: every field is text until all of them are right.
public struct FormState: Sendable {
    public enum Kind: Sendable, Equatable {
        case text
        case path(PathPurpose)
        case choice([String])
    }

    public struct Field: Sendable {
        public var id: FieldID
        public var label: String
        public var kind: Kind
        public var field: TextField
        public var hint: String
    }

    public enum FieldID: String, Sendable, CaseIterable {
        case name, seed, model, data, split, classes, shots, template, method, context, depth, initialWords
        case lr, epochs, batch, momentum, weightDecay, schedule, warmupEpochs, warmupLR, evalEvery, evalClasses
    }

    public var title: String
    /// The session file that is replaced; nil writes a new one.
    public var replacing: String?
    public var fields: [Field]
    public var selected = 0
    /// What was found at the paths, by path.
    public var descriptions: [String: PathDescription] = [:]
    private let original: SessionSpec

    public init(title: String, spec: SessionSpec, replacing: String?) {
        self.title = title
        self.replacing = replacing
        original = spec
        func choice<C: RawRepresentable & CaseIterable>(_ type: C.Type) -> Kind where C.RawValue == String { .choice(C.allCases.map(\.rawValue)) }
        func number(_ value: Double) -> String { NumberText.setting(value) }
        let d = spec.data, m = spec.method, o = spec.optim
        fields = [
            Field(id: .name, label: "Name", kind: .text, field: TextField(spec.name), hint: "names the file and the run folder"),
            Field(id: .model, label: "Model", kind: .path(.model), field: TextField(spec.model.path), hint: "a CLIP folder or file; enter opens the browser"),
            Field(id: .data, label: "Data", kind: .path(.data), field: TextField(d.path), hint: "a folder of images; enter opens the browser"),
            Field(id: .split, label: "Split file", kind: .path(.split), field: TextField(d.split ?? ""), hint: "empty reads class folders"),
            Field(id: .classes, label: "Train on", kind: choice(ClassSubset.self), field: TextField(d.classes.rawValue), hint: "first half of the classes, the rest, or all"),
            Field(id: .shots, label: "Shots", kind: .text, field: TextField(d.shots.map(String.init) ?? "all"), hint: "images a class, or “all”"),
            Field(id: .template, label: "Template", kind: .text, field: TextField(d.template), hint: "zero-shot sentence; {} is the class name"),
            Field(id: .seed, label: "Seed", kind: .text, field: TextField(String(spec.seed)), hint: "draw, start, order, crops"),
            Field(id: .method, label: "Method", kind: choice(MethodName.self), field: TextField(m.name.rawValue), hint: "← → changes it"),
            Field(id: .context, label: "Context length", kind: .text, field: TextField(String(m.context)), hint: "learned tokens per depth"),
            Field(id: .depth, label: "Prompt depth", kind: .text, field: TextField(String(m.depth)), hint: "blocks with learned tokens"),
            Field(id: .initialWords, label: "Start words", kind: .text, field: TextField(m.initialWords), hint: "empty starts from random values"),
            Field(id: .lr, label: "Learning rate", kind: .text, field: TextField(number(o.lr)), hint: "after the warm-up"),
            Field(id: .epochs, label: "Epochs", kind: .text, field: TextField(String(o.epochs)), hint: ""),
            Field(id: .batch, label: "Batch", kind: .text, field: TextField(String(o.batch)), hint: "images a step"),
            Field(id: .momentum, label: "Momentum", kind: .text, field: TextField(number(o.momentum)), hint: ""),
            Field(id: .weightDecay, label: "Weight decay", kind: .text, field: TextField(number(o.weightDecay)), hint: ""),
            Field(id: .schedule, label: "Schedule", kind: choice(ScheduleName.self), field: TextField(o.schedule.rawValue), hint: "← → changes it"),
            Field(id: .warmupEpochs, label: "Warm-up epochs", kind: .text, field: TextField(String(o.warmupEpochs)), hint: "0 does without"),
            Field(id: .warmupLR, label: "Warm-up rate", kind: .text, field: TextField(number(o.warmupLR)), hint: ""),
            Field(id: .evalEvery, label: "Evaluate every", kind: .text, field: TextField(String(spec.eval.every)), hint: "epochs; 0 at the end alone"),
            Field(id: .evalClasses, label: "Evaluate on", kind: .choice(["base", "new", "base new", "all", "base new all"]),
                field: TextField(spec.eval.classes.map(\.rawValue).joined(separator: " ")), hint: "← → changes it"),
        ]
    }

    public func text(_ id: FieldID) -> String { fields.first { $0.id == id }?.field.string ?? "" }

    /// What is wrong with a field; nil when it is right.
    public func problem(_ id: FieldID) -> String? {
        let value = text(id)
        switch id {
        case .name: return value.allSatisfy(\.isWhitespace) ? "give the session a name" : nil
        case .model, .data:
            if value.isEmpty { return "choose a path; enter opens the browser" }
            if let found = descriptions[value], !found.isUsable { return found.text }
            return nil
        case .split:
            if value.isEmpty { return nil }
            if let found = descriptions[path(of: .split)], !found.isUsable { return found.text }
            return nil
        case .seed: return whole(value, 0...Int(Int32.max))
        case .shots: return value == "all" || value.isEmpty ? nil : whole(value, 1...1_000_000)
        case .template: return value.contains("{}") ? nil : "needs {} where the class name goes"
        case .context: return whole(value, 1...64)
        case .depth:
            if let problem = whole(value, 1...64) { return problem }
            let prompted = [MethodName.maple, .independent, .vision, .language].contains { $0.rawValue == text(.method) }
            guard prompted, let blocks = descriptions[text(.model)]?.blocks, let depth = Int(value), depth > blocks else { return nil }
            return "the model has \(blocks) blocks"
        case .epochs: return whole(value, 0...1_000_000)
        case .batch: return whole(value, 1...65_536)
        case .evalEvery: return whole(value, 0...1_000_000)
        case .warmupEpochs:
            if let problem = whole(value, 0...1_000_000) { return problem }
            if let warm = Int(value), let all = Int(text(.epochs)), warm > 0, warm > all { return "more than the \(all) epochs" }
            return nil
        case .lr: return real(value, positive: true)
        case .warmupLR: return real(value, positive: false)
        case .weightDecay: return real(value, positive: false)
        case .momentum:
            if let problem = real(value, positive: false) { return problem }
            return (Double(value) ?? 0) < 1 ? nil : "must be below 1"
        case .classes, .method, .schedule, .evalClasses, .initialWords: return nil
        }
    }

    private func whole(_ text: String, _ range: ClosedRange<Int>) -> String? {
        guard let value = Int(text) else { return "needs a whole number" }
        return range.contains(value) ? nil : "must be \(NumberText.grouped(range.lowerBound)) to \(NumberText.grouped(range.upperBound))"
    }

    private func real(_ text: String, positive: Bool) -> String? {
        guard let value = Double(text), value.isFinite else { return "needs a number, such as 0.0035 or 1e-5" }
        if value < 0 { return "must not be negative" }
        return positive && value == 0 ? "must be above 0" : nil
    }

    public var problems: [(FieldID, String)] { FieldID.allCases.compactMap { id in problem(id).map { (id, $0) } } }

    /// The session, when every field is right.
    public var spec: SessionSpec? {
        guard problems.isEmpty else { return nil }
        var spec = original
        spec.name = text(.name)
        spec.seed = Int(text(.seed)) ?? spec.seed
        spec.model.path = text(.model)
        spec.data.path = text(.data)
        spec.data.split = text(.split).isEmpty ? nil : text(.split)
        spec.data.classes = ClassSubset(rawValue: text(.classes)) ?? .base
        spec.data.shots = Int(text(.shots))
        spec.data.template = text(.template)
        spec.method.name = MethodName(rawValue: text(.method)) ?? .maple
        spec.method.context = Int(text(.context)) ?? spec.method.context
        spec.method.depth = Int(text(.depth)) ?? spec.method.depth
        spec.method.initialWords = text(.initialWords)
        spec.optim.lr = Double(text(.lr)) ?? spec.optim.lr
        spec.optim.epochs = Int(text(.epochs)) ?? spec.optim.epochs
        spec.optim.batch = Int(text(.batch)) ?? spec.optim.batch
        spec.optim.momentum = Double(text(.momentum)) ?? spec.optim.momentum
        spec.optim.weightDecay = Double(text(.weightDecay)) ?? spec.optim.weightDecay
        spec.optim.schedule = ScheduleName(rawValue: text(.schedule)) ?? .cosine
        spec.optim.warmupEpochs = Int(text(.warmupEpochs)) ?? spec.optim.warmupEpochs
        spec.optim.warmupLR = Double(text(.warmupLR)) ?? spec.optim.warmupLR
        spec.eval.every = Int(text(.evalEvery)) ?? spec.eval.every
        spec.eval.classes = text(.evalClasses).split(separator: " ").compactMap { ClassSubset(rawValue: String($0)) }
        return spec
    }

    /// Steps through the values of a choice.
    mutating func cycle(_ direction: Int) {
        guard fields.indices.contains(selected), case .choice(let values) = fields[selected].kind, !values.isEmpty else { return }
        let place = values.firstIndex(of: fields[selected].field.string) ?? 0
        fields[selected].field = TextField(values[(place + direction + values.count) % values.count])
    }

    mutating func setText(_ id: FieldID, _ text: String) {
        guard let place = fields.firstIndex(where: { $0.id == id }) else { return }
        fields[place].field = TextField(text)
    }

    /// Paths whose descriptions are wanted.
    var pathEffects: [Effect] {
        fields.compactMap { field in
            guard case .path(let purpose) = field.kind, !field.field.text.isEmpty, descriptions[path(of: field.id)] == nil else { return nil }
            return .describe(path(of: field.id), purpose)
        }
    }

    /// The path that a field means: a split file lies beside the data where it is not absolute.
    func path(of id: FieldID) -> String {
        let typed = text(id)
        return id == .split && !typed.hasPrefix("/") && !typed.hasPrefix("~") ? BrowserState.join(text(.data), typed) : typed
    }
}
