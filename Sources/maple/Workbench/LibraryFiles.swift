import Datasets
import Foundation
import RunStore
import Screen

/// Pictures that the library shows and files that it writes.
extension RunLibrary {
    /// A small picture of an image that an evaluation names.
    /// - Parameters:
    ///   - path: relative to `data`, the folder that the evaluation noted.
    /// - Throws: `LibraryError.imageGone` with the place where it was; `DatasetError`.
    func thumbnail(of path: String, under data: String, longestSide: Int = 96) throws -> Thumbnail {
        let place = path.hasPrefix("/") ? path : data + "/" + path
        guard let place = found(place, path, data) else {
            throw LibraryError.imageGone(path: place, isFolderThere: FileManager.default.fileExists(atPath: data))
        }
        let image = try RGBImage(contentsOfFile: place)
        let scale = min(1, Double(longestSide) / Double(max(image.width, image.height)))
        let width = max(1, Int((Double(image.width) * scale).rounded())), height = max(1, Int((Double(image.height) * scale).rounded()))
        var resizer = ImageResizer()
        let small = try resizer.resize(image, width: width, height: height)
        guard let thumbnail = Thumbnail(width: width, height: height, pixels: small.withPixels(Array.init)) else {
            throw DatasetError.impossibleGeometry("a picture of \(width) x \(height) pixels")
        }
        return thumbnail
    }

    /// Some of the paper's data sets keep their images in a folder of their own, such as `images`, that paths do not name.
    private func found(_ place: String, _ path: String, _ data: String) -> String? {
        if FileManager.default.fileExists(atPath: place) { return place }
        let inner = (try? FileManager.default.contentsOfDirectory(atPath: data)) ?? []
        return inner.sorted().prefix(200).map { "\(data)/\($0)/\(path)" }.first { FileManager.default.fileExists(atPath: $0) }
    }

    /// Writes an exported file into the folder of exports; one that is there stays, the new one gets a number.
    /// - Returns: its path.
    /// - Throws: `RunStoreError.system`, `LibraryError.noFreeName`.
    func write(_ text: String, name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: exports, withIntermediateDirectories: true)
        let name = name.map { $0 == "/" || $0 == "\0" ? "-" : String($0) }.joined()
        let dot = name.lastIndex(of: ".") ?? name.endIndex
        for number in 1...9_999 {
            let path = "\(exports)/\(name[..<dot])\(number == 1 ? "" : "-\(number)")\(name[dot...])"
            let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            if descriptor < 0, errno == EEXIST { continue }
            guard descriptor >= 0 else { throw RunStoreError.system(operation: "write", path: path, code: errno) }
            // The name is ours now; what it holds comes whole or not at all.
            close(descriptor)
            do {
                try AtomicFile.write(Array(text.utf8), to: path)
            } catch {
                unlink(path)
                throw error
            }
            return path
        }
        throw LibraryError.noFreeName(path: "\(exports)/\(name)")
    }
}
