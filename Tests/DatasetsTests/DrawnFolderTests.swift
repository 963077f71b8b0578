import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Drawn data sets as folders: read by the usual readers, whole or absent, known again or left alone.
struct DrawnFolderTests {
    @Test(arguments: DrawnDataset.allCases) func opensAsAnyDataSet(_ dataset: DrawnDataset) throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.path + "/deep/er/" + dataset.rawValue, drawn = DrawnFolder(dataset, imagesPerClass: 4)
            #expect(try drawn.write(to: path + "/") == .drawn)
            let data = try ImageDataset.open(path: path)
            let classes = dataset.classNames.count
            #expect(data.classNames == dataset.classNames && Set(data.classNames).count == classes)
            #expect(data.train.count == classes && data.val.isEmpty && data.test.count == 3 * classes)
            #expect(data.warnings.isEmpty && data.missing.isEmpty && data.benchmark == nil)
            #expect(data.splitFile?.hasSuffix(try #require(drawn.splitFile)) == true)
            // What lies in the files is what is painted.
            let item = data.test[2 * classes], painter = DrawnPainter(side: 64)
            let number = try #require(Int(item.path.dropLast(4).suffix(4))) - 1
            dataset.paint(label: item.label, number: number, seed: 1, on: painter)
            #expect(try RGBImage(contentsOfFile: item.absolutePath) == RGBImage(painter))
            // Nothing but the folder is left.
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/deep/er") == [dataset.rawValue])
            #expect(try drawn.write(to: path) == .usedAsItIs)
        }
    }

    @Test func figuresHaveBaseAndNovelHalves() throws {
        let shares = DrawnDataset.shares(of: DrawnDataset.figures.standardImagesPerClass)
        #expect(shares == (24, 8, 48))
        #expect(DrawnDataset.figures.classNames.count == 24)
        #expect(Array(DrawnDataset.figures.classNames[..<12]) == DrawnShape.allCases[..<12].map { "white plain \($0.name)" })
        for count in 4..<300 {
            let (train, val, test) = DrawnDataset.shares(of: count)
            #expect(train > 0 && val >= 0 && test > 0 && train + val + test == count)
        }
        #expect(DrawnFolder(.figuresNoise).splitFile == "split_zhou_FiguresNoise.json")
    }

    @Test func captionsFolder() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.path + "/captions", drawn = DrawnFolder(captions: 7, seed: 3)
            #expect(try drawn.write(to: path) == .drawn)
            let lines = try String(contentsOfFile: path + "/captions.tsv", encoding: .utf8).split(separator: "\n")
            #expect(lines.count == 8 && lines[0].hasPrefix("#"))
            for (index, line) in lines.dropFirst().enumerated() {
                let columns = line.split(separator: "\t").map(String.init)
                let (image, caption) = try DrawnWorld(seed: 3).picture(index)
                #expect(columns.count == 2 && columns[1] == caption)
                #expect(try RGBImage(contentsOfFile: path + "/" + columns[0]) == image)
            }
            #expect(try drawn.write(to: path) == .usedAsItIs)
            #expect(throws: DatasetError.self) { try DrawnFolder(captions: 8, seed: 3).write(to: path) }
        }
    }

    /// Whatever else lies at the place is left alone, with a reason.
    @Test func othersFoldersAreLeftAlone() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.path + "/fills", drawn = DrawnFolder(.fills, seed: 1, imagesPerClass: 5)
            func reason(_ drawn: DrawnFolder) -> String {
                do {
                    return "\(try drawn.write(to: path))"
                } catch {
                    let words = "\(error)"
                    #expect(words.hasSuffix("Remove it, or name another folder.") && !words.contains("\n"))
                    return words
                }
            }
            // An empty folder holds nothing to lose.
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            #expect(reason(drawn) == "drawn")
            #expect(reason(DrawnFolder(.fills, seed: 2, imagesPerClass: 5)).contains("from seed 1, not 2"))
            #expect(reason(DrawnFolder(.fills, seed: 1, imagesPerClass: 6)).contains("5 images of each class, not 6"))
            #expect(reason(DrawnFolder(.colours, seed: 1, imagesPerClass: 5)).contains("it holds \"fills\""))
            #expect(reason(drawn) == "usedAsItIs")

            let record = path + "/drawn.json", text = try String(contentsOfFile: record, encoding: .utf8)
            func rewrite(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: record)) }
            try rewrite(text.replacing(drawn.drawings, with: String(repeating: "0", count: 64)))
            #expect(reason(drawn).contains("another version of the program"))
            try rewrite("{ \"name\": 3 }")
            #expect(reason(drawn).contains("cannot be read"))
            try rewrite(text)
            let image = path + "/images/striped/0002.png"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: image))
            try bytes.dropLast(9).write(to: URL(fileURLWithPath: image))
            #expect(reason(drawn).contains("changed since"))
            try bytes.write(to: URL(fileURLWithPath: image))
            #expect(reason(drawn) == "usedAsItIs")
            try FileManager.default.removeItem(atPath: image)
            #expect(reason(drawn).contains("changed since"))
            try FileManager.default.removeItem(atPath: record)
            #expect(reason(drawn).contains("other files"))
            try FileManager.default.removeItem(atPath: path)
            try Data().write(to: URL(fileURLWithPath: path))
            #expect(reason(drawn).contains("it is a file"))
        }
    }

    /// A drawing that is stopped or cannot be written leaves nothing; leftovers of a killed one go with the next.
    @Test func stoppedDrawingsLeaveNothing() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.path + "/fills", drawn = DrawnFolder(.fills, imagesPerClass: 4)
            var calls = 0
            #expect(throws: DatasetError.drawingStopped(path: path)) {
                try drawn.write(to: path) { done, total in
                    calls += 1
                    #expect(total == 24 && done > 0 && done <= 24)
                    return false
                }
            }
            #expect(calls == 1)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
            // No process has this number.
            try FileManager.default.createDirectory(atPath: folder.path + "/.fills.2147483646.drawing/images", withIntermediateDirectories: true)
            #expect(try drawn.write(to: path) == .drawn)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["fills"])
            // A place below a file.
            let impossible = path + "/drawn.json/fills"
            #expect(throws: DatasetError.self) { try drawn.write(to: impossible) }
        }
    }
}
