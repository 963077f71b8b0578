/// A small JSON document as a tree.
package enum JSONValue: Equatable, Sendable {
    case object([String: JSONValue])
    case array([JSONValue])
    case string(String)
    case whole(Int)
    case real(Double)
    case bool(Bool)
    case null

    /// Reads one value that fills `bytes`.
    package init(_ bytes: UnsafeRawBufferPointer) throws(JSONProblem) {
        var scanner = JSONScanner(bytes)
        self = try scanner.value()
        try scanner.end()
    }

    package subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    package var text: String? { if case .string(let text) = self { text } else { nil } }
    package var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

    /// A whole number, also one written with a point.
    package var integer: Int? {
        switch self {
        case .whole(let value): value
        case .real(let value): Int(exactly: value)
        default: nil
        }
    }

    package var number: Double? {
        switch self {
        case .whole(let value): Double(value)
        case .real(let value): value
        default: nil
        }
    }

    /// Short text for messages.
    package var summary: String {
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
}
