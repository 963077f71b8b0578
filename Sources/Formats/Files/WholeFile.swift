import Files

/// Files that appear whole or not at all: see `FileReplacement`.
enum WholeFile {
    /// - Throws: `FormatError.write` where the system refuses, or what `body` throws.
    static func write(
        _ path: String, using write: @escaping FileReplacement.Write = FileReplacement.systemWrite, _ body: (FileReplacement) throws -> Void
    ) throws {
        do {
            try FileReplacement.write(path, using: write, body)
        } catch let problem as SystemProblem {
            throw FormatError.write(path: path, reason: systemReason(problem.code))
        }
    }
}
