import Formats

/// Finds the tokens whose embeddings stand in a tensor, as checkpoints of the reference keep their sentences.
struct TokenRows {
    private let embedding: [Float]
    private let width: Int
    /// Tokens by the first element of their rows.
    private let order: [Int32]

    /// - Parameter embedding: (vocabulary, width).
    init(embedding: [Float], width: Int) {
        self.embedding = embedding
        self.width = width
        order = (0..<Int32(embedding.count / max(1, width))).sorted { embedding[Int($0) * width] < embedding[Int($1) * width] }
    }

    /// The token of a row that may have been rounded to half precision; nil where none is as near.
    func token(of row: ArraySlice<Float>) -> Int32? {
        guard row.count == width, let first = row.first else { return nil }
        var low = 0, high = order.count
        while low < high {
            let middle = (low + high) / 2
            if embedding[Int(order[middle]) * width] < first - Self.slack(first) { low = middle + 1 } else { high = middle }
        }
        while low < order.count {
            let start = Int(order[low]) * width
            if embedding[start] > first + Self.slack(first) { return nil }
            if zip(embedding[start..<start + width], row).allSatisfy({ abs($0 - $1) <= Self.slack($0) }) { return order[low] }
            low += 1
        }
        return nil
    }

    /// Half a unit of half precision, and what vanishes below its smallest numbers.
    private static func slack(_ value: Float) -> Float { abs(value) * 0x1p-10 + 0x1p-20 }
}
