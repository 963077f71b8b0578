import Foundation

/// Decoded pictures kept in memory, up to a limit: few-shot sets are read every epoch, test sets at every evaluation.
///
/// Nothing is thrown out to make room: with sets that are read from end to end, that would always throw out what comes next.
/// Safe to share between loaders.
///
/// Unchecked: `kept` is guarded by `lock`.
public final class ImageCache: @unchecked Sendable {
    /// Bytes of pixels that are kept at most.
    public let byteLimit: Int
    private let lock = NSLock()
    private var kept = Kept()

    private struct Kept {
        var images: [Key: RGBImage] = [:]
        var bytes = 0
    }

    /// A whole picture, or the view of it that a test pipeline takes.
    struct Key: Hashable {
        var path: String
        var resize = 0
        var crop = 0
    }

    public init(byteLimit: Int = 256 << 20) { self.byteLimit = byteLimit }

    /// Bytes of pixels held now.
    public var byteCount: Int { lock.withLock { kept.bytes } }

    func image(_ key: Key) -> RGBImage? { lock.withLock { kept.images[key] } }

    func keep(_ image: RGBImage, _ key: Key) {
        lock.withLock {
            guard kept.images[key] == nil, kept.bytes + image.byteCount <= byteLimit else { return }
            kept.images[key] = image
            kept.bytes += image.byteCount
        }
    }
}
