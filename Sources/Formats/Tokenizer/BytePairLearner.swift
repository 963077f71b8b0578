/// Learns a byte-pair vocabulary from texts (Sennrich et al., 2016): the most frequent pair of neighbours within words becomes
/// a token, again and again.
///
///     var learner = BytePairLearner()
///     captions.forEach { learner.add($0) }
///     let vocabulary = try learner.learn(size: 1024)
///     try vocabulary.write(to: "model")
///
/// Words are split and spelled as CLIP's tokenizer does; of pairs that are equally frequent the one whose spelling sorts first is
/// taken, so the result depends on the texts' words and their counts alone.
public struct BytePairLearner: Sendable {
    private var counts: [String: Int] = [:]

    /// The 256 bytes, inside a word and at its end, and the start and the end token.
    public static let smallestSize = 514

    public init() {}

    /// Words met so far, each once.
    public var wordCount: Int { counts.count }

    public mutating func add(_ text: String) {
        var splitter = WordSplitter(TextCleaning.clean(text))
        while let word = splitter.next() {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: word)
            let spelling = String(view)
            if spelling != BytePairVocabulary.startOfText, spelling != BytePairVocabulary.endOfText { counts[spelling, default: 0] += 1 }
        }
    }

    /// A vocabulary of `size` tokens, or of fewer where no pair occurs twice any more.
    ///
    /// - Throws: `FormatError.vocabularySize` when `size` is below `smallestSize`, or there are no words.
    public func learn(size: Int) throws(FormatError) -> LearnedVocabulary {
        guard size >= Self.smallestSize else { throw .vocabularySize(size: size, smallest: Self.smallestSize) }
        guard !counts.isEmpty else { throw .vocabularySize(size: size, smallest: nil) }
        var tokens = ["", "</w>"].flatMap { ending in ByteAlphabet.characters.map { String($0) + ending } }
        var table = PairTable(counts.sorted { $0.key < $1.key })
        var merges: [(String, String)] = []
        var known = Set(tokens)
        while tokens.count < size - 2, let pair = table.mostFrequent(spellings: tokens) {
            let (first, second) = (tokens[Int(pair.first)], tokens[Int(pair.second)])
            // Two pairs may spell one token, as "a b c" merged from either side: the second needs no id of its own.
            let merged = first + second
            let id: Int32
            if known.insert(merged).inserted {
                id = Int32(tokens.count)
                tokens.append(merged)
            } else {
                id = Int32(tokens.firstIndex(of: merged) ?? 0)
            }
            merges.append((first, second))
            table.merge(pair, into: id)
        }
        tokens += [BytePairVocabulary.startOfText, BytePairVocabulary.endOfText]
        return LearnedVocabulary(tokens: tokens, merges: merges)
    }
}

/// A byte-pair vocabulary in the order of its ids, the start and the end token last.
public struct LearnedVocabulary: Sendable {
    public let tokens: [String]
    /// In the order in which they are applied.
    public let merges: [(String, String)]

    /// Writes vocab.json and merges.txt into a folder that is there, each whole or not at all.
    ///
    /// - Throws: `FormatError.write`.
    public func write(to folder: String) throws {
        let entries = tokens.enumerated().map { "\(SafetensorsWriter.quoted($1)):\($0)" }
        try WholeFile.write(folder + "/vocab.json") { try $0.append(Array("{\(entries.joined(separator: ","))}\n".utf8)) }
        let lines = ["#version: 0.2"] + merges.map { "\($0.0) \($0.1)" }
        try WholeFile.write(folder + "/merges.txt") { try $0.append(Array((lines.joined(separator: "\n") + "\n").utf8)) }
    }
}

/// Words as symbols, with the count of every pair of neighbours kept up to date.
private struct PairTable {
    struct Pair: Hashable {
        var first: Int32
        var second: Int32
    }

    private var words: [(symbols: [Int32], count: Int)]
    private var counts: [Pair: Int] = [:]
    /// Words that hold the pair, or did.
    private var places: [Pair: Set<Int>] = [:]

    init(_ spellings: [(key: String, value: Int)]) {
        words = spellings.map { spelling, count in
            var symbols = spelling.utf8.map { Int32($0) }
            if let last = symbols.popLast() { symbols.append(last + 256) }
            return (symbols, count)
        }
        for index in words.indices { note(index, sign: 1) }
    }

    private mutating func note(_ index: Int, sign: Int) {
        let (symbols, count) = words[index]
        for (first, second) in zip(symbols, symbols.dropFirst()) {
            let pair = Pair(first: first, second: second)
            counts[pair, default: 0] += sign * count
            if sign > 0 { places[pair, default: []].insert(index) }
            if counts[pair] == 0 { (counts[pair], places[pair]) = (nil, nil) }
        }
    }

    /// Nil when no pair occurs twice.
    func mostFrequent(spellings: [String]) -> Pair? {
        var best: (pair: Pair, count: Int)?
        for (pair, count) in counts where count >= 2 {
            guard let (old, most) = best else {
                best = (pair, count)
                continue
            }
            if count < most { continue }
            func spelled(_ pair: Pair) -> (String, String) { (spellings[Int(pair.first)], spellings[Int(pair.second)]) }
            if count > most || spelled(pair) < spelled(old) { best = (pair, count) }
        }
        return best?.pair
    }

    mutating func merge(_ pair: Pair, into id: Int32) {
        for index in places[pair] ?? [] {
            let symbols = words[index].symbols
            var merged: [Int32] = []
            var at = 0
            while at < symbols.count {
                if at + 1 < symbols.count, symbols[at] == pair.first, symbols[at + 1] == pair.second {
                    merged.append(id)
                    at += 2
                } else {
                    merged.append(symbols[at])
                    at += 1
                }
            }
            guard merged.count != symbols.count else { continue }
            note(index, sign: -1)
            words[index].symbols = merged
            note(index, sign: 1)
        }
        // Words that cannot be merged further keep no such pair.
        (counts[pair], places[pair]) = (nil, nil)
    }
}
