/// What stands at one place of a class's sentence.
public enum TextPlace: Hashable, Sendable {
    /// A token of the vocabulary.
    case word(Int32)
    /// A learned token, by its row among the context tokens.
    case context(Int)
}

/// All sentences of a class list laid out as one token tree.
///
/// The text tower is causal, so what a token becomes depends only on the tokens before it. Sentences that begin alike share
/// those rows: the start token, the context tokens, fixed words, and any common beginning of class names are computed
/// once. Nothing after the end token exists. The start token sees no learned token, so it has no row at all while the weights
/// are frozen: its keys and values are constants. Where weights are trained it is an ordinary row.
///
///     start ─ P0 ─ P1 ─ of ─ a ─┬─ golden ─ retriever ─ . ─ end     (class 0)
///                               └─ tabby ─ cat ─ . ─ end            (class 1)
///
/// Rows are ordered: context tokens, inner tokens, end tokens; so the rows that a block needs are always consecutive.
public struct TextPlan: Sendable {
    /// Rows; the start token's is among them only where `startHasRow`.
    public let rows: Int
    public let startHasRow: Bool
    /// The context token of each of the first rows.
    public let contextSlots: [Int]
    /// The token id of each row; -1 for context rows.
    public let words: [Int32]
    /// The place of each row in its sentence: the start token's is 0.
    public let places: [Int]
    /// The end token's row of each class.
    public let readouts: [Int]
    /// First row of the end tokens, which reach to the last row.
    public let firstReadout: Int
    /// (rows + 1)
    let ancestorStart: [Int32]
    /// The way from the start token (numbered `rows` where it has no row) to each row, itself included.
    let ancestors: [Int32]
    let longestWay: Int

    public var contextRows: Int { contextSlots.count }

    /// - Parameters:
    ///   - sentences: each from the start token to the end token, whose output is the class's feature.
    ///   - window: places that the tower has.
    ///   - startHasRow: the start token is computed with the others, as weights that move need it.
    /// - Throws: `EngineError.noClasses`, `.contextTooLong`, `.token`.
    public init(
        sentences: [[TextPlace]], window: Int, vocabulary: Int, startHasRow: Bool = false
    ) throws(EngineError) {
        self.startHasRow = startHasRow
        guard !sentences.isEmpty else { throw .noClasses }
        var nodes: [(parent: Int, place: TextPlace, depth: Int, isEnd: Bool)] = []
        var children: [Edge: Int] = [:]
        var ends: [Int] = []
        for (index, sentence) in sentences.enumerated() {
            guard sentence.count <= window else {
                throw .contextTooLong(className: index, places: sentence.count, window: window)
            }
            guard sentence.count >= 2, case .word = sentence[0] else {
                throw .value("class \(index) has no tokens to read")
            }
            var parent = -1
            for (depth, place) in sentence.enumerated().dropFirst(startHasRow ? 0 : 1) {
                if case .word(let id) = place, id < 0 || Int(id) >= vocabulary {
                    throw .token(id, vocabulary: vocabulary)
                }
                let edge = Edge(parent: parent, place: place)
                if let known = children[edge] {
                    parent = known
                } else {
                    nodes.append((parent, place, depth, false))
                    children[edge] = nodes.count - 1
                    parent = nodes.count - 1
                }
            }
            nodes[parent].isEnd = true
            ends.append(parent)
        }

        func rank(_ node: (parent: Int, place: TextPlace, depth: Int, isEnd: Bool)) -> Int {
            if case .context = node.place { return 0 }
            return node.isEnd ? 2 : 1
        }
        var order: [Int] = []
        for wanted in 0...2 { order += nodes.indices.filter { rank(nodes[$0]) == wanted } }
        var rowOf = [Int](repeating: 0, count: nodes.count)
        for (row, node) in order.enumerated() { rowOf[node] = row }

        rows = nodes.count
        contextSlots = order.compactMap { if case .context(let slot) = nodes[$0].place { slot } else { nil } }
        words = order.map { if case .word(let id) = nodes[$0].place { id } else { -1 } }
        places = order.map { nodes[$0].depth }
        readouts = ends.map { rowOf[$0] }
        firstReadout = order.firstIndex { rank(nodes[$0]) == 2 } ?? order.count
        var start: [Int32] = [0]
        var all: [Int32] = []
        var longest = 0
        for node in order {
            var way: [Int32] = []
            var at = node
            while at >= 0 {
                way.append(Int32(rowOf[at]))
                at = nodes[at].parent
            }
            if !startHasRow { way.append(Int32(nodes.count)) }
            all += way.reversed()
            start.append(Int32(all.count))
            longest = max(longest, way.count)
        }
        ancestorStart = start
        ancestors = all
        longestWay = longest
    }

    /// The plan of a batch of captions for weights that are trained: token ids from the start to the end token.
    public init(captions: [[Int32]], window: Int, vocabulary: Int) throws(EngineError) {
        try self.init(
            sentences: captions.map { $0.map(TextPlace.word) }, window: window, vocabulary: vocabulary, startHasRow: true)
    }

    private struct Edge: Hashable {
        var parent: Int
        var place: TextPlace
    }
}
