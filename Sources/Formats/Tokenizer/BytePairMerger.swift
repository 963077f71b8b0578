/// Merges the symbols of one word by the vocabulary's rules, lowest rank first, in O(n log n).
///
/// Each round takes the pair of lowest rank and merges every occurrence from left to right before looking at new pairs, so the
/// result equals the public implementation's, which rescans the word for every rule.
struct BytePairMerger {
    private let merges: [UInt64: BytePairVocabulary.Merge]
    private var symbols: [Int32]
    private var next: [Int32]
    private var previous: [Int32]
    /// A binary min-heap of rank << 32 | place.
    private var heap: [UInt64] = []

    private static let dead: Int32 = -1

    static func merge(_ word: [Int32], _ merges: [UInt64: BytePairVocabulary.Merge]) -> [Int32] {
        guard word.count > 1 else { return word }
        var merger = BytePairMerger(word, merges)
        merger.run()
        return merger.symbols.filter { $0 != dead }
    }

    private init(_ word: [Int32], _ merges: [UInt64: BytePairVocabulary.Merge]) {
        self.merges = merges
        symbols = word
        next = (0..<Int32(word.count)).map { $0 + 1 }
        previous = (0..<Int32(word.count)).map { $0 - 1 }
    }

    /// The rule for the pair that starts at `place`.
    private func rule(at place: Int) -> BytePairVocabulary.Merge? {
        let following = Int(next[place])
        guard symbols[place] != Self.dead, following < symbols.count else { return nil }
        return merges[BytePairVocabulary.pair(symbols[place], symbols[following])]
    }

    private mutating func run() {
        for place in symbols.indices { offer(place) }
        var changed: [Int] = []
        while let first = heap.first {
            let rank = first >> 32
            changed.removeAll(keepingCapacity: true)
            while let entry = heap.first, entry >> 32 == rank {
                pop()
                let place = Int(entry & 0xFFFF_FFFF)
                // Entries of pairs that changed since are stale.
                guard let rule = rule(at: place), UInt64(rule.rank) == rank else { continue }
                let absorbed = Int(next[place])
                symbols[place] = rule.result
                symbols[absorbed] = Self.dead
                next[place] = next[absorbed]
                let following = Int(next[place])
                if following < symbols.count { previous[following] = Int32(place) }
                changed.append(place)
            }
            for place in changed where symbols[place] != Self.dead {
                offer(place)
                if previous[place] >= 0 { offer(Int(previous[place])) }
            }
        }
    }

    private mutating func offer(_ place: Int) {
        guard let rule = rule(at: place) else { return }
        heap.append(UInt64(rule.rank) << 32 | UInt64(place))
        var child = heap.count - 1
        while child > 0, case let parent = (child - 1) / 2, heap[child] < heap[parent] {
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func pop() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < heap[parent] else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
