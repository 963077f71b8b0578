import Datasets
import Engine
import Synchronization

/// Where pairs of images and captions come from. What stands at a place depends on the seed and the place alone.
public protocol PairSource: Sendable {
    /// What results call it.
    var name: String { get }
    var fingerprint: String { get }
    /// Training pairs of an epoch, and pairs that are kept out of training.
    var pairs: Int { get }
    var validationPairs: Int { get }
    /// What was left out.
    var warnings: [String] { get }
    /// Captions to learn a vocabulary from.
    func captions() -> [String]
    /// Writes the images of training places, (places.count, 3, size, size) normalised.
    func training(epoch: Int, places: Range<Int>, into pixels: UnsafeMutablePointer<Float>) throws -> PairContent
    /// The same of pairs that are kept out.
    func validation(places: Range<Int>, into pixels: UnsafeMutablePointer<Float>) throws -> PairContent
    /// Images of combinations that training never sees; nil where classes are not known.
    var combinations: CombinationSource? { get }
}

/// What was written beside the pixels.
public struct PairContent: Sendable {
    public var captions: [String]
    public var warnings: [String]

    public init(captions: [String], warnings: [String] = []) {
        self.captions = captions
        self.warnings = warnings
    }
}

/// Labelled images for zero-shot evaluation.
public protocol CombinationSource: Sendable {
    var classNames: [String] { get }
    /// Writes image `number` of each given class, (labels.count, 3, size, size) normalised.
    func fill(_ pixels: UnsafeMutablePointer<Float>, labels: [Int], number: Int)
}

/// Pairs of a folder with a captions file.
public final class FolderPairs: PairSource {
    private let folder: CaptionFolder
    private let transform: ImageTransform
    private let seed: Int
    /// Indices into the folder's pairs.
    private let trained: [Int]
    private let kept: [Int]
    /// The order of the epoch that is under way.
    private let order = Mutex<(epoch: Int, indices: [Int])>((-1, []))

    /// - Throws: `TrainingError.fewPairs` when not all of `batch` pairs are left to train on.
    public init(folder: CaptionFolder, geometry: ImageGeometry, validation: Int, batch: Int, seed: Int) throws {
        self.folder = folder
        self.seed = seed
        transform = ImageTransform(geometry: geometry)
        var order = Array(folder.pairs.indices)
        var generator = RunGenerator(seed: seed, "validation")
        generator.shuffle(&order)
        // An image on several lines stands on one side alone.
        var keptImages: Set<String> = []
        for index in order.prefix(validation) { keptImages.insert(folder.pairs[index].image) }
        kept = folder.pairs.indices.filter { keptImages.contains(folder.pairs[$0].image) }
        trained = folder.pairs.indices.filter { !keptImages.contains(folder.pairs[$0].image) }
        guard trained.count >= batch else {
            throw TrainingError.fewPairs(pairs: trained.count, validation: kept.count, batch: batch, data: folder.path)
        }
    }

    public var name: String { folder.path }
    public var pairs: Int { trained.count }
    public var validationPairs: Int { kept.count }
    public var warnings: [String] { folder.warnings }
    public var combinations: CombinationSource? { nil }

    public var fingerprint: String {
        var text = ""
        for pair in folder.pairs { text += pair.image + "\t" + pair.caption + "\n" }
        var hash = SHA256()
        hash.update(text)
        return String(hash.finish().prefix(16))
    }

    public func captions() -> [String] { trained.map { folder.pairs[$0].caption } }

    public func training(epoch: Int, places: Range<Int>, into pixels: UnsafeMutablePointer<Float>) throws -> PairContent {
        let indices = order.withLock { latest in
            if latest.epoch != epoch {
                latest = (epoch, trained)
                var generator = RunGenerator(seed: seed, .order, epoch)
                generator.shuffle(&latest.indices)
            }
            return latest.indices
        }
        return try fill(indices, places, pixels)
    }

    public func validation(places: Range<Int>, into pixels: UnsafeMutablePointer<Float>) throws -> PairContent {
        try fill(kept, places, pixels)
    }

    /// A picture that cannot be read gives its place to the next pair.
    private func fill(_ order: [Int], _ places: Range<Int>, _ pixels: UnsafeMutablePointer<Float>) throws -> PairContent {
        var content = PairContent(captions: [])
        var resizer = ImageResizer()
        for (offset, place) in places.enumerated() {
            let out = pixels + offset * transform.geometry.valuesPerImage
            var fault: (any Error)?
            for step in 0..<min(16, order.count) {
                let pair = folder.pairs[order[(place + step) % order.count]]
                do {
                    let view = try transform.testView(
                        of: RGBImage(contentsOfFile: folder.path + "/" + pair.image), resizer: &resizer)
                    transform.normalise(view, into: out)
                    content.captions.append(pair.caption)
                    fault = nil
                    break
                } catch {
                    fault = error
                    content.warnings.append("\(error)")
                }
            }
            if let fault { throw fault }
        }
        return content
    }
}
