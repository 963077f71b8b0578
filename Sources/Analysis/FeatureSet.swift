/// Points with labels: image embeddings of an evaluation.
public struct FeatureSet: Sendable, Equatable {
    /// Width of a point.
    public let dimensions: Int
    /// (count, dimensions), row by row.
    public let values: [Float]
    /// (count) Indices into the class names.
    public let labels: [Int]

    public var count: Int { labels.count }

    /// Nil where the sizes do not match or a value is not finite.
    public init?(values: [Float], labels: [Int], dimensions: Int) {
        guard dimensions > 0, values.count % dimensions == 0, values.count / dimensions == labels.count,
            values.allSatisfy(\.isFinite)
        else { return nil }
        self.dimensions = dimensions
        self.values = values
        self.labels = labels
    }

    /// Every point divided by its length, as CLIP compares them; points of length zero stay.
    public var unitLength: FeatureSet {
        var scaled = values
        for row in 0..<count {
            let range = row * dimensions..<(row + 1) * dimensions
            let length = values[range].reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
            if length > 0 { for i in range { scaled[i] /= length } }
        }
        return FeatureSet(values: scaled, labels: labels, dimensions: dimensions) ?? self
    }

    /// (count, count) squared Euclidean distances, filled on all processors.
    func squaredDistances() -> [Float] {
        let n = count, d = dimensions
        return [Float](unsafeUninitializedCapacity: n * n) { buffer, filled in
            nonisolated(unsafe) let out = buffer
            values.withUnsafeBufferPointer { values in
                nonisolated(unsafe) let values = values
                Rows.concurrently(n) { i in
                    let a = UnsafeBufferPointer(rebasing: values[i * d..<(i + 1) * d])
                    for j in 0..<n {
                        let b = UnsafeBufferPointer(rebasing: values[j * d..<(j + 1) * d])
                        out[i * n + j] = i == j ? 0 : Self.squaredDistance(a, b)
                    }
                }
            }
            filled = n * n
        }
    }

    /// In lanes of sixteen, so that the sum vectorises.
    private static func squaredDistance(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) -> Float {
        var lanes = SIMD16<Float>.zero
        var k = 0
        while k + 16 <= a.count {
            var difference = SIMD16<Float>.zero
            for lane in 0..<16 { difference[lane] = a[k + lane] - b[k + lane] }
            lanes += difference * difference
            k += 16
        }
        var sum = lanes.sum()
        while k < a.count {
            sum += (a[k] - b[k]) * (a[k] - b[k])
            k += 1
        }
        return sum
    }
}
