/// The vocabulary's words nearest to learned tokens, by Euclidean distance between embeddings, as in CoOp's table of words.
public struct NearestWords: Sendable {
    public struct Neighbour: Sendable, Equatable, Codable {
        /// A row of the embedding.
        public var id: Int
        public var distance: Double
    }

    /// (rows, width)
    private let embedding: [Float]
    private let width: Int
    private var rows: Int { width == 0 ? 0 : embedding.count / width }

    /// Nil where the sizes do not match.
    public init?(embedding: [Float], width: Int) {
        guard width > 0, embedding.count.isMultiple(of: width) else { return nil }
        self.embedding = embedding
        self.width = width
    }

    /// The `count` nearest rows of one token, nearest first; equal distances keep row order.
    public func nearest(to token: [Float], count: Int) -> [Neighbour] {
        guard token.count == width, count > 0 else { return [] }
        let distances = distances(to: token)
        return distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }.prefix(count)
            .map { Neighbour(id: $0, distance: Double(distances[$0]).squareRoot()) }
    }

    /// The mean distance of random tokens of the length `norm` from their nearest row: what nearness means nothing.
    public func randomDistance(norm: Double, draws: Int = 16, seed: Int = 1) -> Double {
        var numbers = SeededNumbers(seed: seed)
        var sum = 0.0
        for _ in 0..<max(1, draws) {
            var token = (0..<width).map { _ in Float(numbers.normal()) }
            let length = token.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
            if length > 0 { for i in token.indices { token[i] *= Float(norm) / length } }
            sum += Double(distances(to: token).min() ?? 0).squareRoot()
        }
        return sum / Double(max(1, draws))
    }

    /// (rows) squared distances.
    private func distances(to token: [Float]) -> [Float] {
        let n = rows, d = width
        return [Float](unsafeUninitializedCapacity: n) { buffer, filled in
            nonisolated(unsafe) let out = buffer
            embedding.withUnsafeBufferPointer { all in
                token.withUnsafeBufferPointer { one in
                    nonisolated(unsafe) let all = all, one = one
                    Rows.concurrently(n) { row in
                        var sum: Float = 0
                        for k in 0..<d {
                            let difference = all[row * d + k] - one[k]
                            sum += difference * difference
                        }
                        out[row] = sum
                    }
                }
            }
            filled = n
        }
    }
}
