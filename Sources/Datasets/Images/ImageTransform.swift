import CImageCodecs
import Foundation

/// How a model wants its pictures: resized, cropped and normalised.
public struct ImageGeometry: Sendable, Equatable {
    /// The shorter side before the centre crop, in pixels.
    public let resize: Int
    /// The side of the square that the model sees, in pixels.
    public let crop: Int
    /// Per channel, of values 0..1.
    public let mean: [Float]
    public let std: [Float]

    /// - Throws: `DatasetError.impossibleGeometry`
    public init(resize: Int, crop: Int, mean: [Float], std: [Float]) throws {
        guard crop >= 1, resize >= crop, resize <= 16_384 else {
            throw DatasetError.impossibleGeometry("shorter side \(resize), crop \(crop)")
        }
        guard mean.count == 3, std.count == 3, mean.allSatisfy(\.isFinite), std.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw DatasetError.impossibleGeometry("mean \(mean), standard deviation \(std)")
        }
        self.resize = resize
        self.crop = crop
        self.mean = mean
        self.std = std
    }

    /// Floats of one picture: (3, crop, crop)
    public var valuesPerImage: Int { 3 * crop * crop }

    /// The normalised value of every byte, (3, 256): (byte / 255 - mean) / std in single precision.
    public var normalisationTable: [Float] {
        (0..<3).flatMap { channel in (0..<256).map { (Float($0) / 255 - mean[channel]) / std[channel] } }
    }
}

/// From a picture to the normalised (3, S, S) floats that a model reads.
///
/// The test pipeline resizes the shorter side (PIL's antialiased bicubic) and crops the centre. Training takes a random
/// part of the picture instead (area 0.08 to 1, aspect 3/4 to 4/3, as torchvision's RandomResizedCrop) and mirrors half of them.
public struct ImageTransform: Sendable {
    public let geometry: ImageGeometry
    /// Train on random resized crops.
    public let crops: Bool
    /// Mirror with probability 1/2.
    public let flips: Bool
    private let table: [Float]

    public init(geometry: ImageGeometry, crops: Bool = false, flips: Bool = false) {
        self.geometry = geometry
        self.crops = crops
        self.flips = flips
        table = geometry.normalisationTable
    }

    public var isRandom: Bool { crops || flips }

    /// The picture that the test pipeline shows, before normalisation: (S, S, 3).
    public func testView(of image: RGBImage, resizer: inout ImageResizer) throws -> RGBImage {
        let (width, height) = try ImageResizer.sizeWithShorterSide(geometry.resize, of: image)
        let window = PixelBox(
            top: Self.centred(geometry.crop, in: height), left: Self.centred(geometry.crop, in: width),
            height: geometry.crop, width: geometry.crop)
        return try resizer.resize(image, width: width, height: height, window: window)
    }

    /// The picture that training shows, before normalisation, and whether it is to be mirrored.
    func trainingView(
        of image: RGBImage, generator: inout RunGenerator, resizer: inout ImageResizer
    ) throws -> (view: RGBImage, flip: Bool) {
        let view: RGBImage
        if crops {
            let box = Self.randomCrop(width: image.width, height: image.height, generator: &generator)
            view = try resizer.resize(image, box: box, width: geometry.crop, height: geometry.crop)
        } else {
            view = try testView(of: image, resizer: &resizer)
        }
        return (view, flips && generator.uniform() < 0.5)
    }

    /// Writes (3, S, S) floats; the generator is used by a random transform alone.
    public func apply(
        to image: RGBImage, generator: inout RunGenerator, resizer: inout ImageResizer, into out: UnsafeMutablePointer<Float>
    ) throws {
        let (view, flip) = try trainingView(of: image, generator: &generator, resizer: &resizer)
        normalise(view, flip: flip, into: out)
    }

    /// Normalises an (S, S, 3) picture into (3, S, S) floats.
    public func normalise(_ view: RGBImage, flip: Bool = false, into out: UnsafeMutablePointer<Float>) {
        image_normalise(view.storage.pixels, Int32(view.width), Int32(view.height), flip ? 1 : 0, table, out)
    }

    /// round((side - crop) / 2), halves to even.
    static func centred(_ crop: Int, in side: Int) -> Int { Int((Double(side - crop) / 2).rounded(.toNearestOrEven)) }

    private static let area = (low: 0.08, high: 1.0)
    private static let aspect = (low: 3.0 / 4.0, high: 4.0 / 3.0)

    /// A part of the picture of uniform area and log-uniform aspect; the centre, with its aspect clamped, when ten tries do not fit.
    static func randomCrop(width: Int, height: Int, generator: inout RunGenerator) -> PixelBox {
        let logAspect = (low: log(aspect.low), high: log(aspect.high))
        for _ in 0..<10 {
            let target = Double(width) * Double(height) * generator.uniform(area.low, area.high)
            let ratio = exp(generator.uniform(logAspect.low, logAspect.high))
            let w = Int((target * ratio).squareRoot().rounded(.toNearestOrEven))
            let h = Int((target / ratio).squareRoot().rounded(.toNearestOrEven))
            if w > 0, h > 0, w <= width, h <= height {
                return PixelBox(top: generator.below(height - h + 1), left: generator.below(width - w + 1), height: h, width: w)
            }
        }
        var (w, h) = (width, height)
        let ratio = Double(width) / Double(height)
        if ratio < aspect.low {
            h = min(height, max(1, Int((Double(width) / aspect.low).rounded(.toNearestOrEven))))
        } else if ratio > aspect.high {
            w = min(width, max(1, Int((Double(height) * aspect.high).rounded(.toNearestOrEven))))
        }
        return PixelBox(top: (height - h) / 2, left: (width - w) / 2, height: h, width: w)
    }
}
