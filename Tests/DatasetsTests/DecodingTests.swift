import Foundation
import TestSupport
import Testing

@testable import Datasets

struct DecodingTests {
    private let source = Places.fixtures.appendingPathComponent("preprocess/src")

    private func fault(_ data: Data, limit: Int = RGBImage.defaultPixelLimit) -> ImageFault? {
        do {
            _ = try RGBImage(decoding: data, path: "x.jpg", pixelLimit: limit)
            return nil
        } catch DatasetError.undecodable(_, let kind, let reason) {
            #expect(!reason.isEmpty && !reason.contains("\n"))
            return kind
        } catch {
            Issue.record("\(error)")
            return nil
        }
    }

    private func pattern(_ width: Int, _ height: Int) throws -> RGBImage {
        try RGBImage(width: width, height: height) { pixels in
            var generator = RunGenerator(seed: 5, "pattern", width, height)
            for i in pixels.indices { pixels[i] = UInt8(truncatingIfNeeded: generator.next()) }
        }
    }

    @Test func pngRoundTrip() throws {
        try Places.withTemporaryFolder { folder in
            for (width, height) in [(1, 1), (1, 17), (63, 2), (77, 197)] {
                let image = try pattern(width, height)
                let path = folder.appendingPathComponent("\(width).png").path
                try image.writePNG(toFile: path)
                #expect(try RGBImage(contentsOfFile: path) == image)
            }
            #expect(throws: DatasetError.self) { try self.pattern(2, 2).writePNG(toFile: folder.path + "/none/x.png") }
        }
    }

    @Test func everyCutOfAFileIsAnErrorOrTheWholeImage() throws {
        for name in ["grey.jpg", "baseline_422_odd.jpg", "progressive_420.jpg", "cmyk.jpg", "palette.png", "grey16.png", "rgba.png", "thin.png"] {
            let data = try Data(contentsOf: source.appendingPathComponent(name))
            let whole = try RGBImage(decoding: data)
            for count in stride(from: 0, to: data.count, by: max(1, data.count / 300)) {
                guard let image = try? RGBImage(decoding: data.prefix(count)) else { continue }
                // Only marks after the last row may be missing.
                #expect(image == whole && count > data.count - 40, "\(name) cut to \(count) of \(data.count)")
            }
            #expect(fault(data.prefix(data.count / 2)) == .truncated, "\(name)")
        }
        #expect(fault(Data()) == .empty)
    }

    @Test func otherFormatsAreNamed() throws {
        func message(_ bytes: [UInt8]) -> String {
            do {
                _ = try RGBImage(decoding: Data(bytes), path: "x")
                return ""
            } catch { return "\(error)" }
        }
        #expect(message(Array("RIFF????WEBPVP8 ".utf8)) == "cannot read image x: unsupported format WebP. Convert it to JPEG or PNG.")
        #expect(message(Array("GIF89a          ".utf8)).contains("GIF"))
        #expect(message(Array("BM0000          ".utf8)).contains("BMP"))
        #expect(message(Array("<html>not found</html>".utf8)).contains("neither JPEG nor PNG"))
        #expect(message([0]).contains("neither JPEG nor PNG"))
    }

    /// Every PNG colour type and depth, transparent where it can be, plain and interlaced: as Pillow 13 converts them to RGB.
    @Test func pngPixelFormats() throws {
        struct Golden: Decodable {
            var name: String
            var png: Data
            var width, height: Int
            var rgb_sha256: String
        }
        let file = Places.fixtures.appendingPathComponent("preprocess/pixel_formats.json")
        let goldens = try JSONDecoder().decode([Golden].self, from: Data(contentsOf: file))
        #expect(goldens.count == 30)
        for golden in goldens {
            let image = try RGBImage(decoding: golden.png)
            #expect(image.width == golden.width && image.height == golden.height)
            #expect(image.withPixels { SHA256.hex(UnsafeRawBufferPointer($0)) } == golden.rgb_sha256, "\(golden.name)")
        }
    }

    /// Sizes that no file of that length can hold are refused before anything of that size is allocated.
    @Test func absurdSizes() throws {
        var jpeg = try Data(contentsOf: source.appendingPathComponent("grey.jpg"))
        let frame = try #require(jpeg.indices.dropLast(9).first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
        for (height, width, expected) in [(65_000, 65_000, ImageFault.tooLarge), (9_000, 9_000, .truncated), (0, 10, .corrupt)] {
            jpeg[frame + 5] = UInt8(height >> 8)
            jpeg[frame + 6] = UInt8(height & 255)
            jpeg[frame + 7] = UInt8(width >> 8)
            jpeg[frame + 8] = UInt8(width & 255)
            #expect(fault(jpeg) == expected, "\(width) x \(height)")
        }
        let png = try Data(contentsOf: source.appendingPathComponent("gradient_landscape.png"))
        for (side, expected) in [(UInt32(0x1000_0000), ImageFault.tooLarge), (9_000, .truncated), (0, .corrupt), (0xFFFF_FFFF, .corrupt)] {
            var header = Array(png[8..<33])
            for offset in [8, 12] {
                for byte in 0..<4 { header[offset + byte] = UInt8(truncatingIfNeeded: side >> UInt32(24 - 8 * byte)) }
            }
            let sum = crc32(header[4..<21])
            for byte in 0..<4 { header[21 + byte] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * byte)) }
            #expect(fault(png.prefix(8) + Data(header) + png.suffix(from: 33)) == expected, "\(side)")
        }
        #expect(fault(try Data(contentsOf: source.appendingPathComponent("rgba.png")), limit: 1000) == .tooLarge)
        #expect(fault(try Data(contentsOf: source.appendingPathComponent("cmyk.jpg")), limit: 1000) == .tooLarge)
    }

    private func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var sum: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : (sum >> 1) ^ 0xEDB8_8320 }
        }
        return ~sum
    }

    /// Damaged files give a picture or an error, never a crash.
    @Test func damagedFiles() throws {
        let names = ["grey.jpg", "baseline_422_odd.jpg", "progressive_420.jpg", "cmyk.jpg", "palette.png", "palette_transparent.png",
            "grey16.png", "bilevel.png", "text.png", "one_pixel.png"]
        let files = try names.map { try Data(contentsOf: source.appendingPathComponent($0)) }
        var refused = 0
        for round in 0..<6000 {
            var generator = RunGenerator(seed: 11, "damage", round)
            var data = files[round % files.count]
            for _ in 0...generator.below(6) {
                // Half of the damage goes to the head, where the structure is.
                let at = generator.below(generator.below(2) == 0 ? min(200, data.count) : data.count)
                switch generator.below(4) {
                case 0: data[at] = UInt8(truncatingIfNeeded: generator.next())
                case 1: data[at] ^= 1 << UInt8(generator.below(8))
                case 2: data[at] = generator.below(2) == 0 ? 0 : 0xFF
                default: if data.count > 20 { data.removeSubrange(at..<min(data.count, at + 1 + generator.below(8))) }
                }
                if data.isEmpty { data = Data([0xFF]) }
            }
            if (try? RGBImage(decoding: data, pixelLimit: 4_000_000)) == nil { refused += 1 }
        }
        #expect(refused > 1000)
    }

    @Test func filesThatAreNone() throws {
        try Places.withTemporaryFolder { folder in
            #expect(throws: DatasetError.self) { try RGBImage(contentsOfFile: folder.path) }
            #expect(throws: DatasetError.self) { try RGBImage(contentsOfFile: folder.path + "/none.jpg") }
            let pipe = folder.path + "/pipe.jpg"
            #expect(mkfifo(pipe, 0o600) == 0)
            #expect(throws: DatasetError.self) { try RGBImage(contentsOfFile: pipe) }
        }
    }

    /// A direct sum in double precision, to which fixed point must come within a level, at odd sizes.
    @Test func resizeAgainstADirectSum() throws {
        func cubic(_ x: Double) -> Double {
            let x = abs(x)
            return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0
        }
        func axis(_ values: [Double], _ count: Int) -> [Double] {
            let scale = Double(values.count) / Double(count), stretch = max(1, scale)
            return (0..<count).map { output in
                let centre = (Double(output) + 0.5) * scale
                var sum = 0.0, weight = 0.0
                for (i, value) in values.enumerated() {
                    // PIL takes the pixels whose middle lies within the support, to the pixel.
                    let w = abs(Double(i) + 0.5 - centre) <= 2 * stretch ? cubic((Double(i) + 0.5 - centre) / stretch) : 0
                    sum += w * value
                    weight += w
                }
                return min(255, max(0, (sum / weight).rounded()))
            }
        }
        func turned(_ rows: [[Double]]) -> [[Double]] { rows[0].indices.map { x in rows.map { $0[x] } } }
        var resizer = ImageResizer()
        for (width, height, newWidth, newHeight) in [(1, 1, 7, 7), (2, 7, 77, 3), (77, 31, 10, 31), (50, 33, 50, 77), (31, 17, 64, 64), (97, 41, 5, 2), (37, 251, 32, 217), (20, 97, 31, 11)] {
            let image = try pattern(width, height)
            let resized = try resizer.resize(image, width: newWidth, height: newHeight)
            let pixels = image.withPixels { Array($0) }
            let downFirst = newHeight < height && height - newHeight > 2 * (width - newWidth)
            for channel in 0..<3 {
                let plane = (0..<height).map { y in (0..<width).map { Double(pixels[3 * (y * width + $0) + channel]) } }
                func across(_ rows: [[Double]]) -> [[Double]] { rows.map { axis($0, newWidth) } }
                func down(_ rows: [[Double]]) -> [[Double]] { turned(turned(rows).map { axis($0, newHeight) }) }
                let expected = downFirst ? across(down(plane)) : down(across(plane))
                for y in 0..<newHeight {
                    for x in 0..<newWidth {
                        let got = resized.withPixels { Double($0[3 * (y * newWidth + x) + channel]) }
                        #expect(abs(got - expected[y][x]) <= 1, "\(width)x\(height) to \(newWidth)x\(newHeight) at \(x), \(y)")
                    }
                }
            }
            // A window is the same pixels as the whole.
            let window = PixelBox(top: newHeight / 3, left: newWidth / 3, height: (newHeight + 1) / 2, width: (newWidth + 1) / 2)
            let part = try resizer.resize(image, width: newWidth, height: newHeight, window: window)
            let cut = try resizer.resize(resized, box: window, width: window.width, height: window.height)
            #expect(part == cut)
        }
        let image = try pattern(5, 5)
        #expect(throws: DatasetError.self) { try resizer.resize(image, box: PixelBox(top: 3, left: 0, height: 3, width: 5), width: 2, height: 2) }
        #expect(throws: DatasetError.self) { try resizer.resize(image, width: 0, height: 2) }
        #expect(try resizer.resizeShorterSide(try pattern(120, 90), to: 224).width == 298)
    }
}
