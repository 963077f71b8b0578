import Foundation
import RunModel
import TestSupport
import Testing

@testable import Datasets

/// What `maple data check` says of each of the fifteen layouts: whole, and with parts and pictures missing.
struct BenchmarkCheckTests {
    private static let synsets = "n01440764 tench\nn01443537 goldfish\nn01484850 great white shark\n"

    /// Writes a miniature of two classes (three in ImageNetV2) in exactly the release's layout: in train two pictures of each
    /// class, in val one, in test one, where the data set has such lists.
    private static func write(_ benchmark: Benchmark, _ folder: URL) throws {
        var seed = 0
        func picture(_ path: String) throws {
            seed += 1
            try Pictures.write(path, in: folder, seed: seed)
        }
        func text(_ text: String, _ path: String) throws { try Pictures.write(text, to: path, in: folder) }
        let images = benchmark.imageFolder
        switch benchmark {
        case .imagenet:
            for synset in ["n01440764", "n01443537"] {
                for i in 0..<2 { try picture("images/train/\(synset)/\(i).png") }
                try picture("images/val/\(synset)/v.png")
            }
            try text(synsets, "classnames.txt")
        case .imagenetV2:
            for label in 0..<3 { try picture("\(images)/\(label)/a.png") }
            try text(synsets, "classnames.txt")
        case .imagenetSketch, .imagenetA, .imagenetR:
            for synset in ["n01440764", "n01443537"] { try picture("\(images)/\(synset)/a.png") }
            try text(synsets, "classnames.txt")
        case .fgvcAircraft:
            try text("707-320\nBoeing 717\n", "variants.txt")
            var lists = ["train": "", "val": "", "test": ""]
            for (i, list) in ["train", "train", "train", "train", "val", "val", "test", "test"].enumerated() {
                try picture("images/\(1000 + i).jpg")
                lists[list]? += "\(1000 + i) \(i % 2 == 0 ? "707-320" : "Boeing 717")\n"
            }
            for (list, lines) in lists { try text(lines, "images_variant_\(list).txt") }
        default:
            var lists: [String: [String]] = [:]
            for (list, count) in [("train", 2), ("val", 1), ("test", 1)] {
                for label in 0..<2 {
                    for i in 0..<count {
                        let path = benchmark == .stanfordCars ? "cars_\(list == "test" ? "test" : "train")/\(list)\(label)\(i).jpg" : "thing\(label)/\(list)\(i).jpg"
                        try picture(images.isEmpty ? path : "\(images)/\(path)")
                        lists[list, default: []].append("[\"\(path)\", \(label), \"thing \(label)\"]")
                    }
                }
            }
            let json = lists.map { "\"\($0.key)\": [\($0.value.joined(separator: ", "))]" }.joined(separator: ", ")
            try text("{\(json)}", try #require(benchmark.splitFile))
        }
        for part in benchmark.parts where !part.path.isEmpty && Folder.kind(folder.path + "/" + part.path) == .absent {
            // Folders and label files that are not read.
            try text("", part.path.contains(".") ? part.path : part.path + "/README")
        }
    }

    private static func withMiniature(_ benchmark: Benchmark, _ body: (URL) throws -> Void) throws {
        try Places.withTemporaryFolder { root in
            let folder = root.appendingPathComponent(benchmark.folder)
            try write(benchmark, folder)
            try body(folder)
        }
    }

    @Test(arguments: Benchmark.allCases) func whole(benchmark: Benchmark) throws {
        try Self.withMiniature(benchmark) { folder in
            let report = try ImageDataset.open(path: folder.path).check(shots: 3)
            let known = try #require(report.benchmark)
            #expect(known.name == benchmark.rawValue && known.absent.isEmpty, "\(known.absent.map(\.path))")
            #expect(known.classes == benchmark.classCount && known.template == benchmark.template)
            #expect(report.isClean && report.warnings.isEmpty, "\(report.warnings)")
            let classes = benchmark == .imagenetV2 ? 3 : 2, isShifted = Benchmark.shifted.contains(benchmark)
            #expect(report.perClass.count == classes)
            #expect(report.train == (isShifted ? 0 : 4) && report.test == classes)
            #expect(report.val == (isShifted || benchmark == .imagenet ? 0 : 2))
            // Two pictures are fewer than three shots.
            #expect(report.belowShots.count == classes)
        }
    }

    /// Each part of the layout that is needed is named with the place where it belongs.
    @Test(arguments: Benchmark.allCases) func partsThatAreMissing(benchmark: Benchmark) throws {
        for part in benchmark.parts where part.isNeeded && !part.path.isEmpty {
            try Self.withMiniature(benchmark) { folder in
                try FileManager.default.removeItem(at: folder.appendingPathComponent(part.path))
                #expect(benchmark.absentParts(in: folder.path).map(\.path) == [part.path])
                // Without the published split some releases are divided anew, and say so; all else is refused.
                do {
                    let data = try ImageDataset.open(path: folder.path)
                    let saysSo = data.warnings.contains { $0.contains(part.path) }
                    #expect(saysSo || !data.missing.isEmpty || data.benchmark == nil, "\(benchmark) without \(part.path): \(data.warnings)")
                } catch let error as DatasetError {
                    #expect("\(error)".contains(folder.path), "\(benchmark) without \(part.path): \(error)")
                }
            }
        }
    }

    @Test(arguments: Benchmark.allCases) func picturesThatAreWrong(benchmark: Benchmark) throws {
        try Self.withMiniature(benchmark) { folder in
            let data = try ImageDataset.open(path: folder.path)
            let test = try #require(data.test.first)
            try Data("no picture".utf8).write(to: URL(fileURLWithPath: test.absolutePath))
            let report = try ImageDataset.open(path: folder.path).check()
            #expect(report.unreadable.map(\.path) == [test.path] && !report.isClean)
            #expect(report.perClass[test.label].unreadable == 1)
            guard let train = data.train.first else { return }
            // The same picture to learn from and to be tested on.
            try FileManager.default.removeItem(atPath: test.absolutePath)
            try FileManager.default.copyItem(atPath: train.absolutePath, toPath: test.absolutePath)
            let copied = try ImageDataset.open(path: folder.path).check()
            #expect(copied.duplicates.count == 1 && Set(copied.duplicates[0].map(\.list)) == [.train, .test])
            // Where a list names the pictures, one that is gone is told.
            guard data.splitFile != nil || benchmark == .fgvcAircraft else { return }
            try FileManager.default.removeItem(atPath: test.absolutePath)
            let gone = try ImageDataset.open(path: folder.path)
            #expect(gone.missing == [test.path])
            let error = #expect(throws: DatasetError.self) { try gone.requireComplete() }
            #expect("\(error as Any)".contains("1 of the 8 images") && "\(error as Any)".contains(test.path), "\(error as Any)")
        }
    }

    /// Names that differ by underscores alone make the same prompt.
    @Test func namesThatReadAlike() throws {
        try Places.withTemporaryFolder { folder in
            for i in 0..<2 { try Pictures.write("\(i).png", in: folder, seed: i) }
            try Pictures.write(
                "{\"train\": [[\"0.png\", 0, \"sea_lake\"], [\"1.png\", 1, \"sea lake\"]]}", to: "split_x.json", in: folder)
            let error = #expect(throws: DatasetError.self) { try ImageDataset.open(path: folder.path) }
            #expect("\(error as Any)".contains("class \"sea lake\" has several labels: 0, 1"), "\(error as Any)")
        }
        try Places.withTemporaryFolder { folder in
            try Pictures.classFolders(in: folder, classes: ["sea_lake", "sea lake"], train: 1, test: 1)
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.warnings.contains { $0.contains("classes 0 and 1 have the same name \"sea lake\"") }, "\(data.warnings)")
        }
    }

    @Test func classesBelowTheShots() throws {
        try Places.withTemporaryFolder { folder in
            try Pictures.classFolders(in: folder, classes: ["a", "b"], train: 5, test: 1)
            for i in 0..<3 { try Pictures.write("train/c/\(i).png", in: folder, seed: i) }
            try Pictures.write("test/c/1.png", in: folder, seed: 9)
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.fewShot(shots: 3, seed: 1).belowShots(3) == nil && data.belowShots(nil) == nil)
            let drawn = data.fewShot(shots: 4, seed: 1)
            #expect(drawn.train.filter { $0.label == 2 }.count == 3)
            #expect(drawn.belowShots(4) == "1 class has fewer than 4 training images, all of theirs are used: c (3)")
        }
    }
}
