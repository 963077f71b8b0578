import Datasets
import Formats
import Foundation

extension GoldenData {
    private struct PreprocessFile: Decodable {
        struct Image: Decodable {
            var lossy: Bool
            var expected: String
            var decoded: String?
        }
        struct Crop: Decodable {
            var image: String
            var top: Int
            var left: Int
            var height: Int
            var width: Int
            var size: Int
            var expected: String
            var flipped_rgb_sha256: String?
        }
        var target: Int
        var mean: [Float]
        var std: [Float]
        var images: [String: Image]
        var crops: [Crop]
    }

    /// Decoding, resizing, cropping, normalising: sources in `src/`, results in `expected/` and `crops/`.
    static func preprocess(_ path: String) throws -> GoldenResult {
        var c = GoldenComparison("preprocess")
        let file = try JSONDecoder().decode(PreprocessFile.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        let folder = (path as NSString).deletingLastPathComponent
        let transform = ImageTransform(
            geometry: try ImageGeometry(resize: file.target, crop: file.target, mean: file.mean, std: file.std))
        var resizer = ImageResizer()
        for (name, image) in file.images.sorted(by: { $0.key < $1.key }) {
            let source = "\(folder)/src/\(name)"
            guard FileManager.default.fileExists(atPath: source) else { continue }
            let picture = try RGBImage(contentsOfFile: source)
            let expected = try RGBImage(contentsOfFile: "\(folder)/\(image.expected)")
            compare(name, try transform.testView(of: picture, resizer: &resizer), expected, lossy: image.lossy, &c)
            if let decoded = image.decoded {
                let pixels = try RGBImage(contentsOfFile: "\(folder)/\(decoded)")
                compare("\(name) from decoded pixels", try transform.testView(of: pixels, resizer: &resizer), expected, lossy: false, &c)
            }
        }
        for crop in file.crops {
            let source = "\(folder)/src/\(crop.image)"
            guard FileManager.default.fileExists(atPath: source) else { continue }
            let picture = try RGBImage(contentsOfFile: source)
            let box = PixelBox(top: crop.top, left: crop.left, height: crop.height, width: crop.width)
            let view = try resizer.resize(picture, box: box, width: crop.size, height: crop.size)
            let lossy = file.images[crop.image]?.lossy ?? true
            compare(crop.expected, view, try RGBImage(contentsOfFile: "\(folder)/\(crop.expected)"), lossy: lossy, &c)
            let flippedPath = "\(folder)/\(crop.expected.dropLast(4))_flipped.png"
            if FileManager.default.fileExists(atPath: flippedPath) {
                compare("\(crop.expected) flipped", try view.flipped(), try RGBImage(contentsOfFile: flippedPath), lossy: lossy, &c)
            }
        }
        if let lut = try? SafetensorsFile(path: folder + "/normalise_lut.safetensors") {
            c.compare("normalise_lut", transform.geometry.normalisationTable, try lut.tensor("lut").floats(), absolute: 1e-6)
        }
        if let targets = try? SafetensorsFile(path: folder + "/small_targets.safetensors") {
            try smallTargets(targets, folder, file, &resizer, &c)
        }
        return c.result
    }

    /// `rgb_u8/<size>/<name>` and `normalised/<size>/<name>`.
    private static func smallTargets(
        _ targets: SafetensorsFile, _ folder: String, _ file: PreprocessFile, _ resizer: inout ImageResizer,
        _ c: inout GoldenComparison
    ) throws {
        for tensor in targets.names {
            let parts = tensor.split(separator: "/").map(String.init)
            guard parts.count == 3, let size = Int(parts[1]), let image = file.images[parts[2]] else { continue }
            let source = "\(folder)/src/\(parts[2])"
            guard FileManager.default.fileExists(atPath: source), let expected = targets[tensor] else { continue }
            let transform = ImageTransform(
                geometry: try ImageGeometry(resize: size, crop: size, mean: file.mean, std: file.std))
            let view = try transform.testView(of: try RGBImage(contentsOfFile: source), resizer: &resizer)
            if parts[0] == "rgb_u8" {
                let found = view.withPixels { $0.map { Double($0) } }
                c.compare(tensor, found, try expected.integers().map(Double.init), absolute: image.lossy ? 4 : 1)
            } else if !image.lossy {
                var values = [Float](repeating: 0, count: 3 * size * size)
                values.withUnsafeMutableBufferPointer { transform.normalise(view, into: $0.baseAddress!) }
                // One level of a byte is 1/255 over the deviation; equal bytes differ by rounding alone.
                c.compare(tensor, values, try expected.floats(), absolute: 1e-6)
            }
        }
    }

    /// PNG sources: at most one level on any byte. JPEG: mean difference 0.5, and 4 levels on 99.9 % of bytes.
    private static func compare(
        _ name: String, _ found: RGBImage, _ expected: RGBImage, lossy: Bool, _ c: inout GoldenComparison
    ) {
        guard found.width == expected.width, found.height == expected.height else {
            c.fault("\(name) is \(found.width)x\(found.height) where \(expected.width)x\(expected.height) is expected")
            return
        }
        let a = found.withPixels { $0.map { Double($0) } }, b = expected.withPixels { $0.map { Double($0) } }
        guard lossy else {
            c.compare(name, a, b, absolute: 1)
            return
        }
        let differences = zip(a, b).map { abs($0 - $1) }.sorted()
        let mean = differences.reduce(0, +) / Double(differences.count)
        let high = differences[min(differences.count - 1, Int(Double(differences.count) * 0.999))]
        c.compare("\(name), mean and 99.9 % of bytes", [mean / 0.5, high / 4], [0, 0], absolute: 1)
    }
}
