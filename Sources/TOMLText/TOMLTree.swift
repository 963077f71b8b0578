import TOMLKit

/// A TOML value as a Swift value, free of the library's pointers.
public indirect enum TOMLTree: Equatable {
    case string(String)
    case integer(Int)
    case number(Double)
    case flag(Bool)
    case list([TOMLTree])
    case table([String: TOMLTree])
    /// A date or time; nothing here wants one.
    case date

    /// Reads a document; at most `TOMLOutline.depthLimit` deep, which the caller has checked.
    /// - Throws: `TOMLParseError` with the line of the fault.
    public init(parsing text: String) throws {
        self = .table(Self.entries(try TOMLTable(string: text)))
    }

    private static func entries(_ table: TOMLTable) -> [String: TOMLTree] {
        var entries: [String: TOMLTree] = [:]
        for key in table.keys {
            if let value = table[key] { entries[key] = TOMLTree(value) }
        }
        return entries
    }

    private init(_ value: any TOMLValueConvertible) {
        switch value.type {
        case .string: self = value.string.map(TOMLTree.string) ?? .date
        case .int: self = value.int.map(TOMLTree.integer) ?? .date
        case .double: self = value.double.map(TOMLTree.number) ?? .date
        case .bool: self = value.bool.map(TOMLTree.flag) ?? .date
        case .table: self = value.table.map { .table(Self.entries($0)) } ?? .date
        case .array:
            var elements: [TOMLTree] = []
            if let array = value.array {
                for element in array { elements.append(TOMLTree(element)) }
            }
            self = .list(elements)
        case .date, .time, .dateTime: self = .date
        }
    }

    /// What the value is, for a message: `"fast" (a string)`.
    public var described: String {
        switch self {
        case .string(let text): "\"\(shortened(text, to: 40))\" (a string)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .flag(let value): "\(value) (a truth value)"
        case .list: "a list"
        case .table: "a table"
        case .date: "a date"
        }
    }

    public subscript(path: ArraySlice<String>) -> TOMLTree? {
        guard let first = path.first else { return self }
        guard case .table(let entries) = self, let entry = entries[first] else { return nil }
        return entry[path.dropFirst()]
    }

    /// Puts `value` at `path`, making tables on the way; a value in the way of a table is replaced.
    public mutating func set(_ value: TOMLTree, at path: ArraySlice<String>) {
        guard let first = path.first else {
            self = value
            return
        }
        var entries: [String: TOMLTree] = [:]
        if case .table(let present) = self { entries = present }
        var entry = entries[first] ?? .table([:])
        entry.set(value, at: path.dropFirst())
        entries[first] = entry
        self = .table(entries)
    }
}
