import ArgumentParser
import Foundation
import Formats
import RunStore

struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make read-only runs of what other programs logged.",
        discussion: """
            Each folder of event files at or below the one that is named becomes a run of its own, to be listed, overlaid and \
            exported like those trained here. Its loss, accuracy and learning rate are found by the tags' names, or chosen.
            """)

    @Option(help: ArgumentHelp("Folder of event files, as TensorBoard's --logdir, or one such file.", valueName: "folder"))
    var tensorboard: String

    @Option(help: ArgumentHelp("Tag of the loss.", valueName: "tag"))
    var loss: String?

    @Option(help: ArgumentHelp("Tag of the accuracy.", valueName: "tag"))
    var accuracy: String?

    @Option(help: ArgumentHelp("Tag of the learning rate.", valueName: "tag"))
    var rate: String?

    @Option(help: "What the run is called (default: the folder's name).")
    var name: String?

    @Option(help: "Folder that run folders are made in (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Flag(help: "Print a JSON list of the runs made on standard output.")
    var json = false

    private struct Row: Encodable {
        var run: String
        var source: String
        var steps: Int
    }

    func run() throws {
        let found = ScalarLog.folders(below: tensorboard)
        guard !found.isEmpty else {
            let isThere = FileManager.default.fileExists(atPath: tensorboard)
            throw isThere ? FormatError.tensorBoard(path: tensorboard, .noEventFiles) : FormatError.file(path: tensorboard, .missing)
        }
        let importer = TensorBoardImport(loss: loss, accuracy: accuracy, rate: rate)
        var rows: [Row] = []
        var refused: [any Error] = []
        for (folder, files) in found {
            let source = folder.hasPrefix("/") ? folder : FileManager.default.currentDirectoryPath + "/" + folder
            do {
                let log = try ScalarLog(files: files)
                guard !log.series.isEmpty else {
                    // Damage says more than that nothing was found.
                    throw log.problems.first.map { FormatError.tensorBoard(path: $0.file, $0.problem) }
                        ?? FormatError.tensorBoard(path: folder, .noScalars)
                }
                let made = try importer.make(
                    log, name: title(of: folder), source: source, in: runs ?? RunFolder.defaultRoot())
                note("\(folder): \(made.notes.joined(separator: "\n\(folder): "))")
                rows.append(Row(run: made.run.path, source: source, steps: RunList.overview(made.run)?.steps ?? 0))
                if !json { say(made.run.path) }
            } catch let error as RunStoreError {
                throw error
            } catch {
                refused.append(error)
            }
        }
        // Of many folders some may hold pictures or text alone.
        if rows.isEmpty, let first = refused.first { throw first }
        for error in refused { note("warning: \(error)") }
        if json { try sayJSON(rows) }
    }

    /// `logs/pets/seed1` below `logs` is called `pets/seed1`.
    private func title(of folder: String) -> String {
        let top = tensorboard.hasSuffix("/") && tensorboard.count > 1 ? String(tensorboard.dropLast()) : tensorboard
        let own = (top as NSString).lastPathComponent
        let below = folder == top ? "" : String(folder.dropFirst(top.count).drop { $0 == "/" })
        return [name ?? (below.isEmpty || own == "." ? own : nil), below.isEmpty ? nil : below].compactMap(\.self).joined(separator: "/")
    }
}
