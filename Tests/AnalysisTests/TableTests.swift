import Foundation
import RunModel
import Testing

@testable import Analysis

struct TableTests {
    @Test func spread() {
        #expect(Spread([]) == nil)
        #expect(Spread([0.5]) == Spread(mean: 0.5, deviation: nil, count: 1))
        let three = Spread([1, 2, 6])
        #expect(three?.mean == 3 && abs((three?.deviation ?? 0) - 7.0.squareRoot()) < 1e-12)
    }

    /// The average's harmonic mean is that of the mean accuracies: the paper's own rows give the paper's own average.
    @Test(arguments: [MethodName.zeroshot, .coop, .cocoop, .maple]) func averages(method: MethodName) throws {
        let datasets = [
            "ImageNet", "Caltech101", "OxfordPets", "StanfordCars", "Flowers102", "Food101", "FGVCAircraft", "SUN397", "DTD",
            "EuroSAT", "UCF101",
        ]
        let scores = try datasets.map { dataset in
            let paper = try #require(PaperFigures.baseToNovel(method, dataset))
            return BaseToNovelScore(
                row: "row", method: method, dataset: dataset, seed: 1, base: paper.base / 100, new: paper.novel / 100)
        }
        let table = BaseToNovelTable(scores, rows: [("row", method)], datasets: datasets)
        #expect(table.lines.count == 12)
        for line in table.lines {
            let paper = try #require(line.paper), figures = try #require(line.figures)
            #expect(abs(100 * figures.base.mean - paper.base) < 0.011, "\(line.dataset)")
            #expect(abs(100 * figures.new.mean - paper.novel) < 0.011, "\(line.dataset)")
            #expect(abs(100 * figures.harmonicMean.mean - paper.harmonicMean) < 0.011, "\(line.dataset)")
        }
        #expect(table.lines.last?.dataset == "Average" && table.lines.last?.datasets == 11)
    }

    @Test func seedsAndAbsentSets() throws {
        func score(_ dataset: String, _ seed: Int, _ base: Double, _ new: Double) -> BaseToNovelScore {
            BaseToNovelScore(row: "a", method: .maple, dataset: dataset, seed: seed, base: base, new: new, generalisedBase: base / 2, generalisedNew: new / 2)
        }
        let scores = [score("x", 1, 0.8, 0.4), score("x", 2, 0.6, 0.6), score("y", 1, 1, 0.5), score("y", 2, 0.8, 0.3)]
        let table = BaseToNovelTable(scores, rows: [("a", .maple), ("b", .coop)], datasets: ["x", "y", "z"])
        let x = try #require(table.lines[0].figures)
        #expect(abs(x.base.mean - 0.7) < 1e-12 && abs(x.new.mean - 0.5) < 1e-12)
        #expect(abs(x.harmonicMean.mean - harmonicMean(0.7, 0.5)) < 1e-12)
        #expect(x.base.count == 2)
        #expect(table.lines[2].figures == nil && table.lines[2].dataset == "z")
        let average = table.lines[3]
        #expect(average.dataset == "Average" && average.datasets == 2)
        #expect(abs((average.figures?.base.mean ?? 0) - 0.8) < 1e-12)
        #expect(abs((average.figures?.harmonicMean.mean ?? 0) - harmonicMean(0.8, 0.45)) < 1e-12)
        // Seeds' averages over x and y: base 0.9 and 0.7.
        #expect(abs((average.figures?.base.deviation ?? 0) - 0.02.squareRoot()) < 1e-12)
        #expect(abs((average.generalised?.base.mean ?? 0) - 0.4) < 1e-12)
        #expect(table.lines[7].figures == nil)
        // One data set needs no average.
        #expect(BaseToNovelTable(scores, rows: [("a", .maple)], datasets: ["x"]).lines.count == 1)
    }

    @Test func transfer() throws {
        let targets = ["ImageNetV2", "ImageNet-Sketch", "ImageNet-A", "ImageNet-R"]
        let scores = try (["ImageNet"] + targets).map {
            TransferScore(
                row: "r", method: .maple, dataset: $0, seed: 1,
                accuracy: try #require(PaperFigures.transfer(.domainGeneralisation, .maple, $0)) / 100)
        }
        let table = TransferTable(scores, kind: .domainGeneralisation, rows: [("r", .maple)], source: "ImageNet", targets: targets)
        #expect(table.lines.count == 6 && table.lines[0].isSource)
        let average = try #require(table.lines.last)
        #expect(abs(100 * (average.accuracy?.mean ?? 0) - (average.paper ?? 0)) < 0.011)
        let ten = [
            "Caltech101", "OxfordPets", "StanfordCars", "Flowers102", "Food101", "FGVCAircraft", "SUN397", "DTD", "EuroSAT", "UCF101",
        ]
        #expect(PaperFigures.transferAverage(.crossDataset, .maple, over: ten) == 66.3)
        #expect(PaperFigures.transfer(.crossDataset, .zeroshot, "DTD") == nil)
        #expect(PaperFigures.baseToNovelAverage(.vision, over: ["ImageNet"] + ten)?.harmonicMean == 76.68)
        // Over other sets the paper has no average.
        #expect(PaperFigures.transferAverage(.crossDataset, .maple, over: Array(ten.dropLast())) == nil)
        #expect(PaperFigures.baseToNovelAverage(.maple, over: ten) == nil)
    }

    @Test func charts() {
        let curve = CurveChart(
            title: "a < b & \"c\"", horizontal: "depth", ticks: ["1", "2", "3"],
            curves: [.init(name: "new", values: [0.5, nil, 0.75]), .init(name: "base", values: [0.6, 0.7, .nan], isDashed: true)])
        #expect(curve.svg.hasPrefix("<svg") && curve.svg.hasSuffix("</svg>\n"))
        #expect(curve.svg.contains("a &lt; b &amp; &quot;c&quot;"))
        // A gap parts a curve; one sound neighbour makes no line.
        #expect(curve.svg.components(separatedBy: "<polyline").count - 1 == 1 + 2)
        #expect(curve.svg.components(separatedBy: "<circle").count - 1 == 4)
        let scatter = ScatterChart(
            title: "t", caption: "c", points: [.zero, SIMD2(1, 2), SIMD2(.nan, 0)], labels: [0, 1, 1], classNames: ["a", "b"])
        #expect(scatter.svg.components(separatedBy: "<circle").count - 1 == 2 + 2)
        // Many colours as well are written as every reader of SVG knows them, and differ.
        let colours = (0..<24).map { VectorGraphic.colour($0, of: 24) }
        #expect(Set(colours).count == 24 && colours.allSatisfy { $0.count == 7 && $0.hasPrefix("#") && Int($0.dropFirst(), radix: 16) != nil })
        #expect(VectorGraphic.number(-0.005) == "-0.01" || VectorGraphic.number(-0.005) == "0")
        #expect(VectorGraphic.number(12.3456) == "12.35" && VectorGraphic.number(3) == "3" && VectorGraphic.number(.nan) == "0")
    }
}
