import Datasets
import Foundation

/// Draws small data sets into a folder: every class has its own colour and stripes, every picture its own noise.
public enum Pictures {
    /// A PNG that depends on `label` and `number` alone.
    public static func write(_ file: String, label: Int, number: Int, side: Int = 36) throws {
        try make(folderOf: file)
        let image = try RGBImage(width: side + number % 3, height: side) { pixels in
            var noise = SeededGenerator(seed: UInt64(label * 100_003 + number))
            let base = [label * 67 % 256, label * 131 % 256, 255 - label * 67 % 256]
            let width = side + number % 3
            for i in pixels.indices {
                let stripe = (i / 3 % width) / (label % 4 + 2) % 2 * 60
                pixels[i] = UInt8(clamping: base[i % 3] + stripe + Int.random(in: -50...50, using: &noise))
            }
        }
        try image.writePNG(toFile: file, compression: 1)
    }

    /// A PNG whose second half is missing.
    public static func writeTruncated(_ file: String, label: Int, number: Int) throws {
        try write(file, label: label, number: number)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: file))
    }

    /// `train/CLASS/N.png` and `test/CLASS/N.png`.
    public static func classFolders(in folder: String, classes: [String], train: Int = 6, test: Int = 3) throws {
        for (label, name) in classes.enumerated() {
            for i in 0..<train { try write("\(folder)/train/\(name)/\(100 + i).png", label: label, number: i) }
            for i in 0..<test { try write("\(folder)/test/\(name)/\(100 + i).png", label: label, number: 500 + i) }
        }
    }

    /// Makes the folder of a file.
    public static func make(folderOf file: String) throws {
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    }
}

/// A small generator whose sequence depends on its seed alone.
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
