import Analysis
import ArgumentParser
import Datasets
import Engine
import Foundation
import RunModel
import RunStore
import SessionFile
import Synchronization
import Training

struct FeaturesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features", abstract: "Image embeddings of an evaluation as t-SNE and PCA, and how well classes lie apart.",
        discussion: """
            Silhouette and nearest-neighbour purity are of the embeddings themselves, at unit length, not of the picture. \
            The same seed gives the same picture. Ctrl-C stops.
            """)

    @Argument(help: ArgumentHelp("Run folder, its name, a beginning of it, or \"last\"; several make a picture each.", valueName: "run"))
    var targets: [String]

    @Option(help: "Checkpoint within the run, such as epoch-3 (default: the last).")
    var checkpoint: String?

    @Option(help: "Data set folder (default: the run's).")
    var data: String?

    @Option(help: "Split file of the data set, relative to its folder.")
    var split: String?

    @Option(help: "Classes: base, new or all.")
    var classes: ClassSubset = .new

    @Option(help: "Images: test, val or train.")
    var subset: ImageSubset = .test

    @Option(help: "At most so many images, evenly from the list.")
    var limit = 2000

    @Option(help: "Perplexity of t-SNE.")
    var perplexity = 30.0

    @Option(help: "Iterations of t-SNE.")
    var iterations = 1000

    @Option(help: "Seed of t-SNE.")
    var seed = 1

    @Option(help: "Folder that pictures are written to, RUN-tsne.svg and RUN-pca.svg; without it none are drawn.")
    var svg: String?

    @Option(help: "Folder that holds the run folders (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Flag(help: "Print JSON on standard output.")
    var json = false

    @Flag(help: "With --json, add the points.")
    var points = false

    @Flag(help: "No progress.")
    var quiet = false

    @OptionGroup var compute: ThreadOptions

    struct Report: Encodable {
        struct Point: Encodable {
            var path: String
            var label: Int
            var tsne: [Double]?
            var pca: [Double]
        }
        var run: String
        var method: String
        var data: String
        var classes: [String]
        var images: Int
        var silhouette: Double
        var purity: Double
        var neighbours: Int
        var pca_explained: [Double]
        var files: [String]
        var points: [Point]?
    }

    func validate() throws {
        guard (2...TSNE.pointLimit).contains(limit) else { throw ValidationError("--limit must be from 2 to \(TSNE.pointLimit)") }
        guard perplexity > 0, perplexity < 1000 else { throw ValidationError("--perplexity must be above 0 and below 1000") }
        guard (1...100_000).contains(iterations) else { throw ValidationError("--iterations must be from 1 to 100000") }
    }

    func run() throws {
        let stopped = Mutex(false)
        let signals = StopSignals { stopped.withLock { $0 = true } }
        defer { signals.end() }
        var reports: [Report] = []
        for target in targets {
            guard let report = try report(target, isStopped: { stopped.withLock { $0 } }) else {
                note("stopped")
                throw ExitCode(1)
            }
            reports.append(report)
        }
        if json { return try sayJSON(reports) }
        say(table(
            ["run", "method", "images", "classes", "silhouette", "purity of \(reports.first?.neighbours ?? 0)", "PCA explains %"],
            reports.map {
                [
                    ($0.run as NSString).lastPathComponent, $0.method, "\($0.images)", "\($0.classes.count)", String(format: "%.3f", $0.silhouette),
                    String(format: "%.3f", $0.purity), $0.pca_explained.map { percent($0) }.joined(separator: " + "),
                ]
            }, left: [0, 1]))
        for file in reports.flatMap(\.files) { note("written: \(file)") }
    }

    private func report(_ target: String, isStopped: () -> Bool) throws -> Report? {
        let folder = try RunList.find(target, in: runs ?? RunFolder.defaultRoot())
        var spec = try SessionFile.parse(text: try folder.sessionText(), name: folder.sessionFile)
        if let data { (spec.data.path, spec.data.split) = (data, nil) }
        if let split { spec.data.split = split }
        let model = try ModelFolder(spec.model, threads: compute.threads)
        let images = try TrainingRun.open(spec.data, listing: data == nil ? SplitKeeper.read(folder) : nil).cut(to: classes)
        let prompts = spec.method.name == .zeroshot ? nil : try Checkpoint.open(path: folder.checkpointPath(checkpoint), model: model).prompts
        let progress = ProgressLine(quiet: quiet)
        guard let (features, items) = try embed(images, model, prompts, progress, isStopped) else { return nil }

        let unit = features.unitLength
        let apart = Separability(unit)
        let components = PrincipalComponents(unit)
        var files: [String] = []
        var map: [SIMD2<Double>]?
        let wantsMap = svg != nil || (json && points)
        if wantsMap {
            let began = ProcessInfo.processInfo.systemUptime
            map = TSNE(unit, perplexity: perplexity, seed: seed).run(iterations: iterations) { done, total in
                if !quiet, done % 100 == 0 { progress.line("t-SNE: \(done)/\(total) iterations") }
                return !isStopped()
            }
            guard map != nil else { return nil }
            if !quiet { progress.line("t-SNE of \(unit.count) points in \(duration(ProcessInfo.processInfo.systemUptime - began))") }
        }
        let measures = String(format: "silhouette %.3f, purity %.3f of %d neighbours", apart.silhouette, apart.purity, apart.neighbours)
        if let svg, let map {
            try FileManager.default.createDirectory(atPath: svg, withIntermediateDirectories: true)
            for (kind, points) in [("tsne", map), ("pca", components.points)] {
                let chart = ScatterChart(
                    title: "\(spec.method.name.rawValue): \(classes.rawValue) classes of \(images.name), \(kind == "tsne" ? "t-SNE" : "PCA")",
                    caption: measures, points: points, labels: unit.labels, classNames: images.classNames)
                let path = "\(svg)/\(folder.name)-\(kind).svg"
                try AtomicFile.write(Array(chart.svg.utf8), to: path)
                files.append(path)
            }
        }
        return Report(
            run: folder.path, method: spec.method.name.rawValue, data: images.folder, classes: images.classNames, images: unit.count,
            silhouette: apart.silhouette, purity: apart.purity, neighbours: apart.neighbours,
            pca_explained: [components.explained.x, components.explained.y], files: files,
            points: points
                ? items.indices.map { i in
                    .init(
                        path: items[i].path, label: unit.labels[i], tsne: map.map { [$0[i].x, $0[i].y] },
                        pca: [components.points[i].x, components.points[i].y])
                } : nil)
    }

    /// Image embeddings before normalisation; nil when stopped.
    private func embed(
        _ data: ImageDataset, _ model: ModelFolder, _ prompts: LearnedPrompts?, _ progress: ProgressLine, _ isStopped: () -> Bool
    ) throws -> (FeatureSet, [ImageItem])? {
        let all = data.items(of: subset)
        let items = all.count <= limit ? all : (0..<limit).map { all[$0 * all.count / limit] }
        guard !items.isEmpty else {
            throw TrainingError.emptySubset(subset: subset.rawValue, classes: classes.rawValue, data: data.folder)
        }
        // The vision tower alone is read; one sentence is enough, or those that class-specific contexts were made for.
        let sentences = prompts?.ownSentences ?? [[model.tokenizer.startToken] + model.tokenizer.encode(String(repeating: "X ", count: 1 + (prompts?.method.textTokens ?? 0)) + ".") + [model.tokenizer.endToken]]
        let scorer = try Scorer(clip: model.clip, prompts: prompts, sentences: sentences)
        let loader = try BatchLoader(
            items: items, classNames: data.classNames, batch: scorer.capacity, transform: ImageTransform(geometry: model.geometry),
            plan: .evaluation)
        defer { loader.cancel() }
        var values: [Float] = []
        var shown: [ImageItem] = []
        var logits = [Float](repeating: 0, count: scorer.capacity * scorer.classes)
        while let batch = try loader.next() {
            scorer.logits(images: batch.images, count: batch.count, into: &logits)
            values += scorer.rawImageFeatures(count: batch.count).prefix(batch.count * model.clip.shape.embedding)
            shown += batch.items
            loader.recycle(batch)
            progress.show(.evaluationProgress(classes: classes, done: shown.count, total: items.count))
            if isStopped() { return nil }
        }
        if !loader.skipped.isEmpty { note("warning: \(loader.skipped.count) images could not be read and were left out") }
        guard let features = FeatureSet(values: values, labels: shown.map(\.label), dimensions: model.clip.shape.embedding) else {
            throw TrainingError.checkpoint(path: model.path, what: "the image embeddings are not finite. Use another checkpoint.")
        }
        return (features, shown)
    }
}
