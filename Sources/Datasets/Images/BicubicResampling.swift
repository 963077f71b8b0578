import CImageCodecs
import Foundation

/// Which source pixels each output pixel along one axis is made of, and with which weights.
///
/// The antialiased bicubic of PIL's `Image.resize` on 8-bit pictures: the cubic with a = -0.5 is stretched by the
/// scale when shrinking (support 2 x scale), weights are normalised to a sum of 1 and rounded to 22-bit fixed point.
struct AxisWeights {
    /// Entries per output pixel in `weights`.
    private(set) var taps = 0
    /// (outputs) first source pixel
    private(set) var first: [Int32] = []
    /// (outputs) source pixels used
    private(set) var count: [Int32] = []
    /// (outputs, taps)
    private(set) var weights: [Int32] = []
    /// What the weights were made for; they are kept while it stays the same.
    private var key: Key?

    private struct Key: Equatable {
        var source: Int
        var target: Int
        var window: Range<Int>
    }

    private static let precision = 22

    /// Prepares the outputs `window` of an axis that maps `source` pixels to `target` pixels.
    mutating func prepare(source: Int, target: Int, window: Range<Int>) {
        let wanted = Key(source: source, target: target, window: window)
        if key == wanted { return }
        key = wanted
        let scale = Double(source) / Double(target)
        let stretch = max(scale, 1)
        let support = 2 * stretch
        taps = Int(support.rounded(.up)) * 2 + 1
        first.removeAll(keepingCapacity: true)
        count.removeAll(keepingCapacity: true)
        weights.removeAll(keepingCapacity: true)
        weights.reserveCapacity(taps * window.count)
        var exact = [Double](repeating: 0, count: taps)
        for output in window {
            let centre = (Double(output) + 0.5) * scale
            let low = max(0, Int(centre - support + 0.5))
            let high = min(source, Int(centre + support + 0.5))
            let used = min(taps, high - low)
            var sum = 0.0
            for k in 0..<used {
                exact[k] = Self.cubic((Double(k + low) - centre + 0.5) * (1 / stretch))
                sum += exact[k]
            }
            first.append(Int32(low))
            count.append(Int32(used))
            for k in 0..<taps {
                guard k < used else {
                    weights.append(0)
                    continue
                }
                let value = (sum != 0 ? exact[k] / sum : exact[k]) * Double(1 << Self.precision)
                weights.append(Int32(value < 0 ? value - 0.5 : value + 0.5))
            }
        }
    }

    /// Source pixels that the prepared outputs touch.
    var sourceRange: Range<Int> {
        guard let start = first.first, let lastFirst = first.last, let lastCount = count.last else { return 0..<0 }
        return Int(start)..<Int(lastFirst + lastCount)
    }

    /// Source rows, `stride` bytes apart, become rows of the prepared outputs without gaps. The source starts at pixel `from`.
    func runHorizontally(
        _ source: UnsafePointer<UInt8>, from: Int, stride: Int, rows: Int, into out: UnsafeMutablePointer<UInt8>
    ) {
        image_resample_horizontal(
            source, stride, Int32(rows), Int32(first.count), Int32(taps), shifted(from), count, weights, out)
    }

    /// Source rows, `stride` bytes apart, become the prepared output rows without gaps. The source starts at row `from`.
    func runVertically(
        _ source: UnsafePointer<UInt8>, from: Int, stride: Int, rowBytes: Int, into out: UnsafeMutablePointer<UInt8>
    ) {
        image_resample_vertical(
            source, stride, Int32(rowBytes), Int32(first.count), Int32(taps), shifted(from), count, weights, out)
    }

    private func shifted(_ from: Int) -> [Int32] { from == 0 ? first : first.map { $0 - Int32(from) } }

    private static func cubic(_ at: Double) -> Double {
        let a = -0.5
        let x = abs(at)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
        return 0
    }
}

/// A rectangle of pixels, from the top left corner.
public struct PixelBox: Sendable, Equatable {
    public var top: Int
    public var left: Int
    public var height: Int
    public var width: Int

    public init(top: Int, left: Int, height: Int, width: Int) {
        self.top = top
        self.left = left
        self.height = height
        self.width = width
    }
}

/// Cuts and resizes pictures, keeping its weights and buffers from one to the next. One per thread.
///
/// Results equal PIL's byte for byte: a horizontal pass, rounded and clipped to 8 bits, then a vertical one (the other way round
/// where the height loses more than twice as many pixels as the width, as since Pillow 13); a pass that would change
/// nothing is left out.
public struct ImageResizer {
    private var across = AxisWeights()
    private var down = AxisWeights()
    private var middle: [UInt8] = []

    public init() {}

    /// Resizes the part `box` of `image` to `width` x `height` and returns the part `window` of the outcome.
    ///
    /// - Throws: `DatasetError.impossibleGeometry` when the box leaves the image or the window the outcome.
    public mutating func resize(
        _ image: RGBImage, box: PixelBox? = nil, width: Int, height: Int, window: PixelBox? = nil
    ) throws -> RGBImage {
        let window = window ?? PixelBox(top: 0, left: 0, height: height, width: width)
        return try RGBImage(width: window.width, height: window.height) { out in
            guard let target = out.baseAddress else { return }
            try resize(image, box: box, width: width, height: height, window: window, into: target)
        }
    }

    /// The shorter side becomes `side`, the other floor(side x long / short).
    public mutating func resizeShorterSide(_ image: RGBImage, to side: Int) throws -> RGBImage {
        let (width, height) = try Self.sizeWithShorterSide(side, of: image)
        return try resize(image, width: width, height: height)
    }

    static func sizeWithShorterSide(_ side: Int, of image: RGBImage) throws -> (width: Int, height: Int) {
        let (short, long) = (min(image.width, image.height), max(image.width, image.height))
        let (product, over) = side.multipliedReportingOverflow(by: long)
        guard side > 0, short > 0, !over, product / short <= Int(Int32.max) / 8 else {
            throw DatasetError.impossibleGeometry("resizing \(image.width) x \(image.height) pixels to a shorter side of \(side)")
        }
        return image.width <= image.height ? (side, product / short) : (product / short, side)
    }

    /// As `resize`, into (window.height, window.width, 3) bytes that are followed by padding when `into` came from an `RGBImage`.
    mutating func resize(
        _ image: RGBImage, box: PixelBox?, width: Int, height: Int, window: PixelBox, into out: UnsafeMutablePointer<UInt8>
    ) throws {
        let box = box ?? PixelBox(top: 0, left: 0, height: image.height, width: image.width)
        guard Self.contains(box, width: image.width, height: image.height) else {
            throw DatasetError.impossibleGeometry("cutting \(box) from \(image.width) x \(image.height) pixels")
        }
        guard width > 0, height > 0, width <= Int(Int32.max) / 8, height <= Int(Int32.max) / 8,
            Self.contains(window, width: width, height: height)
        else { throw DatasetError.impossibleGeometry("keeping \(window) of \(width) x \(height) pixels") }

        let stride = image.width * 3
        let source = image.storage.pixels + box.top * stride + box.left * 3
        let needsAcross = width != box.width, needsDown = height != box.height
        if needsAcross { across.prepare(source: box.width, target: width, window: window.left..<window.left + window.width) }
        if needsDown { down.prepare(source: box.height, target: height, window: window.top..<window.top + window.height) }

        let wholeRows = window.top..<window.top + window.height, wholeColumns = window.left..<window.left + window.width
        // The part of the cut picture that is read.
        let rows = needsDown ? down.sourceRange : wholeRows, columns = needsAcross ? across.sourceRange : wholeColumns
        let start = source + rows.lowerBound * stride + columns.lowerBound * 3
        let outBytes = window.width * 3
        switch (needsAcross, needsDown) {
        case (false, false):
            for y in 0..<window.height { memcpy(out + y * outBytes, start + y * stride, outBytes) }
        case (true, false):
            across.runHorizontally(start, from: columns.lowerBound, stride: stride, rows: window.height, into: out)
        case (false, true):
            down.runVertically(start, from: rows.lowerBound, stride: stride, rowBytes: outBytes, into: out)
        case (true, true):
            // Pillow 13's rule; the order shows where the first pass is clipped at 0 or 255.
            let downFirst = height < box.height && box.height - height > 2 * (box.width - width)
            let between = downFirst ? (columns.count, window.height) : (window.width, rows.count)
            let (bytes, over) = (between.0 * 3).multipliedReportingOverflow(by: between.1)
            guard !over, bytes <= Int(Int32.max) else {
                throw DatasetError.impossibleGeometry("resizing \(box.width) x \(box.height) pixels to \(width) x \(height)")
            }
            if middle.count < bytes + Int(IMAGE_PADDING) { middle = [UInt8](repeating: 0, count: bytes + Int(IMAGE_PADDING)) }
            let (across, down) = (across, down)
            middle.withUnsafeMutableBufferPointer { buffer in
                guard let middle = buffer.baseAddress else { return }
                let middleStride = between.0 * 3
                if downFirst {
                    down.runVertically(start, from: rows.lowerBound, stride: stride, rowBytes: middleStride, into: middle)
                    across.runHorizontally(middle, from: columns.lowerBound, stride: middleStride, rows: window.height, into: out)
                } else {
                    across.runHorizontally(start, from: columns.lowerBound, stride: stride, rows: rows.count, into: middle)
                    down.runVertically(middle, from: rows.lowerBound, stride: middleStride, rowBytes: outBytes, into: out)
                }
            }
        }
    }

    private static func contains(_ box: PixelBox, width: Int, height: Int) -> Bool {
        box.top >= 0 && box.left >= 0 && box.width > 0 && box.height > 0
            && box.width <= width && box.height <= height && box.top <= height - box.height && box.left <= width - box.width
    }
}
