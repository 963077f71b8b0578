import ArgumentParser
import Datasets
import Formats
import Foundation
import RunModel
import RunStore
import SessionFile
import Training

struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Train a small CLIP from nothing on images with captions.",
        discussion: """
            Writes a new run folder below --runs; the finished model, an ordinary Hugging Face CLIP folder, is its folder "model". \
            Ctrl-C finishes the step and writes a checkpoint; `maple resume` goes on from it.
            """)

    @Argument(help: "Session file (TOML) with kind = \"pretrain\".")
    var session: String

    @Option(name: .customLong("set"), help: ArgumentHelp("Override a key of the session, such as optim.lr=0.002.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: "Folder that run folders are made in (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Option(help: ArgumentHelp("Write the finished model to this folder too.", valueName: "dir"))
    var output: String?

    @Flag(help: "Let --output replace the model of a folder that is there; other files in it stay.")
    var replace = false

    @Flag(help: "End with one JSON object on standard output.")
    var json = false

    @Flag(help: "No progress.")
    var quiet = false

    @OptionGroup var compute: ThreadOptions

    func run() throws {
        let spec = try PretrainFile.read(path: session, overrides: overrides)
        try checkOutput()
        let run = PretrainRun(
            spec: spec, start: .new(root: runs ?? RunFolder.defaultRoot()), threads: compute.threads,
            progress: ProgressLine(quiet: quiet), output: output)
        try report(try run.run(), json: json)
    }

    /// Before hours of training, not after them.
    private func checkOutput() throws {
        guard let output else { return }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: output, isDirectory: &isFolder) else { return }
        guard isFolder.boolValue else { throw ValidationError("--output wants a folder; \(output) is a file") }
        let isEmpty = try FileManager.default.contentsOfDirectory(atPath: output).isEmpty
        guard isEmpty || replace else {
            throw ValidationError("\(output) is there already and not empty: choose another --output, or say --replace to replace the model in it")
        }
    }

    /// For `maple resume`.
    static func resume(_ folder: RunFolder, threads: Int, quiet: Bool, json: Bool) throws {
        let spec = try PretrainFile.read(path: folder.sessionFile)
        let run = PretrainRun(spec: spec, start: .resume(folder), threads: threads, progress: ProgressLine(quiet: quiet))
        try report(try run.run(), json: json)
    }
}

/// The last object of `pretrain`.
private struct PretrainReport: Encodable {
    var run: String
    var state: String
    var steps: Int
    var seconds: Double
    var loss: Double?
    var weights: Int
    var logit_scale: Float
    var zero_shot: Double?
    var recall_image_to_text: Double?
    var recall_text_to_image: Double?
    var images_per_second: Double?
    /// Arithmetic of the steps over what the machine does in one large product.
    var gemm_share: Double?
    var model: String?
}

private func report(_ outcome: PretrainRun.Outcome, json: Bool) throws {
    let summary = outcome.summary, recalls = outcome.retrieval?.perClass.map(\.accuracy) ?? []
    let share = outcome.speed.map { $0.operationsPerSecond / $0.machineRate }
    let model = summary == nil ? nil : PretrainRun.modelFolder(outcome.folder)
    if json {
        try sayJSON(
            PretrainReport(
                run: outcome.folder.path, state: summary == nil ? "stopped" : "finished",
                steps: summary?.steps ?? outcome.stoppedAt, seconds: summary?.seconds ?? 0, loss: summary?.loss,
                weights: outcome.parameters, logit_scale: outcome.scale, zero_shot: outcome.zeroShot,
                recall_image_to_text: recalls.first, recall_text_to_image: recalls.last,
                images_per_second: outcome.speed?.imagesPerSecond, gemm_share: share, model: model))
    }
    guard let summary else {
        note("stopped after step \(outcome.stoppedAt). To go on: maple resume \(outcome.folder.path)")
        return
    }
    guard !json else { return }
    say("run            \(outcome.folder.path)")
    say("steps          \(summary.steps) in \(duration(summary.seconds))")
    if let value = outcome.zeroShot { say("zero-shot      \(percent(value)) % on combinations that training never saw") }
    if recalls.count == 2 {
        say("recall at 1    \(percent(recalls[0])) % of images find their caption, \(percent(recalls[1])) % of captions their image")
    }
    if let speed = outcome.speed, let share {
        say("speed          \(String(format: "%.0f", speed.imagesPerSecond)) images/s, \(percent(share)) % of the machine's product rate (\(String(format: "%.0f", speed.machineRate / 1e9)) GFLOP/s)")
    }
    if let model { say("model          \(model)") }
}

struct VocabularyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vocabulary",
        abstract: "Learn a byte-pair vocabulary from captions.",
        discussion: """
            CAPTIONS holds a caption on each line; of lines with tabs the last column is the caption. Writes vocab.json and merges.txt, \
            as CLIP's tokenizer reads them, into the folder.
            """)

    @Argument(help: "Text file with a caption on each line.")
    var captions: String

    @Argument(help: ArgumentHelp("Folder to write to; made where it is missing.", valueName: "dir"))
    var folder: String

    @Option(help: "Tokens of the vocabulary; bytes, start and end token take 514 of them.")
    var size = 1024

    @Flag(help: "End with one JSON object on standard output.")
    var json = false

    private struct Report: Encodable {
        var vocabulary: String
        var tokens: Int
        var merges: Int
        var words: Int
        var captions: Int
    }

    func run() throws {
        var learner = BytePairLearner()
        let lines = try CaptionLines.read(captions)
        for line in lines { learner.add(line) }
        let vocabulary = try learner.learn(size: size)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw FormatError.write(path: folder, reason: "the folder cannot be made")
        }
        try vocabulary.write(to: folder)
        if vocabulary.tokens.count < size {
            note("warning: no pair of letters occurs twice any more: the vocabulary has \(vocabulary.tokens.count) tokens, not \(size)")
        }
        if json {
            try sayJSON(
                Report(
                    vocabulary: folder, tokens: vocabulary.tokens.count, merges: vocabulary.merges.count, words: learner.wordCount,
                    captions: lines.count))
        } else {
            say("\(vocabulary.tokens.count) tokens from \(lines.count) captions of \(learner.wordCount) different words in \(folder)")
        }
    }
}
