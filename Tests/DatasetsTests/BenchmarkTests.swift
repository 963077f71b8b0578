import Foundation
import RunModel
import TestSupport
import Testing

@testable import Datasets

/// Each of the paper's data sets in miniature, in exactly its layout.
struct BenchmarkTests {
    private func split(_ train: [(String, Int, String)], _ val: [(String, Int, String)], _ test: [(String, Int, String)]) -> String {
        func list(_ items: [(String, Int, String)]) -> String {
            "[" + items.map { "[\"\($0.0)\", \($0.1), \"\($0.2)\"]" }.joined(separator: ", ") + "]"
        }
        return "{\"train\": \(list(train)), \"val\": \(list(val)), \"test\": \(list(test))}"
    }

    /// Image paths as the published files have them: relative to the release's image folder.
    private static let published: [(Benchmark, [String], [String])] = [
        (.caltech101, ["face/image_0001.png", "accordion/image_0002.png"], ["face", "accordion"]),
        (.oxfordPets, ["Abyssinian_1.png", "beagle_2.png"], ["abyssinian", "beagle"]),
        (.stanfordCars, ["cars_train/00001.png", "cars_test/00002.png"], ["2000 AM General Hummer SUV", "2012 Acura TL Sedan"]),
        (.oxfordFlowers, ["image_00001.png", "image_00002.png"], ["pink primrose", "hard-leaved pocket orchid"]),
        (.food101, ["apple_pie/1.png", "waffles/2.png"], ["apple_pie", "waffles"]),
        (.sun397, ["a/abbey/s1.png", "a/apse/indoor/s2.png"], ["abbey", "indoor apse"]),
        (.dtd, ["banded/b1.png", "zigzagged/z1.png"], ["banded", "zigzagged"]),
        (.eurosat, ["AnnualCrop/A_1.png", "SeaLake/S_1.png"], ["Annual Crop Land", "Sea or Lake"]),
        (.ucf101, ["Apply_Eye_Makeup/v1.png", "Yo_Yo/v2.png"], ["Apply_Eye_Makeup", "Yo_Yo"]),
    ]

    @Test func publishedSplits() throws {
        for (benchmark, paths, names) in Self.published {
            try Places.withTemporaryFolder { root in
                let folder = root.appendingPathComponent("anything")
                let prefix = benchmark.imageFolder.isEmpty ? "" : benchmark.imageFolder + "/"
                for (i, path) in paths.enumerated() { try Pictures.write(prefix + path, in: folder, seed: i) }
                let text = split([(paths[0], 0, names[0])], [(paths[1], 1, names[1])], [(paths[0], 0, names[0]), (paths[1], 1, names[1])])
                try Pictures.write(text, to: benchmark.splitFile ?? "", in: folder)
                let data = try ImageDataset.open(path: folder.path)
                #expect(data.benchmark == benchmark)
                #expect(data.template == benchmark.template)
                #expect(data.missing.isEmpty, "\(benchmark)")
                #expect(data.classNames == names.map { $0.replacing("_", with: " ") })
                #expect(data.train.count == 1 && data.val.count == 1 && data.test.count == 2)
                #expect(try ImageDataset.open(path: folder.path, split: benchmark.splitFile).fingerprint == data.fingerprint)
            }
        }
    }

    @Test func imageNet() throws {
        try Places.withTemporaryFolder { folder in
            for (i, synset) in ["n01443537", "n01440764"].enumerated() {
                for k in 0..<3 { try Pictures.write("images/train/\(synset)/\(synset)_\(k).png", in: folder, seed: 10 * i + k) }
                try Pictures.write("images/val/\(synset)/v\(i).png", in: folder, seed: 100 + i)
            }
            #expect(throws: DatasetError.self) { try ImageDataset.open(path: folder.path) }
            try Pictures.write("n01440764 tench\nn01443537 goldfish\nn01484850 great white shark\n", to: "classnames.txt", in: folder)
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.benchmark == .imagenet && data.template == "a photo of a {}.")
            #expect(data.classNames == ["tench", "goldfish"])
            #expect(data.train.count == 6 && data.val.isEmpty && data.test.count == 2)
            #expect(data.test[0].path == "val/n01440764/v1.png" && data.test[0].label == 0)
        }
    }

    @Test func shiftedImageNets() throws {
        let names = "n01440764 tench\nn01443537 goldfish\nn01484850 great white shark\n"
        try Places.withTemporaryFolder { folder in
            try Pictures.write(names, to: "classnames.txt", in: folder)
            for label in 0..<3 { try Pictures.write("imagenetv2-matched-frequency-format-val/\(label)/a.png", in: folder, seed: label) }
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.benchmark == .imagenetV2)
            #expect(data.classNames == ["tench", "goldfish", "great white shark"])
            #expect(data.test.map(\.label) == [0, 1, 2] && data.train.isEmpty)
            try Pictures.write("imagenetv2-matched-frequency-format-val/7/a.png", in: folder, seed: 7)
            #expect(throws: DatasetError.self) { try ImageDataset.open(path: folder.path) }
        }
        try Places.withTemporaryFolder { root in
            let kinds: [(String, Benchmark?)] = [("imagenet-sketch", .imagenetSketch), ("photos", nil)]
            for (name, expected) in kinds {
                let folder = root.appendingPathComponent(name)
                try Pictures.write(names, to: "classnames.txt", in: folder)
                for synset in ["n01440764", "n01443537", "n01484850"] {
                    for i in 0..<3 { try Pictures.write("images/\(synset)/\(i).png", in: folder, seed: i) }
                }
                let data = try ImageDataset.open(path: folder.path)
                #expect(data.benchmark == expected && data.classNames.count == 3)
                #expect(data.test.count == (expected == nil ? 3 : 9))
            }
        }
        for (benchmark, inside) in [(Benchmark.imagenetA, "imagenet-a"), (.imagenetR, "imagenet-r")] {
            try Places.withTemporaryFolder { folder in
                try Pictures.write(names, to: "classnames.txt", in: folder)
                try Pictures.write("not a class", to: inside + "/README.txt", in: folder)
                for synset in ["n01443537", "n01484850"] { try Pictures.write("\(inside)/\(synset)/a.png", in: folder, seed: 1) }
                let data = try ImageDataset.open(path: folder.path)
                #expect(data.benchmark == benchmark)
                // Over the names of its own folders alone.
                #expect(data.classNames == ["goldfish", "great white shark"] && data.test.map(\.label) == [0, 1])
            }
        }
    }

    @Test func aircraftLists() throws {
        try Places.withTemporaryFolder { folder in
            for i in 1...4 { try Pictures.write("images/000000\(i).png", in: folder, seed: i) }
            // The release's pictures end in .jpg; the decoder goes by content.
            for i in 1...4 {
                try FileManager.default.moveItem(
                    atPath: folder.path + "/images/000000\(i).png", toPath: folder.path + "/images/000000\(i).jpg")
            }
            try Pictures.write("707-320\nBoeing 717\n", to: "variants.txt", in: folder)
            try Pictures.write("0000001 707-320\n0000002 Boeing 717\n", to: "images_variant_train.txt", in: folder)
            try Pictures.write("0000003 707-320\n", to: "images_variant_val.txt", in: folder)
            try Pictures.write("0000004 Boeing 717\n", to: "images_variant_test.txt", in: folder)
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.benchmark == .fgvcAircraft && data.template == "a photo of a {}, a type of aircraft.")
            #expect(data.classNames == ["707-320", "Boeing 717"])
            #expect(data.train.map(\.label) == [0, 1] && data.val.map(\.label) == [0] && data.test.map(\.label) == [1])
            #expect(try data.check().unreadable.isEmpty)
            try Pictures.write("0000004 Concorde\n", to: "images_variant_test.txt", in: folder)
            #expect(throws: DatasetError.self) { try ImageDataset.open(path: folder.path) }
            try FileManager.default.removeItem(atPath: folder.path + "/images_variant_val.txt")
            #expect(Benchmark.fgvcAircraft.absentParts(in: folder.path).map(\.path) == ["images_variant_val.txt"])
        }
    }

    @Test func sunLists() throws {
        try Places.withTemporaryFolder { folder in
            var train = ""
            for i in 0..<5 {
                for place in ["a/abbey", "a/apse/indoor"] {
                    try Pictures.write("SUN397/\(place)/\(i).png", in: folder, seed: i)
                    if i < 4 { train += "/\(place)/\(i).png\n" }
                }
            }
            try Pictures.write("/a/abbey\n/a/apse/indoor\n", to: "ClassName.txt", in: folder)
            try Pictures.write(train, to: "Training_01.txt", in: folder)
            try Pictures.write("/a/abbey/4.png\n/a/apse/indoor/4.png\n", to: "Testing_01.txt", in: folder)
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.benchmark == .sun397 && data.classNames == ["abbey", "indoor apse"])
            #expect(data.train.count == 6 && data.val.count == 2 && data.test.count == 2 && data.missing.isEmpty)
            #expect(data.warnings.contains { $0.contains("split_zhou_SUN397.json") })
            // The division is kept with a run and reads back as the same data.
            let listing = try #require(data.drawnSplit)
            let again = try ImageDataset.open(root: folder.path, listing: listing, source: "run")
            #expect(again.fingerprint == data.fingerprint && again.template == data.template)
        }
    }

    @Test func ownDivisions() throws {
        try Places.withTemporaryFolder { folder in
            for name in ["BACKGROUND_Google", "Faces", "Faces_easy", "airplanes", "Motorbikes"] {
                for i in 0..<10 { try Pictures.write("101_ObjectCategories/\(name)/\(i).png", in: folder, seed: i) }
            }
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.benchmark == .caltech101)
            #expect(data.classNames == ["face", "motorbike", "airplane"])
            #expect(data.train.count == 15 && data.val.count == 6 && data.test.count == 9)
            #expect(data.drawnSplit != nil && data.missing.isEmpty)
        }
        try Places.withTemporaryFolder { folder in
            for name in ["great_pyrenees", "Bombay"] { for i in 1...6 { try Pictures.write("images/\(name)_\(i).jpg", in: folder, seed: i) } }
            try Pictures.write((1...5).flatMap { ["Bombay_\($0) 1 1 1", "great_pyrenees_\($0) 2 2 1"] }.joined(separator: "\n"), to: "annotations/trainval.txt", in: folder)
            try Pictures.write("Bombay_6 1 1 1\ngreat_pyrenees_6 2 2 1\n", to: "annotations/test.txt", in: folder)
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.benchmark == .oxfordPets && data.classNames == ["bombay", "great pyrenees"])
            #expect(data.train.count == 8 && data.val.count == 2 && data.test.count == 2)
        }
        try Places.withTemporaryFolder { folder in
            try Pictures.write("jpg/image_00001.jpg", in: folder, seed: 1)
            try Pictures.write("{}", to: "cat_to_name.json", in: folder)
            let error = #expect(throws: DatasetError.self) { try ImageDataset.open(path: folder.path) }
            #expect("\(error as Any)".contains("split_zhou_OxfordFlowers.json"))
        }
    }

    @Test func names() {
        #expect(ClassNameEdits.camelCaseWords("ApplyEyeMakeup") == "Apply Eye Makeup")
        #expect(ClassNameEdits.camelCaseWords("YoYo") == "Yo Yo")
        #expect(ClassNameEdits.sunName("/a/apse/indoor") == "indoor apse")
        #expect(ClassNameEdits.yearFirst("Acura TL Sedan 2012") == "2012 Acura TL Sedan")
        #expect(ClassNameEdits.breed("great_pyrenees_12.jpg") == "great_pyrenees")
        #expect(Benchmark(named: "ImageNet-A") == .imagenetA && Benchmark(named: "food-101") == .food101)
        #expect(Benchmark(named: "flowers102") == .oxfordFlowers && Benchmark(named: "cifar10-mini") == nil)
        #expect(Benchmark.classic.count == 11 && Benchmark.shifted.map(\.classCount) == [1000, 1000, 200, 200])
    }

    @Test func badSplits() throws {
        try Places.withTemporaryFolder { folder in
            for i in 0..<12 { try Pictures.write("2750/River/\(i).png", in: folder, seed: i) }
            let here = (0..<12).map { ("River/\($0).png", 0, "River") }
            let gone = (0..<11).map { ("River/gone\($0).png", 0, "River") }
            try Pictures.write(split(here, [], gone), to: "split_zhou_EuroSAT.json", in: folder)
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.missing.count == 11)
            let error = #expect(throws: DatasetError.self) { try data.requireComplete() }
            #expect("\(error as Any)".contains("11 of the 23") && "\(error as Any)".contains("and 1 more"))
            // Told to go on, a draw takes what is there.
            try Pictures.write(split(gone + here, [], here), to: "split_zhou_EuroSAT.json", in: folder)
            let rest = try ImageDataset.open(path: folder.path).withoutMissing()
            #expect(rest.train.count == 12 && rest.missing.isEmpty && rest.warnings.contains { $0.contains("11 of 35 images are missing") })
            #expect((1...5).allSatisfy { seed in rest.fewShot(shots: 12, seed: seed).train.allSatisfy { !$0.path.contains("gone") } })
            try Pictures.write(split(here, [], [("River/1.png", 1, " ")]), to: "split_zhou_EuroSAT.json", in: folder)
            #expect(throws: DatasetError.labelWithoutName(path: folder.path + "/split_zhou_EuroSAT.json", image: "River/1.png", label: 1)) {
                try ImageDataset.open(path: folder.path)
            }
            try Pictures.write(split(here, [], [("River/1.png", 1, "River")]), to: "split_zhou_EuroSAT.json", in: folder)
            #expect(throws: DatasetError.self) { try ImageDataset.open(path: folder.path) }
        }
    }

    @Test func otherFoldersStayThemselves() throws {
        try Places.withTemporaryFolder { folder in
            try Pictures.classFolders(in: folder, classes: ["n01440764", "b"], train: 2, test: 1)
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.benchmark == nil && data.template == nil && data.test.count == 2)
        }
    }
}
