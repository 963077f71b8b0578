import ArgumentParser
import Foundation
import Formats
import RunModel
import RunStore

struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make read-only runs of what other programs trained or logged.",
        discussion: """
            A checkpoint of prompts (the reference's model.pth.tar-N or its folder, or exported prompts) becomes a run that is \
            listed, shown, compared and scored like those trained here; it needs --model, and with --data it is scored at once.

            With --tensorboard, each folder of event files at or below the one that is named becomes a run of its own, to be listed, overlaid and \
            exported like those trained here. Its loss, accuracy and learning rate are found by the tags' names, or chosen.
            """)

    @Argument(help: ArgumentHelp("File of learned prompts, or the folder it lies in.", valueName: "prompts"))
    var path: String?

    @Option(help: ArgumentHelp("For prompts: CLIP folder or file they were trained on.", valueName: "clip"))
    var model: String?

    @Option(help: ArgumentHelp("For prompts: folder with vocab.json and merges.txt, where the model has none.", valueName: "folder"))
    var vocabulary: String?

    @Option(help: "For prompts: data set folder to score them on.")
    var data: String?

    @Option(help: "For prompts: split file of the data set, relative to its folder.")
    var split: String?

    @Option(help: "For prompts: the classes they were trained on (base, new or all).")
    var classes: ClassSubset = .base

    @OptionGroup var words: PromptWordOptions
    @OptionGroup var compute: ThreadOptions

    @Option(help: ArgumentHelp("Folder of event files, as TensorBoard's --logdir, or one such file.", valueName: "folder"))
    var tensorboard: String?

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

    func validate() throws {
        if (path == nil) == (tensorboard == nil) {
            throw ValidationError("name a file of prompts, or event files with --tensorboard")
        }
        if path != nil, model == nil { throw ValidationError("prompts need the CLIP they were trained on: name it with --model") }
    }

    func run() throws {
        if let path, let model { return try importPrompts(path, model) }
        if let tensorboard { try importLogs(tensorboard) }
    }

    private func importPrompts(_ path: String, _ model: String) throws {
        guard let file = PromptFile.find(path) else {
            let isThere = FileManager.default.fileExists(atPath: path)
            throw isThere ? FormatError.prompts(path: path, .noCheckpoint) : FormatError.file(path: path, .missing)
        }
        let made = try PromptImport(
            path: file, model: model, vocabulary: vocabulary, data: data, split: split, classes: classes, name: name,
            given: words.given, threads: compute.threads, progress: ProgressLine(quiet: json)
        ).make(in: runs ?? RunFolder.defaultRoot())
        for line in made.notes { note("warning: \(file): \(line)") }
        let row = Row(run: made.run.path, source: file, steps: RunList.overview(made.run)?.steps ?? 0)
        if json { try sayJSON([row]) } else { say(made.run.path) }
    }

    private func importLogs(_ tensorboard: String) throws {
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
                    log, name: title(of: folder, below: tensorboard), source: source, in: runs ?? RunFolder.defaultRoot())
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
    private func title(of folder: String, below tensorboard: String) -> String {
        let top = tensorboard.hasSuffix("/") && tensorboard.count > 1 ? String(tensorboard.dropLast()) : tensorboard
        let own = (top as NSString).lastPathComponent
        let below = folder == top ? "" : String(folder.dropFirst(top.count).drop { $0 == "/" })
        return [name ?? (below.isEmpty || own == "." ? own : nil), below.isEmpty ? nil : below].compactMap(\.self).joined(separator: "/")
    }
}
