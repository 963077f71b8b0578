import Foundation
import RunModel
import TOMLText

/// Reads the session of a protocol: TOML text that names data sets, methods and seeds.
///
/// ```
/// kind = "base-to-novel"            # cross-dataset, domain-generalisation, ablation
/// model = "models/clip-vit-base-patch16"
/// root = "data"                     # where the paper's data sets are looked for by name
/// data = ["caltech101", "eurosat"]  # or paths; left out: all of the paper's table
/// seeds = [1, 2, 3]
/// [session]                         # keys of a session, for every run
/// data.shots = 16
/// [methods.MaPLe]                   # a row of the table, and its keys
/// method.name = "maple"
/// optim.lr = 0.0035
/// [overrides.eurosat]               # keys for one data set's runs
/// optim.batch = 2
/// [vary]                            # ablations
/// key = "method.depth"
/// values = [1, 3, 6, 9]
/// ```
public enum ProtocolFile {
    /// - Throws: `SessionDiagnostics`, all faults at once, each with its line.
    public static func read(path: String, overrides: [String] = [], workingFolder: String? = nil) throws -> ProtocolSpec {
        let text = try SessionFile.text(path: path)
        let working = workingFolder ?? FileManager.default.currentDirectoryPath
        let absolute = SessionPaths.tidied(path.hasPrefix("/") ? path : working + "/" + path)
        let folder = String(absolute[..<(absolute.lastIndex(of: "/") ?? absolute.startIndex)])
        let paths = SessionPaths(sessionFolder: folder.isEmpty ? "/" : folder, workingFolder: working)
        var reader = ProtocolReader(file: path, outline: TOMLOutline(text))
        var spec = try reader.spec(text, defaultName: (path as NSString).lastPathComponent.replacing(".toml", with: ""))
        spec.shared += overrides
        for text in overrides { reader.check(text, line: nil) }
        switch paths.resolve(spec.model, isOverride: false) {
        case .found(let found): spec.model = found
        case .missing(let tried):
            reader.report("model", "model \"\(shortened(spec.model, to: 80))\" does not exist; tried \(tried.joined(separator: " and ")). Is the path right?")
        }
        var roots: [String] = []
        for root in spec.roots {
            switch paths.resolve(root, isOverride: false) {
            case .found(let found): roots.append(found)
            case .missing(let tried):
                reader.report("root", "root \"\(shortened(root, to: 80))\" does not exist; tried \(tried.joined(separator: " and ")). Is the path right?")
            }
        }
        spec.roots = roots + [paths.sessionFolder, paths.workingFolder]
        try reader.throwIfFaulty()
        return spec
    }
}

/// Gathers every fault of a protocol's session.
private struct ProtocolReader {
    let file: String
    let outline: TOMLOutline
    private var diagnostics: [SessionDiagnostic] = []

    private static let known = [
        "kind", "name", "model", "root", "source", "data", "seeds", "generalised", "probe", "allow_missing", "session", "methods",
        "overrides", "vary",
    ]

    init(file: String, outline: TOMLOutline) {
        self.file = file
        self.outline = outline
    }

    mutating func report(_ key: String, line: Int? = nil, _ message: String) {
        let line = line ?? outline.line(of: key.split(separator: ".").map(String.init))
        diagnostics.append(SessionDiagnostic(file: file, line: line, key: key, message: message))
    }

    func throwIfFaulty() throws {
        guard !diagnostics.isEmpty else { return }
        throw SessionDiagnostics(diagnostics.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
    }

    mutating func check(_ text: String, line: Int?) {
        do {
            _ = try SessionOverride(text, file: file)
        } catch let error as SessionDiagnostics {
            diagnostics += error.diagnostics.map {
                SessionDiagnostic(file: file, line: line, override: line == nil ? text : nil, key: $0.key, message: $0.message)
            }
        } catch {}
    }

    mutating func spec(_ text: String, defaultName: String) throws -> ProtocolSpec {
        func refused(_ line: Int?, _ problem: SessionProblem) -> SessionDiagnostics {
            SessionDiagnostics([SessionDiagnostic(file: file, line: line, key: "", message: problem.message)])
        }
        switch outline.ending {
        case .complete: break
        case .tooDeep(let line): throw refused(line, .tooDeep(limit: TOMLOutline.depthLimit))
        case .escapedNul(let line): throw refused(line, .escapedNul)
        case .stopped(let line, let reason): throw refused(line, .syntax("\(reason)."))
        }
        let tree: TOMLTree
        do {
            tree = try TOMLTree(parsing: text)
        } catch {
            throw refused(nil, .syntax(shortened("\(error)", to: 200) + "."))
        }
        guard case .table(let top) = tree else { throw refused(nil, .syntax("it is no table.")) }
        for key in top.keys.sorted() where !Self.known.contains(key) {
            let near = Suggestion.nearest(key, in: Self.known).map { " Did you mean \($0)?" } ?? ""
            report(key, "unknown key \(shortened(key, to: 60)).\(near) A protocol knows \(Self.known.joined(separator: ", ")).")
        }
        let kind = word(top, "kind", ProtocolKind.allCases.map(\.rawValue)).flatMap(ProtocolKind.init(rawValue:))
        if top["kind"] == nil { report("kind", "kind is missing; it must be one of \(ProtocolKind.allCases.map(\.rawValue).joined(separator: ", ")).") }
        guard let model = string(top, "model") else {
            if top["model"] == nil { report("model", "model is missing: a CLIP folder.") }
            try throwIfFaulty()
            throw refused(nil, .syntax("model is missing."))
        }
        var spec = ProtocolSpec(
            kind: kind ?? .baseToNovel, name: string(top, "name") ?? defaultName, model: model,
            roots: string(top, "root").map { [$0] } ?? [], source: string(top, "source"), data: strings(top, "data"),
            seeds: seeds(top), generalised: flag(top, "generalised"), probe: flag(top, "probe"),
            allowMissing: flag(top, "allow_missing"), shared: overrides(top["session"], ["session"]), methods: [])
        for label in labels(top["methods"], "methods") {
            spec.methods.append(.init(label: label, overrides: overrides(tree[["methods", label]], ["methods", label])))
        }
        if spec.methods.isEmpty { report("methods", "methods is missing: write a table [methods.LABEL] with method.name for each row.") }
        for label in labels(top["overrides"], "overrides") {
            spec.dataOverrides[label] = overrides(tree[["overrides", label]], ["overrides", label])
        }
        spec.variation = variation(top["vary"])
        if kind == .ablation, spec.variation == nil, top["vary"] == nil, spec.methods.count < 2 {
            report("vary", "an ablation wants a table [vary] with key and values, or several methods to compare.")
        }
        if kind?.isTransfer == true, spec.source == nil { spec.source = "imagenet" }
        return spec
    }

    // MARK: Values

    private mutating func string(_ table: [String: TOMLTree], _ key: String) -> String? {
        guard let value = table[key] else { return nil }
        if case .string(let text) = value, !text.isEmpty { return text }
        report(key, "\(key) is \(value.described); it wants text.")
        return nil
    }

    private mutating func word(_ table: [String: TOMLTree], _ key: String, _ words: [String]) -> String? {
        guard let text = string(table, key) else { return nil }
        if words.contains(text) { return text }
        report(key, "\(key) is \"\(shortened(text, to: 40))\".\(Suggestion.forWord(text, in: words)) It must be one of \(words.joined(separator: ", ")).")
        return nil
    }

    private mutating func flag(_ table: [String: TOMLTree], _ key: String) -> Bool {
        guard let value = table[key] else { return false }
        if case .flag(let flag) = value { return flag }
        report(key, "\(key) is \(value.described); it wants true or false.")
        return false
    }

    private mutating func strings(_ table: [String: TOMLTree], _ key: String) -> [String] {
        guard let value = table[key] else { return [] }
        guard case .list(let elements) = value, !elements.isEmpty else {
            report(key, "\(key) is \(value.described); it wants a list of paths or names of the paper's data sets.")
            return []
        }
        var result: [String] = []
        for element in elements {
            guard case .string(let text) = element, !text.isEmpty else {
                report(key, "\(key) holds \(element.described); it wants a list of paths or names of the paper's data sets.")
                return []
            }
            if result.contains(text) { report(key, "\(key) holds \"\(shortened(text, to: 60))\" twice.") }
            result.append(text)
        }
        return result
    }

    private mutating func seeds(_ table: [String: TOMLTree]) -> [Int] {
        guard let value = table["seeds"] else { return [1, 2, 3] }
        var seeds: [Int] = []
        if case .list(let elements) = value {
            for case .integer(let seed) in elements where !seeds.contains(seed) { seeds.append(seed) }
            if seeds.count == elements.count, !seeds.isEmpty { return seeds }
        }
        report("seeds", "seeds is \(value.described); it wants a list of different whole numbers, such as [1, 2, 3].")
        return [1]
    }

    /// Names of the tables in a table, in the order of their lines.
    private mutating func labels(_ value: TOMLTree?, _ key: String) -> [String] {
        guard let value else { return [] }
        guard case .table(let entries) = value else {
            report(key, "\(key) is \(value.described); it wants tables [\(key).LABEL].")
            return []
        }
        return entries.keys.sorted { a, b in
            let lines = (outline.lines[[key, a]] ?? .max, outline.lines[[key, b]] ?? .max)
            return lines.0 == lines.1 ? a < b : lines.0 < lines.1
        }
    }

    /// The keys of a table as overrides, each checked as a session's key.
    private mutating func overrides(_ value: TOMLTree?, _ path: [String]) -> [String] {
        guard let value else { return [] }
        guard case .table(let entries) = value else {
            report(path.joined(separator: "."), "\(path.joined(separator: ".")) is \(value.described); it wants a table with keys of a session.")
            return []
        }
        var result: [String] = []
        func walk(_ entries: [String: TOMLTree], _ inside: [String]) {
            for (name, value) in entries.sorted(by: { $0.key < $1.key }) {
                let key = inside + [name]
                if case .table(let deeper) = value {
                    walk(deeper, key)
                } else if let text = Self.written(value) {
                    result.append(key.joined(separator: ".") + "=" + text)
                    check(result.last ?? "", line: outline.line(of: path + key))
                } else {
                    report(key.joined(separator: "."), line: outline.line(of: path + key), "\(key.joined(separator: ".")) is \(value.described), which no key of a session wants.")
                }
            }
        }
        walk(entries, [])
        return result
    }

    /// A value as an override writes it.
    private static func written(_ value: TOMLTree) -> String? {
        switch value {
        case .string(let text): SessionFile.quoted(text)
        case .integer(let value): String(value)
        case .number(let value): value.description
        case .flag(let value): String(value)
        case .list(let elements):
            elements.isEmpty ? "[]" : "[" + elements.compactMap(written).joined(separator: ", ") + "]"
        case .table, .date: nil
        }
    }

    private mutating func variation(_ value: TOMLTree?) -> ProtocolSpec.Variation? {
        guard let value else { return nil }
        guard case .table(let entries) = value, case .string(let key) = entries["key"], case .list(let list) = entries["values"],
            !list.isEmpty
        else {
            report("vary", "vary wants key, such as \"method.depth\", and values, a list.")
            return nil
        }
        let values = list.compactMap(Self.written)
        for text in values { check("\(key)=\(text)", line: outline.line(of: ["vary", "values"])) }
        return .init(key: key, values: values.map { $0.replacing("\"", with: "") })
    }
}
