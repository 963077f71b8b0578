/// CLIP's byte-pair tokenizer.
///
///     let tokenizer = try BPETokenizer(vocabulary: "vocab.json", merges: "merges.txt")
///     let ids = try tokenizer.encodeWithSpecials("a photo of a dog.", contextLength: 77)
///
/// Ids equal those of the public tokenizer, up to its guesses about wrongly decoded text (see `TextCleaning`).
public struct BPETokenizer: Sendable {
    let vocabulary: BytePairVocabulary

    /// Reads vocab.json and merges.txt. Throws `FormatError` naming the file and the token or line at fault.
    public init(vocabulary: String, merges: String) throws {
        let limit = BytePairVocabulary.fileLimit
        try self.init(
            BytePairVocabulary(
                vocabulary: MappedFile(path: vocabulary, limit: limit), merges: MappedFile(path: merges, limit: limit)))
    }

    /// Reads tokenizer.json of the tokenizers library.
    public init(tokenizer path: String) throws {
        try self.init(BytePairVocabulary(tokenizer: MappedFile(path: path, limit: BytePairVocabulary.fileLimit)))
    }

    init(_ vocabulary: BytePairVocabulary) { self.vocabulary = vocabulary }

    /// The id of `<|startoftext|>`.
    public var startToken: Int32 { vocabulary.startToken }
    /// The id of `<|endoftext|>`.
    public var endToken: Int32 { vocabulary.endToken }
    /// Number of tokens.
    public var count: Int { vocabulary.tokens.count }

    /// The spelling of a token in the vocabulary, nil if no token has that id.
    public func token(_ id: Int32) -> String? { vocabulary.tokens[id] }

    /// The id of a token by its spelling in the vocabulary.
    public func id(_ token: String) -> Int32? { vocabulary.ids[token] }

    /// The ids of `text`, of any length, without start and end.
    public func encode(_ text: String) -> [Int32] {
        var ids: [Int32] = []
        var splitter = WordSplitter(TextCleaning.clean(text))
        while let word = splitter.next() {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: word)
            let spelling = String(view)
            switch spelling {
            case BytePairVocabulary.startOfText: ids.append(startToken)
            case BytePairVocabulary.endOfText: ids.append(endToken)
            default:
                var symbols = spelling.utf8.map { vocabulary.byteIDs[Int($0)] }
                if let last = spelling.utf8.last { symbols[symbols.count - 1] = vocabulary.byteIDs[256 + Int(last)] }
                ids += BytePairMerger.merge(symbols, vocabulary.merges)
            }
        }
        return ids
    }

    /// The ids of `text` between start and end, at most `contextLength` of them, without padding.
    ///
    /// A longer text throws `FormatError.textTooLong`, or with `truncate` loses its tail and keeps the end token.
    public func encodeWithSpecials(_ text: String, contextLength: Int, truncate: Bool = false) throws -> [Int32] {
        var ids = [startToken] + encode(text) + [endToken]
        if ids.count > contextLength {
            guard truncate, contextLength >= 2 else {
                throw FormatError.textTooLong(text: text, tokens: ids.count, contextLength: contextLength)
            }
            ids = ids.prefix(contextLength - 1) + [endToken]
        }
        return ids
    }

    /// The text of `ids`: words are followed by a space, bytes that form no character become U+FFFD, ids
    /// that are no tokens are left out, start and end are spelled out.
    public func decode(_ ids: [Int32]) -> String {
        var bytes: [UInt8] = []
        for id in ids {
            guard let token = vocabulary.tokens[id] else { continue }
            for scalar in token.unicodeScalars {
                if let byte = ByteAlphabet.bytes[scalar] { bytes.append(byte) }
            }
        }
        // The end-of-word mark is plain ASCII in both spellings.
        return String(decoding: bytes, as: UTF8.self).split(separator: "</w>", omittingEmptySubsequences: false)
            .joined(separator: " ")
    }

    /// The largest id and its token.
    var largestID: (id: Int, token: String) {
        vocabulary.tokens.max { $0.key < $1.key }.map { (Int($0.key), $0.value) } ?? (0, "")
    }
}
