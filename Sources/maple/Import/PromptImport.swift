import Datasets
import Engine
import Formats
import Foundation
import RunModel
import RunStore
import SessionFile
import Training

/// Makes a read-only run of a checkpoint of prompts that another program wrote.
///
/// The run's folder holds the prompts as a checkpoint of this program, a session that names method, model and data, and, where
/// a data set is given, the evaluations on it: it is listed, shown, compared and scored like those trained here.
struct PromptImport {
    var path: String
    var model: String
    var vocabulary: String?
    var data: String?
    var split: String?
    /// The classes it was trained on.
    var classes: ClassSubset
    var name: String?
    var given: OpenedPrompts.Given
    var threads: Int
    var progress: ProgressLine

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    /// - Returns: the run, and what had to be assumed.
    func make(in root: String) throws -> (run: RunFolder, notes: [String]) {
        let file = try PromptCheckpoint(path: path)
        let clip = try ModelFolder(path: model, vocabulary: vocabulary, threads: threads)
        let opened = try OpenedPrompts(file, model: clip, given: given)
        var notes = clip.notes + opened.notes
        var spec = SessionSpec(
            name: name ?? title, model: ModelSpec(path: absolute(model), vocabulary: vocabulary.map(absolute)),
            data: DataSpec(path: data.map(absolute) ?? "(not given when it was imported)", split: split, classes: classes, shots: nil),
            method: opened.method)
        if opened.method.classSpecific || classes == .all { spec.eval.classes = [classes] }
        // Where the file counts epochs alone, these stand for steps: 0 would mean an untrained method.
        let step = opened.step > 0 ? opened.step : max(1, opened.epoch)
        if opened.step == 0 { notes.append("the file does not say how many steps were taken: its epochs are counted in their place") }
        let (results, images) = try evaluate(spec, clip, opened, step)
        if let names = opened.classNames, let images { notes += Self.compare(names, try images.cut(to: classes).classNames, clip) }
        let now = Date().timeIntervalSince1970
        var overview = RunOverview(
            path: "", state: .finished, name: spec.name, method: spec.method.name, data: data.map(absolute), model: spec.model.path,
            classes: classes, created: now, updated: now, steps: step, totalSteps: step, source: absolute(path))
        for result in results {
            switch result.classes {
            case .base: overview.base = result.accuracy
            case .new: overview.new = result.accuracy
            case .all: overview.all = result.accuracy
            }
        }
        if let base = overview.base, let new = overview.new { overview.harmonicMean = harmonicMean(base, new) }
        let provenance = Provenance(
            model: clip.fingerprint, data: images?.fingerprint ?? "", blasCore: BLAS.coreName, threads: clip.clip.workers.count,
            host: ProcessInfo.processInfo.hostName, created: Date().formatted(.iso8601), versions: ["maple": Maple.version])
        // Without a data set the names are those that the sentences spell.
        let names = images?.cut(to: classes).classNames ?? opened.classNames
        let samples = names.map { names in
            DrawnSamples(seed: 0, shots: nil, classes: names.enumerated().map { .init(name: $1, label: $0, paths: []) })
        }
        let run = try ImportedRun.create(
            in: root, overview, session: SessionFile.write(spec, provenance: provenance), samples: samples
        ) { run in
            try Checkpoint.write(
                opened.prompts,
                CheckpointState(
                    step: step, epoch: opened.epoch, batch: 0, seed: 0, rateFactor: nil, modelFingerprint: clip.fingerprint,
                    method: opened.method),
                to: run.path + "/" + RunFolder.checkpointFile(epoch: opened.epoch))
            for result in results {
                try EvaluationFile.write(
                    result, to: "\(run.evaluationsFolder)/\(step)-\(result.classes.rawValue)-\(result.subset.rawValue).json")
            }
        }
        return (run, notes)
    }

    /// `MultiModalPromptLearner/model.pth.tar-5` is called after its folder's folder where that says more.
    private var title: String {
        let parts = absolute(path).split(separator: "/").map(String.init)
        let learners = ["MultiModalPromptLearner", "VLPromptLearner", "prompt_learner"]
        if parts.count >= 3, learners.contains(parts[parts.count - 2]) { return "\(parts[parts.count - 3]) \(parts[parts.count - 1])" }
        return parts.last ?? "prompts"
    }

    private func evaluate(
        _ spec: SessionSpec, _ clip: ModelFolder, _ opened: OpenedPrompts, _ step: Int
    ) throws -> ([EvaluationResult], ImageDataset?) {
        guard data != nil else { return ([], nil) }
        let images = try ImageDataset.open(path: spec.data.path, split: spec.data.split)
        let evaluator = Evaluator(model: clip, cache: ImageCache())
        let results = try spec.eval.classes.compactMap { subset -> EvaluationResult? in
            let part = images.cut(to: subset)
            guard !part.items(of: spec.eval.subset).isEmpty else { return nil }
            let sentences = ClassSentences(
                classNames: part.classNames, spec: spec, tokenizer: clip.tokenizer, window: clip.configuration.contextLength)
            return try evaluator.evaluate(
                Evaluator.Task(
                    data: part, classes: subset, subset: spec.eval.subset, sentences: sentences.tokens, method: spec.method.name,
                    step: step, epoch: opened.epoch), prompts: opened.prompts
            ) { done, total in
                progress.show(.evaluationProgress(classes: subset, done: done, total: total))
                return true
            }
        }
        for result in results { progress.show(.evaluated(result)) }
        return (results, images)
    }

    /// The names that the checkpoint's sentences hold, against those of the data set.
    private static func compare(_ trained: [String], _ own: [String], _ clip: ModelFolder) -> [String] {
        func spelled(_ name: String) -> [Int32] { clip.tokenizer.encode(name.split { $0 == "_" || $0 == " " }.joined(separator: " ")) }
        if trained.map(spelled) == own.map(spelled) { return [] }
        return ["it was trained on \(trained.count) classes (\(listed(trained))), which are not the \(own.count) of the data set (\(listed(own)))"]
    }
}
