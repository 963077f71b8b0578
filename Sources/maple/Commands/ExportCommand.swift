import ArgumentParser
import Foundation
import RunStore
import SessionFile

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a run's results for other programs.",
        discussion: """
            What --to may be:
            \(ExportTarget.allCases.map { "  " + $0.rawValue.padding(toLength: 13, withPad: " ", startingAt: 0) + $0.summary }.joined(separator: "\n"))
            What is there already is replaced only with --force, and then in one go; a folder for Hugging Face never is. The path written \
            is printed.
            """)

    @Argument(help: ArgumentHelp("Run folder, its name, a beginning of it, or \"last\".", valueName: "run"))
    var target: String

    @Option(help: "What to write.")
    var to: ExportTarget

    @Argument(help: "File or folder to write; - for standard output (csv, jsonl).")
    var path: String

    @Option(help: "Checkpoint within the run, such as epoch-3 (default: the last).")
    var checkpoint: String?

    @OptionGroup var clip: ExportModelOptions

    @Flag(help: "Replace what is there.")
    var force = false

    @Option(help: "Folder that holds the run folders (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    func run() throws {
        let folder = try RunList.find(target, in: runs ?? RunFolder.defaultRoot())
        let written = try write(ExportRequest(run: folder, path: path, checkpoint: checkpoint, force: force))
        if let written { say(written) }
    }

    /// - Returns: the path that was written; nil for standard output.
    private func write(_ request: ExportRequest) throws -> String? {
        switch to {
        case .csv, .jsonl: try exportMetrics(request)
        case .tensorboard: try exportTensorBoard(request)
        case .reference: try exportReference(request)
        case .safetensors: try exportSafetensors(request)
        case .huggingface: try exportHuggingFace(request)
        }
    }

    private func exportTensorBoard(_ request: ExportRequest) throws -> String {
        // An imported run has no session.
        let spec = try? SessionFile.parse(text: request.run.sessionText(), name: "session.toml")
        let (file, notes) = try TensorBoardLog.export(request, spec: spec)
        notes.forEach { note("warning: \($0)") }
        return file
    }

    private func exportMetrics(_ request: ExportRequest) throws -> String? {
        let table = try MetricTable(request.run)
        guard !table.steps.isEmpty else { throw ExportError.nothingMeasured(run: request.run.path) }
        func write(_ append: ([UInt8]) throws -> Void) throws {
            if to == .csv { try table.writeCSV(append) } else { try table.writeJSONLines(append) }
        }
        if request.path == "-" {
            try write { say(String(decoding: $0.dropLast(), as: UTF8.self)) }
            return nil
        }
        try request.checkFile()
        try AtomicFile.write(to: request.path, write)
        return request.path
    }
}
