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
}
