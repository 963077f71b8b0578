import Foundation
import TestSupport
import Testing

@testable import Formats

struct BytePairLearnerTests {
    private static let captions = [
        "a photo of a red star.", "a photo of a blue star.", "two red circles on a dark background", "It's a Ring!",
        "a photo of a red ring.", "naïve café 12 stars", "the red star's ring",
    ]

    private func learned(_ captions: [String], size: Int, _ body: (LearnedVocabulary, BPETokenizer) throws -> Void) throws {
        var learner = BytePairLearner()
        for caption in captions { learner.add(caption) }
        let vocabulary = try learner.learn(size: size)
        try Places.withTemporaryFolder { folder in
            try vocabulary.write(to: folder.path)
            try body(vocabulary, BPETokenizer(vocabulary: folder.path + "/vocab.json", merges: folder.path + "/merges.txt"))
        }
    }

    @Test func theTokenizerReadsWhatWasLearned() throws {
        try learned(Self.captions, size: 560) { vocabulary, tokenizer in
            #expect(vocabulary.tokens.count == tokenizer.count && tokenizer.count <= 560)
            #expect(Int(tokenizer.startToken) == tokenizer.count - 2 && Int(tokenizer.endToken) == tokenizer.count - 1)
            // Frequent words are one token.
            for word in ["red", "star", "a", "ring"] { #expect(tokenizer.encode(word).count == 1, "\(word)") }
            for caption in Self.captions + ["zebra 7 🎈"] {
                let text = TextCleaning.clean(caption)
                #expect(
                    tokenizer.decode(tokenizer.encode(caption)).filter { !$0.isWhitespace } == text.filter { !$0.isWhitespace })
            }
        }
    }

    @Test func theMostFrequentPairComesFirst() throws {
        // "ab" three times, "bc" twice; of equals the one that sorts first.
        try learned(["ab ab ab", "bc bc", "xa xa"], size: 517) { vocabulary, _ in
            #expect(vocabulary.merges.map(\.0) == ["a", "b", "x"] && vocabulary.merges.map(\.1) == ["b</w>", "c</w>", "a</w>"])
        }
    }

    @Test func orderMakesNoDifference() throws {
        let seed = UInt64.random(in: 0...1 << 40)
        var generator = SeededGenerator(seed: seed)
        try learned(Self.captions, size: 600) { whole, _ in
            try learned(Self.captions.shuffled(using: &generator), size: 600) { other, _ in
                #expect(whole.tokens == other.tokens, "seed \(seed)")
            }
            // A smaller vocabulary is a beginning of a larger one.
            try learned(Self.captions, size: 530) { small, _ in
                #expect(Array(whole.tokens.prefix(528)) == Array(small.tokens.prefix(528)))
            }
        }
    }

    @Test func repeatedLettersMergeFromTheLeft() throws {
        try learned(["aaaa aaaa aaaaa aaaaa"], size: 540) { vocabulary, tokenizer in
            #expect(tokenizer.encode("aaaa").count == 1 && tokenizer.encode("aaaaa").count == 1)
            #expect(Set(vocabulary.tokens).count == vocabulary.tokens.count)
        }
    }

    @Test func sizesThatCannotBe() {
        var learner = BytePairLearner()
        #expect(throws: FormatError.vocabularySize(size: 600, smallest: nil)) { try learner.learn(size: 600) }
        learner.add("a b c")
        #expect(throws: FormatError.vocabularySize(size: 513, smallest: 514)) { try learner.learn(size: 513) }
        #expect("\(FormatError.vocabularySize(size: 5, smallest: 514))".contains("Ask for at least"))
        #expect((try? learner.learn(size: 514))?.tokens.count == 514)
    }
}
