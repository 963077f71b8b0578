import Foundation

extension Benchmark {
    /// The data set that a folder holds, told by its files and sub-folders; nil for any other.
    ///
    /// A published split file tells at once; so do folders that no other data set has. ImageNet and its copies are told by
    /// class folders `n01440764`; ImageNet-Sketch, whose layout any data set of synset folders has, by its folder's name as well.
    public static func recognise(_ path: String) throws -> Benchmark? {
        let folder = Folder.trimmed(path)
        guard Folder.kind(folder) == .folder else { return nil }
        let names = Set(try Folder.entries(folder))
        if let found = allCases.first(where: { $0.splitFile.map(names.contains) ?? false }) { return found }
        // A split file of another name makes it another data set.
        if names.contains(where: { $0.hasPrefix("split_") && $0.lowercased().hasSuffix(".json") }) { return nil }
        func has(_ wanted: String...) -> Bool { wanted.allSatisfy(names.contains) }
        func isFolder(_ name: String) -> Bool { names.contains(name) && Folder.kind(folder + "/" + name) == .folder }

        for benchmark in [Benchmark.caltech101, .sun397, .eurosat, .ucf101, .imagenetV2, .imagenetA, .imagenetR]
        where isFolder(benchmark.imageFolder) { return benchmark }
        if isFolder("cars_train") || isFolder("cars_test") { return .stanfordCars }
        if has("variants.txt") || has("images_variant_train.txt") { return .fgvcAircraft }
        if isFolder("jpg"), has("imagelabels.mat") || has("cat_to_name.json") { return .oxfordFlowers }
        if isFolder("images") {
            if isFolder("annotations") { return .oxfordPets }
            if isFolder("imdb") || isFolder("labels") { return .dtd }
            if isFolder("meta") { return .food101 }
            let inside = try Folder.folders(folder + "/images")
            if !inside.isEmpty, Set(inside).isSubset(of: ["train", "val"]) {
                let classes = try inside.flatMap { try Folder.folders(folder + "/images/" + $0).prefix(3) }
                if !classes.isEmpty, classes.allSatisfy(isSynset) { return .imagenet }
            }
            // Any data set with synset folders looks like this one: its own name must tell.
            let name = folder.split(separator: "/").last.map { $0.lowercased().filter(\.isLetter) }
            if name == "imagenetsketch", !inside.isEmpty, inside.prefix(3).allSatisfy(isSynset) { return .imagenetSketch }
        }
        return nil
    }

    /// `n01440764`: a WordNet synset.
    static func isSynset(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        return bytes.count == 9 && bytes[0] == UInt8(ascii: "n") && bytes.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
    }

    /// One thing that a data set must hold.
    public struct Part: Sendable, Equatable, Codable {
        /// Relative to the data set's folder.
        public var path: String
        /// What it is and where it comes from.
        public var what: String
        /// Whether the data set can be read without it.
        public var isNeeded: Bool

        enum CodingKeys: String, CodingKey {
            case path, what
            case isNeeded = "needed"
        }
    }

    /// What the complete folder holds, as the reference's guide lays it out.
    public var parts: [Part] {
        let images = Part(path: imageFolder, what: "the images", isNeeded: true)
        func other(_ path: String, _ what: String, needed: Bool = false) -> Part { Part(path: path, what: what, isNeeded: needed) }
        let names = other("classnames.txt", "CLIP's curated names, a line of folder and name for each class; CoOp publishes the file", needed: true)
        var result: [Part]
        switch self {
        case .imagenet:
            result = [
                other("images/train", "the training images in a folder for each synset", needed: true),
                other("images/val", "the validation images, sorted into synset folders: they are tested on", needed: true), names,
            ]
        case .imagenetV2, .imagenetSketch, .imagenetA, .imagenetR: result = [images, names]
        case .fgvcAircraft:
            result = [images] + ["variants.txt", "images_variant_train.txt", "images_variant_val.txt", "images_variant_test.txt"].map {
                other($0, "a list of the release (its folder data/, renamed)", needed: true)
            }
        case .stanfordCars:
            result = [
                other("cars_train", "the training images", needed: true), other("cars_test", "the test images", needed: true),
                other("devkit", "labels of the release; not read where the split file is present"),
                other("cars_test_annos_withlabels.mat", "labels of the release; not read where the split file is present"),
            ]
        case .oxfordPets: result = [images, other("annotations", "trainval.txt and test.txt of the release")]
        case .oxfordFlowers:
            result = [
                images, other("imagelabels.mat", "labels of the release; not read where the split file is present"),
                other("cat_to_name.json", "names of the labels; not read where the split file is present"),
            ]
        case .food101: result = [images, other("meta", "lists of the release; not read")]
        case .dtd: result = [images, other("imdb", "lists of the release; not read"), other("labels", "lists of the release; not read")]
        case .caltech101, .sun397, .eurosat, .ucf101: result = [images]
        }
        if let splitFile { result.append(other(splitFile, "the published division into train, val and test", needed: true)) }
        return result
    }

    /// The parts that a folder lacks.
    public func absentParts(in path: String) -> [Part] {
        let folder = Folder.trimmed(path)
        return parts.filter { !$0.path.isEmpty && Folder.kind(folder + "/" + $0.path) == .absent }
    }
}
