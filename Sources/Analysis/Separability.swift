/// How well classes lie apart, as numbers: what a picture of the points claims.
public struct Separability: Sendable, Equatable, Codable {
    /// Mean silhouette (Rousseeuw 1987) over Euclidean distances, -1 to 1; points alone in their class count 0.
    public var silhouette: Double
    /// Share of the nearest neighbours that are of the point's own class, 0 to 1.
    public var purity: Double
    /// The same for the points of each class, by label.
    public var classPurity: [Int: Double] = [:]
    /// Neighbours looked at.
    public var neighbours: Int

    public init(_ features: FeatureSet, neighbours: Int = 10) {
        let n = features.count
        let k = max(0, min(neighbours, n - 1))
        self.neighbours = k
        guard n > 1 else {
            (silhouette, purity) = (0, 0)
            return
        }
        let order = Array(Set(features.labels)).sorted()
        let index = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
        let labels = features.labels.map { index[$0] ?? 0 }
        var sizes = [Int](repeating: 0, count: order.count)
        for label in labels { sizes[label] += 1 }
        let counts = sizes
        let squared = features.squaredDistances()
        var scores = [Double](repeating: 0, count: n), pure = [Double](repeating: 0, count: n)
        scores.withUnsafeMutableBufferPointer { scores in
            pure.withUnsafeMutableBufferPointer { pure in
                nonisolated(unsafe) let scores = scores, pure = pure
                Rows.concurrently(n) { i in
                    var sums = [Double](repeating: 0, count: counts.count)
                    // The k nearest so far, farthest last; equal distances keep index order.
                    var nearest: [(distance: Float, label: Int)] = []
                    for j in 0..<n where j != i {
                        let distance = squared[i * n + j]
                        sums[labels[j]] += Double(max(0, distance)).squareRoot()
                        if k > 0, nearest.count < k || distance < nearest[nearest.count - 1].distance {
                            var place = nearest.count
                            while place > 0, distance < nearest[place - 1].distance { place -= 1 }
                            nearest.insert((distance, labels[j]), at: place)
                            if nearest.count > k { nearest.removeLast() }
                        }
                    }
                    let own = labels[i]
                    if counts[own] > 1, counts.count > 1 {
                        let inside = sums[own] / Double(counts[own] - 1)
                        var outside = Double.infinity
                        for c in counts.indices where c != own { outside = min(outside, sums[c] / Double(counts[c])) }
                        let larger = max(inside, outside)
                        scores[i] = larger > 0 ? (outside - inside) / larger : 0
                    }
                    pure[i] = k > 0 ? Double(nearest.count { $0.label == own }) / Double(k) : 0
                }
            }
        }
        silhouette = scores.reduce(0, +) / Double(n)
        purity = pure.reduce(0, +) / Double(n)
        var sums = [Double](repeating: 0, count: order.count)
        for (label, share) in zip(labels, pure) { sums[label] += share }
        classPurity = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, sums[$0] / Double(counts[$0])) })
    }
}
