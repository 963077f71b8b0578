/// Points in the plane coloured by class, as SVG.
public struct ScatterChart: Sendable, Equatable {
    public var title: String
    /// A line below the title, such as the measures of separability.
    public var caption: String
    public var points: [SIMD2<Double>]
    public var labels: [Int]
    public var classNames: [String]

    public init(title: String, caption: String, points: [SIMD2<Double>], labels: [Int], classNames: [String]) {
        self.title = title
        self.caption = caption
        self.points = points
        self.labels = labels
        self.classNames = classNames
    }

    public var svg: String {
        let listed = min(classNames.count, 50)
        let size = 640.0, left = 20.0, top = 64.0
        let columns = listed <= 25 ? 1 : 2
        var graphic = VectorGraphic(width: left + size + 20 + 170 * Double(columns), height: top + size + 20)
        graphic.text(title, left, 26, size: 16)
        graphic.text(caption, left, 46, size: 12)
        let sound = points.filter { $0.x.isFinite && $0.y.isFinite }
        let lowX = sound.map(\.x).min() ?? 0, highX = sound.map(\.x).max() ?? 1
        let lowY = sound.map(\.y).min() ?? 0, highY = sound.map(\.y).max() ?? 1
        // One scale for both axes: distances mean the same in either direction.
        let scale = (size - 20) / max(highX - lowX, highY - lowY, 1e-12)
        let marginX = 10 + (size - 20 - (highX - lowX) * scale) / 2, marginY = 10 + (size - 20 - (highY - lowY) * scale) / 2
        for (point, label) in zip(points, labels) where point.x.isFinite && point.y.isFinite {
            let name = classNames.indices.contains(label) ? classNames[label] : "\(label)"
            graphic.dot(
                left + marginX + (point.x - lowX) * scale, top + marginY + (point.y - lowY) * scale, radius: 2.6,
                colour: VectorGraphic.colour(label, of: classNames.count), title: name)
        }
        for label in 0..<listed {
            let x = left + size + 20 + 170 * Double(label / 25), y = top + 12 + 24 * Double(label % 25)
            graphic.dot(x, y - 4, radius: 5, colour: VectorGraphic.colour(label, of: classNames.count))
            graphic.text(String(classNames[label].prefix(24)), x + 12, y, size: 12)
        }
        if classNames.count > listed { graphic.text("and \(classNames.count - listed) more classes", left + size + 20, top + size, size: 12) }
        return graphic.svg
    }
}
