import RunModel

/// The figures of the paper's tables (Khattak et al., MaPLe, CVPR 2023): ViT-B/16, 16 shots, means of seeds 1 to 3, percent.
///
/// Sources: the reference's README and later papers of its field that reprint the tables row by row; each harmonic mean and
/// each average was recomputed from its rows. The averages of domain generalisation come from later papers. Vision, language and
/// independent prompting are printed as averages over the eleven data sets alone.
public enum PaperFigures {
    /// Accuracies in percent.
    public struct BaseToNovel: Sendable, Equatable, Codable {
        public var base: Double
        public var novel: Double
        public var harmonicMean: Double

        enum CodingKeys: String, CodingKey {
            case base, novel
            case harmonicMean = "harmonic_mean"
        }
    }

    /// The table's row of `method` for a data set by the paper's name; nil where the paper prints none.
    public static func baseToNovel(_ method: MethodName, _ dataset: String) -> BaseToNovel? {
        guard let column = datasets.firstIndex(of: dataset), let row = baseToNovelRows[method] else { return nil }
        let value = row[column]
        return BaseToNovel(base: value.0, novel: value.1, harmonicMean: value.2)
    }

    /// The average over the eleven data sets; its harmonic mean is that of the mean accuracies. Nil for any other `titles`: averages
    /// over unlike sets are no comparison.
    public static func baseToNovelAverage(_ method: MethodName, over titles: [String]) -> BaseToNovel? {
        guard Set(titles) == Set(datasets) else { return nil }
        return averages[method].map { BaseToNovel(base: $0.0, novel: $0.1, harmonicMean: $0.2) }
    }

    /// Accuracy of a model trained on all ImageNet classes, tested on a data set by the paper's name (ImageNet itself included).
    public static func transfer(_ kind: ProtocolKind, _ method: MethodName, _ dataset: String) -> Double? {
        switch kind {
        case .crossDataset: crossDataset[method]?[dataset]
        case .domainGeneralisation: domainGeneralisation[method]?[dataset]
        default: nil
        }
    }

    /// The average over the paper's targets, the source left out; nil for any other `titles`.
    public static func transferAverage(_ kind: ProtocolKind, _ method: MethodName, over titles: [String]) -> Double? {
        let row: [String: Double]? =
            switch kind {
            case .crossDataset: crossDataset[method]
            case .domainGeneralisation: domainGeneralisation[method]
            default: nil
            }
        guard let row, Set(titles) == Set(row.keys).subtracting(["Average", "ImageNet"]) else { return nil }
        return row["Average"]
    }

    private static let datasets = [
        "ImageNet", "Caltech101", "OxfordPets", "StanfordCars", "Flowers102", "Food101", "FGVCAircraft", "SUN397", "DTD", "EuroSAT", "UCF101",
    ]

    /// (base, novel, harmonic mean) in the order of `datasets`.
    private static let baseToNovelRows: [MethodName: [(Double, Double, Double)]] = [
        .zeroshot: [
            (72.43, 68.14, 70.22), (96.84, 94.0, 95.4), (91.17, 97.26, 94.12), (63.37, 74.89, 68.65),
            (72.08, 77.8, 74.83), (90.1, 91.22, 90.66), (27.19, 36.29, 31.09), (69.36, 75.35, 72.23),
            (53.24, 59.9, 56.37), (56.48, 64.05, 60.03), (70.53, 77.5, 73.85),
        ],
        .coop: [
            (76.47, 67.88, 71.92), (98.0, 89.81, 93.73), (93.67, 95.29, 94.47), (78.12, 60.4, 68.13),
            (97.6, 59.67, 74.06), (88.33, 82.26, 85.19), (40.44, 22.3, 28.75), (80.6, 65.89, 72.51),
            (79.44, 41.18, 54.24), (92.19, 54.74, 68.69), (84.69, 56.05, 67.46),
        ],
        .cocoop: [
            (75.98, 70.43, 73.1), (97.96, 93.81, 95.84), (95.2, 97.69, 96.43), (70.49, 73.59, 72.01),
            (94.87, 71.75, 81.71), (90.7, 91.29, 90.99), (33.41, 23.71, 27.74), (79.74, 76.86, 78.27),
            (77.01, 56.0, 64.85), (87.49, 60.04, 71.21), (82.33, 73.45, 77.64),
        ],
        .maple: [
            (76.66, 70.54, 73.47), (97.74, 94.36, 96.02), (95.43, 97.76, 96.58), (72.94, 74.0, 73.47),
            (95.92, 72.46, 82.56), (90.71, 92.05, 91.38), (37.44, 35.61, 36.5), (80.82, 78.7, 79.75),
            (80.36, 59.18, 68.16), (94.07, 73.23, 82.35), (83.0, 78.66, 80.77),
        ],
    ]

    private static let averages: [MethodName: (Double, Double, Double)] = [
        .zeroshot: (69.34, 74.22, 71.7),
        .coop: (82.69, 63.22, 71.66),
        .cocoop: (80.47, 71.69, 75.83),
        .maple: (82.28, 75.14, 78.55),
        .vision: (80.24, 73.43, 76.68),
        .language: (81.72, 73.81, 77.56),
        .independent: (82.15, 74.07, 77.9),
    ]

    private static let crossDataset: [MethodName: [String: Double]] = [
        .coop: [
            "ImageNet": 71.51, "Caltech101": 93.7, "OxfordPets": 89.14, "StanfordCars": 64.51,
            "Flowers102": 68.71, "Food101": 85.3, "FGVCAircraft": 18.47, "SUN397": 64.15,
            "DTD": 41.92, "EuroSAT": 46.39, "UCF101": 66.55, "Average": 63.88,
        ],
        .cocoop: [
            "ImageNet": 71.02, "Caltech101": 94.43, "OxfordPets": 90.14, "StanfordCars": 65.32,
            "Flowers102": 71.88, "Food101": 86.06, "FGVCAircraft": 22.94, "SUN397": 67.36,
            "DTD": 45.73, "EuroSAT": 45.37, "UCF101": 68.21, "Average": 65.74,
        ],
        .maple: [
            "ImageNet": 70.72, "Caltech101": 93.53, "OxfordPets": 90.49, "StanfordCars": 65.57,
            "Flowers102": 72.23, "Food101": 86.2, "FGVCAircraft": 24.74, "SUN397": 67.01,
            "DTD": 46.49, "EuroSAT": 48.06, "UCF101": 68.69, "Average": 66.3,
        ],
    ]

    private static let domainGeneralisation: [MethodName: [String: Double]] = [
        .zeroshot: [
            "ImageNet": 66.73, "ImageNetV2": 60.83, "ImageNet-Sketch": 46.15, "ImageNet-A": 47.77,
            "ImageNet-R": 73.96, "Average": 57.18,
        ],
        .coop: [
            "ImageNet": 71.51, "ImageNetV2": 64.2, "ImageNet-Sketch": 47.99, "ImageNet-A": 49.71,
            "ImageNet-R": 75.21, "Average": 59.28,
        ],
        .cocoop: [
            "ImageNet": 71.02, "ImageNetV2": 64.07, "ImageNet-Sketch": 48.75, "ImageNet-A": 50.63,
            "ImageNet-R": 76.18, "Average": 59.91,
        ],
        .maple: [
            "ImageNet": 70.72, "ImageNetV2": 64.07, "ImageNet-Sketch": 49.15, "ImageNet-A": 50.9,
            "ImageNet-R": 76.98, "Average": 60.27,
        ],
    ]
}
