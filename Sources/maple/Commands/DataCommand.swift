import ArgumentParser
import Datasets
import Foundation
import RunModel

struct DataTools: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Look at data sets, and draw some.", subcommands: [DataCheckCommand.self, DataDrawCommand.self])
}

struct DataCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Decode every image and report what a data set holds and lacks.")

    @Argument(help: "Data set folder.")
    var folder: String

    @Option(help: "Split file, relative to the folder.")
    var split: String?

    @Option(help: "Name the classes with fewer training images than this.")
    var shots: Int?

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    func run() throws {
        let data: ImageDataset
        do {
            data = try ImageDataset.open(path: folder, split: split)
        } catch let error as DatasetError {
            // Before the reason: all that is missing, so that it can be fetched in one go.
            let seen = (try? Benchmark.recognise(folder)) ?? nil
            if split == nil, let known = seen ?? Benchmark(named: URL(fileURLWithPath: folder).lastPathComponent) {
                note("\(folder) \(seen == nil ? "is named" : "looks") like \(known.title) (\(known.rawValue))")
                for part in known.absentParts(in: folder) where part.isNeeded { note("missing: \(folder)/\(part.path): \(part.what)") }
            }
            throw error
        }
        let progress = ProgressLine(quiet: json)
        let report = try data.check(shots: shots) { done, total in
            progress.show(.evaluationProgress(classes: .all, done: done, total: total))
            return true
        }
        if json {
            try sayJSON(report)
        } else {
            say("\(report.name)  \(report.perClass.count) classes  \(report.train) train, \(report.val) val, \(report.test) test images")
            say("layout      \(report.split.map { "split file \($0)" } ?? "class folders")")
            if let known = report.benchmark {
                say("recognised  \(known.title) (\(known.name)); complete: \(known.classes) classes, \(known.train) train, \(known.val) val, \(known.test) test images")
                say("template    \(known.template)")
                for part in known.absent {
                    note("\(part.isNeeded ? "missing" : "absent, not needed"): \(report.folder)/\(part.path): \(part.what)")
                }
            }
            if let small = report.smallestSide, let large = report.largestSide { say("sides       \(small) to \(large) pixels") }
            say("fingerprint \(report.fingerprint.prefix(16))")
            say("")
            say(table(["class", "label", "train", "val", "test", "unreadable"], report.perClass.map {
                [$0.name, "\($0.label)", "\($0.train)", "\($0.val)", "\($0.test)", "\($0.unreadable)"]
            }))
            for line in report.warnings { note("warning: \(line)") }
            for image in report.unreadable.prefix(10) { note("unreadable: \(image.reason)") }
            if report.unreadable.count > 10 { note("and \(report.unreadable.count - 10) more unreadable images (--json lists all)") }
            for group in report.duplicates.prefix(10) {
                note("the same picture in several lists: " + group.map { "\($0.path) (\($0.list.rawValue), \($0.className))" }.joined(separator: ", "))
            }
            if report.duplicates.count > 10 { note("and \(report.duplicates.count - 10) more pictures in several lists") }
            if !report.belowShots.isEmpty {
                note("fewer than \(shots ?? 0) training images: \(report.belowShots.joined(separator: ", ")). All of theirs are used, as in the reference.")
            }
        }
        if !report.missing.isEmpty || !report.unreadable.isEmpty { throw ExitCode(1) }
    }
}
