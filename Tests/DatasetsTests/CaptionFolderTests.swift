import Foundation
import TestSupport
import Testing

@testable import Datasets

struct CaptionFolderTests {
    private func withFolder(_ text: String, images: [String] = ["a.png", "sub/b.png"], _ body: (String) throws -> Void) throws {
        try Places.withTemporaryFolder { folder in
            for (number, image) in images.enumerated() { try TestSupport.Pictures.write("\(folder.path)/\(image)", label: 1, number: number) }
            try Data(text.utf8).write(to: folder.appendingPathComponent("captions.tsv"))
            try body(folder.path)
        }
    }

    @Test func pairsInTheOrderOfTheLines() throws {
        try withFolder("# pairs\na.png\ta red  star \r\n\nsub/b.png\tblue\na.png\tagain\twith a tab\n") { path in
            let folder = try CaptionFolder(path: path + "/")
            #expect(folder.pairs == [
                .init(image: "a.png", caption: "a red star"), .init(image: "sub/b.png", caption: "blue"),
                .init(image: "a.png", caption: "again with a tab"),
            ])
            #expect(folder.warnings.isEmpty)
            #expect(try CaptionLines.read(path + "/captions.tsv") == ["a red  star ", "blue", "with a tab"])
        }
    }

    @Test func linesOfOtherSystems() throws {
        try withFolder("a.png\tred\r\n\r\nsub/b.png\tblue\r\n") { path in
            let pairs = try CaptionFolder(path: path).pairs
            #expect(pairs == [.init(image: "a.png", caption: "red"), .init(image: "sub/b.png", caption: "blue")])
        }
    }

    @Test func missingImagesAndEmptyCaptionsAreTold() throws {
        try withFolder("a.png\tred\nnone.png\tblue\nsub/b.png\t  \nalso.png\tx\n") { path in
            let folder = try CaptionFolder(path: path)
            #expect(folder.pairs.map(\.image) == ["a.png"])
            #expect(folder.warnings.count == 2)
            #expect(folder.warnings.first?.contains("2 of the images are missing and were left out: none.png, also.png") == true)
            #expect(folder.warnings.last?.contains("1 captions are empty and were left out: sub/b.png (line 3)") == true)
        }
    }

    @Test func filesThatAreNone() throws {
        try withFolder("a.png red\n") { path in
            #expect { try CaptionFolder(path: path) } throws: { "\($0)".contains("line 1) has no tab") }
            #expect { try CaptionFolder(path: path, file: "other.tsv") } throws: { "\($0)".contains("no such captions file") }
            #expect { try CaptionFolder(path: path + "/a.png") } throws: { $0 as? DatasetError == .notAFolder(path + "/a.png") }
        }
        try withFolder("../a.png\tred\n") { path in
            #expect { try CaptionFolder(path: path) } throws: { "\($0)".contains("leaves the image folder") }
        }
        try withFolder("x.png\tred\na.png\t\n") { path in
            #expect { try CaptionFolder(path: path) } throws: { "\($0)".contains("1 images are missing, 1 captions are empty") }
        }
    }
}
