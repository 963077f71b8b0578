import ArgumentParser
import Datasets
import Foundation
import Synchronization

struct DataDrawCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "draw", abstract: "Draw one of the program's own data sets into a folder.",
        discussion: """
            Drawings of 24 shapes, 12 colours and 6 fills as 64 x 64 PNG files, the same bytes from the same seed:

            \((DrawnDataset.allCases.map { "\($0.rawValue.padding(toLength: 17, withPad: " ", startingAt: 0)) \($0.summary)" } + ["captions          clean scenes with a captions file, for maple pretrain"]).joined(separator: "\n"))

            A folder that exists is used as it is when it holds what would be drawn, and left alone otherwise.
            """)

    @Argument(help: "What to draw.", completion: .list(Self.names))
    var name: String

    @Argument(help: "Folder to make.")
    var folder: String

    @Option(help: "Seed of the drawings.")
    var seed = 1

    @Option(name: .customLong("images-per-class"), help: "Images of each class (default: 80 of figures, 10 of combinations, 40 of others): 30 % to train on, 10 % for validation, the rest to test.")
    var imagesPerClass: Int?

    @Option(help: "Images of captions.")
    var images: Int?

    @Option(help: ArgumentHelp("Write a contact sheet as well: a PNG with a row of pictures for each class.", valueName: "file"))
    var sheet: String?

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    private static let names = DrawnDataset.allCases.map(\.rawValue) + ["captions"]

    func validate() throws {
        guard Self.names.contains(name) else {
            throw ValidationError("there is no drawn data set \"\(name)\". There are \(Self.names.joined(separator: ", ")).")
        }
        let isCaptions = name == "captions"
        if isCaptions, imagesPerClass != nil { throw ValidationError("captions have no classes: write --images instead of --images-per-class") }
        if !isCaptions, images != nil { throw ValidationError("--images is for captions: write --images-per-class") }
        guard (4...9999).contains(imagesPerClass ?? 4) else { throw ValidationError("--images-per-class must be from 4 to 9999") }
        guard (1...999_999).contains(images ?? 1) else { throw ValidationError("--images must be from 1 to 999999") }
    }

    private struct Report: Encodable {
        var name: String
        var folder: String
        var images: Int
        var classes: Int?
        var split: String?
        var seed: Int
        var drawings: String
        var used_as_it_is: Bool
    }

    func run() throws {
        let dataset = DrawnDataset(rawValue: name)
        let drawn = dataset.map { DrawnFolder($0, seed: seed, imagesPerClass: imagesPerClass) }
            ?? DrawnFolder(captions: images ?? DrawnFolder.standardCaptions, seed: seed)
        let outcome = try drawn.writeWithProgress(to: folder, quiet: json)
        if let sheet {
            let picture = try dataset.map { try DrawnSheet.of($0, seed: seed) } ?? DrawnSheet.of(DrawnWorld(seed: seed))
            try picture.writePNG(toFile: sheet)
            note("written: \(sheet)")
        }
        if json {
            try sayJSON(
                Report(
                    name: name, folder: folder, images: drawn.imageCount, classes: dataset?.classNames.count, split: drawn.splitFile,
                    seed: seed, drawings: drawn.drawings, used_as_it_is: outcome == .usedAsItIs))
        } else {
            let classes = dataset.map { " of \($0.classNames.count) classes" } ?? " with captions"
            say("\(outcome == .drawn ? "drawn" : "used as it is"): \(folder), \(drawn.imageCount) images\(classes), seed \(seed)")
        }
    }
}

extension DrawnFolder {
    /// Draws with a progress line; Ctrl-C stops and leaves nothing.
    func writeWithProgress(to folder: String, quiet: Bool) throws -> Outcome {
        let progress = ProgressLine(quiet: quiet), stopped = Atomic(false)
        let signals = StopSignals { stopped.store(true, ordering: .relaxed) }
        defer { signals.end() }
        return try write(to: folder) { done, total in
            progress.counting("drawing \(name)", done, total)
            return !stopped.load(ordering: .relaxed)
        }
    }
}
