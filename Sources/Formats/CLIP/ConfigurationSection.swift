import Files

/// Reads typed values out of one object of a configuration file; errors name the file and the key's whole path.
struct ConfigurationSection {
    let path: String
    /// Where the object stands in the file: empty, or "text_config." and the like.
    let prefix: String
    let members: JSONValue

    /// The value, nil when it is absent or null.
    subscript(key: String) -> JSONValue? {
        let value = members[key]
        return value == .null ? nil : value
    }

    func problem(_ key: String, _ found: JSONValue, wanted: String) -> FormatError {
        .configuration(path: path, .badValue(key: prefix + key, found: found.summary, wanted: wanted))
    }

    func integer(_ key: String, default standard: Int, in range: ClosedRange<Int>) throws(FormatError) -> Int {
        guard let value = self[key] else { return standard }
        guard case .whole(let number) = value, range.contains(number) else {
            throw problem(key, value, wanted: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func real(_ key: String, default standard: Double, in range: ClosedRange<Double>) throws(FormatError) -> Double {
        guard let value = self[key] else { return standard }
        guard let number = value.number, range.contains(number) else {
            throw problem(key, value, wanted: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func bool(_ key: String, default standard: Bool) throws(FormatError) -> Bool {
        guard let value = self[key] else { return standard }
        guard case .bool(let answer) = value else { throw problem(key, value, wanted: "true or false") }
        return answer
    }

    func text(_ key: String) throws(FormatError) -> String? {
        guard let value = self[key] else { return nil }
        guard case .string(let text) = value else { throw problem(key, value, wanted: "text") }
        return text
    }

    func section(_ key: String) throws(FormatError) -> ConfigurationSection? {
        guard let value = self[key] else { return nil }
        guard case .object = value else { throw problem(key, value, wanted: "an object") }
        return ConfigurationSection(path: path, prefix: "\(prefix)\(key).", members: value)
    }
}
