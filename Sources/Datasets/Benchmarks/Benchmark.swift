/// The fifteen data sets that CoOp, Co-CoOp and MaPLe are compared on.
///
/// Raw values are the reference's configuration names. The first eleven make up the base-to-novel protocol; the last four
/// are shifted copies of ImageNet, for testing alone.
public enum Benchmark: String, Sendable, Equatable, Codable, CaseIterable {
    case imagenet
    case caltech101
    case oxfordPets = "oxford_pets"
    case stanfordCars = "stanford_cars"
    case oxfordFlowers = "oxford_flowers"
    case food101
    case fgvcAircraft = "fgvc_aircraft"
    case sun397
    case dtd
    case eurosat
    case ucf101
    case imagenetV2 = "imagenetv2"
    case imagenetSketch = "imagenet_sketch"
    case imagenetA = "imagenet_a"
    case imagenetR = "imagenet_r"

    /// The eleven of the base-to-novel protocol, in the paper's order.
    public static let classic: [Benchmark] = Array(allCases.prefix(11))
    /// The four of the domain generalisation protocol.
    public static let shifted: [Benchmark] = Array(allCases.suffix(4))

    /// The paper's name.
    public var title: String { facts.title }
    /// The folder's name below a data root.
    public var folder: String { facts.folder }
    /// Classes of the complete data set.
    public var classCount: Int { facts.classes }
    /// Images of the complete data set in train, val and test; 0 where a list does not exist.
    public var imageCounts: (train: Int, val: Int, test: Int) { (facts.train, facts.val, facts.test) }

    /// The sentence of zero-shot CLIP.
    public var template: String {
        switch self {
        case .oxfordPets: "a photo of a {}, a type of pet."
        case .oxfordFlowers: "a photo of a {}, a type of flower."
        case .food101: "a photo of {}, a type of food."
        case .fgvcAircraft: "a photo of a {}, a type of aircraft."
        case .dtd: "{} texture."
        case .eurosat: "a centered satellite photo of {}."
        case .ucf101: "a photo of a person doing {}."
        default: "a photo of a {}."
        }
    }

    /// The published split file; nil where folders or lists divide the images.
    public var splitFile: String? {
        switch self {
        case .caltech101: "split_zhou_Caltech101.json"
        case .oxfordPets: "split_zhou_OxfordPets.json"
        case .stanfordCars: "split_zhou_StanfordCars.json"
        case .oxfordFlowers: "split_zhou_OxfordFlowers.json"
        case .food101: "split_zhou_Food101.json"
        case .sun397: "split_zhou_SUN397.json"
        case .dtd: "split_zhou_DescribableTextures.json"
        case .eurosat: "split_zhou_EuroSAT.json"
        case .ucf101: "split_zhou_UCF101.json"
        default: nil
        }
    }

    /// The folder that holds the images, relative to the data set's; empty for the data set's own.
    public var imageFolder: String {
        switch self {
        case .imagenet, .oxfordPets, .food101, .fgvcAircraft, .dtd, .imagenetSketch: "images"
        case .caltech101: "101_ObjectCategories"
        case .stanfordCars: ""
        case .oxfordFlowers: "jpg"
        case .sun397: "SUN397"
        case .eurosat: "2750"
        case .ucf101: "UCF-101-midframes"
        case .imagenetV2: "imagenetv2-matched-frequency-format-val"
        case .imagenetA: "imagenet-a"
        case .imagenetR: "imagenet-r"
        }
    }

    /// By the reference's name, the paper's or the folder's, in any case; hyphens and underscores do not count.
    public init?(named name: String) {
        func plain(_ text: String) -> String { text.lowercased().filter { $0.isLetter || $0.isNumber } }
        let wanted = plain(name)
        let match = Self.allCases.first { plain($0.rawValue) == wanted || plain($0.title) == wanted || plain($0.folder) == wanted }
        guard let match else { return nil }
        self = match
    }

    private struct Facts {
        var title: String
        var folder: String
        var classes: Int
        var train: Int
        var val: Int
        var test: Int
    }

    private var facts: Facts {
        func facts(_ title: String, _ folder: String, _ classes: Int, _ train: Int, _ val: Int, _ test: Int) -> Facts {
            Facts(title: title, folder: folder, classes: classes, train: train, val: val, test: test)
        }
        return switch self {
        case .imagenet: facts("ImageNet", "imagenet", 1000, 1_281_167, 0, 50_000)
        case .caltech101: facts("Caltech101", "caltech-101", 100, 4128, 1649, 2465)
        case .oxfordPets: facts("OxfordPets", "oxford_pets", 37, 2944, 736, 3669)
        case .stanfordCars: facts("StanfordCars", "stanford_cars", 196, 6509, 1635, 8041)
        case .oxfordFlowers: facts("Flowers102", "oxford_flowers", 102, 4093, 1633, 2463)
        case .food101: facts("Food101", "food-101", 101, 50_500, 20_200, 30_300)
        case .fgvcAircraft: facts("FGVCAircraft", "fgvc_aircraft", 100, 3334, 3333, 3333)
        case .sun397: facts("SUN397", "sun397", 397, 15_880, 3970, 19_850)
        case .dtd: facts("DTD", "dtd", 47, 2820, 1128, 1692)
        case .eurosat: facts("EuroSAT", "eurosat", 10, 13_500, 5400, 8100)
        case .ucf101: facts("UCF101", "ucf101", 101, 7639, 1898, 3783)
        case .imagenetV2: facts("ImageNetV2", "imagenetv2", 1000, 0, 0, 10_000)
        case .imagenetSketch: facts("ImageNet-Sketch", "imagenet-sketch", 1000, 0, 0, 50_889)
        case .imagenetA: facts("ImageNet-A", "imagenet-adversarial", 200, 0, 0, 7500)
        case .imagenetR: facts("ImageNet-R", "imagenet-rendition", 200, 0, 0, 30_000)
        }
    }
}
