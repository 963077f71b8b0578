import Foundation
import TestSupport
import Testing

@testable import Datasets

/// The public test pipeline's outcomes, on drawn images (always) and photographs (where they exist).
struct PreprocessGoldenTests {
    struct Goldens: Decodable {
        struct Image: Decodable {
            var decoded_size_wh: [Int]
            var lossy: Bool
            var decoded_rgb_sha256: String
            var decoded: String?
            var expected: String
            var expected_rgb_sha256: String
            var float_sum: Double
            var float_at_0_0: [Double]
        }
        struct Crop: Decodable {
            var image: String
            var top, left, height, width, size: Int
            var expected: String
            var rgb_sha256: String
            var flipped_rgb_sha256: String
            var flipped_float_sum: Double
            var flipped_float_at_0_0: [Double]
        }
        struct Other: Decodable {
            var target: Int
            var image: String
            var expected_rgb_sha256: String
        }
        var target: Int
        var mean: [Float]
        var std: [Float]
        var images: [String: Image]
        var crops: [Crop]
        var other_targets: [Other]
    }

    let folder: URL
    let goldens: Goldens

    init() throws {
        folder = (Places.shared?.appendingPathComponent("goldens/preprocess")) ?? Places.fixtures.appendingPathComponent("preprocess")
        goldens = try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: folder.appendingPathComponent("preprocess.json")))
    }

    func source(_ name: String, _ folder: URL) -> RGBImage? {
        let path = folder.appendingPathComponent("src/" + name).path
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do { return try RGBImage(contentsOfFile: path) } catch {
            Issue.record("\(error)")
            return nil
        }
    }

    func geometry(_ size: Int) throws -> ImageGeometry {
        try ImageGeometry(resize: size, crop: size, mean: goldens.mean, std: goldens.std)
    }

    func hash(_ image: RGBImage) -> String { image.withPixels { SHA256.hex(UnsafeRawBufferPointer($0)) } }

    /// PNG sources: equal. JPEG sources: mean difference at most 0.5 and at most 4 levels on 99.9 % of bytes.
    func expectClose(_ image: RGBImage, _ expected: RGBImage, lossy: Bool, _ name: String) {
        guard image.width == expected.width, image.height == expected.height else {
            Issue.record("\(name): \(image.width) x \(image.height), not \(expected.width) x \(expected.height)")
            return
        }
        if !lossy {
            #expect(image == expected, "\(name)")
            return
        }
        var sum = 0, far = 0
        image.withPixels { a in
            expected.withPixels { b in
                for i in a.indices {
                    let difference = abs(Int(a[i]) - Int(b[i]))
                    sum += difference
                    if difference > 4 { far += 1 }
                }
            }
        }
        #expect(Double(sum) / Double(image.byteCount) <= 0.5, "\(name)")
        #expect(Double(far) <= 0.001 * Double(image.byteCount), "\(name)")
    }

    private func check(_ folder: URL, least: Int) throws {
        var resizer = ImageResizer()
        let transform = ImageTransform(geometry: try geometry(goldens.target))
        var count = 0, equal = 0
        for (name, golden) in goldens.images.sorted(by: { $0.key < $1.key }) {
            guard let image = source(name, folder) else { continue }
            count += 1
            #expect([image.width, image.height] == golden.decoded_size_wh, "\(name)")
            if !golden.lossy { #expect(hash(image) == golden.decoded_rgb_sha256, "\(name) decoded") }
            let view = try transform.testView(of: image, resizer: &resizer)
            if hash(view) == golden.expected_rgb_sha256 { equal += 1 }
            let expected = try RGBImage(contentsOfFile: folder.appendingPathComponent(golden.expected).path)
            expectClose(view, expected, lossy: golden.lossy, name)
            if let decoded = golden.decoded {
                let pixels = try RGBImage(contentsOfFile: folder.appendingPathComponent(decoded).path)
                #expect(hash(try transform.testView(of: pixels, resizer: &resizer)) == golden.expected_rgb_sha256, "\(name) from decoded pixels")
            }
            var values = [Float](repeating: 0, count: transform.geometry.valuesPerImage)
            var generator = RunGenerator(seed: 1, .augmentation)
            try values.withUnsafeMutableBufferPointer {
                try transform.apply(to: image, generator: &generator, resizer: &resizer, into: try #require($0.baseAddress))
            }
            if !golden.lossy {
                let sum = values.reduce(0.0) { $0 + Double($1) }
                #expect(abs(sum - golden.float_sum) < 1e-6 * Double(values.count), "\(name) sum")
                let plane = goldens.target * goldens.target
                for channel in 0..<3 { #expect(abs(Double(values[channel * plane]) - golden.float_at_0_0[channel]) <= 1e-6) }
            }
        }
        #expect(count >= least)
        print("preprocess: \(equal) of \(count) images equal byte for byte")
    }

    private func checkCrops(_ folder: URL, least: Int) throws {
        var resizer = ImageResizer()
        var count = 0
        for crop in goldens.crops {
            guard let image = source(crop.image, folder) else { continue }
            count += 1
            let box = PixelBox(top: crop.top, left: crop.left, height: crop.height, width: crop.width)
            let view = try resizer.resize(image, box: box, width: crop.size, height: crop.size)
            let lossy = !crop.image.hasSuffix(".png")
            if !lossy {
                #expect(hash(view) == crop.rgb_sha256, "\(crop.expected)")
                #expect(hash(try view.flipped()) == crop.flipped_rgb_sha256, "\(crop.expected) flipped")
                let transform = ImageTransform(geometry: try geometry(crop.size))
                var values = [Float](repeating: 0, count: transform.geometry.valuesPerImage)
                try values.withUnsafeMutableBufferPointer {
                    transform.normalise(view, flip: true, into: try #require($0.baseAddress))
                }
                let sum = values.reduce(0.0) { $0 + Double($1) }
                #expect(abs(sum - crop.flipped_float_sum) < 1e-6 * Double(values.count))
                for channel in 0..<3 {
                    #expect(abs(Double(values[channel * crop.size * crop.size]) - crop.flipped_float_at_0_0[channel]) <= 1e-6)
                }
            }
            let expected = try RGBImage(contentsOfFile: folder.appendingPathComponent(crop.expected).path)
            expectClose(view, expected, lossy: lossy, crop.expected)
        }
        #expect(count >= least)
    }

    @Test func drawnImages() throws { try check(Places.fixtures.appendingPathComponent("preprocess"), least: 19) }
    @Test func drawnCrops() throws { try checkCrops(Places.fixtures.appendingPathComponent("preprocess"), least: 6) }

    @Test(.enabled(if: Places.hasShared, "needs ../shared"))
    func photographs() throws {
        try check(folder, least: 23)
        try checkCrops(folder, least: 8)
    }

    @Test func otherTargets() throws {
        var resizer = ImageResizer()
        var count = 0
        for golden in goldens.other_targets where golden.image.hasSuffix(".png") {
            let image = try #require(source(golden.image, Places.fixtures.appendingPathComponent("preprocess")))
            let view = try ImageTransform(geometry: try geometry(golden.target)).testView(of: image, resizer: &resizer)
            #expect(hash(view) == golden.expected_rgb_sha256, "\(golden.image) at \(golden.target)")
            count += 1
        }
        #expect(count >= 26)
    }

    @Test func normalisationTable() throws {
        let tensors = try Tensors(Places.fixtures.appendingPathComponent("preprocess/normalise_lut.safetensors"))
        let table = try geometry(224).normalisationTable
        #expect(tensors.floats("lut") == table)
    }

    @Test(.enabled(if: Places.hasShared, "needs ../shared"))
    func smallTargets() throws {
        let tensors = try Tensors(folder.appendingPathComponent("small_targets.safetensors"))
        var resizer = ImageResizer()
        var count = 0
        for key in tensors.names {
            let parts = key.split(separator: "/", maxSplits: 2).map(String.init)
            let size = try #require(Int(parts[1]))
            let transform = ImageTransform(geometry: try geometry(size))
            let image = try #require(source(parts[2], folder))
            let view = try transform.testView(of: image, resizer: &resizer)
            let lossy = goldens.images[parts[2]]?.lossy ?? true
            if parts[0] == "rgb_u8" {
                let bytes = tensors.bytes(key)
                let expected = try RGBImage(width: size, height: size) { _ = $0.initialize(from: bytes) }
                expectClose(view, expected, lossy: lossy, key)
            } else if !lossy {
                var values = [Float](repeating: 0, count: transform.geometry.valuesPerImage)
                try values.withUnsafeMutableBufferPointer { transform.normalise(view, into: try #require($0.baseAddress)) }
                let worst = zip(values, tensors.floats(key)).map { abs($0 - $1) }.max() ?? 1
                #expect(worst <= 1e-6, "\(key)")
            }
            count += 1
        }
        #expect(count == 69)
    }
}

/// Just enough of the safetensors format for these tests.
struct Tensors {
    private let data: Data
    private let header: [String: [String: Any]]
    private let start: Int

    init(_ file: URL) throws {
        data = try Data(contentsOf: file)
        let length = data.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        start = 8 + length
        header = try JSONSerialization.jsonObject(with: data[8..<start]) as? [String: [String: Any]] ?? [:]
    }

    var names: [String] { header.keys.filter { $0 != "__metadata__" }.sorted() }

    func bytes(_ name: String) -> [UInt8] {
        guard let range = header[name]?["data_offsets"] as? [Int] else { return [] }
        return Array(data[start + range[0]..<start + range[1]])
    }

    func floats(_ name: String) -> [Float] {
        bytes(name).withUnsafeBytes { raw in
            (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
    }
}
