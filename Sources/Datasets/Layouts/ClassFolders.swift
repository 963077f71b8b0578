import Foundation

/// Class folders: a folder of images for each class.
///
/// - `train/`, `val/` (or `valid/`, `validation/`) and `test/` with class folders in each: used as they are. Without `test/`,
///   the validation images are the test images. Such a folder counts only if it holds folders, so a class may be called "train".
/// - otherwise the folders themselves are classes (or those in `train/` when it stands alone, or those in `images/`), and
///   each class is divided by a seed: half for training, a fifth for validation, the rest (at least one image where there
///   are two) for testing, as CoOp divides data sets.
///
/// Labels are ranks of the folder names, sorted by their bytes. A file `classnames.txt` beside the class folders or in the
/// data set's folder (lines of folder name, space, class name) names the classes; else the folder does. Files count by their
/// extension: jpg, jpeg, png in any case. Hidden files and folders within class folders are passed over.
enum ClassFolders {
    static let validationNames = ["val", "valid", "validation"]

    static func open(_ folder: String, seed: Int) throws -> ImageDataset {
        var root = folder
        var top = try Folder.folders(root)
        if try splits(root, top).isEmpty, top.contains("images"), try !Folder.folders(root + "/images").isEmpty,
            try Folder.images(root + "/images").isEmpty
        {
            root += "/images"
            top = try Folder.folders(root)
        }
        let found = try splits(root, top)
        var warnings: [String] = []
        if let test = found["test"] ?? found["val"] {
            let val = found["test"] == nil ? nil : found["val"]
            if found["test"] == nil { warnings.append("no test folder: the images of \(test) are tested on") }
            return try divided(folder, root: root, train: found["train"], val: val, test: test, warnings: warnings)
        }
        if let train = found["train"] {
            warnings.append("no test or val folder: \(train) is divided by seed \(seed)")
            return try drawn(folder, root: root, inside: train + "/", seed: seed, warnings: warnings)
        }
        return try drawn(folder, root: root, inside: "", seed: seed, warnings: warnings)
    }

    /// The split folders that exist, by their usual name.
    private static func splits(_ root: String, _ top: [String]) throws -> [String: String] {
        var found: [String: String] = [:]
        for (usual, names) in [("train", ["train"]), ("val", validationNames), ("test", ["test"])] {
            found[usual] = try names.first { try top.contains($0) && !Folder.folders(root + "/" + $0).isEmpty }
        }
        return found
    }

    private static func divided(
        _ folder: String, root: String, train: String?, val: String?, test: String, warnings: [String]
    ) throws -> ImageDataset {
        var warnings = warnings
        let lists = [train, val, test]
        // (list, class folder) -> paths relative to root
        var files: [[String: [String]]] = []
        for list in lists {
            var classes: [String: [String]] = [:]
            if let list {
                for name in try Folder.folders(root + "/" + list) {
                    classes[name] = try Folder.images(root + "/" + list + "/" + name).map { "\(list)/\(name)/\($0)" }
                }
            }
            files.append(classes)
        }
        let classes = Folder.sorted(Array(Set(files.flatMap(\.keys))))
        guard files.contains(where: { $0.values.contains { !$0.isEmpty } }) else { throw DatasetError.noImages(folder) }
        for name in classes {
            if files.allSatisfy({ $0[name]?.isEmpty ?? true }) {
                let list = zip(lists, files).first { $0.1[name] != nil }?.0 ?? test
                throw DatasetError.emptyClass(folder: "\(root)/\(list)/\(name)")
            }
            for (list, classFiles) in zip(lists, files) {
                if let list, classFiles[name]?.isEmpty ?? true { warnings.append("class \(name) has no images in \(list)") }
            }
        }
        let items = files.map { found in
            classes.enumerated().flatMap { label, name in
                (found[name] ?? []).map { ImageItem(path: $0, root: root, label: label) }
            }
        }
        let names = named(classes, folders: [root, folder], warnings: &warnings)
        return ImageDataset(
            folder: folder, root: root, classNames: names, train: items[0], val: items[1], test: items[2], warnings: warnings)
    }

    private static func drawn(
        _ folder: String, root: String, inside: String, seed: Int, warnings: [String]
    ) throws -> ImageDataset {
        var warnings = warnings
        let home = inside.isEmpty ? root : root + "/" + inside.dropLast()
        let classes = try Folder.folders(home)
        let files = try classes.map { name in try Folder.images(home + "/" + name).map { "\(inside)\(name)/\($0)" } }
        guard files.contains(where: { !$0.isEmpty }) else { throw DatasetError.noImages(folder) }
        if let empty = files.firstIndex(where: \.isEmpty) { throw DatasetError.emptyClass(folder: home + "/" + classes[empty]) }

        var train: [ImageItem] = [], val: [ImageItem] = [], test: [ImageItem] = []
        for (label, paths) in files.enumerated() {
            let counts = shares(of: paths.count)
            var order = Array(paths.indices)
            // Named by the class, so that another class more or less moves nothing here.
            var generator = RunGenerator(seed: seed, RandomPurpose("split " + classes[label]))
            generator.shuffle(&order)
            func part(_ range: Range<Int>) -> [ImageItem] {
                order[range].sorted().map { ImageItem(path: paths[$0], root: root, label: label) }
            }
            train += part(0..<counts.train)
            val += part(counts.train..<counts.train + counts.val)
            test += part(counts.train + counts.val..<paths.count)
        }
        if test.isEmpty { warnings.append("every class has a single image: there is nothing to test on") }
        let names = named(classes, folders: [home, root, folder], warnings: &warnings)
        var data = ImageDataset(
            folder: folder, root: root, classNames: names, train: train, val: val, test: test, warnings: warnings)
        func entries(_ items: [ImageItem]) -> [SplitListing.Entry] {
            items.map { .init(path: $0.path, label: $0.label, className: names[$0.label]) }
        }
        data.drawnSplit = SplitListing(train: entries(train), val: entries(val), test: entries(test))
        return data
    }

    /// How many of a class's images are for training and validation.
    static func shares(of count: Int) -> (train: Int, val: Int) {
        guard count > 1 else { return (count, 0) }
        var train = max(1, Int((Double(count) * 0.5).rounded(.toNearestOrEven)))
        var val = Int((Double(count) * 0.2).rounded(.toNearestOrEven))
        while train + val >= count {
            if val > 0 { val -= 1 } else { train -= 1 }
        }
        return (train, val)
    }

    /// Names from the first `classnames.txt` in `folders` that knows any of the classes; else the folders' own.
    private static func named(_ classes: [String], folders: [String], warnings: inout [String]) -> [String] {
        let wanted = Set(classes)
        for folder in folders {
            guard let lines = try? TextLines.read(folder + "/classnames.txt") else { continue }
            var names: [String: String] = [:]
            for line in lines {
                // Lists may be long, and most of their lines about other classes.
                guard let end = line.utf8.firstIndex(where: { $0 == 0x20 || $0 == 0x09 }) else { continue }
                let key = String(line[..<end])
                if wanted.contains(key) { names[key] = line[end...].trimmingCharacters(in: .whitespaces) }
            }
            let unknown = classes.filter { names[$0] == nil }
            if unknown.count == classes.count { continue }
            if !unknown.isEmpty {
                warnings.append("\(folder)/classnames.txt does not name \(DatasetError.list(unknown)): the folder's name is used")
            }
            return classes.map { names[$0] ?? $0 }
        }
        return classes
    }
}
