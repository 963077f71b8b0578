import Foundation

extension BPETokenizer {
    /// The files that a vocabulary is read from, best first; those in a row belong together.
    static let files = [["vocab.json", "merges.txt"], ["tokenizer.json"], ["bpe_simple_vocab_16e6.txt.gz"], ["bpe_simple_vocab_16e6.txt"]]

    /// Reads the vocabulary in a folder: vocab.json and merges.txt, or tokenizer.json, or OpenAI's list of merges; or the
    /// one file that `place` names.
    /// - Parameters:
    ///   - model: the model it is for, for messages.
    ///   - isAsked: the place was named, not guessed.
    /// - Throws: `FormatError.folder` saying which files to fetch where there is none.
    init(lookingIn place: String, model: String, isAsked: Bool) throws {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: place, isDirectory: &isFolder)
        if isAsked, !exists { throw FormatError.folder(path: place, .missing) }
        if exists, !isFolder.boolValue {
            try self.init(file: place)
            return
        }
        func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(place)/\(name)") }
        guard let found = Self.files.first(where: { $0.allSatisfy(has) }) else {
            throw FormatError.folder(path: isAsked ? place : model, .noVocabulary)
        }
        if found.count == 2 {
            try self.init(vocabulary: "\(place)/\(found[0])", merges: "\(place)/\(found[1])")
        } else {
            try self.init(file: "\(place)/\(found[0])")
        }
    }

    private init(file: String) throws {
        if file.hasSuffix("vocab.json") {
            try self.init(vocabulary: file, merges: String(file.dropLast("vocab.json".count)) + "merges.txt")
        } else if file.hasSuffix(".json") {
            try self.init(tokenizer: file)
        } else {
            try self.init(mergeList: file)
        }
    }

    /// Reads OpenAI's list of merges, plain or compressed with gzip: the vocabulary follows from it.
    public init(mergeList path: String) throws {
        try self.init(BytePairVocabulary(mergeList: MappedFile(path: path, limit: BytePairVocabulary.fileLimit)))
    }

    /// What is said of tokens that no rule makes, as where the list of merges is cut off; nil where every one is made.
    var oddity: String? {
        var made = Set(vocabulary.merges.values.map(\.result)).union(vocabulary.byteIDs)
        made.formUnion([startToken, endToken])
        guard made.count < vocabulary.tokens.count else { return nil }
        let unmade = vocabulary.tokens.filter { !made.contains($0.key) && !$0.value.hasPrefix("<|") }
        guard let first = unmade.min(by: { $0.key < $1.key }) else { return nil }
        return "no merge makes \(unmade.count) of the \(vocabulary.tokens.count) tokens of the vocabulary (such as '\(first.value.printable)'): "
            + "is the list of merges whole?"
    }

    // MARK: Writing

    /// vocab.json: each token's id, by id.
    public var vocabularyText: String {
        let sorted = vocabulary.tokens.sorted { $0.key < $1.key }
        return "{" + sorted.map { "\(SafetensorsWriter.quoted($0.value)): \($0.key)" }.joined(separator: ", ") + "}\n"
    }

    /// merges.txt: the rules by rank.
    public var mergesText: String {
        var lines = ["#version: 0.2"]
        for (pair, _) in vocabulary.merges.sorted(by: { $0.value.rank < $1.value.rank }) {
            let first = Int32(truncatingIfNeeded: Int64(pair >> 32)), second = Int32(bitPattern: UInt32(truncatingIfNeeded: pair))
            lines.append("\(vocabulary.tokens[first] ?? "") \(vocabulary.tokens[second] ?? "")")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension BytePairVocabulary {
    /// OpenAI's list: the merges that its 49,408 tokens need come first, after a line of version; what follows is unused.
    ///
    /// The tokens are the 256 bytes, the same at a word's end, the results of the merges, and the two special ones.
    init(mergeList file: MappedFile) throws {
        let used = 49_408 - 512 - 2
        var content = file
        if file.bytes.starts(with: [0x1F, 0x8B]) {
            do {
                content = MappedFile(path: file.path, content: try Gzip.inflate(file.bytes, limit: Self.fileLimit))
            } catch {
                throw FormatError.vocabulary(path: file.path, .badGzip(error.what))
            }
        }
        // No more lines than are used: a file of nothing but line ends would have millions.
        var lines = content.bytes.split(separator: UInt8(ascii: "\n"), maxSplits: used + 2, omittingEmptySubsequences: false)[...]
        if let first = lines.first, first.starts(with: Array("\"bpe_simple_vocab".utf8)) || first.starts(with: Array("#version".utf8)) {
            lines = lines.dropFirst()
        }
        let bytes = ByteAlphabet.characters.sorted { $0.value < $1.value }
        var order = ["", "</w>"].flatMap { ending in bytes.map { String($0) + ending } }
        var merges: [(String, String)] = []
        for (index, line) in lines.prefix(used).enumerated() where !line.isEmpty {
            let parts = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x0D }).map { String(decoding: $0, as: UTF8.self) }
            guard parts.count == 2 else {
                throw FormatError.vocabulary(path: file.path, .badMerge(line: index + 2, text: String(decoding: line, as: UTF8.self)))
            }
            merges.append((parts[0], parts[1]))
            order.append(parts[0] + parts[1])
        }
        order += [Self.startOfText, Self.endOfText]
        try self.init(path: file.path, tokens: order, merges: merges)
    }
}
