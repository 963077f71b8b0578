/// A small JSON document as a tree.
enum JSONValue: Equatable, Sendable {
    case object([String: JSONValue])
    case array([JSONValue])
    case string(String)
    case whole(Int)
    case real(Double)
    case bool(Bool)
    case null

    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    /// Short text for messages.
    var summary: String {
        switch self {
        case .object: "an object"
        case .array(let elements): "a list of \(elements.count)"
        case .string(let text): "'\(text.prefix(40))'"
        case .whole(let value): "\(value)"
        case .real(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .null: "null"
        }
    }

    /// Reads a configuration file: a JSON object of at most 4 MiB.
    static func load(path: String) throws(FormatError) -> JSONValue {
        try load(MappedFile(path: path, limit: 4 << 20))
    }

    static func load(_ file: MappedFile) throws(FormatError) -> JSONValue {
        do throws(JSONProblem) {
            var scanner = JSONScanner(file.bytes)
            let value = try scanner.value()
            try scanner.end()
            guard case .object = value else { throw JSONProblem(offset: 0, what: "an object was expected") }
            return value
        } catch {
            throw .json(path: file.path, offset: error.offset, what: error.what)
        }
    }
}
