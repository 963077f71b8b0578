/// How the data sets' own labels become the names that stand in sentences. Used where a published split file, which holds
/// the edited names already, is not there.
enum ClassNameEdits {
    /// Folders that are not classes.
    static let leftOut: [Benchmark: Set<String>] = [
        .caltech101: ["BACKGROUND_Google", "Faces_easy"]
    ]

    private static let renamed: [Benchmark: [String: String]] = [
        .caltech101: ["airplanes": "airplane", "Faces": "face", "Leopards": "leopard", "Motorbikes": "motorbike"],
        .eurosat: [
            "AnnualCrop": "Annual Crop Land", "Forest": "Forest", "HerbaceousVegetation": "Herbaceous Vegetation Land",
            "Highway": "Highway or Road", "Industrial": "Industrial Buildings", "Pasture": "Pasture Land",
            "PermanentCrop": "Permanent Crop Land", "Residential": "Residential Buildings", "River": "River",
            "SeaLake": "Sea or Lake",
        ],
    ]

    /// The class name of a folder, an action or a label.
    static func name(_ label: String, in benchmark: Benchmark) -> String {
        if let name = renamed[benchmark]?[label] { return name }
        return switch benchmark {
        case .ucf101: camelCaseWords(label)
        case .sun397: sunName(label)
        case .stanfordCars: yearFirst(label)
        default: label
        }
    }

    /// `ApplyEyeMakeup` to `Apply Eye Makeup`: a word begins at each capital, as in the reference; what stands before the first
    /// capital is kept.
    static func camelCaseWords(_ label: String) -> String {
        var words: [String] = []
        for character in label where character != "_" {
            if character.isUppercase || words.isEmpty { words.append("") }
            words[words.count - 1].append(character)
        }
        return words.joined(separator: " ")
    }

    /// `/a/abbey` to `abbey`, `/a/apse/indoor` to `indoor apse`.
    static func sunName(_ label: String) -> String {
        label.split(separator: "/").dropFirst().reversed().joined(separator: " ")
    }

    /// `Acura TL Sedan 2012` to `2012 Acura TL Sedan`.
    static func yearFirst(_ label: String) -> String {
        let words = label.split(separator: " ")
        guard let year = words.last, words.count > 1 else { return label }
        return ([year] + words.dropLast()).joined(separator: " ")
    }

    /// `great_pyrenees_12.jpg` or `Bombay_3` to `great_pyrenees` and `bombay`.
    static func breed(_ image: String) -> String {
        image.split(separator: "_").dropLast().joined(separator: "_").lowercased()
    }
}
