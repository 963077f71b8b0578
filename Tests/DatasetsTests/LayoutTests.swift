import Foundation
import RunModel
import TestSupport
import Testing

@testable import Datasets

struct LayoutTests {
    private func message(_ folder: URL, split: String? = nil) -> String {
        do {
            _ = try ImageDataset.open(path: folder.path, split: split)
            return ""
        } catch {
            let words = "\(error)"
            #expect(!words.contains("\n"))
            return words
        }
    }

    @Test func trainAndTestFolders() throws {
        try Places.withTemporaryFolder { folder in
            try Pictures.classFolders(in: folder, classes: ["b_c", "Zebra", "a", "猫"], train: 3, test: 2)
            try Pictures.write("x", to: "train/a/notes.txt", in: folder)
            try Pictures.write("x", to: "train/a/.hidden.png", in: folder)
            try Pictures.write("train/a/LAST.PNG", in: folder, seed: 1)
            let data = try ImageDataset.open(path: folder.path + "/")
            #expect(data.classNames == ["Zebra", "a", "b c", "猫"])
            #expect(data.train.count == 13 && data.test.count == 8 && data.val.isEmpty)
            #expect(data.train.filter { $0.label == 1 }.map(\.path) == ["train/a/100.png", "train/a/101.png", "train/a/102.png", "train/a/LAST.PNG"])
            #expect(FileManager.default.fileExists(atPath: data.train[0].absolutePath))
            #expect(data.warnings.isEmpty && data.drawnSplit == nil && data.missing.isEmpty)

            let base = data.cut(to: .base), new = data.cut(to: .new)
            #expect(base.classNames == ["Zebra", "a"] && new.classNames == ["b c", "猫"])
            #expect(Set(new.test.map(\.label)) == [0, 1] && new.test.count == 4)

            // The place does not matter, the content does.
            let moved = folder.appendingPathComponent("moved")
            try FileManager.default.createDirectory(at: moved, withIntermediateDirectories: true)
            for name in ["train", "test"] {
                try FileManager.default.copyItem(at: folder.appendingPathComponent(name), to: moved.appendingPathComponent(name))
            }
            #expect(try ImageDataset.open(path: moved.path).fingerprint == data.fingerprint)
            try FileManager.default.removeItem(at: moved.appendingPathComponent("train/a/100.png"))
            #expect(try ImageDataset.open(path: moved.path).fingerprint != data.fingerprint)
        }
    }

    @Test func validationStandsInForTest() throws {
        try Places.withTemporaryFolder { folder in
            try Pictures.write("train/a/1.png", in: folder, seed: 1)
            try Pictures.write("val/a/2.png", in: folder, seed: 2)
            var data = try ImageDataset.open(path: folder.path)
            #expect(data.train.count == 1 && data.val.isEmpty && data.test.map(\.path) == ["val/a/2.png"])
            #expect(data.warnings.count == 1)
            try Pictures.write("test/a/3.png", in: folder, seed: 3)
            data = try ImageDataset.open(path: folder.path)
            #expect(data.val.count == 1 && data.test.map(\.path) == ["test/a/3.png"] && data.warnings.isEmpty)
        }
    }

    /// One level of folders, one of them called as a split is: a class all the same.
    @Test func dividedBySeed() throws {
        try Places.withTemporaryFolder { folder in
            for (name, count) in [("bus", 10), ("train", 2), ("tram", 3), ("one", 1)] {
                for i in 0..<count { try Pictures.write("\(name)/\(i).jpg.png", in: folder, seed: i) }
            }
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.classNames == ["bus", "one", "train", "tram"])
            func counts(_ label: Int) -> [Int] { [data.train, data.val, data.test].map { $0.filter { $0.label == label }.count } }
            #expect(counts(0) == [5, 2, 3] && counts(1) == [1, 0, 0] && counts(2) == [1, 0, 1] && counts(3) == [2, 0, 1])
            #expect(try ImageDataset.open(path: folder.path).fingerprint == data.fingerprint)
            #expect(try ImageDataset.open(path: folder.path, seed: 2).train != data.train)

            // What a run keeps opens the same.
            let kept = try JSONDecoder().decode(SplitListing.self, from: JSONEncoder().encode(try #require(data.drawnSplit)))
            let again = try ImageDataset.open(root: data.root, listing: kept, source: "split.json")
            #expect(again.train == data.train && again.test == data.test && again.fingerprint == data.fingerprint)

            // Another class moves nothing within the others.
            try Pictures.write("aaa/1.png", in: folder, seed: 1)
            let more = try ImageDataset.open(path: folder.path)
            #expect(more.train.filter { $0.label == 1 }.map(\.path) == data.train.filter { $0.label == 0 }.map(\.path))
        }
        for count in 2..<200 {
            let (train, val) = ClassFolders.shares(of: count)
            #expect(train >= 1 && val >= 0 && train + val < count)
        }
    }

    @Test func classNamesFile() throws {
        try Places.withTemporaryFolder { folder in
            for name in ["n01440764", "n02102040", "n03000684"] {
                for i in 0..<2 { try Pictures.write("\(name)/\(i).png", in: folder, seed: i) }
            }
            #expect(try ImageDataset.open(path: folder.path).classNames == ["n01440764", "n02102040", "n03000684"])
            try Pictures.write("n02102040 English springer\nn01440764 tench\n\n", to: "classnames.txt", in: folder)
            let data = try ImageDataset.open(path: folder.path)
            #expect(data.classNames == ["tench", "English springer", "n03000684"])
            #expect(data.warnings.contains { $0.contains("n03000684") })
        }
    }

    @Test func badFolders() throws {
        try Places.withTemporaryFolder { folder in
            #expect(message(folder.appendingPathComponent("none")).contains("does not exist"))
            #expect(message(folder).contains("holds no class folders"))
            try Pictures.write("a/1.png", in: folder, seed: 1)
            try FileManager.default.createDirectory(at: folder.appendingPathComponent("b"), withIntermediateDirectories: true)
            #expect(message(folder).contains("/b holds no JPEG or PNG"))
            #expect(message(folder.appendingPathComponent("a/1.png")).contains("is a file"))
            // Links to folders and files are followed; a link to nothing is not an image of the folder.
            try FileManager.default.removeItem(at: folder.appendingPathComponent("b"))
            try FileManager.default.createSymbolicLink(atPath: folder.path + "/b", withDestinationPath: "a")
            #expect(try ImageDataset.open(path: folder.path).classNames == ["a", "b"])
        }
    }

    @Test func splitFiles() throws {
        try Places.withTemporaryFolder { folder in
            for i in 0..<6 { try Pictures.write("images/x/\(i).png", in: folder, seed: i) }
            let json = """
                {"train": [["x/0.png", 1, "ice_cream"], ["x/1.png", 0, "cat"]], "val": [["x/2.png", 0, "cat"]],
                 "test": [["x/3.png", 0, "cat"], ["x/9.png", 1, "ice_cream"]]}
                """
            try Pictures.write(json, to: "split_zhou_X.json", in: folder)
            for split in [nil, "split_zhou_X.json", folder.path + "/split_zhou_X.json"] as [String?] {
                let data = try ImageDataset.open(path: folder.path, split: split)
                #expect(data.classNames == ["cat", "ice cream"])
                #expect(data.train.map(\.label) == [1, 0] && data.val.count == 1 && data.test.count == 2)
                #expect(data.missing == ["x/9.png"])
                #expect(data.warnings.first?.contains("1 of 5 images are missing") == true)
                #expect(data.root.hasSuffix("/images"))
            }
            // Class folders beside the file: the file counts. Two files: one must be named.
            try Pictures.write("train/a/1.png", in: folder, seed: 1)
            #expect(try ImageDataset.open(path: folder.path).classNames.count == 2)
            try Pictures.write(json, to: "split_zhou_Y.json", in: folder)
            #expect(message(folder).contains("split_zhou_X.json, split_zhou_Y.json"))

            // A published layout: relative to a folder of another name.
            try FileManager.default.moveItem(atPath: folder.path + "/images", toPath: folder.path + "/2750")
            #expect(try ImageDataset.open(path: folder.path, split: "split_zhou_X.json").root.hasSuffix("/2750"))
            try FileManager.default.removeItem(atPath: folder.path + "/2750")
            #expect(message(folder, split: "split_zhou_X.json").contains("none of the 5 images"))
            #expect(message(folder, split: "none.json").contains("does not exist"))
        }
    }

    @Test(arguments: [
        (#"{"train": [["x/0.png", 0, "a"], ["x/1.png", 0, "b"]]}"#, "label 0 has several names: a, b"),
        (#"{"train": [["x/0.png", 0, "a"]], "test": [["x/1.png", 1, "a"]]}"#, "class \"a\" has several labels: 0, 1"),
        (#"{"train": [["x/0.png", 0, "a"], ["x/1.png", 3, "b"]]}"#, "no image has label 1, 2."),
        (#"{"train": [["x/0.png", 9000000000000000000, "a"]]}"#, "and 8999999999999999990 more"),
        (#"{"train": [["x/0.png", -1, "a"]]}"#, "negative label -1"),
        (#"{"train": [["../x/0.png", 0, "a"]]}"#, "the path ../x/0.png leaves"),
        (#"{"train": [["/etc/passwd", 0, "a"]]}"#, "the path /etc/passwd leaves"),
        (#"{"train": [["x/../../0.png", 0, "a"]]}"#, "leaves"),
        (#"{"train": [["", 0, "a"]]}"#, "leaves"),
        (#"{"train": [["x/0.png", "0", "a"]]}"#, "entry 0 of train has a label that is not an integer"),
        (#"{"train": [["x/0.png", 0, "a"], ["x/0.png", 0]]}"#, "entry 1 of train has no class name"),
        (#"{"val": [["x/0.png", 0.5, "a"]]}"#, "entry 0 of val has a label that is not an integer"),
        (#"{"test": [[1, 0, "a"]]}"#, "has a path that is not text"),
        (#"{"test": [["x/0.png", 0, "a", 1]]}"#, "more than three parts"),
        (#"{"test": ["x/0.png"]}"#, "entry 0 of test"),
        (#"{"test": "x"}"#, "test is not a list"),
        (#"{"other": []}"#, "has no list train, val or test"),
        (#"[["x/0.png", 0, "a"]]"#, "not an object"),
        (#"{"train": [["x/0.png", 0, "a"]"#, "not valid JSON"),
        ("", "not valid JSON"),
        (#"{"train": []}"#, "its lists are empty"),
    ])
    func splitFileErrors(json: String, expected: String) throws {
        try Places.withTemporaryFolder { folder in
            for i in 0..<2 { try Pictures.write("images/x/\(i).png", in: folder, seed: i) }
            try Pictures.write(json, to: "split.json", in: folder)
            let words = message(folder, split: "split.json")
            #expect(words.contains(expected), "\(words)")
            #expect(words.hasSuffix(".") || words.hasSuffix("?"))
        }
    }

    @Test func check() throws {
        try Places.withTemporaryFolder { folder in
            try Pictures.classFolders(in: folder, classes: ["a", "b"], train: 4, test: 2)
            try Pictures.write("test/b/copy.png", in: folder, seed: 0)  // train/a/100.png
            try Pictures.write("nothing", to: "train/b/broken.jpg", in: folder)
            let report = try ImageDataset.open(path: folder.path).check(shots: 5)
            #expect(report.train == 9 && report.test == 5 && report.val == 0)
            #expect(report.perClass.map(\.train) == [4, 5] && report.perClass.map(\.unreadable) == [0, 1])
            #expect(report.unreadable.map(\.path) == ["train/b/broken.jpg"])
            #expect(report.duplicates.map { $0.map(\.path) } == [["train/a/100.png", "test/b/copy.png"]])
            #expect(report.belowShots == ["a", "b"])
            #expect(report.smallestSide == 7 && report.largestSide == 9 && !report.isClean)
            #expect(try JSONDecoder().decode(DataReport.self, from: JSONEncoder().encode(report)) == report)
            let data = try ImageDataset.open(path: folder.path)
            #expect(throws: CancellationError.self) { try data.check { done, _ in done < 3 } }
        }
    }

    @Test(.enabled(if: Places.hasShared, "needs ../shared"))
    func sharedDataSets() throws {
        let shared = try #require(Places.shared)
        let cifar = try ImageDataset.open(path: shared.appendingPathComponent("data/cifar10-mini").path)
        #expect(cifar.classNames == ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"])
        #expect(cifar.train.count == 1000 && cifar.val.isEmpty && cifar.test.count == 2000 && cifar.warnings.isEmpty)
        let tiny = try ImageDataset.open(path: shared.appendingPathComponent("data/tiny-imagenet-mini").path)
        #expect(tiny.classNames.count == 100 && tiny.classNames[0] == "American alligator")
        #expect(tiny.train.count == 4000 && tiny.val.count == 1000 && tiny.test.count == 5000 && tiny.missing.isEmpty)
        let few = tiny.fewShot(shots: 16, seed: 1)
        #expect(few.train.count == 1600 && few.val.count == 400)
        #expect(few.cut(to: .base).train.count == 800)
        for name in ["blur", "contrast", "noise", "sketch"] {
            let data = try ImageDataset.open(path: shared.appendingPathComponent("data/tiny-imagenet-mini-\(name)").path)
            #expect(data.test.count == 1000 && data.train.isEmpty && data.missing.isEmpty && data.classNames == tiny.classNames)
        }
        let samples = try ImageDataset.open(path: shared.appendingPathComponent("data/imagenet-samples").path)
        #expect(samples.classNames.count == 60 && samples.train.count == 60)
        #expect(try samples.check().unreadable.isEmpty)
    }
}
