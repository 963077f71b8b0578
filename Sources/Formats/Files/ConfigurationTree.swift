import Files

extension JSONValue {
    /// Reads a configuration file: a JSON object of at most 4 MiB.
    static func load(path: String) throws(FormatError) -> JSONValue {
        try load(MappedFile(path: path, limit: 4 << 20))
    }

    static func load(_ file: MappedFile) throws(FormatError) -> JSONValue {
        do throws(JSONProblem) {
            let value = try JSONValue(file.bytes)
            guard case .object = value else { throw JSONProblem(offset: 0, what: "an object was expected") }
            return value
        } catch {
            throw .json(path: file.path, offset: error.offset, what: error.what)
        }
    }
}
