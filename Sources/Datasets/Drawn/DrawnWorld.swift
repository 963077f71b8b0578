import CImageCodecs

/// An endless row of clean drawings with captions, for pretraining: picture and caption depend on the seed and the index alone.
///
///     let world = DrawnWorld(seed: 1)
///     let (image, caption) = try world.picture(17)
///     let captions = world.fill(pixels, indices: [0, 1, 2], geometry: geometry)
///
/// One object in 60 of 100 pictures, two or three of one look in 15, two objects and their relation in 25. No object has one
/// of the held-out combinations (`DrawnLook.heldOut`). Nothing tells left from right, so mirrored pictures keep their captions.
///
/// Pictures may come in rows of `alike`, which show other shapes in one colour and fill (pairs of objects aside): within a
/// contrastive batch their shape alone tells them apart, so that shapes are learned as well as colours are.
public struct DrawnWorld: Sendable {
    public let seed: Int
    /// Width and height of a picture in pixels.
    public let side: Int
    /// Pictures in a row that share colour and fill; 1 leaves every picture to itself.
    public let alike: Int

    /// The side that the data sets have.
    public static let standardSide = 64

    public init(seed: Int, side: Int = DrawnWorld.standardSide, alike: Int = 1) {
        precondition(side >= 8, "a drawing wants 8 pixels a side")
        precondition(alike >= 1, "a row wants a picture")
        self.seed = seed
        self.side = side
        self.alike = alike
    }

    /// Scene and caption of one index.
    public func scene(_ index: Int) -> (scene: DrawnScene, caption: String) {
        var random = RunGenerator(seed: seed, "drawing", index)
        let scene = alike > 1 && index >= 0 ? inRow(index, &random) : Self.alone(&random)
        return (scene, DrawnCaption.sentence(scene, &random))
    }

    private static func alone(_ random: inout RunGenerator) -> DrawnScene {
        switch random.below(100) {
        case 0..<60: .single(look(&random), &random)
        case 60..<75: .several(look(&random), count: 2 + random.below(2), &random)
        default: pair(&random)
        }
    }

    /// A scene of a row: kind, colour and fill follow from the row, the shape from the place in it.
    private func inRow(_ index: Int, _ random: inout RunGenerator) -> DrawnScene {
        var row = RunGenerator(seed: seed, "row of drawings", index / alike)
        let kind = row.below(100)
        guard kind < 75 else { return Self.pair(&random) }
        let shared = Self.look(&row), count = 2 + row.below(2)
        var looks = DrawnShape.allCases.map { DrawnLook($0, shared.colour, shared.fill) }.filter { !$0.isHeldOut }
        row.shuffle(&looks)
        let look = looks[index % alike % looks.count]
        return kind < 60 ? .single(look, &random) : .several(look, count: count, &random)
    }

    /// The caption alone, without painting.
    public func caption(_ index: Int) -> String { scene(index).caption }

    public func picture(_ index: Int) throws -> (image: RGBImage, caption: String) {
        let (scene, caption) = scene(index)
        return (try RGBImage(scene, side: side), caption)
    }

    /// Paints pictures as a model reads them; equal to what the same pictures give that were written as PNG and read again.
    ///
    /// - Parameters:
    ///   - pixels: (indices.count, 3, side, side), written whole.
    ///   - table: (3, 256), the normalised value of every byte: `ImageGeometry.normalisationTable`.
    /// - Returns: the captions, by place in `indices`.
    public func fill(_ pixels: UnsafeMutablePointer<Float>, indices: some Sequence<Int>, table: [Float]) -> [String] {
        precondition(table.count == 3 * 256, "a table of three channels of 256 values")
        let painter = DrawnPainter(side: side), area = side * side
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3 * area) { bytes in
            guard let first = bytes.baseAddress else { return [] }
            var captions: [String] = [], out = pixels
            for index in indices {
                let (scene, caption) = scene(index)
                captions.append(caption)
                painter.paint(scene)
                painter.copy(to: first)
                image_normalise(first, Int32(side), Int32(side), 0, table, out)
                out += 3 * area
            }
            return captions
        }
    }

    // MARK: Parts of scenes

    /// Any combination that is not held out.
    private static func look(_ random: inout RunGenerator) -> DrawnLook {
        while true {
            let look = DrawnLook.all[random.below(DrawnLook.all.count)]
            if !look.isHeldOut { return look }
        }
    }

    private static func pair(_ random: inout RunGenerator) -> DrawnScene {
        let relation = DrawnRelation.allCases[random.below(3)]
        while true {
            let (first, second) = (look(&random), look(&random))
            guard first.shape != second.shape, relation != .inside || second.canHold(first) else { continue }
            return .pair(first, relation, second, &random)
        }
    }
}

extension DrawnLook {
    /// Whether a smaller object of another look can be seen inside.
    func canHold(_ inner: DrawnLook) -> Bool {
        shape.canHold && (fill == .plain || fill == .outlined) && DrawnMath.distance(colour.value, inner.colour.value) > 0.5
    }
}

extension RGBImage {
    /// A scene, painted.
    public init(_ scene: DrawnScene, side: Int = DrawnWorld.standardSide) throws {
        let painter = DrawnPainter(side: side)
        painter.paint(scene)
        try self.init(painter)
    }

    init(_ painter: DrawnPainter) throws {
        try self.init(width: painter.side, height: painter.side) { bytes in
            if let first = bytes.baseAddress { painter.copy(to: first) }
        }
    }
}
