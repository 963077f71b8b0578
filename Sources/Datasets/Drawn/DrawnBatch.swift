import CImageCodecs

extension DrawnDataset {
    /// Paints one image of each given class as a model reads it, without a file between.
    ///
    /// - Parameters:
    ///   - pixels: (labels.count, 3, side, side), written whole.
    ///   - number: counts within each class.
    ///   - table: (3, 256), the normalised value of every byte: `ImageGeometry.normalisationTable`.
    public func fill(
        _ pixels: UnsafeMutablePointer<Float>, labels: [Int], number: Int, seed: Int, side: Int = DrawnWorld.standardSide,
        table: [Float]
    ) {
        precondition(table.count == 3 * 256, "a table of three channels of 256 values")
        let painter = DrawnPainter(side: side), count = 3 * side * side
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { bytes in
            guard let first = bytes.baseAddress else { return }
            for (place, label) in labels.enumerated() {
                paint(label: label, number: number, seed: seed, on: painter)
                painter.copy(to: first)
                image_normalise(first, Int32(side), Int32(side), 0, table, pixels + place * count)
            }
        }
    }
}
