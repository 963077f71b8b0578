import Foundation

@testable import Datasets

/// Draws small data sets into a folder.
enum Pictures {
    /// A PNG whose pixels depend on `seed` alone.
    static func write(_ path: String, in folder: URL, seed: Int, width: Int = 9, height: Int = 7) throws {
        let file = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        let image = try RGBImage(width: width, height: height) { pixels in
            var generator = RunGenerator(seed: seed, "picture")
            for i in pixels.indices { pixels[i] = UInt8(truncatingIfNeeded: generator.next()) }
        }
        try image.writePNG(toFile: file.path, compression: 1)
    }

    static func write(_ text: String, to path: String, in folder: URL) throws {
        let file = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// `train/CLASS/N.png` and `test/CLASS/N.png`.
    static func classFolders(in folder: URL, classes: [String], train: Int, test: Int, width: Int = 9, height: Int = 7) throws {
        for (label, name) in classes.enumerated() {
            for i in 0..<train {
                try write("train/\(name)/\(100 + i).png", in: folder, seed: label * 1000 + i, width: width, height: height)
            }
            for i in 0..<test {
                try write("test/\(name)/\(100 + i).png", in: folder, seed: label * 1000 + 500 + i, width: width, height: height)
            }
        }
    }
}
