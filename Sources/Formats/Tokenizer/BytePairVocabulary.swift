import Files

/// The tokens and merge rules of a byte-level BPE vocabulary, checked for consistency.
///
/// Invariant: every id occurs once, every byte has its two tokens (inside and at the end of a word), and both
/// parts and the result of every merge are tokens.
struct BytePairVocabulary: Sendable {
    static let startOfText = "<|startoftext|>"
    static let endOfText = "<|endoftext|>"
    /// Vocabulary files may be this large; CLIP's are below 4 MB.
    static let fileLimit = 16 << 20

    struct Merge: Sendable {
        var rank: Int32
        var result: Int32
    }

    private(set) var ids: [String: Int32] = [:]
    private(set) var tokens: [Int32: String] = [:]
    private(set) var merges: [UInt64: Merge] = [:]
    /// Ids of the 256 bytes inside a word, then of the 256 bytes at its end.
    private(set) var byteIDs: [Int32] = []
    private(set) var startToken: Int32 = 0
    private(set) var endToken: Int32 = 0
    private var rank: Int32 = 0

    static func pair(_ first: Int32, _ second: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
    }

    /// Reads vocab.json and merges.txt.
    init(vocabulary file: MappedFile, merges mergeFile: MappedFile) throws {
        try parsing(file.path) {
            var scanner = JSONScanner(file.bytes)
            ids.reserveCapacity(file.bytes.count / 20)
            tokens.reserveCapacity(file.bytes.count / 20)
            try readTokens(&scanner, path: file.path)
            try scanner.end()
        }
        try checkTokens(path: file.path)
        try readMerges(mergeFile)
    }

    /// Tokens in the order of their ids, and merges in the order of their ranks.
    init(path: String, tokens order: [String], merges: [(String, String)]) throws {
        for (index, token) in order.enumerated() {
            guard ids.updateValue(Int32(index), forKey: token) == nil else {
                throw FormatError.vocabulary(path: path, .duplicateToken(token))
            }
            tokens[Int32(index)] = token
        }
        try checkTokens(path: path)
        for (index, (first, second)) in merges.enumerated() { try addMerge(first, second, line: index + 2, path: path) }
    }

    /// Reads the `model` of tokenizer.json; merges may be written "a b" or ["a", "b"].
    init(tokenizer file: MappedFile) throws {
        let path = file.path
        // The merges need the vocabulary, which may come after them: they are read in a second pass.
        var mergeScanner: JSONScanner?
        var kind: String?
        var found = false
        try parsing(path) {
            var scanner = JSONScanner(file.bytes)
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                guard key == "model", try scanner.peek() == .object else {
                    try scanner.skipValue()
                    continue
                }
                try scanner.beginObject()
                while let key = try scanner.nextKey() {
                    switch (key, try scanner.peek()) {
                    case ("type", .string): kind = try scanner.string()
                    case ("vocab", .object) where !found:
                        found = true
                        try readTokens(&scanner, path: path)
                    case ("merges", .array) where mergeScanner == nil:
                        mergeScanner = scanner
                        try scanner.skipValue()
                    case ("vocab", .object), ("merges", .array):
                        throw scanner.problem("the key '\(key)' stands twice")
                    default: try scanner.skipValue()
                    }
                }
            }
            try scanner.end()
        }
        if let kind, kind != "BPE" { throw FormatError.vocabulary(path: path, .otherTokenizer(kind: kind)) }
        guard found else { throw FormatError.vocabulary(path: path, .missingKey("model.vocab")) }
        guard var scanner = mergeScanner else { throw FormatError.vocabulary(path: path, .missingKey("model.merges")) }
        try checkTokens(path: path)
        try parsing(path) { try readMerges(&scanner, path: path) }
    }

    private func parsing(_ path: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let problem as JSONProblem {
            throw FormatError.json(path: path, offset: problem.offset, what: problem.what)
        }
    }

    private mutating func readTokens(_ scanner: inout JSONScanner, path: String) throws {
        try scanner.beginObject()
        while let token = try scanner.nextKey() {
            guard try scanner.peek() == .number, let value = try? scanner.unsigned(), let id = Int32(exactly: value) else {
                throw FormatError.vocabulary(path: path, .badID(token: token))
            }
            guard ids.updateValue(id, forKey: token) == nil else {
                throw FormatError.vocabulary(path: path, .duplicateToken(token))
            }
            if let other = tokens.updateValue(token, forKey: id) {
                throw FormatError.vocabulary(path: path, .duplicateID(value, token: token, other: other))
            }
        }
    }

    private mutating func checkTokens(path: String) throws {
        func id(_ token: String) throws -> Int32 {
            guard let id = ids[token] else { throw FormatError.vocabulary(path: path, .missingToken(token)) }
            return id
        }
        startToken = try id(Self.startOfText)
        endToken = try id(Self.endOfText)
        byteIDs = try ["", "</w>"].flatMap { ending in try ByteAlphabet.characters.map { try id(String($0) + ending) } }
    }

    private mutating func readMerges(_ file: MappedFile) throws {
        let path = file.path
        merges.reserveCapacity(file.bytes.count / 16)
        var line = 0
        var start = 0
        while start < file.bytes.count {
            line += 1
            let end = file.bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? file.bytes.count
            let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[start..<end])
            start = end + 1
            if line == 1, bytes.starts(with: "#version".utf8) { continue }
            let parts = bytes.split(whereSeparator: { $0 == 0x20 || $0 == 0x0D || $0 == 0x09 })
            if parts.isEmpty { continue }
            guard parts.count == 2 else {
                throw FormatError.vocabulary(path: path, .badMerge(line: line, text: String(decoding: bytes, as: UTF8.self)))
            }
            guard let first = String(validating: parts[0], as: UTF8.self), let second = String(validating: parts[1], as: UTF8.self)
            else { throw FormatError.vocabulary(path: path, .notUTF8(line: line)) }
            try addMerge(first, second, line: line, path: path)
        }
    }

    private mutating func readMerges(_ scanner: inout JSONScanner, path: String) throws {
        var number = 0
        try scanner.beginArray()
        while try scanner.nextElement() {
            number += 1
            var parts: [String] = []
            if try scanner.peek() == .array {
                try scanner.beginArray()
                while try scanner.nextElement() {
                    guard parts.count < 2 else { throw FormatError.vocabulary(path: path, .badMerge(line: number, text: parts[0])) }
                    parts.append(try scanner.string())
                }
            } else {
                parts = try scanner.string().split(separator: " ").map(String.init)
            }
            guard parts.count == 2 else {
                throw FormatError.vocabulary(path: path, .badMerge(line: number, text: parts.joined(separator: " ")))
            }
            try addMerge(parts[0], parts[1], line: number, path: path)
        }
    }

    private mutating func addMerge(_ first: String, _ second: String, line: Int, path: String) throws {
        func id(_ part: String) throws -> Int32 {
            guard let id = ids[part] else { throw FormatError.vocabulary(path: path, .mergePartMissing(line: line, part: part)) }
            return id
        }
        // The last of two equal rules counts, as in the public implementations.
        merges[Self.pair(try id(first), try id(second))] = Merge(rank: rank, result: try id(first + second))
        rank += 1
    }
}
