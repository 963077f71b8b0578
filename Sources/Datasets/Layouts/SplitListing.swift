import Foundation

/// A CoOp split file: an object with lists `train`, `val` and `test` of [relative path, label, class name].
///
/// Paths are relative to `images/` beside the file where that folder exists, else to the file's folder. When none of the
/// first images is found there, the data set's folder and the file's sub-folders are tried: the published files of some
/// data sets are relative to a folder of another name.
public struct SplitListing: Sendable, Equatable, Codable {
    public struct Entry: Sendable, Equatable, Codable {
        public var path: String
        public var label: Int
        public var className: String

        private enum Part: Int, CodingKey { case path, label, className }

        public init(path: String, label: Int, className: String) {
            self.path = path
            self.label = label
            self.className = className
        }

        public init(from decoder: Decoder) throws {
            var list = try decoder.unkeyedContainer()
            path = try list.decode(String.self)
            do {
                label = try list.decode(Int.self)
            } catch let error as DecodingError {
                throw error
            } catch {
                // A number that is no integer is told by an error of the parser's own, without its place.
                let place = list.codingPath + [Part.label]
                throw DecodingError.typeMismatch(Int.self, .init(codingPath: place, debugDescription: "a number that is no integer"))
            }
            className = try list.decode(String.self)
            guard list.isAtEnd else {
                throw DecodingError.dataCorruptedError(in: list, debugDescription: "has more than three parts")
            }
        }

        public func encode(to encoder: Encoder) throws {
            var list = encoder.unkeyedContainer()
            try list.encode(path)
            try list.encode(label)
            try list.encode(className)
        }
    }

    public var train: [Entry]
    public var val: [Entry]
    public var test: [Entry]

    public init(train: [Entry], val: [Entry], test: [Entry]) {
        self.train = train
        self.val = val
        self.test = test
    }

    enum CodingKeys: String, CodingKey, CaseIterable { case train, val, test }

    /// Lists that are absent are empty; one at least must be there.
    public init(from decoder: Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        guard CodingKeys.allCases.contains(where: object.contains) else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "it has no list train, val or test"))
        }
        train = try object.decodeIfPresent([Entry].self, forKey: .train) ?? []
        val = try object.decodeIfPresent([Entry].self, forKey: .val) ?? []
        test = try object.decodeIfPresent([Entry].self, forKey: .test) ?? []
    }

    /// - Throws: `DatasetError.splitFileMalformed` and `.splitEntryMalformed`, which name the list and the entry.
    public init(contentsOfFile path: String) throws {
        let file = try FileBytes(path: path)
        try self.init(json: Data(file.bytes), path: path)
    }

    init(json: Data, path: String) throws {
        do {
            self = try JSONDecoder().decode(SplitListing.self, from: json)
        } catch let error as DecodingError {
            throw Self.worded(error, path)
        } catch {
            throw DatasetError.splitFileMalformed(path: path, reason: "it is not JSON")
        }
    }

    private static func worded(_ error: DecodingError, _ file: String) -> DatasetError {
        let context: DecodingError.Context
        var reason: String
        switch error {
        case .typeMismatch(let type, let found):
            (context, reason) = (found, "holds something else than \(noun(type))")
        case .valueNotFound(let type, let found):
            (context, reason) = (found, "lacks \(noun(type))")
        case .keyNotFound(_, let found): (context, reason) = (found, "is incomplete")
        case .dataCorrupted(let found): (context, reason) = (found, found.debugDescription)
        @unknown default: return .splitFileMalformed(path: file, reason: "it cannot be read")
        }
        let keys = context.codingPath
        guard let list = keys.first?.stringValue else {
            if case .dataCorrupted = error, reason.hasPrefix("it ") { return .splitFileMalformed(path: file, reason: reason) }
            return .splitFileMalformed(path: file, reason: reason.hasPrefix("holds") ? "it is not an object" : "it is not valid JSON")
        }
        guard keys.count > 1, let index = keys[1].intValue else {
            return .splitFileMalformed(path: file, reason: "\(list) is not a list")
        }
        if keys.count > 2, let part = keys[2].intValue, part < 3 {
            let parts = ["path", "label", "class name"]
            if case .valueNotFound = error {
                reason = "has no \(parts[part])"
            } else {
                reason = "has a \(parts[part]) that is not \(part == 1 ? "an integer" : "text")"
            }
        }
        return .splitEntryMalformed(path: file, list: list, index: index, reason: reason)
    }

    private static func noun(_ type: Any.Type) -> String {
        type == String.self ? "text" : type == Int.self ? "an integer" : "a list"
    }

    /// The folder that the paths are relative to.
    func imageRoot(splitFile: String, folder: String) -> String {
        let beside = splitFile.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let home = beside.isEmpty ? (splitFile.hasPrefix("/") ? "" : ".") : beside
        let images = home + "/images"
        let usual = Folder.kind(images) == .folder ? images : home
        let probes = (train.prefix(5) + val.prefix(5) + test.prefix(5)).map(\.path)
        func holdsSome(_ root: String) -> Bool { probes.contains { Folder.fileSize(root + "/" + $0) != nil } }
        if holdsSome(usual) { return usual }
        var others = [home, folder + "/images", folder]
        others += ((try? Folder.folders(home)) ?? []).map { home + "/" + $0 }
        return others.first(where: holdsSome) ?? usual
    }

    /// Checks the entries and makes a data set of them.
    ///
    /// - Parameter namesAreUnique: whether two labels of one name are an error, as in a split file that a person made.
    func dataset(folder: String, root: String, source: String, namesAreUnique: Bool = true) throws -> ImageDataset {
        var names: [Int: String] = [:]
        var labels: [String: Int] = [:]
        func items(_ entries: [Entry]) throws -> [ImageItem] {
            try entries.map { entry in
                try Self.checkPath(entry.path, source)
                guard entry.label >= 0 else {
                    throw DatasetError.negativeLabel(path: source, image: entry.path, label: entry.label)
                }
                guard entry.className.contains(where: { !$0.isWhitespace && $0 != "_" }) else {
                    throw DatasetError.labelWithoutName(path: source, image: entry.path, label: entry.label)
                }
                if let name = names[entry.label] {
                    guard name == entry.className else {
                        throw DatasetError.labelWithTwoNames(path: source, label: entry.label, names: [name, entry.className])
                    }
                } else {
                    names[entry.label] = entry.className
                    // As prompts read it: underscores are spaces.
                    let clean = ImageDataset.cleaned(entry.className)
                    if namesAreUnique, let label = labels[clean] {
                        throw DatasetError.nameWithTwoLabels(path: source, name: clean, labels: [label, entry.label])
                    }
                    labels[clean] = entry.label
                }
                return ImageItem(path: entry.path, root: root, label: entry.label)
            }
        }
        let (train, val, test) = (try items(train), try items(val), try items(test))
        guard let highest = names.keys.max() else {
            throw DatasetError.splitFileMalformed(path: source, reason: "its lists are empty")
        }
        let absent = highest + 1 - names.count
        if absent > 0 {
            // At most as many steps as there are labels, however high they run.
            let first = Array((0..<highest).lazy.filter { names[$0] == nil }.prefix(10))
            throw DatasetError.labelGap(path: source, missing: first, count: absent, highest: highest)
        }
        let data = ImageDataset(
            folder: folder, root: root, classNames: (0...highest).compactMap { names[$0] }, train: train, val: val, test: test, warnings: [])
        let count = train.count + val.count + test.count
        if data.missing.count == count, let first = data.missing.first {
            throw DatasetError.noImageOfSplitExists(path: source, root: root, count: count, first: first)
        }
        return data
    }

    static func checkPath(_ path: String, _ source: String) throws {
        let isInside = !path.isEmpty && !path.hasPrefix("/") && !path.utf8.contains(0)
            && !path.utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
        guard isInside else { throw DatasetError.escapingPath(path: source, image: path) }
    }
}
