import TOMLText

/// One thing that is wrong with a session: where, which key, and what to write instead.
public struct SessionDiagnostic: Sendable, Equatable, CustomStringConvertible {
    /// The session file's name as it was given.
    public var file: String
    /// Counted from 1; nil where the fault has no line, such as a missing table or a wrong override.
    public var line: Int?
    /// The override `key=value` that is at fault, nil when the file is.
    public var override: String?
    /// Dotted, such as `optim.lr`; empty when no key is concerned.
    public var key: String
    public var message: String

    public init(file: String, line: Int? = nil, override: String? = nil, key: String, message: String) {
        self.file = file
        self.line = line
        self.override = override
        self.key = key
        self.message = message
    }

    /// `file:12: optim.lr is ...`, or `--set optim.lr=x: optim.lr is ...`.
    public var description: String {
        if let override { return "--set \(shortened(override, to: 80)): \(message)" }
        if let line { return "\(file):\(line): \(message)" }
        return "\(file): \(message)"
    }
}

/// Everything that is wrong with a session, in the order of its lines; thrown by `SessionFile`.
public struct SessionDiagnostics: Error, Sendable, Equatable, CustomStringConvertible {
    public var diagnostics: [SessionDiagnostic]

    public init(_ diagnostics: [SessionDiagnostic]) { self.diagnostics = diagnostics }

    /// One line per diagnostic; the first fifty.
    public var description: String {
        let shown = 50
        var lines = diagnostics.prefix(shown).map(\.description)
        if diagnostics.count > shown { lines.append("... and \(diagnostics.count - shown) more. Correct these first.") }
        return lines.joined(separator: "\n")
    }
}

/// Why a session file could not be read at all.
enum SessionProblem {
    static let sizeLimit = 1 << 20

    case missing, folder, notRegular
    case unreadable(String)
    case tooLarge(bytes: Int)
    case notUTF8
    case nulByte
    case escapedNul
    case tooDeep(limit: Int)
    case syntax(String)

    var message: String {
        switch self {
        case .missing: "there is no such file. Is the path right?"
        case .folder: "this is a folder, not a session file. Name the .toml file inside it."
        case .notRegular: "this is not a regular file. Write the session to a file first."
        case .unreadable(let reason): "cannot be read: \(reason). Check its permissions."
        case .tooLarge(let bytes):
            "holds \(bytes) bytes; a session file has at most \(Self.sizeLimit). Is this really a session?"
        case .notUTF8: "this line is not UTF-8 text. Save the file as UTF-8."
        case .nulByte: "this line holds a NUL byte. Is this really a text file?"
        case .escapedNul: "a string holds an escaped NUL character. Remove it."
        case .tooDeep(let limit): "values are nested deeper than \(limit). A session needs one table around a key."
        case .syntax(let reason): "not valid TOML: \(reason)"
        }
    }
}
