import Dispatch
import Foundation
import Synchronization

/// Writes drawn pictures as an ordinary folder: PNG files with a CoOp split file, or with a captions file.
///
///     let outcome = try DrawnFolder(.figures, seed: 1).write(to: "data/figures")
///     let data = try ImageDataset.open(path: "data/figures")
///
/// A folder appears whole or not at all: it is made under another name beside its place and renamed. `drawn.json` in it says
/// what was drawn, with fingerprints of the drawings and of the files, so that a folder that is there already is used as it
/// is when it holds what would be drawn, and refused otherwise.
public struct DrawnFolder: Sendable {
    public enum Content: Sendable, Equatable {
        case dataset(DrawnDataset)
        /// Pictures of the pretraining world and what they show.
        case captions
    }

    public enum Outcome: Sendable, Equatable { case drawn, usedAsItIs }

    public let content: Content
    public let seed: Int
    /// Images of each class; of captions, images in all.
    public let images: Int

    public static let standardCaptions = 2000
    static let recordName = "drawn.json"
    static let captionsName = "captions.tsv"

    public init(_ dataset: DrawnDataset, seed: Int = 1, imagesPerClass: Int? = nil) {
        self.init(content: .dataset(dataset), seed: seed, images: imagesPerClass ?? dataset.standardImagesPerClass)
    }

    public init(captions: Int = DrawnFolder.standardCaptions, seed: Int = 1) {
        self.init(content: .captions, seed: seed, images: captions)
    }

    private init(content: Content, seed: Int, images: Int) {
        precondition(images > 0, "a folder of no images")
        self.content = content
        self.seed = seed
        self.images = images
    }

    public var name: String {
        switch content {
        case .dataset(let dataset): dataset.rawValue
        case .captions: "captions"
        }
    }

    /// All images that are written.
    public var imageCount: Int {
        switch content {
        case .dataset(let dataset): dataset.classNames.count * images
        case .captions: images
        }
    }

    /// "split_zhou_FiguresNoise.json"; nil for captions.
    public var splitFile: String? {
        guard case .dataset(let dataset) = content else { return nil }
        return "split_zhou_" + dataset.rawValue.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() + ".json"
    }

    // MARK: Writing

    /// Draws into a folder that does not exist (or is empty), or uses the one that is there.
    ///
    /// - Parameter progress: images drawn and images in all; answering false stops and leaves nothing.
    /// - Throws: `DatasetError.drawnFolderDiffers`, `.notWritten`, `.drawingStopped`
    public func write(to path: String, progress: (Int, Int) -> Bool = { _, _ in true }) throws -> Outcome {
        let path = Folder.trimmed(path)
        if try isThere(path) { return .usedAsItIs }
        let place = DrawnPlace(path)
        try place.makeParent()
        place.removeLeftovers()
        func report(_ done: Int) throws {
            guard progress(done, imageCount) else { throw DatasetError.drawingStopped(path: path) }
        }
        do {
            switch content {
            case .dataset(let dataset): try write(dataset, to: place.temporary, report)
            case .captions: try writeCaptions(to: place.temporary, report)
            }
            let record = Record(name: name, seed: seed, images: images, drawings: drawings, files: try files(place.temporary))
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            try DrawnPlace.write(try encoder.encode(record), to: place.temporary + "/" + Self.recordName)
        } catch {
            place.removeTemporary()
            throw error
        }
        guard try place.finish() else {
            // Another process was first; what it drew must be the same.
            place.removeTemporary()
            guard try isThere(path) else { throw DatasetError.notWritten(path: path, reason: "it appeared and went while it was drawn") }
            return .usedAsItIs
        }
        return .drawn
    }

    private func write(_ dataset: DrawnDataset, to folder: String, _ report: (Int) throws -> Void) throws {
        let names = dataset.classNames, shares = DrawnDataset.shares(of: images)
        let folders = names.map { $0.replacing(" ", with: "_") }
        @Sendable func file(_ label: Int, _ number: Int) -> String { String(format: "%@/%04d.png", folders[label], number + 1) }
        let width = max(1, ProcessInfo.processInfo.activeProcessorCount)
        for first in stride(from: 0, to: names.count, by: width) {
            let labels = first..<min(names.count, first + width), fault = Mutex<(any Error)?>(nil)
            DispatchQueue.concurrentPerform(iterations: labels.count) { place in
                do {
                    let label = labels.lowerBound + place, painter = DrawnPainter(side: DrawnWorld.standardSide)
                    try DrawnPlace.makeFolder(folder + "/images/" + folders[label])
                    for number in 0..<images {
                        dataset.paint(label: label, number: number, seed: seed, on: painter)
                        try RGBImage(painter).writePNG(toFile: folder + "/images/" + file(label, number), compression: 3)
                    }
                } catch {
                    fault.withLock { $0 = error }
                }
            }
            if let error = fault.withLock({ $0 }) { throw error }
            try report(labels.upperBound * images)
        }
        func entries(_ numbers: Range<Int>) -> [SplitListing.Entry] {
            names.indices.flatMap { label in
                numbers.map { SplitListing.Entry(path: file(label, $0), label: label, className: names[label]) }
            }
        }
        let ends = (shares.train, shares.train + shares.val)
        let listing = SplitListing(train: entries(0..<ends.0), val: entries(ends.0..<ends.1), test: entries(ends.1..<images))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try DrawnPlace.write(try encoder.encode(listing), to: folder + "/" + (splitFile ?? ""))
    }

    private func writeCaptions(to folder: String, _ report: (Int) throws -> Void) throws {
        try DrawnPlace.makeFolder(folder + "/images")
        let world = DrawnWorld(seed: seed)
        var lines = "# image\tcaption\n"
        for index in 0..<images {
            let (image, caption) = try world.picture(index)
            let file = String(format: "images/%06d.png", index + 1)
            try image.writePNG(toFile: folder + "/" + file)
            lines += "\(file)\t\(caption)\n"
            if index % 50 == 49 || index + 1 == images { try report(index + 1) }
        }
        try DrawnPlace.write(Data(lines.utf8), to: folder + "/" + Self.captionsName)
    }

    // MARK: Knowing a folder again

    /// What `drawn.json` says.
    struct Record: Codable, Equatable {
        var name: String
        var seed: Int
        /// Of each class; of captions, in all.
        var images: Int
        /// Of pixels, painted anew by whoever asks: another version of the program may draw otherwise.
        var drawings: String
        /// Of the files: names, labels, sizes.
        var files: String
    }

    /// SHA-256 over the first picture of every class, or the first pictures and captions.
    public var drawings: String {
        var hash = SHA256()
        let painter = DrawnPainter(side: DrawnWorld.standardSide), count = 3 * painter.side * painter.side
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { bytes in
            guard let first = bytes.baseAddress else { return }
            switch content {
            case .dataset(let dataset):
                for label in dataset.classNames.indices {
                    dataset.paint(label: label, number: 0, seed: seed, on: painter)
                    painter.copy(to: first)
                    hash.update(UnsafeRawBufferPointer(bytes))
                }
            case .captions:
                let world = DrawnWorld(seed: seed)
                for index in 0..<min(50, images) {
                    let (scene, caption) = world.scene(index)
                    painter.paint(scene)
                    painter.copy(to: first)
                    hash.update(UnsafeRawBufferPointer(bytes))
                    hash.update(caption + "\n")
                }
            }
        }
        return hash.finish()
    }

    /// Over what the files of a folder are.
    private func files(_ folder: String) throws -> String {
        if let splitFile { return try ImageDataset.open(path: folder, split: splitFile).fingerprint }
        var hash = SHA256()
        let text = try FileBytes(path: folder + "/" + Self.captionsName)
        hash.update(text.bytes)
        for index in 0..<images {
            hash.update("\(Folder.fileSize(folder + String(format: "/images/%06d.png", index + 1)) ?? -1) ")
        }
        return hash.finish()
    }

    /// Whether the folder holds what would be drawn; false where there is none, or an empty one.
    private func isThere(_ path: String) throws -> Bool {
        switch Folder.kind(path) {
        case .absent: return false
        case .file: throw DatasetError.drawnFolderDiffers(path: path, name: name, reason: "it is a file")
        case .folder: break
        }
        guard let bytes = FileManager.default.contents(atPath: path + "/" + Self.recordName) else {
            if try Folder.entries(path).isEmpty { return false }
            throw DatasetError.drawnFolderDiffers(path: path, name: name, reason: "it holds other files, and no \(Self.recordName)")
        }
        func differs(_ reason: String) -> DatasetError { .drawnFolderDiffers(path: path, name: name, reason: reason) }
        guard let record = try? JSONDecoder().decode(Record.self, from: bytes) else { throw differs("its \(Self.recordName) cannot be read") }
        guard record.name == name else { throw differs("it holds \"\(record.name.prefix(40))\"") }
        guard record.seed == seed else { throw differs("it was drawn from seed \(record.seed), not \(seed)") }
        guard record.images == images else { throw differs("it has \(record.images) images \(splitFile == nil ? "in all" : "of each class"), not \(images)") }
        guard record.drawings == drawings else { throw differs("another version of the program drew it") }
        guard (try? files(path)) == record.files else { throw differs("its files have been changed since they were drawn") }
        return true
    }
}

/// The place of a folder that is made whole: a temporary one beside it, named by the process that makes it.
private struct DrawnPlace {
    let path: String
    let parent: String
    let temporary: String
    private let stem: String

    init(_ path: String) {
        self.path = path
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let before = parts.dropLast().joined(separator: "/")
        parent = parts.count == 1 ? "." : before.isEmpty ? "/" : before
        stem = ".\(parts.last ?? "")."
        temporary = "\(parent)/\(stem)\(getpid()).drawing"
    }

    func makeParent() throws { try Self.makeFolder(parent) }

    static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw DatasetError.notWritten(path: path, reason: errno == 0 ? "the folder cannot be made" : String(cString: strerror(errno)))
        }
    }

    /// What processes that were killed have left.
    func removeLeftovers() {
        removeTemporary()
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
            guard name.hasPrefix(stem), name.hasSuffix(".drawing") else { continue }
            guard let process = Int32(name.dropFirst(stem.count).dropLast(".drawing".count)), kill(process, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(atPath: parent + "/" + name)
        }
    }

    func removeTemporary() { try? FileManager.default.removeItem(atPath: temporary) }

    /// Writes and flushes a file. Pictures are not flushed one by one: what a power cut takes of them shows in their sizes.
    static func write(_ data: Data, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        func fault() -> DatasetError { .notWritten(path: path, reason: String(cString: strerror(errno))) }
        guard descriptor >= 0 else { throw fault() }
        defer { close(descriptor) }
        var rest = data[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw fault() }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw fault() }
    }

    /// Renames; false when another folder has come to the place.
    func finish() throws -> Bool {
        if rename(temporary, path) == 0 { return true }
        if errno == EEXIST || errno == ENOTEMPTY { return false }
        let reason = String(cString: strerror(errno))
        throw DatasetError.notWritten(path: path, reason: reason)
    }
}
