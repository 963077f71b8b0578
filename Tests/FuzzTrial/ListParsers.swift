import Datasets
import Foundation

extension Parser {
    /// Lists of classes and images, in plain text, as data sets are published with them; one is damaged, the others beside it are sound.
    static func lists() -> [Parser] { [classLists()] }

    /// A data set of a few empty images and its lists, by their paths.
    private struct Layout {
        var folder: String
        var images: [String]
        var lists: [(path: String, text: String)]
    }

    private static let layouts = [
        Layout(
            folder: "folders", images: ["train/n01/a.png", "train/n02/b.png", "test/n01/c.png", "test/n02/d.png"],
            lists: [("classnames.txt", "n01 ash tree\nn02  bat\u{A0}été \r\nn03 unknown\n")]),
        Layout(
            folder: "aircraft", images: ["images/1.jpg", "images/2.jpg", "images/3.jpg"],
            lists: [
                ("variants.txt", "707-320\nA300/B4\n"), ("images_variant_train.txt", "1 707-320\n2 A300/B4\n"),
                ("images_variant_val.txt", "3 707-320\n"), ("images_variant_test.txt", "3 A300/B4\n"),
            ]),
        Layout(
            folder: "sun", images: ["SUN397/a/abbey/1.jpg", "SUN397/b/bar/indoor/2.jpg"],
            lists: [
                ("ClassName.txt", "/a/abbey\n/b/bar/indoor\n"), ("Training_01.txt", "/a/abbey/1.jpg\n/b/bar/indoor/2.jpg\n"),
                ("Testing_01.txt", "/a/abbey/1.jpg\n"),
            ]),
        Layout(
            folder: "pets", images: ["images/Abyssinian_1.jpg", "images/great_pyrenees_2.jpg"],
            lists: [
                ("annotations/trainval.txt", "#Image CLASS-ID\nAbyssinian_1 1 1 1\ngreat_pyrenees_2 2 2 1\n"),
                ("annotations/test.txt", "Abyssinian_1 1 1 1\n"),
            ]),
        Layout(
            folder: "ucf", images: ["UCF-101-midframes/Apply_Eye_Makeup/v_1.jpg", "UCF-101-midframes/Archery/v_2.jpg"],
            lists: [
                ("ucfTrainTestlist/classInd.txt", "1 ApplyEyeMakeup\n2 Archery\n"),
                ("ucfTrainTestlist/trainlist01.txt", "ApplyEyeMakeup/v_1.avi 1\nArchery/v_2.avi 2\n"),
                ("ucfTrainTestlist/testlist01.txt", "Archery/v_2.avi\n"),
            ]),
    ]

    private static func classLists() -> Parser {
        let lists = layouts.flatMap { layout in layout.lists.map { (layout, $0) } }
        return Parser(
            name: "classlists", seeds: lists.map { Seed(bytes: Array($0.1.text.utf8), file: ($0.1.path as NSString).lastPathComponent) },
            words: ["\n", " ", "../", "/", "/etc/passwd", "\u{FEFF}", "\r", "\u{2028}", "\0", "#", " 1 ", " -1", " 9223372036854775808", "n01 "],
            read: { path, _ in
                let place = (path as NSString).deletingLastPathComponent, name = (path as NSString).lastPathComponent
                guard let (layout, damaged) = lists.first(where: { ($0.1.path as NSString).lastPathComponent == name }) else { return }
                let folder = place + "/" + layout.folder
                try make(layout, in: folder)
                // The damaged list lies in the data set under a second name while it is read.
                let target = folder + "/" + damaged.path
                unlink(target)
                guard link(path, target) == 0 else { throw CocoaError(.fileWriteUnknown) }
                defer {
                    unlink(target)
                    try? Data(damaged.text.utf8).write(to: URL(fileURLWithPath: target))
                }
                _ = try ImageDataset.open(path: folder)
            })
    }

    private static func make(_ layout: Layout, in folder: String) throws {
        guard !FileManager.default.fileExists(atPath: folder) else { return }
        for (path, text) in layout.images.map({ ($0, "") }) + layout.lists.map({ ($0.path, $0.text) }) {
            let file = URL(fileURLWithPath: folder + "/" + path)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }
}
