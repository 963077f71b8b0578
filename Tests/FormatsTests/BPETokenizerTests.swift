import Foundation
import TestSupport
import Testing

@testable import Formats

private struct TokenizerGoldens: Decodable {
    struct Row: Decodable {
        var text: String
        var ids: [Int32]
        var ids_with_specials: [Int32]
        var depends_on_text_fixing: Bool
        var tokenize_error: Bool?
        var truncated77: [Int32]?

        enum CodingKeys: CodingKey { case text, ids, ids_with_specials, depends_on_text_fixing, tokenize_error, truncated77 }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            text = try container.decode(String.self, forKey: .text)
            ids = try container.decode([Int32].self, forKey: .ids)
            ids_with_specials = try container.decode([Int32].self, forKey: .ids_with_specials)
            depends_on_text_fixing = try container.decode(Bool.self, forKey: .depends_on_text_fixing)
            tokenize_error = try? container.decode(Bool.self, forKey: .tokenize_error)
            truncated77 = try? container.decode([Int32].self, forKey: .truncated77)
        }
    }
    var cases: [Row]
}

struct BPETokenizerTests {
    static let fixture = Places.fixtures.appendingPathComponent("tokenizer")

    static func small() throws -> BPETokenizer {
        try BPETokenizer(
            vocabulary: fixture.appendingPathComponent("vocab.json").path,
            merges: fixture.appendingPathComponent("merges.txt").path)
    }

    @Test(.enabled(if: Places.hasShared, "needs ../shared"))
    func goldensWithTheFullVocabulary() throws {
        let shared = try #require(Places.shared)
        let folder = shared.appendingPathComponent("data/clip-bpe")
        let tokenizer = try BPETokenizer(
            vocabulary: folder.appendingPathComponent("vocab.json").path,
            merges: folder.appendingPathComponent("merges.txt").path)
        let data = try Data(contentsOf: shared.appendingPathComponent("goldens/tokenizer.json"))
        let goldens = try JSONDecoder().decode(TokenizerGoldens.self, from: data)
        #expect(goldens.cases.count > 300)
        var differing: [String] = []
        for row in goldens.cases {
            let ids = tokenizer.encode(row.text)
            if row.depends_on_text_fixing {
                if ids != row.ids { differing.append(row.text) }
                continue
            }
            #expect(ids == row.ids, "\(row.text)")
            if row.ids_with_specials.count <= 77 {
                let whole = try tokenizer.encodeWithSpecials(row.text, contextLength: 77)
                #expect(whole == row.ids_with_specials, "\(row.text)")
            } else {
                #expect(row.tokenize_error == true)
                #expect(throws: FormatError.textTooLong(text: row.text, tokens: row.ids_with_specials.count, contextLength: 77)) {
                    try tokenizer.encodeWithSpecials(row.text, contextLength: 77)
                }
                let cut = try tokenizer.encodeWithSpecials(row.text, contextLength: 77, truncate: true)
                #expect(cut == row.truncated77, "\(row.text)")
            }
        }
        // Wrongly decoded text is not guessed at; everything else that the public tokenizer repairs is.
        print("known tokenizer differences: \(differing)")
        #expect(differing.count <= 4)
        #expect(differing.allSatisfy { $0.contains("Ã") || $0.contains("â€") })
    }

    // MARK: The small vocabulary beside the tests

    private struct SmallCases: Decodable {
        struct Row: Decodable {
            var text: String
            var ids: [Int32]
        }
        var cases: [Row]
    }

    /// The fixture vocabulary as a tokenizer.json, merges as ["a", "b"] or "a b".
    static func tokenizerJSON(arrays: Bool) throws -> String {
        let vocabulary = try String(contentsOf: fixture.appendingPathComponent("vocab.json"), encoding: .utf8)
        let merges = try String(contentsOf: fixture.appendingPathComponent("merges.txt"), encoding: .utf8)
            .split(separator: "\n").dropFirst().map { line in
                let parts = line.split(separator: " ").map { SafetensorsWriter.quoted(String($0)) }
                return arrays ? "[\(parts.joined(separator: ","))]" : SafetensorsWriter.quoted(String(line))
            }
        // Merges first: they must wait for the vocabulary.
        return """
            {"version": "1.0", "added_tokens": [{"id": 713}], "model": {"type": "BPE", "merges": [\(merges.joined(separator: ","))], "vocab": \(vocabulary)}}
            """
    }

    @Test func promptsWithTheSmallVocabulary() throws {
        let data = try Data(contentsOf: Self.fixture.appendingPathComponent("cases.json"))
        let rows = try JSONDecoder().decode(SmallCases.self, from: data).cases
        let tokenizers = [
            try Self.small(),
            try Self.fromJSON(Self.tokenizerJSON(arrays: true)), try Self.fromJSON(Self.tokenizerJSON(arrays: false)),
        ]
        for tokenizer in tokenizers {
            for row in rows { #expect(try tokenizer.encodeWithSpecials(row.text, contextLength: 77) == row.ids) }
        }
        #expect(rows.count >= 5)
    }

    private static func fromJSON(_ text: String) throws -> BPETokenizer {
        try BPETokenizer(BytePairVocabulary(tokenizer: MappedFile(path: "tokenizer.json", content: Array(text.utf8))))
    }

    @Test func decodesWhatItEncoded() throws {
        let tokenizer = try Self.small()
        for text in ["a photo of a dog .", "naïve 日本 🐱 7 !", "it 's"] {
            #expect(tokenizer.decode(tokenizer.encode(text)) == text + " ")
        }
        #expect(tokenizer.decode([tokenizer.startToken, -4, tokenizer.endToken]) == "<|startoftext|><|endoftext|>")
        #expect(tokenizer.token(tokenizer.endToken) == "<|endoftext|>" && tokenizer.id("<|endoftext|>") == tokenizer.endToken)
        #expect(tokenizer.token(9999) == nil)
        #expect(try tokenizer.encodeWithSpecials("a b c d", contextLength: 2, truncate: true) == [712, 713])
        #expect(throws: FormatError.self) { try tokenizer.encodeWithSpecials("a", contextLength: 1, truncate: true) }
    }

    @Test(arguments: [
        ("fish &amp; chips", "fish & chips"), ("&amp;lt;", "<"), ("&eacute;&EACUTE;", "é&eacute;"), ("&notanentity;", "¬anentity;"),
        ("&#x41;&#66&#0;&#128;&#xD800;&#1;", "ab\u{FFFD}€\u{FFFD}"), ("&#99999999999;&#;&#x;&;", "\u{FFFD}&#;&#x;&;"),
        ("&nbsp;x&NotEqualTilde;", "x≂̸"), ("a\u{1C}b \t c", "ab c"), ("ΣΑΣ ΑΣ. Σ", "σας ας. σ"), ("İ", "i̇"),
        ("ﬁne ＦＵＬＬ “q” ‘s’", "fine full \"q\" 's'"), ("cafe\u{301}", "café"),
    ])
    func cleansText(text: String, expected: String) {
        #expect(Array(TextCleaning.clean(text).unicodeScalars) == Array(expected.unicodeScalars))
    }

    @Test func splitsWords() {
        func words(_ text: String) -> [String] {
            WordSplitter(text).map { $0.reduce(into: "") { $0.unicodeScalars.append($1) } }
        }
        #expect(words("don't we'll 'sx a1b22 !?'s <|endoftext|>x <|end") == [
            "don", "'t", "we", "'ll", "'s", "x", "a", "1", "b", "2", "2", "!?'", "s", "<|endoftext|>", "x", "<|", "end",
        ])
        #expect(words("'ſ ½x²") == ["'ſ", "½", "x", "²"])
    }

    @Test func mergingEqualsTheSimpleRule() throws {
        // The definition: take the best pair of the word, merge all its occurrences from the left, start again.
        func simple(_ word: [Int32], _ merges: [UInt64: BytePairVocabulary.Merge]) -> [Int32] {
            var word = word
            while true {
                let pairs = zip(word, word.dropFirst()).map { merges[BytePairVocabulary.pair($0, $1)] }
                guard let best = pairs.compactMap({ $0 }).min(by: { $0.rank < $1.rank }) else { return word }
                var merged: [Int32] = []
                var index = 0
                while index < word.count {
                    if index + 1 < word.count, merges[BytePairVocabulary.pair(word[index], word[index + 1])]?.rank == best.rank {
                        merged.append(best.result)
                        index += 2
                    } else {
                        merged.append(word[index])
                        index += 1
                    }
                }
                word = merged
            }
        }
        let seed = UInt64(11)
        var generator = SeededGenerator(seed: seed)
        for round in 0..<500 {
            // Random rules over few symbols; a result is always a new symbol, as in any vocabulary, but ranks are in disorder.
            var merges: [UInt64: BytePairVocabulary.Merge] = [:]
            var symbols: [Int32] = [0, 1, 2]
            let ranks = (0..<30).map { Int32($0) }.shuffled(using: &generator)
            for rank in ranks {
                guard let first = symbols.randomElement(using: &generator), let second = symbols.randomElement(using: &generator),
                    merges[BytePairVocabulary.pair(first, second)] == nil
                else { continue }
                symbols.append(Int32(symbols.count))
                merges[BytePairVocabulary.pair(first, second)] = .init(rank: rank, result: Int32(symbols.count - 1))
            }
            let word = (0..<Int.random(in: 0...40, using: &generator)).map { _ in Int32.random(in: 0..<3, using: &generator) }
            #expect(BytePairMerger.merge(word, merges) == simple(word, merges), "seed \(seed) round \(round)")
        }
    }

    @Test func aVeryLongWordTakesNoLongerThanItsLength() throws {
        let tokenizer = try Self.small()
        let clock = ContinuousClock()
        let time = clock.measure { #expect(!tokenizer.encode(String(repeating: "flowerpot", count: 100_000)).isEmpty) }
        #expect(time < .seconds(5))
    }

    // MARK: Damaged vocabularies

    private func small(vocabulary change: (String) -> String = { $0 }, merges text: String? = nil) throws -> BytePairVocabulary {
        let vocabulary = try String(contentsOf: Self.fixture.appendingPathComponent("vocab.json"), encoding: .utf8)
        let merges = try text ?? String(contentsOf: Self.fixture.appendingPathComponent("merges.txt"), encoding: .utf8)
        return try BytePairVocabulary(
            vocabulary: MappedFile(path: "vocab.json", content: Array(change(vocabulary).utf8)),
            merges: MappedFile(path: "merges.txt", content: Array(merges.utf8)))
    }

    @Test func damagedVocabulariesNameTokenAndLine() throws {
        #expect(throws: FormatError.vocabulary(path: "merges.txt", .mergePartMissing(line: 3, part: "nowhere"))) {
            _ = try small(merges: "#version: 0.2\na n\na nowhere\n")
        }
        #expect(throws: FormatError.vocabulary(path: "merges.txt", .mergePartMissing(line: 1, part: "zq"))) {
            _ = try small(merges: "z q\n")
        }
        #expect(throws: FormatError.vocabulary(path: "merges.txt", .badMerge(line: 2, text: "a b c"))) {
            _ = try small(merges: "\na b c\n")
        }
        #expect(try small(merges: "#version: 0.2\r\na n\r\n\r\n").merges.count == 1)
        let end = "\"<|endoftext|>\":713"
        #expect(throws: FormatError.vocabulary(path: "vocab.json", .missingToken("<|endoftext|>"))) {
            _ = try small(vocabulary: { $0.replacingOccurrences(of: end, with: "\"x y\": 713") })
        }
        for bad in ["-1", "1.5", "\"a\"", "4294967296", "null"] {
            #expect(throws: FormatError.vocabulary(path: "vocab.json", .badID(token: "<|endoftext|>")), "\(bad)") {
                _ = try small(vocabulary: { $0.replacingOccurrences(of: end, with: "\"<|endoftext|>\": \(bad)") })
            }
        }
        #expect(throws: FormatError.vocabulary(path: "vocab.json", .duplicateID(712, token: "<|endoftext|>", other: "<|startoftext|>"))) {
            _ = try small(vocabulary: { $0.replacingOccurrences(of: end, with: "\"<|endoftext|>\": 712") })
        }
        #expect(throws: FormatError.vocabulary(path: "vocab.json", .duplicateToken("<|endoftext|>"))) {
            _ = try small(vocabulary: { $0.replacingOccurrences(of: end, with: "\(end), \"<|endoftext|>\": 714") })
        }
        #expect(throws: FormatError.vocabulary(path: "tokenizer.json", .otherTokenizer(kind: "WordPiece"))) {
            try Self.fromJSON(#"{"model":{"type":"WordPiece","vocab":{}}}"#)
        }
        #expect(throws: FormatError.vocabulary(path: "tokenizer.json", .missingKey("model.vocab"))) { _ = try Self.fromJSON("{}") }
    }

    @Test func mutatedVocabulariesNeverCrash() throws {
        let vocabulary = Array(try Data(contentsOf: Self.fixture.appendingPathComponent("vocab.json")))
        let merges = Array(try Data(contentsOf: Self.fixture.appendingPathComponent("merges.txt")))
        let json = Array(try Self.tokenizerJSON(arrays: false).utf8)
        let words = ["2147483647", "-1", "\": 5, \"", "</w>", "\u{0}", "  "]
        func use(_ vocabulary: BytePairVocabulary) {
            let tokenizer = BPETokenizer(vocabulary)
            _ = tokenizer.decode(tokenizer.encode("a photo of a tabby cat, naïve."))
        }
        func file(_ content: [UInt8]) -> MappedFile { MappedFile(path: "mutated", content: content) }
        let rounds = fuzzRounds / 18
        try fuzz(vocabulary, rounds: rounds, seed: 4, words: words) {
            use(try BytePairVocabulary(vocabulary: file($0), merges: file(merges)))
        }
        try fuzz(merges, rounds: rounds, seed: 5, words: words) {
            use(try BytePairVocabulary(vocabulary: file(vocabulary), merges: file($0)))
        }
        try fuzz(json, rounds: rounds, seed: 6, words: words) { use(try BytePairVocabulary(tokenizer: file($0))) }
    }

    @Test func mutatedTextsNeverCrash() throws {
        let tokenizer = try Self.small()
        let text = Array("a photo of &amp; naïve &#x1F600; ΣΊΣΥΦΟΣ <|endoftext|> don't ﬁ １２".utf8)
        try fuzz(text, seed: 9, words: ["&#", "&notin", "'s", "Σ", "\u{301}"]) {
            _ = tokenizer.decode(tokenizer.encode(String(decoding: $0, as: UTF8.self)))
        }
    }
}
