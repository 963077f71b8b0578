import TOMLKit
import TOMLText

/// One `--set key=value`: replaces a key of the file.
struct SessionOverride {
    /// As it was typed.
    let text: String
    let key: SessionKey
    let value: TOMLTree

    /// Reads `optim.lr=0.002`. Values are TOML; quotes may be left out around text, and brackets around a list of words.
    /// - Throws: `SessionDiagnostic` in `SessionDiagnostics`.
    init(_ text: String, file: String, schema: SessionSchema = .session) throws {
        func refused(_ key: String, _ message: String) -> SessionDiagnostics {
            SessionDiagnostics([SessionDiagnostic(file: file, override: text, key: key, message: message)])
        }
        guard let equals = text.firstIndex(of: "=") else {
            throw refused("", "an override has the form key=value, such as optim.lr=0.002.")
        }
        let path = text[..<equals].trimmed
        let raw = text[text.index(after: equals)...].trimmed
        guard let key = schema.byPath[path] else {
            let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            if schema.tables.contains(path) {
                throw refused(path, "\(path) is a table; override its keys one by one, such as \(path).\(Self.example(of: path, schema))=...")
            }
            throw refused(path, "unknown key \(shortened(path, to: 60)). \(Suggestion.forKey(parts, in: schema))")
        }
        guard raw.utf8.count <= 10_000, !raw.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\t" || $0.value == 0x7F })
        else {
            throw refused(path, "\(path): the value is too long or holds control characters; it wants \(key.allowed).")
        }
        self.text = text
        self.key = key
        value = try Self.value(raw, for: key, refused)
        if let fault = key.fault(in: value) { throw refused(path, fault) }
    }

    private static func example(of table: String, _ schema: SessionSchema) -> String {
        schema.keys.first { $0.parts.first == table }?.name ?? "name"
    }

    private static func value(
        _ raw: String, for key: SessionKey, _ refused: (String, String) -> SessionDiagnostics
    ) throws -> TOMLTree {
        let isQuoted = raw.hasPrefix("\"") || raw.hasPrefix("'")
        switch key.kind {
        case .text, .template, .path, .word:
            if !isQuoted { return .string(raw) }
        case .shots:
            if raw == "all" { return .string(raw) }
        case .words:
            if !raw.hasPrefix("["), !isQuoted {
                return .list(raw.split(separator: ",", omittingEmptySubsequences: false).map { .string($0.trimmed) })
            }
        case .flag, .whole, .number: break
        }
        let document = "value = \(raw)"
        guard TOMLOutline(document).ending == .complete, let tree = try? TOMLTree(parsing: document),
            case .table(let entries) = tree, entries.count == 1, let value = entries["value"]
        else {
            throw refused(key.path, "\(key.path) is \"\(shortened(raw, to: 40))\"; it wants \(key.allowed).")
        }
        return value
    }
}

extension StringProtocol {
    /// Without spaces and tabs at both ends.
    var trimmed: String {
        var slice = self[...]
        while let first = slice.first, first == " " || first == "\t" { slice = slice.dropFirst() }
        while let last = slice.last, last == " " || last == "\t" { slice = slice.dropLast() }
        return String(slice)
    }
}
