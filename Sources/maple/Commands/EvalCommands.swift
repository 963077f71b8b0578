import ArgumentParser
import Datasets
import Engine
import Formats
import Foundation
import RunModel
import RunStore
import SessionFile
import Training

extension ClassSubset: ExpressibleByArgument {}
extension ImageSubset: ExpressibleByArgument {}
extension EnsembleName: ExpressibleByArgument {}
extension MethodName: ExpressibleByArgument {}

/// What is scored, and over which names.
struct ScoringOptions: ParsableArguments {
    @Option(help: "Split file of the data set, relative to its folder.")
    var split: String?

    @Option(help: "Classes: base, new or all.")
    var classes: ClassSubset?

    @Option(help: "Images: test, val or train.")
    var subset: ImageSubset = .test

    @Option(help: "Sentence of zero-shot prompts, {} standing for the class name.")
    var template: String?

    @Flag(help: "Go on where images that the split file lists are missing.")
    var allowMissing = false

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    @Flag(help: "With --json, add the prediction of every image.")
    var predictions = false

    @Flag(help: "No progress.")
    var quiet = false

    func validate() throws {
        if let template, !template.contains("{}") { throw ValidationError("--template must hold {} where the class name stands") }
    }
}

struct ZeroShot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zeroshot", abstract: "Score a data set with zero-shot CLIP.")

    @Option(help: "CLIP folder or file.")
    var model: String

    @Option(help: ArgumentHelp("Folder with vocab.json and merges.txt, where the model has none.", valueName: "folder"))
    var vocabulary: String?

    @Option(help: "Data set folder.")
    var data: String

    @Option(help: "Sentences that are averaged: selected (seven templates chosen for ImageNet) or selected+template.")
    var ensemble: EnsembleName = .none

    @OptionGroup var scoring: ScoringOptions
    @OptionGroup var compute: ThreadOptions

    func run() throws {
        let model = try ModelFolder(path: model, vocabulary: vocabulary, threads: compute.threads)
        model.notes.forEach { note("warning: \($0)") }
        let classes = scoring.classes ?? .all
        let whole = try ImageDataset.open(path: data, split: scoring.split)
        if !scoring.allowMissing { try whole.requireComplete() }
        let data = whole.cut(to: classes)
        var spec = SessionSpec(name: "zeroshot", model: ModelSpec(path: model.path), data: DataSpec(path: data.folder))
        spec.method = MethodSpec(name: .zeroshot, ensemble: ensemble)
        if let template = scoring.template ?? data.template { spec.data.template = template }
        let sentences = ClassSentences(
            classNames: data.classNames, spec: spec, tokenizer: model.tokenizer, window: model.configuration.contextLength)
        try score(
            Evaluator.Task(
                data: data, classes: classes, subset: scoring.subset, sentences: sentences.tokens, method: .zeroshot),
            warnings: data.warnings + sentences.warnings, model: model, prompts: nil, scoring)
    }
}

struct Eval: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Score a run's checkpoint, on its own data set or another.",
        discussion: """
            A checkpoint that another program wrote (the reference's model.pth.tar-N, or its folder) is scored in the same way; \
            it needs --model and --data.
            """)

    @Argument(
        help: ArgumentHelp(
            "Run folder, its name, a beginning of it, or \"last\"; or a file of learned prompts.", valueName: "run-or-file"))
    var target: String

    @OptionGroup var words: PromptWordOptions

    @Option(help: "Checkpoint within the run, such as epoch-3 (default: the last).")
    var checkpoint: String?

    @Option(help: "CLIP folder or file (default: the run's).")
    var model: String?

    @Option(help: ArgumentHelp("Folder with vocab.json and merges.txt, where the model has none.", valueName: "folder"))
    var vocabulary: String?

    @Option(help: "Data set folder (default: the run's).")
    var data: String?

    @Option(help: "Folder that holds the run folders (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Flag(help: "Keep the result in the run's evaluations.")
    var save = false

    @OptionGroup var scoring: ScoringOptions
    @OptionGroup var compute: ThreadOptions

    func run() throws {
        if let file = PromptFile.find(target) { return try scorePrompts(at: file) }
        let folder = try RunList.find(target, in: runs ?? RunFolder.defaultRoot())
        // Paths that are overridden need not exist any more.
        var overrides: [String] = []
        func place(_ key: String, _ path: String?) {
            guard let path else { return }
            overrides.append("\(key)=\(path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path)")
        }
        place("model.path", model)
        place("model.vocabulary", vocabulary)
        place("data.path", data)
        _ = try folder.sessionText()
        if data == nil, let overview = RunList.overview(folder), overview.source != nil, overview.data == nil {
            throw ImportError.noData(run: folder.path)
        }
        var spec = try SessionFile.read(path: folder.sessionFile, overrides: overrides)
        if data != nil { spec.data.split = nil }
        if let split = scoring.split { spec.data.split = split }
        let model = try ModelFolder(spec.model, threads: compute.threads)
        let listing = data == nil ? try SplitKeeper.read(folder) : nil
        // Class-specific contexts know no other classes than those they were trained on.
        let classes = scoring.classes ?? (spec.method.classSpecific ? spec.data.classes : .all)
        let whole = try TrainingRun.open(spec.data, listing: listing)
        if !scoring.allowMissing, !spec.data.allowMissing { try whole.requireComplete() }
        let images = whole.cut(to: classes)
        var prompts: LearnedPrompts?
        var state: CheckpointState?
        if spec.method.name == .zeroshot {
            // A sentence that is asked for stands alone; another of the paper's data sets is read in its own.
            if data != nil, let own = images.template { spec.data.template = own }
            if let template = scoring.template { (spec.data.template, spec.method.ensemble) = (template, .none) }
        } else {
            let opened = try Checkpoint.open(path: try folder.checkpointPath(checkpoint), model: model)
            (prompts, state) = (opened.prompts, opened.state)
            if scoring.template != nil { note("warning: --template is for zero-shot runs; this run's sentence is learned") }
        }
        let sentences = ClassSentences(
            classNames: images.classNames, spec: spec, tokenizer: model.tokenizer, window: model.configuration.contextLength)
        let result = try score(
            Evaluator.Task(
                data: images, classes: classes, subset: scoring.subset, sentences: sentences.tokens,
                method: spec.method.name, step: state?.step ?? 0, epoch: state?.epoch ?? 0),
            warnings: images.warnings + sentences.warnings, model: model, prompts: prompts, scoring)
        if save { note("kept as \(try folder.keep(result, ownData: data == nil))") }
    }

    /// Prompts that do not lie in a run.
    private func scorePrompts(at path: String) throws {
        guard let model, let data else {
            throw ValidationError("\(path) is a file of prompts: name its CLIP with --model and the images with --data")
        }
        if save { throw ValidationError("--save is for runs: import the file first (maple import)") }
        let file = try PromptCheckpoint(path: path)
        let clip = try ModelFolder(path: model, vocabulary: vocabulary, threads: compute.threads)
        let opened = try OpenedPrompts(file, model: clip, given: words.given)
        (clip.notes + opened.notes.map { "\(path): \($0)" }).forEach { note("warning: \($0)") }
        if let names = opened.classNames, !scoring.quiet { note("trained on \(names.count) classes: \(listed(names))") }
        let classes = scoring.classes ?? .all
        let whole = try ImageDataset.open(path: data, split: scoring.split)
        if !scoring.allowMissing { try whole.requireComplete() }
        let images = whole.cut(to: classes)
        let sentences = ClassSentences(
            classNames: images.classNames, tokenizer: clip.tokenizer, window: clip.configuration.contextLength,
            sentence: PromptWords(opened.method, tokenizer: clip.tokenizer).sentence)
        try score(
            Evaluator.Task(
                data: images, classes: classes, subset: scoring.subset, sentences: sentences.tokens, method: opened.method.name,
                step: opened.step, epoch: opened.epoch),
            warnings: images.warnings + sentences.warnings, model: clip, prompts: opened.prompts, scoring)
    }
}

extension RunFolder {
    /// Writes an evaluation beside those of training. Answers the file.
    func keep(_ result: EvaluationResult, ownData: Bool) throws -> String {
        let other = ownData ? "" : "-" + (result.data as NSString).lastPathComponent
        let file = "evaluations/\(result.step)-\(result.classes.rawValue)-\(result.subset.rawValue)\(other).json"
        try EvaluationFile.write(result, to: path + "/" + file)
        return file
    }
}

/// What files of prompts leave unsaid.
struct PromptWordOptions: ParsableArguments {
    @Option(
        name: .customLong("init"),
        help: ArgumentHelp("For a file of prompts: the words its context started from, with those after it.", valueName: "words"))
    var initialWords: String?

    @Option(help: "For a file of CoOp's prompts: where the class name stands (end, middle, front).")
    var position: NamePlace?

    var given: OpenedPrompts.Given { .init(words: initialWords, position: position) }
}

extension NamePlace: ExpressibleByArgument {}

extension PromptFile {
    /// The file of prompts that a command's argument names: a file, or a folder of the reference's trainer.
    static func find(_ target: String) -> String? {
        var status = stat()
        guard !target.isEmpty, stat(target, &status) == 0 else { return nil }
        if status.st_mode & S_IFMT == S_IFREG { return target }
        let isRun = (try? RunFolder.open(target)) != nil
        return isRun ? nil : newest(in: target)
    }
}

/// Up to ten names in a row.
func listed(_ names: [String]) -> String {
    names.prefix(10).joined(separator: ", ") + (names.count > 10 ? " and \(names.count - 10) more" : "")
}

/// Scores, prints, and answers the result.
@discardableResult
func score(
    _ task: Evaluator.Task, warnings: [String], model: ModelFolder, prompts: LearnedPrompts?, _ options: ScoringOptions
) throws -> EvaluationResult {
    warnings.forEach { note("warning: \($0)") }
    let progress = ProgressLine(quiet: options.quiet)
    let result = try Evaluator(model: model, cache: ImageCache()).evaluate(task, prompts: prompts) { done, total in
        progress.show(.evaluationProgress(classes: task.classes, done: done, total: total))
        return true
    }
    guard var result else { throw TrainingError.goldens("the evaluation was stopped") }
    if let text = result.skippedWarning { progress.line("warning: \(text)") }
    let whole = result
    if options.json {
        if !options.predictions { result.predictions = [] }
        try sayJSON(result)
    } else {
        progress.remark("\(result.count) images in \(duration(result.seconds))")
        say("accuracy  \(percent(result.accuracy)) %")
        say("macro-F1  \(percent(result.macroF1)) %")
        say("")
        say(table(["class", "correct", "images", "accuracy %"], result.perClass.map {
            [$0.name, "\($0.correct)", "\($0.count)", percent($0.accuracy)]
        }))
    }
    return whole
}
