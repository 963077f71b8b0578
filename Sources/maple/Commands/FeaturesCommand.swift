import Analysis
import ArgumentParser
import Datasets
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
        var isFolder: ObjCBool = false
        if let svg, FileManager.default.fileExists(atPath: svg, isDirectory: &isFolder), !isFolder.boolValue {
            throw ValidationError("--svg wants a folder; \(svg) is a file")
        }
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
        let images = try TrainingRun.open(spec.data, listing: data == nil ? SplitKeeper.read(folder) : nil).cut(to: classes)
        let progress = ProgressLine(quiet: quiet)
        let source = FeatureMapping.Source(
            spec: spec, images: images, classes: classes, subset: subset, method: spec.method.name,
            checkpoint: spec.method.name == .zeroshot ? nil : try folder.checkpointPath(checkpoint), limit: limit)
        let tell: FeatureMapping.Progress = { phase, done, total in
            switch phase {
            case .embedding: progress.show(.evaluationProgress(classes: classes, done: done, total: total))
            case .tsne: if done % 100 == 0 { progress.remark("t-SNE: \(done)/\(total) iterations") }
            }
            return !isStopped()
        }
        guard let found = try FeatureMapping(source, threads: compute.threads, tell) else { return nil }
        if found.skipped > 0 { note("warning: \(found.skipped) images could not be read and were left out") }
        var files: [String] = []
        var map: [SIMD2<Double>]?
        if svg != nil || (json && points) {
            let began = ProcessInfo.processInfo.systemUptime
            map = found.map(perplexity: perplexity, seed: seed, iterations: iterations, tell)
            guard map != nil else { return nil }
            progress.remark("t-SNE of \(found.items.count) points in \(duration(ProcessInfo.processInfo.systemUptime - began))")
        }
        if let svg, let map {
            try FileManager.default.createDirectory(atPath: svg, withIntermediateDirectories: true)
            for (kind, points) in [("tsne", map), ("pca", found.components.points)] {
                let path = "\(svg)/\(folder.name)-\(kind).svg"
                let chart = found.chart(points, kind: kind == "tsne" ? "t-SNE" : "PCA")
                try AtomicFile.write(Array(chart.svg.utf8), to: path)
                files.append(path)
            }
        }
        let (apart, components, labels) = (found.apart, found.components, found.features.labels)
        return Report(
            run: folder.path, method: spec.method.name.rawValue, data: images.folder, classes: images.classNames, images: found.items.count,
            silhouette: apart.silhouette, purity: apart.purity, neighbours: apart.neighbours,
            pca_explained: [components.explained.x, components.explained.y], files: files,
            points: points
                ? found.items.indices.map { i in
                    .init(
                        path: found.items[i].path, label: labels[i], tsne: map.map { [$0[i].x, $0[i].y] },
                        pca: [components.points[i].x, components.points[i].y])
                } : nil)
    }
}
