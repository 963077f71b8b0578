import CImageCodecs
import Foundation

/// A picture of 8-bit red, green and blue, row by row: (height, width, 3).
///
/// Immutable once made, so it travels between threads freely; copies share their pixels.
///
///     let image = try RGBImage(contentsOfFile: "cat.jpg")
///     image.withPixels { print($0[0], $0[1], $0[2]) }
///
/// Decoding follows PIL's `Image.open(path).convert("RGB")`: EXIF orientation is not applied, alpha is dropped and not
/// blended, 16-bit grey is clipped at 255 while other 16-bit pictures keep their high byte, CMYK is taken as Adobe writes it.
public struct RGBImage: Sendable {
    public let width: Int
    public let height: Int
    let storage: PixelStorage

    /// Largest width x height that is decoded unless told otherwise.
    public static let defaultPixelLimit = 100_000_000

    /// Decodes a JPEG or PNG, recognised by content.
    ///
    /// - Parameter path: named in errors.
    /// - Throws: `DatasetError.undecodable` for data that is cut short, corrupt, above `pixelLimit` or of another format.
    public init(decoding data: UnsafeRawBufferPointer, path: String? = nil, pixelLimit: Int = RGBImage.defaultPixelLimit) throws {
        var decoded = image_pixels()
        var status = IMAGE_EMPTY
        let reason = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IMAGE_MESSAGE_LENGTH)) { message in
            guard let text = message.baseAddress else { return "" }
            status = image_decode(
                data.baseAddress?.assumingMemoryBound(to: UInt8.self), data.count, UInt64(max(0, pixelLimit)), &decoded, text)
            return status == IMAGE_OK ? "" : String(cString: text)
        }
        guard status == IMAGE_OK, let pixels = decoded.pixels else {
            throw DatasetError.undecodable(path: path, kind: ImageFault(status), reason: reason)
        }
        self.init(storage: PixelStorage(adopting: pixels), width: Int(decoded.width), height: Int(decoded.height))
    }

    public init(decoding data: Data, path: String? = nil, pixelLimit: Int = RGBImage.defaultPixelLimit) throws {
        self = try data.withUnsafeBytes { try RGBImage(decoding: $0, path: path, pixelLimit: pixelLimit) }
    }

    /// Reads and decodes one file.
    public init(contentsOfFile path: String, pixelLimit: Int = RGBImage.defaultPixelLimit) throws {
        let file = try FileBytes(path: path)
        try self.init(decoding: file.bytes, path: path, pixelLimit: pixelLimit)
    }

    /// A picture whose bytes (height, width, 3) are written by `fill`.
    public init(width: Int, height: Int, fill: (UnsafeMutableBufferPointer<UInt8>) throws -> Void) throws {
        let (area, over) = width.multipliedReportingOverflow(by: height)
        guard width > 0, height > 0, !over, area <= Int(Int32.max) / 3 else {
            throw DatasetError.impossibleGeometry("a picture of \(width) x \(height) pixels")
        }
        let storage = try PixelStorage(byteCount: area * 3)
        try fill(UnsafeMutableBufferPointer(start: storage.pixels, count: area * 3))
        self.init(storage: storage, width: width, height: height)
    }

    init(storage: PixelStorage, width: Int, height: Int) {
        self.storage = storage
        self.width = width
        self.height = height
    }

    /// Bytes of its pixels.
    public var byteCount: Int { width * height * 3 }

    /// (height, width, 3)
    public func withPixels<T>(_ body: (UnsafeBufferPointer<UInt8>) throws -> T) rethrows -> T {
        try body(UnsafeBufferPointer(start: storage.pixels, count: byteCount))
    }

    /// Mirrored left to right.
    public func flipped() throws -> RGBImage {
        try RGBImage(width: width, height: height) { out in
            withPixels { pixels in
                for y in 0..<height {
                    for x in 0..<width {
                        let from = 3 * (y * width + width - 1 - x), to = 3 * (y * width + x)
                        out[to] = pixels[from]
                        out[to + 1] = pixels[from + 1]
                        out[to + 2] = pixels[from + 2]
                    }
                }
            }
        }
    }

    /// The picture as a PNG file's bytes.
    ///
    /// - Parameter compression: zlib's level, 0 to 9.
    public func png(compression: Int = 6) throws -> [UInt8] {
        var data: UnsafeMutablePointer<UInt8>?
        var length = 0
        var status = IMAGE_OK
        let reason = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IMAGE_MESSAGE_LENGTH)) { message in
            guard let text = message.baseAddress else { return "" }
            status = image_encode_png(
                storage.pixels, Int32(width), Int32(height), Int32(min(9, max(0, compression))), &data, &length, text)
            return status == IMAGE_OK ? "" : String(cString: text)
        }
        guard status == IMAGE_OK, let data else { throw DatasetError.notWritten(path: "a picture in memory", reason: reason) }
        defer { free(data) }
        return Array(UnsafeBufferPointer(start: data, count: length))
    }

    /// Writes a PNG file.
    ///
    /// - Parameter compression: zlib's level, 0 to 9.
    public func writePNG(toFile path: String, compression: Int = 6) throws {
        var status = IMAGE_OK
        let reason = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IMAGE_MESSAGE_LENGTH)) { message in
            guard let text = message.baseAddress else { return "" }
            status = image_write_png(path, storage.pixels, Int32(width), Int32(height), Int32(min(9, max(0, compression))), text)
            return status == IMAGE_OK ? "" : String(cString: text)
        }
        guard status == IMAGE_OK else { throw DatasetError.notWritten(path: path, reason: reason) }
    }
}

extension RGBImage: Equatable {
    public static func == (a: RGBImage, b: RGBImage) -> Bool {
        a.width == b.width && a.height == b.height && memcmp(a.storage.pixels, b.storage.pixels, a.byteCount) == 0
    }
}

extension ImageFault {
    init(_ status: image_status) {
        switch status {
        case IMAGE_EMPTY: self = .empty
        case IMAGE_TRUNCATED: self = .truncated
        case IMAGE_TOO_LARGE: self = .tooLarge
        case IMAGE_UNSUPPORTED: self = .unsupported
        case IMAGE_OUT_OF_MEMORY: self = .outOfMemory
        default: self = .corrupt
        }
    }
}

/// Owns the malloc'd bytes of a picture and the padding behind them.
///
/// Unchecked: the bytes are written before the first `RGBImage` around them exists and never afterwards.
final class PixelStorage: @unchecked Sendable {
    let pixels: UnsafeMutablePointer<UInt8>

    init(adopting pixels: UnsafeMutablePointer<UInt8>) { self.pixels = pixels }

    init(byteCount: Int) throws {
        guard let memory = malloc(byteCount + Int(IMAGE_PADDING)) else {
            throw DatasetError.undecodable(path: nil, kind: .outOfMemory, reason: "no memory for \(byteCount) bytes of pixels")
        }
        pixels = memory.assumingMemoryBound(to: UInt8.self)
        memset(pixels + byteCount, 0, Int(IMAGE_PADDING))
    }

    deinit { free(pixels) }
}

/// The image libraries in use, for reports on a machine.
public enum ImageCodecs {
    public static var jpegVersion: String { String(cString: image_jpeg_version()) }
    public static var pngVersion: String { String(cString: image_png_version()) }
}
