import Files

extension JSONValue {
    /// Reads one value that fills a part of `bytes`.
    init(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) throws(JSONProblem) {
        try self.init(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<end]))
    }

    /// Reads a whole file.
    /// - Throws: `RunStoreError`.
    init(file path: String, limit: Int) throws {
        let bytes = try readWhole(path, limit: limit)
        do {
            self = try bytes.withUnsafeBytes { try JSONValue($0) }
        } catch let problem as JSONProblem {
            throw RunStoreError.malformed(path: path, reason: "\(problem.what) at byte \(problem.offset)")
        }
    }

    /// A number field, `<key>_is` telling what a `null` stands for; nil where the field is absent.
    func number(_ key: String) -> Double? {
        guard let value = self[key] else { return nil }
        guard case .null = value else { return value.number }
        switch self[key + "_is"]?.text {
        case "inf": return .infinity
        case "-inf": return -.infinity
        default: return .nan
        }
    }
}
