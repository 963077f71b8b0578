import Datasets

/// Pairs of the drawn world: every place of every epoch has a picture of its own.
public struct DrawnPairs: PairSource {
    public let pairs: Int
    public let validationPairs: Int
    private let world: DrawnWorld
    private let table: [Float]

    public init(geometry: ImageGeometry, pairs: Int, validation: Int, alike: Int, seed: Int) {
        world = DrawnWorld(seed: seed, side: geometry.crop, alike: alike)
        table = geometry.normalisationTable
        self.pairs = pairs
        validationPairs = validation
    }

    public var name: String { "the drawn world" }
    public var warnings: [String] { [] }

    /// Of the first captions: drawings follow from the seed and the program's version.
    public var fingerprint: String {
        var hash = SHA256()
        for index in 0..<64 { hash.update(world.caption(index) + "\n") }
        hash.update("\(world.seed) \(world.side) \(world.alike) \(pairs)")
        return String(hash.finish().prefix(16))
    }

    /// Enough to hold every word of the grammar many times.
    public func captions() -> [String] { (0..<min(20_000, 4 * pairs)).map { world.caption($0) } }

    public func training(epoch: Int, places: Range<Int>, into pixels: UnsafeMutablePointer<Float>) throws -> PairContent {
        let first = epoch * pairs
        return PairContent(
            captions: world.fill(pixels, indices: (first + places.lowerBound)..<(first + places.upperBound), table: table))
    }

    /// Numbers below nought, which training never comes to.
    public func validation(places: Range<Int>, into pixels: UnsafeMutablePointer<Float>) throws -> PairContent {
        PairContent(captions: world.fill(pixels, indices: places.map { -1 - $0 }, table: table))
    }

    public var combinations: CombinationSource? { DrawnCombinations(seed: world.seed, side: world.side, table: table) }
}

/// Clean drawings of the combinations that are held out.
private struct DrawnCombinations: CombinationSource {
    let seed: Int
    let side: Int
    let table: [Float]

    var classNames: [String] { DrawnDataset.combinations.classNames }

    func fill(_ pixels: UnsafeMutablePointer<Float>, labels: [Int], number: Int) {
        DrawnDataset.combinations.fill(pixels, labels: labels, number: number, seed: seed, side: side, table: table)
    }
}
