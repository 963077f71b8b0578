import RunModel

/// Where in a training run a batch stands.
public struct BatchPosition: Sendable, Equatable, Codable {
    /// From 0.
    public var epoch: Int
    /// Within the epoch, from 0.
    public var batch: Int

    public init(epoch: Int = 0, batch: Int = 0) {
        self.epoch = epoch
        self.batch = batch
    }
}

/// An image that could not be read, and why.
public struct SkippedImage: Sendable, Equatable, Codable {
    /// Relative to the image folder.
    public var path: String
    /// One line that names the file and says what to do.
    public var reason: String
    /// In training, the image of the same class that took its place.
    public var replacement: String?

    public init(path: String, reason: String, replacement: String? = nil) {
        self.path = path
        self.reason = reason
        self.replacement = replacement
    }
}

/// Images ready for a model, in a buffer that belongs to their loader.
///
/// `images` may be read until the batch is recycled (or released).
///
/// Unchecked: the values never change, and the buffer is written only before the batch is handed out and after it came back.
public final class ImageBatch: @unchecked Sendable {
    /// (count, 3, S, S), normalised.
    public let images: UnsafePointer<Float>
    /// (count)
    public let labels: [Int32]
    /// (count) The images shown; in training, stand-ins for unreadable ones too.
    public let items: [ImageItem]
    /// Images of this batch that could not be read.
    public let skipped: [SkippedImage]
    public let position: BatchPosition
    let slot: BatchSlot
    let number: Int
    private let owner: BatchLoader

    public var count: Int { items.count }

    init(slot: BatchSlot, content: BatchContent, number: Int, position: BatchPosition, owner: BatchLoader) {
        self.slot = slot
        self.number = number
        self.owner = owner
        self.position = position
        images = UnsafePointer(slot.values)
        items = content.items
        labels = content.items.map { Int32(truncatingIfNeeded: $0.label) }
        skipped = content.skipped
    }

    deinit { owner.takeBack(slot, from: number) }
}

/// What was put into a buffer.
struct BatchContent: Sendable {
    var items: [ImageItem] = []
    var skipped: [SkippedImage] = []
    /// Label of each skipped image.
    var skippedLabels: [Int] = []
}

/// One reusable buffer of a batch.
///
/// Unchecked: who may touch it is decided by the loader's lock.
final class BatchSlot: @unchecked Sendable {
    let values: UnsafeMutablePointer<Float>
    private let memory: UnsafeMutableRawPointer
    /// The number of the batch that is out with this buffer. Guarded by the loader's lock.
    var holder: Int?

    init(valueCount: Int) {
        memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, valueCount) * MemoryLayout<Float>.stride, alignment: 64)
        values = memory.bindMemory(to: Float.self, capacity: max(1, valueCount))
    }

    deinit { memory.deallocate() }
}
