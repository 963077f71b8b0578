import Foundation

/// Everything that can be wrong with an image, a data set's folder or a split file.
public enum DatasetError: Error, Sendable, Equatable {
    // One image
    case unreadableFile(path: String, reason: String)
    case undecodable(path: String?, kind: ImageFault, reason: String)
    case notWritten(path: String, reason: String)
    case impossibleGeometry(String)

    // A folder
    case missingFolder(String)
    case notAFolder(String)
    case noImages(String)
    case emptyClass(folder: String)
    case severalSplitFiles(folder: String, names: [String])

    // A split file
    case splitFileMissing(String)
    case splitFileMalformed(path: String, reason: String)
    case splitEntryMalformed(path: String, list: String, index: Int, reason: String)
    case negativeLabel(path: String, image: String, label: Int)
    case escapingPath(path: String, image: String)
    case labelWithTwoNames(path: String, label: Int, names: [String])
    case nameWithTwoLabels(path: String, name: String, labels: [Int])
    /// `missing` holds the first ten of `count`.
    case labelGap(path: String, missing: [Int], count: Int, highest: Int)
    case labelWithoutName(path: String, image: String, label: Int)
    /// `first` holds at most ten of `count`.
    case imagesMissing(source: String, root: String, first: [String], count: Int, total: Int)
    case noImageOfSplitExists(path: String, root: String, count: Int, first: String)

    // One of the paper's data sets
    case benchmarkIncomplete(name: String, folder: String, missing: String, what: String)
    case listMalformed(path: String, line: String, reason: String)

    // A drawn folder
    case drawnFolderDiffers(path: String, name: String, reason: String)
    case drawingStopped(path: String)

    // Use
    case noReadableImage(className: String, count: Int, first: String)
    case nothingToLoad(String)
}

/// What kind of fault a decoder met.
public enum ImageFault: String, Sendable, Equatable, Codable {
    case empty, truncated, corrupt, tooLarge, unsupported, outOfMemory
}

extension DatasetError: CustomStringConvertible, LocalizedError {
    public var errorDescription: String? { description }

    /// Names in errors are data: a line feed in one must not break the line.
    public var description: String { wording.replacing("\n", with: "\\n") }

    /// One line: what is wrong, where, and what to do.
    private var wording: String {
        switch self {
        case .unreadableFile(let path, let reason):
            return "cannot read \(path): \(reason). Check the file and its permissions."
        case .undecodable(let path, let kind, let reason):
            return "cannot read \(path.map { "image \($0)" } ?? "an image"): \(reason). \(Self.remedy(kind))"
        case .notWritten(let path, let reason):
            return "cannot write \(path): \(reason). Check the folder and the free space."
        case .impossibleGeometry(let reason):
            return "impossible image geometry: \(reason). Check the model's preprocessing settings."

        case .missingFolder(let path):
            return "the data folder \(path) does not exist. Check the path."
        case .notAFolder(let path):
            return "\(path) is a file where a data folder is expected. Name the folder that holds the images."
        case .noImages(let path):
            return "\(path) holds no class folders with JPEG or PNG images and no split file."
                + " Arrange the images as train/CLASS/*.jpg and test/CLASS/*.jpg, or name a split file."
        case .emptyClass(let folder):
            return "the class folder \(folder) holds no JPEG or PNG images. Add images or remove the folder."
        case .severalSplitFiles(let folder, let names):
            return "\(folder) holds \(names.count) split files: \(Self.list(names)). Name one with --split."

        case .splitFileMissing(let path):
            return "the split file \(path) does not exist. Check the name, or leave it out to read class folders."
        case .splitFileMalformed(let path, let reason):
            return "\(path) is not a split file: \(reason)."
                + " It must be an object with lists train, val and test of [path, label, class name]."
        case .splitEntryMalformed(let path, let list, let index, let reason):
            return "\(path): entry \(index) of \(list) \(reason). Each entry must be [path, label, class name]."
        case .negativeLabel(let path, let image, let label):
            return "\(path): image \(image) has the negative label \(label). Number the classes 0, 1, 2, ..."
        case .escapingPath(let path, let image):
            return "\(path): the path \(image) leaves the image folder. Use paths relative to the images, without \"..\"."
        case .labelWithTwoNames(let path, let label, let names):
            return "\(path): label \(label) has several names: \(Self.list(names)). Give each label one name."
        case .nameWithTwoLabels(let path, let name, let labels):
            return "\(path): class \"\(name)\" has several labels: \(Self.list(labels.map(String.init))). Give each class one label."
        case .labelGap(let path, let missing, let count, let highest):
            let names = missing.map(String.init).joined(separator: ", ") + (count > missing.count ? " and \(count - missing.count) more" : "")
            return "\(path): labels run to \(highest), but no image has label \(names). Number the classes 0, 1, 2, ... without gaps."
        case .noImageOfSplitExists(let path, let root, let count, let first):
            return "none of the \(count) images that \(path) lists exists under \(root) (first: \(first))."
                + " Unpack the images beside the split file."

        case .labelWithoutName(let path, let image, let label):
            return "\(path): image \(image) has label \(label) without a class name. Write the name as the entry's third part."
        case .imagesMissing(let source, let root, let first, let count, let total):
            let names = first.joined(separator: ", ") + (count > first.count ? " and \(count - first.count) more" : "")
            return "\(count) of the \(total) images that \(source) lists are missing under \(root): \(names)."
                + " Complete the download, or set data.allow_missing (--allow-missing, allow_missing in a protocol) to go on without them."

        case .benchmarkIncomplete(let name, let folder, let missing, let what):
            return "\(folder) looks like \(name), but lacks \(missing) (\(what)). Put it at \(folder)/\(missing)."
        case .listMalformed(let path, let line, let reason):
            return "\(path): \"\(line.prefix(80))\" \(reason). Is the release complete?"

        case .drawnFolderDiffers(let path, let name, let reason):
            return "\(path) exists and is not \(name) as it would be drawn now: \(reason). Remove it, or name another folder."
        case .drawingStopped(let path):
            return "drawing into \(path) was stopped; nothing is left of it. Start the same command again."

        case .noReadableImage(let name, let count, let first):
            return "class \"\(name)\" has no readable image left: \(count) of \(count) cannot be decoded (first: \(first))."
                + " Replace them or remove the class."
        case .nothingToLoad(let reason):
            return "there is nothing to load: \(reason). Choose other classes or another part of the data set."
        }
    }

    private static func remedy(_ kind: ImageFault) -> String {
        switch kind {
        case .empty, .truncated: return "Is the download complete?"
        case .corrupt: return "Fetch or export the file again."
        case .tooLarge: return "Scale it down."
        case .unsupported: return "Convert it to JPEG or PNG."
        case .outOfMemory: return "Free memory or scale the image down."
        }
    }

    /// The first ten, and how many more.
    static func list(_ names: [String]) -> String {
        names.prefix(10).joined(separator: ", ") + (names.count > 10 ? " and \(names.count - 10) more" : "")
    }
}
