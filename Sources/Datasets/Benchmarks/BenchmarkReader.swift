import Foundation
import RunModel

/// Reads a recognised data set in the layout of its release.
struct BenchmarkReader {
    let benchmark: Benchmark
    let folder: String
    let seed: Int

    func open() throws -> ImageDataset {
        var data: ImageDataset
        if let split = benchmark.splitFile, Folder.kind(folder + "/" + split) == .file {
            data = try published(folder + "/" + split)
        } else {
            data =
                switch benchmark {
                case .imagenet: try imageNet()
                case .imagenetV2: try imageNetV2()
                case .imagenetSketch, .imagenetA, .imagenetR: try imageNetCopy()
                case .fgvcAircraft: try aircraft()
                case .sun397: try sun()
                case .oxfordPets: try pets()
                case .ucf101: try actions()
                case .caltech101, .food101, .dtd, .eurosat: try classFolders()
                case .stanfordCars, .oxfordFlowers: throw incomplete(benchmark.splitFile ?? "")
                }
        }
        data.benchmark = benchmark
        data.template = benchmark.template
        return data
    }

    /// The published split file; paths are relative to the image folder of the release.
    private func published(_ file: String) throws -> ImageDataset {
        let listing = try SplitListing(contentsOfFile: file)
        let root = benchmark.imageFolder.isEmpty ? folder : folder + "/" + benchmark.imageFolder
        guard Folder.kind(root) == .folder else { throw incomplete(benchmark.imageFolder) }
        var data = try listing.dataset(folder: folder, root: root, source: file)
        data.splitFile = file
        return data
    }

    func incomplete(_ path: String) -> DatasetError {
        let what = benchmark.parts.first { $0.path == path }?.what ?? "a part of the release"
        return .benchmarkIncomplete(name: benchmark.title, folder: folder, missing: path, what: what)
    }

    // MARK: ImageNet and its copies

    /// Folder to name, in the file's order.
    private func curatedNames() throws -> [(folder: String, name: String)] {
        guard Folder.kind(folder + "/classnames.txt") == .file else { throw incomplete("classnames.txt") }
        return try lines("classnames.txt").map { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else {
                throw DatasetError.listMalformed(path: folder + "/classnames.txt", line: line, reason: "wants a folder, a space and a name")
            }
            return (String(parts[0]), String(parts[1]))
        }
    }

    private func name(of synset: String, _ names: [String: String]) throws -> String {
        guard let name = names[synset] else {
            throw DatasetError.listMalformed(
                path: folder + "/classnames.txt", line: synset, reason: "is a class folder of the images, but has no name in the file")
        }
        return name
    }

    /// Labels are ranks of the sorted folder names; the validation images are the test images, and there is no val list.
    private func imageNet() throws -> ImageDataset {
        let root = folder + "/images"
        let names = Dictionary(try curatedNames().map { ($0.folder, $0.name) }) { first, _ in first }
        func list(_ part: String) throws -> [String: [String]] {
            guard Folder.kind(root + "/" + part) == .folder else { throw incomplete("images/" + part) }
            return Dictionary(
                try Folder.folders(root + "/" + part).map { synset in
                    (synset, try Folder.images("\(root)/\(part)/\(synset)").map { "\(part)/\(synset)/\($0)" })
                }) { first, _ in first }
        }
        let (train, test) = (try list("train"), try list("val"))
        let classes = Folder.sorted(Array(Set(train.keys).union(test.keys)))
        var warnings: [String] = []
        for synset in classes {
            if train[synset]?.isEmpty ?? true { warnings.append("class folder \(synset) has no images in images/train") }
            if test[synset]?.isEmpty ?? true { warnings.append("class folder \(synset) has no images in images/val") }
        }
        return try made(
            root: root, names: try classes.map { try name(of: $0, names) },
            train: classes.enumerated().flatMap { label, synset in (train[synset] ?? []).map { ($0, label) } }, val: [],
            test: classes.enumerated().flatMap { label, synset in (test[synset] ?? []).map { ($0, label) } }, warnings)
    }

    /// Folders 0 to 999 are line numbers of classnames.txt.
    private func imageNetV2() throws -> ImageDataset {
        let root = folder + "/" + benchmark.imageFolder
        let names = try curatedNames()
        var test: [(String, Int)] = []
        var warnings: [String] = []
        let folders = try Folder.folders(root)
        for (label, _) in names.enumerated() where !folders.contains(String(label)) {
            warnings.append("class folder \(label) is missing in \(benchmark.imageFolder)")
        }
        for class_ in folders {
            guard let label = Int(class_), names.indices.contains(label), String(label) == class_ else {
                throw DatasetError.listMalformed(
                    path: folder + "/classnames.txt", line: class_,
                    reason: "is a class folder, but the file has \(names.count) lines; copy ImageNet's")
            }
            test += try Folder.images(root + "/" + class_).map { ("\(class_)/\($0)", label) }
        }
        test.sort { ($0.1, $0.0) < ($1.1, $1.0) }
        return try made(root: root, names: names.map(\.name), train: [], val: [], test: test, warnings)
    }

    /// Only the classes whose folders are there: ImageNet-A and -R are scored over their 200 names.
    private func imageNetCopy() throws -> ImageDataset {
        let root = folder + "/" + benchmark.imageFolder
        let names = Dictionary(try curatedNames().map { ($0.folder, $0.name) }) { first, _ in first }
        let classes = try Folder.folders(root)
        let test = try classes.enumerated().flatMap { label, synset in
            try Folder.images(root + "/" + synset).map { ("\(synset)/\($0)", label) }
        }
        return try made(
            root: root, names: try classes.map { try name(of: $0, names) }, train: [], val: [], test: test, [])
    }

    // MARK: Lists of a release

    /// Lines without white space at their ends; empty ones are left out.
    func lines(_ file: String) throws -> [String] {
        guard Folder.kind(folder + "/" + file) == .file else { throw incomplete(file) }
        return try TextLines.read(folder + "/" + file)
    }

    /// The label of a class in a list of the release.
    func labels(_ classes: [String], file: String) throws -> [String: Int] {
        var labels: [String: Int] = [:]
        for (label, name) in classes.enumerated() {
            if let first = labels[name] {
                throw DatasetError.nameWithTwoLabels(path: folder + "/" + file, name: name, labels: [first, label])
            }
            labels[name] = label
        }
        return labels
    }

    /// `variants.txt` names the classes in label order; each list has lines of image number, space, class.
    private func aircraft() throws -> ImageDataset {
        let classes = try lines("variants.txt")
        let labels = try labels(classes, file: "variants.txt")
        func list(_ part: String) throws -> [(String, Int)] {
            let file = "images_variant_\(part).txt"
            return try lines(file).map { line in
                let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
                guard parts.count == 2, let label = labels[parts[1]] else {
                    throw DatasetError.listMalformed(
                        path: folder + "/" + file, line: line, reason: "wants an image and a class that variants.txt names")
                }
                return (parts[0] + ".jpg", label)
            }
        }
        return try made(
            root: folder + "/images", names: classes, train: list("train"), val: list("val"), test: list("test"), [])
    }

    /// Without the published split: ClassName.txt and the first partition's lists; a fifth of the training images of each class
    /// is for validation.
    private func sun() throws -> ImageDataset {
        guard Folder.kind(folder + "/ClassName.txt") == .file else { throw incomplete(benchmark.splitFile ?? "ClassName.txt") }
        let classes = try lines("ClassName.txt")
        let labels = try labels(classes, file: "ClassName.txt")
        func list(_ file: String) throws -> [(String, Int)] {
            try lines(file).map { line in
                let folderName = line.split(separator: "/").dropLast().joined(separator: "/")
                guard let label = labels["/" + folderName] else {
                    throw DatasetError.listMalformed(path: folder + "/" + file, line: line, reason: "is in no class of ClassName.txt")
                }
                return (String(line.drop { $0 == "/" }), label)
            }
        }
        let (train, val) = divided(try list("Training_01.txt"), classes: classes.count)
        return try made(
            root: folder + "/SUN397", names: classes.map { ClassNameEdits.name($0, in: .sun397) }, train: train, val: val,
            test: try list("Testing_01.txt"), [unpublished])
    }

    /// Without the published split: the release's lists of image, label (from 1), species and breed number.
    private func pets() throws -> ImageDataset {
        guard Folder.kind(folder + "/annotations/trainval.txt") == .file else { throw incomplete(benchmark.splitFile ?? "") }
        var names: [Int: String] = [:]
        func list(_ file: String) throws -> [(String, Int)] {
            try lines(file).filter { !$0.hasPrefix("#") }.map { line in
                let parts = line.split(separator: " ")
                guard parts.count >= 2, let number = Int(parts[1]), (1...10_000).contains(number) else {
                    throw DatasetError.listMalformed(path: folder + "/" + file, line: line, reason: "wants an image and a label from 1")
                }
                names[number - 1] = ClassNameEdits.breed(String(parts[0]))
                return (parts[0] + ".jpg", number - 1)
            }
        }
        let (trainval, test) = (try list("annotations/trainval.txt"), try list("annotations/test.txt"))
        let count = (names.keys.max() ?? -1) + 1
        guard names.count == count, count > 0 else {
            throw DatasetError.labelGap(
                path: folder + "/annotations/trainval.txt", missing: Array((0..<count).filter { names[$0] == nil }.prefix(10)),
                count: count - names.count, highest: count - 1)
        }
        let (train, val) = divided(trainval, classes: count)
        return try made(
            root: folder + "/images", names: (0..<count).compactMap { names[$0] }, train: train, val: val, test: test, [unpublished])
    }

    /// Without the published split: the first of UCF's own divisions, or, without those lists, class folders.
    private func actions() throws -> ImageDataset {
        guard Folder.kind(folder + "/ucfTrainTestlist/classInd.txt") == .file else { return try classFolders() }
        let classes = try lines("ucfTrainTestlist/classInd.txt").map { line in
            line.split(separator: " ").last.map(String.init) ?? line
        }
        let labels = try labels(classes, file: "ucfTrainTestlist/classInd.txt")
        func list(_ file: String) throws -> [(String, Int)] {
            try lines(file).map { line in
                let parts = (line.split(separator: " ").first ?? "").split(separator: "/").map(String.init)
                guard parts.count == 2, let label = labels[parts[0]] else {
                    throw DatasetError.listMalformed(path: folder + "/" + file, line: line, reason: "wants an action of classInd.txt and a video")
                }
                let action = ClassNameEdits.camelCaseWords(parts[0]).replacing(" ", with: "_")
                return (action + "/" + parts[1].replacing(".avi", with: ".jpg"), label)
            }
        }
        let (train, val) = divided(try list("ucfTrainTestlist/trainlist01.txt"), classes: classes.count)
        return try made(
            root: folder + "/" + benchmark.imageFolder, names: classes.map { ClassNameEdits.name($0, in: .ucf101) }, train: train,
            val: val, test: try list("ucfTrainTestlist/testlist01.txt"), [unpublished])
    }

    // MARK: Divisions of our own

    private var unpublished: String {
        "\(benchmark.splitFile ?? "the split file") is missing: \(benchmark.title) is divided by seed \(seed), so figures cannot be compared with the paper's"
    }

    /// Without the published split: half of each class for training, a fifth for validation, the rest for testing.
    private func classFolders() throws -> ImageDataset {
        let root = folder + "/" + benchmark.imageFolder
        let leftOut = ClassNameEdits.leftOut[benchmark] ?? []
        let classes = try Folder.folders(root).filter { !leftOut.contains($0) }
        var lists: [[(String, Int)]] = [[], [], []]
        for (label, name) in classes.enumerated() {
            let images = try Folder.images(root + "/" + name).map { ("\(name)/\($0)", label) }
            guard !images.isEmpty else { throw DatasetError.emptyClass(folder: root + "/" + name) }
            let shares = ClassFolders.shares(of: images.count)
            let order = shuffled(images, className: name)
            lists[0] += order[..<shares.train]
            lists[1] += order[shares.train..<(shares.train + shares.val)]
            lists[2] += order[(shares.train + shares.val)...]
        }
        guard !classes.isEmpty else { throw incomplete(benchmark.splitFile ?? "") }
        return try made(
            root: root, names: classes.map { ClassNameEdits.name($0, in: benchmark) }, train: lists[0], val: lists[1],
            test: lists[2], [unpublished])
    }

    /// A fifth of each class's training images is for validation, at least one where there are two, as in the reference.
    private func divided(_ items: [(String, Int)], classes: Int) -> (train: [(String, Int)], val: [(String, Int)]) {
        var members: [Int: [(String, Int)]] = [:]
        for item in items { members[item.1, default: []].append(item) }
        var train: [(String, Int)] = [], val: [(String, Int)] = []
        for label in members.keys.sorted() {
            let order = shuffled(members[label] ?? [], className: String(label))
            let count = order.count < 2 ? 0 : max(1, Int((Double(order.count) * 0.2).rounded(.toNearestOrEven)))
            val += order[..<count]
            train += order[count...]
        }
        return (train, val)
    }

    /// Named by the class, so that another class more or less moves nothing here.
    private func shuffled(_ items: [(String, Int)], className: String) -> [(String, Int)] {
        var items = items
        var generator = RunGenerator(seed: seed, RandomPurpose("split " + className))
        generator.shuffle(&items)
        return items
    }

    private func made(
        root: String, names: [String], train: [(String, Int)], val: [(String, Int)], test: [(String, Int)], _ warnings: [String]
    ) throws -> ImageDataset {
        guard Folder.kind(root) == .folder else { throw incomplete(benchmark.imageFolder) }
        guard !(train.isEmpty && test.isEmpty) else { throw DatasetError.noImages(root) }
        // A division of our own is kept with a run; its paths then start at the data set's folder.
        let isDrawn = warnings.contains(unpublished)
        let prefix = isDrawn && !benchmark.imageFolder.isEmpty ? benchmark.imageFolder + "/" : ""
        func items(_ list: [(String, Int)]) throws -> [ImageItem] {
            try list.map { path, label in
                try SplitListing.checkPath(path, folder)
                return ImageItem(path: prefix + path, root: isDrawn ? folder : root, label: label)
            }
        }
        var data = ImageDataset(
            folder: folder, root: isDrawn ? folder : root, classNames: names, train: try items(train), val: try items(val),
            test: try items(test), warnings: warnings)
        if isDrawn {
            func entries(_ items: [ImageItem]) -> [SplitListing.Entry] {
                items.map { .init(path: $0.path, label: $0.label, className: names[$0.label]) }
            }
            data.drawnSplit = SplitListing(train: entries(data.train), val: entries(data.val), test: entries(data.test))
        }
        return data
    }
}
