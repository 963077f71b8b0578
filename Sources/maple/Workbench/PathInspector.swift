import Datasets
import Foundation
import Formats
import Screen

/// Says what is found at a path, and lists folders, for the file browser.
enum PathInspector {
    /// The visible entries of a folder, folders first.
    /// - Throws: `BrowseError`.
    static func list(_ path: String) throws -> FolderListing {
        let folder = UserFolders.absolute(path)
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }
        } catch {
            throw BrowseError.unreadable(folder, access(folder, R_OK | X_OK) == 0 ? "not a folder" : String(cString: strerror(errno)))
        }
        // Hints cost a look into each folder: not for thousands of them.
        let hasHints = names.count <= 500
        let entries = names.sorted().map { name -> FolderListing.Entry in
            var status = stat()
            guard stat(folder + "/" + name, &status) == 0 else { return FolderListing.Entry(name: name, isFolder: false, note: "broken link") }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                return FolderListing.Entry(name: name, isFolder: false, note: NumberText.bytes(UInt64(max(0, status.st_size))))
            }
            return FolderListing.Entry(name: name, isFolder: true, note: hasHints ? hint(folder + "/" + name) : "")
        }
        return FolderListing(path: folder, entries: entries.filter(\.isFolder) + entries.filter { !$0.isFolder })
    }

    private static func hint(_ folder: String) -> String {
        func has(_ name: String) -> Bool { access(folder + "/" + name, F_OK) == 0 }
        if has("config.json"), has("vocab.json") || has("tokenizer.json") || has("preprocessor_config.json") { return "model" }
        return has("train") || has("classnames.txt") || has("images") ? "images" : ""
    }

    // MARK: What is there

    /// - Parameter path: of a split file as well, absolute or below the working folder.
    static func describe(_ path: String, _ purpose: PathPurpose) -> PathDescription {
        let place = UserFolders.absolute(path)
        do {
            var found = PathDescription(path: path, purpose: purpose, text: "", isUsable: true)
            switch purpose {
            case .model: (found.text, found.blocks) = try model(place)
            case .data: found.text = try data(place)
            case .split: found.text = try split(place)
            }
            return found
        } catch {
            return PathDescription(path: path, purpose: purpose, text: oneLine(error), isUsable: false)
        }
    }

    private static func oneLine(_ error: any Error) -> String { "\(error)".split(separator: "\n").first.map(String.init) ?? "cannot be read" }

    private static func model(_ path: String) throws -> (text: String, blocks: Int) {
        let folder = try CLIPFolder(path: path, checkingFinite: false)
        let weights = folder.configuration.expectedTensors.reduce(0) { sum, tensor in sum + (folder.weights[tensor.name]?.count ?? 0) }
        let c = folder.configuration
        return ("CLIP \(name(c)), \(c.embeddingWidth) wide, \(count(weights)) weights", min(c.vision.layers, c.text.layers))
    }

    /// ViT-B/16 and its kin by the vision tower's shape.
    static func name(_ c: CLIPConfiguration) -> String {
        let letters = [192: "Ti", 384: "S", 768: "B", 1024: "L", 1280: "H", 1408: "g", 1664: "bigG"]
        let usual = [192: 12, 384: 12, 768: 12, 1024: 24, 1280: 32, 1408: 40, 1664: 48]
        guard let letter = letters[c.vision.width], usual[c.vision.width] == c.vision.layers else {
            return "ViT/\(c.patchSize) of \(c.vision.layers) layers"
        }
        return "ViT-\(letter)/\(c.patchSize)"
    }

    private static func count(_ weights: Int) -> String {
        if weights < 100_000 { return NumberText.grouped(weights) }
        let millions = Double(weights) / 1e6
        return String(format: millions < 9.95 ? "%.1f M" : "%.0f M", millions)
    }

    private static func data(_ path: String) throws -> String {
        let data: ImageDataset
        do {
            data = try ImageDataset.open(path: path)
        } catch DatasetError.severalSplitFiles(_, let names) {
            return "\(names.count) split files: name one in the field below"
        }
        let images = data.train.count + data.val.count + data.test.count
        let layout = data.splitFile == nil ? "class folders" : "split file"
        var text = "\(NumberText.grouped(data.classNames.count)) classes, \(NumberText.grouped(images)) images, \(layout)"
        if let benchmark = data.benchmark { text = "\(benchmark.title): " + text }
        if !data.missing.isEmpty { text += ", \(NumberText.grouped(data.missing.count)) missing" }
        return text
    }

    private static func split(_ path: String) throws -> String {
        let listing = try SplitListing(contentsOfFile: path)
        func count(_ list: [SplitListing.Entry]) -> String { NumberText.grouped(list.count) }
        return "split file: \(count(listing.train)) train, \(count(listing.val)) val, \(count(listing.test)) test images"
    }
}

enum BrowseError: Error, CustomStringConvertible {
    case unreadable(String, String)

    var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be listed: \(reason.lowercased()). Go up (←) and choose another."
        }
    }
}
