import Foundation
import RunModel

/// One image of a data set.
public struct ImageItem: Sendable, Equatable, Hashable {
    /// Relative to the image folder.
    public let path: String
    /// The image folder, absolute.
    public let root: String
    /// An index into the data set's class names.
    public let label: Int

    public init(path: String, root: String, label: Int) {
        self.path = path
        self.root = root
        self.label = label
    }

    public var absolutePath: String { root + "/" + path }
}

/// A folder of labelled images, divided into train, val and test.
///
///     let data = try ImageDataset.open(path: "data/pets", split: nil)
///     let base = data.fewShot(shots: 16, seed: 1).cut(to: .base)
///
/// The fifteen data sets of the paper are known by their layouts (see `Benchmark`). Any other is read in one of two: a CoOp
/// split file (see `SplitListing`), and class folders (see `ClassFolders`); a folder with both is read through its split file. Labels run from 0 without gaps and index `classNames`.
///
/// The order of operations is the reference's: read the full split, draw few-shot sets, then cut the classes; another order
/// draws other images.
public struct ImageDataset: Sendable {
    /// The folder's name.
    public var name: String
    /// The data set's folder as it was opened.
    public var folder: String
    /// The folder that item paths are relative to.
    public var root: String
    /// The split file that was read; nil for class folders.
    public var splitFile: String?
    /// By label; underscores are spaces.
    public var classNames: [String]
    public var train: [ImageItem]
    public var val: [ImageItem]
    public var test: [ImageItem]
    /// Paths that the split file lists and the folder lacks. They stay in the lists; a loader treats them as unreadable, and training
    /// refuses them unless the session allows it, and then draws without them (`withoutMissing`).
    public var missing: [String]
    /// One line each, for people.
    public var warnings: [String]
    /// SHA-256 over class names and every image's list, path, label and file size; the folder's place does not matter.
    public var fingerprint: String
    /// The seeded division of class folders that had none of their own, to be kept with a run; nil otherwise.
    public var drawnSplit: SplitListing?
    /// Which of the paper's data sets this is; nil for any other.
    public var benchmark: Benchmark?
    /// The data set's own sentence for zero-shot CLIP, `{}` standing for the class name; nil where none is known.
    public var template: String?

    /// The images of one list.
    public func items(of subset: ImageSubset) -> [ImageItem] {
        switch subset {
        case .train: return train
        case .val: return val
        case .test: return test
        }
    }

    /// Opens a data set's folder.
    ///
    /// - Parameters:
    ///   - split: a split file, relative to `path` or absolute; nil takes the folder's only `split_*.json`, else its class folders.
    ///   - seed: divides class folders that have no test or val folder; the same seed gives the same division everywhere.
    /// - Throws: `DatasetError`
    public static func open(path: String, split: String? = nil, seed: Int = 1) throws -> ImageDataset {
        let folder = Folder.trimmed(path)
        switch Folder.kind(folder) {
        case .folder: break
        case .file: throw DatasetError.notAFolder(folder)
        case .absent: throw DatasetError.missingFolder(folder)
        }
        let benchmark = try Benchmark.recognise(folder)
        if let split {
            let file = split.hasPrefix("/") ? split : folder + "/" + split
            if let benchmark, let published = benchmark.splitFile, file == folder + "/" + published {
                return try BenchmarkReader(benchmark: benchmark, folder: folder, seed: seed).open()
            }
            return try open(folder: folder, splitFile: file)
        }
        let found = try Folder.entries(folder).filter { $0.hasPrefix("split_") && $0.lowercased().hasSuffix(".json") }
        if let benchmark, found.count < 2 {
            return try BenchmarkReader(benchmark: benchmark, folder: folder, seed: seed).open()
        }
        switch found.count {
        case 0: return try ClassFolders.open(folder, seed: seed)
        case 1: return try open(folder: folder, splitFile: folder + "/" + found[0])
        default: throw DatasetError.severalSplitFiles(folder: folder, names: found)
        }
    }

    /// Opens a folder through a listing that was kept, such as a run's copy of `drawnSplit`.
    ///
    /// - Parameter root: the folder that the listing's paths are relative to.
    public static func open(root: String, listing: SplitListing, source: String) throws -> ImageDataset {
        let folder = Folder.trimmed(root)
        guard Folder.kind(folder) == .folder else { throw DatasetError.missingFolder(folder) }
        var data = try listing.dataset(folder: folder, root: folder, source: source, namesAreUnique: false)
        data.drawnSplit = listing
        data.benchmark = try Benchmark.recognise(folder)
        data.template = data.benchmark?.template
        return data
    }

    /// For work whose figures must be comparable: images that the lists name must be there.
    /// - Throws: `DatasetError.imagesMissing` with their count and the first ten.
    public func requireComplete() throws {
        guard !missing.isEmpty else { return }
        throw DatasetError.imagesMissing(
            source: splitFile ?? folder, root: root, first: Array(missing.prefix(10)), count: missing.count,
            total: train.count + val.count + test.count)
    }

    /// The lists without the images that are missing, for training that goes on all the same: a draw then takes what is there.
    public func withoutMissing() -> ImageDataset {
        guard !missing.isEmpty else { return self }
        let absent = Set(missing)
        var data = self
        data.train.removeAll { absent.contains($0.path) }
        data.val.removeAll { absent.contains($0.path) }
        data.test.removeAll { absent.contains($0.path) }
        data.missing = []
        return data
    }

    /// A line on the classes that have fewer training images than a draw asks for; nil when all have enough. The draw takes
    /// all of theirs, as the reference's does.
    public func belowShots(_ shots: Int?) -> String? {
        guard let shots else { return nil }
        var counts = [Int](repeating: 0, count: classNames.count)
        for item in train where counts.indices.contains(item.label) { counts[item.label] += 1 }
        let short = counts.indices.filter { counts[$0] < shots }
        guard !short.isEmpty else { return nil }
        let names = DatasetError.list(short.map { "\(classNames[$0]) (\(counts[$0]))" })
        return "\(short.count == 1 ? "1 class has" : "\(short.count) classes have") fewer than \(shots) training images, all of theirs are used: \(names)"
    }

    private static func open(folder: String, splitFile: String) throws -> ImageDataset {
        guard Folder.kind(splitFile) == .file else { throw DatasetError.splitFileMissing(splitFile) }
        let listing = try SplitListing(contentsOfFile: splitFile)
        let root = listing.imageRoot(splitFile: splitFile, folder: folder)
        var data = try listing.dataset(folder: folder, root: root, source: splitFile)
        data.splitFile = splitFile
        return data
    }

    /// Builds a data set from checked lists, finding missing files and the fingerprint.
    init(folder: String, root: String, classNames: [String], train: [ImageItem], val: [ImageItem], test: [ImageItem], warnings: [String]) {
        self.name = folder.split(separator: "/").last.map(String.init) ?? folder
        self.folder = folder
        self.root = root
        self.classNames = classNames.map(Self.cleaned)
        self.train = train
        self.val = val
        self.test = test
        self.warnings = warnings
        missing = []
        var hash = SHA256()
        hash.update("maple data 1\n")
        for name in self.classNames { hash.update("class\t\(name)\n") }
        for (list, items) in [("train", train), ("val", val), ("test", test)] {
            for item in items {
                let size = Folder.fileSize(item.absolutePath)
                if size == nil { missing.append(item.path) }
                hash.update("\(list)\t\(item.path)\t\(item.label)\t\(size ?? -1)\n")
            }
        }
        fingerprint = hash.finish()
        let count = train.count + val.count + test.count
        if !missing.isEmpty {
            self.warnings.append("\(missing.count) of \(count) images are missing under \(root): \(DatasetError.list(missing))")
        }
        var seen: [String: Int] = [:]
        for (label, name) in self.classNames.enumerated() {
            if let first = seen[name] {
                self.warnings.append("classes \(first) and \(label) have the same name \"\(name)\": no prompt can tell them apart")
            }
            seen[name] = label
        }
    }

    /// Underscores are spaces; runs of white space are one space.
    static func cleaned(_ name: String) -> String {
        name.split { $0 == "_" || $0.isWhitespace }.joined(separator: " ")
    }

    /// Keeps `shots` training images per class and min(shots, 4) validation images, drawn as the reference draws them;
    /// nil keeps all. Call before `cut`.
    public func fewShot(shots: Int?, seed: Int) -> ImageDataset {
        guard let shots, shots > 0 else { return self }
        let draw = drawFewShot(trainLabels: train.map(\.label), valLabels: val.map(\.label), shots: shots, seed: seed)
        var data = self
        data.train = draw.train.map { train[$0] }
        data.val = draw.val.map { val[$0] }
        return data
    }

    /// Keeps the base or new half of the classes and numbers them from 0 again.
    public func cut(to subset: ClassSubset) -> ImageDataset {
        guard subset != .all else { return self }
        let cut = ClassCut(labels: 0..<classNames.count, subset: subset)
        func kept(_ items: [ImageItem]) -> [ImageItem] {
            items.compactMap { item in
                cut.newLabel(of: item.label).map { ImageItem(path: item.path, root: item.root, label: $0) }
            }
        }
        var data = self
        data.classNames = cut.labels.map { classNames[$0] }
        data.train = kept(train)
        data.val = kept(val)
        data.test = kept(test)
        return data
    }
}
