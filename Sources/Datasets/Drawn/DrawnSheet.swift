/// A contact sheet: pictures side by side on a grey ground, so that a person can look them over.
public enum DrawnSheet {
    /// One row a class, the first `columns` images of each.
    public static func of(_ dataset: DrawnDataset, seed: Int, columns: Int = 8, rows: Int? = nil) throws -> RGBImage {
        let labels = Array(dataset.classNames.indices.prefix(rows ?? .max))
        return try sheet(rows: labels.count, columns: columns) { row, column, painter in
            dataset.paint(label: labels[row], number: column, seed: seed, on: painter)
        }
    }

    /// The first pictures of the pretraining world.
    public static func of(_ world: DrawnWorld, rows: Int = 8, columns: Int = 12) throws -> RGBImage {
        try sheet(rows: rows, columns: columns, side: world.side) { row, column, painter in
            painter.paint(world.scene(row * columns + column).scene)
        }
    }

    private static func sheet(
        rows: Int, columns: Int, side: Int = DrawnWorld.standardSide, _ paint: (Int, Int, DrawnPainter) -> Void
    ) throws -> RGBImage {
        let painter = DrawnPainter(side: side), gap = 2, cell = side + gap
        let width = columns * cell + gap, height = rows * cell + gap
        return try RGBImage(width: width, height: height) { out in
            out.update(repeating: 128)
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: side * side * 3) { bytes in
                guard let from = bytes.baseAddress, let to = out.baseAddress else { return }
                for row in 0..<rows {
                    for column in 0..<columns {
                        paint(row, column, painter)
                        painter.copy(to: from)
                        for y in 0..<side {
                            let place = 3 * ((gap + row * cell + y) * width + gap + column * cell)
                            (to + place).update(from: from + 3 * y * side, count: 3 * side)
                        }
                    }
                }
            }
        }
    }
}
