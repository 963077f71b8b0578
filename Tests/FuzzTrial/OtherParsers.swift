import Datasets
import Formats
import Foundation
import RunModel
import RunStore
import SessionFile
import ThemeFile

extension Parser {
    /// Parsers of pictures, lists, settings and logs.
    static func others(_ fixtures: Fixtures) throws -> [Parser] {
        [
            try png(fixtures), try jpeg(fixtures), try split(fixtures), try session(fixtures), try theme(fixtures), try tensorBoard(fixtures),
            captions(), try runFiles(),
        ]
    }

    /// Pictures of more pixels are refused here: what a picture needs is its width times its height, whatever its file's size.
    private static let pixelLimit = 1 << 22

    private static func decode(_ bytes: [UInt8]) throws {
        let image = try bytes.withUnsafeBytes { try RGBImage(decoding: $0, path: "picture", pixelLimit: pixelLimit) }
        guard image.byteCount < 1 << 18 else { return }
        var resizer = ImageResizer()
        let transform = ImageTransform(geometry: try ImageGeometry(resize: 16, crop: 16, mean: [0, 0, 0], std: [1, 1, 1]))
        _ = try transform.testView(of: image, resizer: &resizer)
    }

    private static func png(_ fixtures: Fixtures) throws -> Parser {
        let small = try RGBImage(width: 9, height: 5) { pixels in for index in pixels.indices { pixels[index] = UInt8(index) } }.png()
        let others = try fixtures.all("preprocess/src", [".png"], below: 3000)
        return Parser(
            name: "png", seeds: ([small] + others).map { Seed(bytes: $0) },
            words: ["IHDR", "IDAT", "PLTE", "tRNS", "gAMA", "iCCP", "eXIf", "acTL", "sBIT", "IEND", "\0\0\0\u{D}IHDR"],
            mutate: { mutator, seed, all in
                var bytes = mutator.mutated(seed.bytes, others: all.map(\.bytes))
                if !mutator.isOne(in: 4) { Containers.repairPNG(&bytes) }
                return bytes
            },
            read: { _, bytes in try decode(bytes) })
    }

    private static func jpeg(_ fixtures: Fixtures) throws -> Parser {
        let markers: [UInt8] = [0xC0, 0xC2, 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xD0, 0xE1, 0xEE]
        return Parser(
            name: "jpeg", seeds: try fixtures.all("preprocess/src", [".jpg"], below: 7000).map { Seed(bytes: $0) },
            words: ["Exif\0\0", "Adobe", "JFIF\0"],
            mutate: { mutator, seed, all in
                var bytes = mutator.mutated(seed.bytes, others: all.map(\.bytes))
                // Markers cannot be written as text: put one somewhere now and then.
                if mutator.isOne(in: 4), bytes.count > 4 {
                    let place = mutator.below(bytes.count - 1)
                    bytes[place] = 0xFF
                    bytes[place + 1] = markers[mutator.below(markers.count)]
                }
                return bytes
            },
            read: { _, bytes in try decode(bytes) })
    }

    private static func split(_ fixtures: Fixtures) throws -> Parser {
        let small = #"{"train": [["a/1.jpg", 0, "ash tree"], ["b/2.jpg", 1, "bat"]], "val": [], "test": [["c/é.png", 2, "cat"]]}"#
        return Parser(
            name: "split", seeds: [Seed(bytes: Array(small.utf8)), Seed(bytes: Array(small.utf8)), Seed(bytes: try fixtures.bytes("base_new_split.json"))],
            words: ["\"train\":", "\"val\":", "\"test\":", "[\"x\", 0, \"y\"],", "../", "null", "1.5", "["],
            read: { path, _ in _ = try SplitListing(contentsOfFile: path) })
    }

    /// Beside the images that the sound lines name.
    private static func captions() -> Parser {
        let text = "# pictures\na.png\ta photo of a star.\nsub/é.png\ta  blue\tfish\r\n\na.png\tagain\n"
        return Parser(
            name: "captions", seeds: [Seed(bytes: Array(text.utf8), file: "captions.tsv")], words: ["\t", "../", "/etc", "\r\n", "#", "\u{FEFF}"],
            read: { path, _ in
                let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
                for image in ["a.png", "sub/é.png"].map(folder.appendingPathComponent) where !FileManager.default.fileExists(atPath: image.path) {
                    try FileManager.default.createDirectory(at: image.deletingLastPathComponent(), withIntermediateDirectories: true)
                    try Data().write(to: image)
                }
                _ = try CaptionFolder(path: folder.path)
            })
    }

    private static let tomlWords = [
        "[model]\n", "[[x]]\n", "[a.b.c]\n", "\"\"\"", "'''", "= ", "\\u0000", "\\U0010FFFF", "1979-05-27T07:32:00Z", "07:32:00", "inf", "nan", "0xff", "0b1", "1_000", "{a = 1, b = [2]}",
        "a.b.c = 1\n", "# c\n", "\r\n", "\"", "[", "]", "{", "}", "\u{FEFF}",
    ]

    private static func session(_ fixtures: Fixtures) throws -> Parser {
        // Paths that exist, so that the whole way is gone.
        let spec = SessionSpec(name: "s", model: ModelSpec(path: "/"), data: DataSpec(path: "/tmp"))
        let provenance = Provenance(
            model: "m", data: "d", blasCore: "c", threads: 2, host: "h", created: "2025-01-01", versions: ["maple": "1"])
        var seeds = [SessionFile.write(spec, provenance: provenance)]
        seeds.append("name = 'x'\nseed = 0x1F\n[model]\npath = \"\"\"\na\\\nb\"\"\"\n[data]\npath = 'd'\nsplit.a = 1\nshots = \"all\"\n[eval]\nclasses = [\n \"base\", # c\n \"new\",\n]\n")
        seeds.append(
            "protocol = \"base-to-novel\"\nname = \"p\"\nmodel = \"m\"\ndata = [\"a\"]\nseeds = [1, 2]\n[session]\noptim.lr = 0.002\n[methods.maple]\nmethod.name = \"maple\"\n")
        return Parser(
            name: "session", seeds: seeds.map { Seed(bytes: Array($0.utf8), file: "s.toml") },
            words: tomlWords + SessionFile.keys.prefix(20).map { $0.path + " = " } + ["optim.lr = 1e999\n", "seed = 99999999999999999999\n"],
            read: { path, bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                _ = SessionFile.recorded(text: text)
                _ = try? PretrainFile.parse(text: text, name: "s.toml")
                // Reading from the file clears a mebibyte each time: now and then is enough.
                guard bytes.count % 8 == 0 else {
                    _ = try SessionFile.parse(text: text, name: "s.toml", overrides: ["optim.lr=0.1"])
                    return
                }
                _ = try? ProtocolFile.read(path: path)
                _ = try SessionFile.read(path: path)
            })
    }

    private static func theme(_ fixtures: Fixtures) throws -> Parser {
        let folder = fixtures.root.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("themes")
        let seeds = try Fixtures(root: folder).all(".", [".toml"])
        return Parser(
            name: "theme", seeds: seeds.map { Seed(bytes: $0, file: "t.toml") },
            words: tomlWords + ["inherits = \"dark\"\n", "[palette]\n", "[roles]\n", "[base]\n", "\"#ff00ff\"", "fg = ", "bold = true"],
            read: { path, bytes in
                let (_, warnings) = ThemeFile.read(String(decoding: bytes, as: UTF8.self), file: "t.toml")
                if let long = warnings.first(where: { $0.description.contains("\n") }) { throw Badly(long.description) }
                _ = ThemeFile.readAll(folders: [(path as NSString).deletingLastPathComponent])
            })
    }

    private static func tensorBoard(_ fixtures: Fixtures) throws -> Parser {
        let torch = try fixtures.all("tensorboard", [".torch"])
        let own = [
            TensorBoardEvent(time: 1, .fileVersion),
            TensorBoardEvent(time: 2, step: 1, .values([SummaryValue("train/loss", .scalar(1)), SummaryValue("h", .histogram(TensorBoardHistogram([1, 2])))])),
            TensorBoardEvent(time: 3, step: 1, .restart), TensorBoardEvent(time: 3, step: 1, .values([SummaryValue("train/loss", .scalar(2))])),
        ].flatMap(\.record)
        return Parser(
            name: "tensorboard", seeds: (torch + [own]).map { Seed(bytes: $0) }, words: ["brain.Event:2", "scalars", "\u{8}\u{1}", "\u{12}\0", "\n\u{4}loss"],
            mutate: { mutator, seed, all in
                guard !mutator.isOne(in: 4) else { return mutator.mutated(seed.bytes, others: all.map(\.bytes)) }
                var records = Containers.records(of: seed.bytes)
                let place = mutator.below(records.count)
                if !records.isEmpty { records[place] = mutator.mutated(records[place], others: records) }
                return records.flatMap(Containers.record)
            },
            read: { path, _ in
                let log = try ScalarLog(files: [path])
                if let long = log.problems.first(where: { $0.description.contains("\n") }) { throw Badly(long.description) }
            })
    }

    /// The files of a run folder, written by the program itself and then damaged one at a time.
    private static func runFiles() throws -> Parser {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-seeds-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try RunFolder.create(in: folder, name: "r", seed: 1)
        let spec = SessionSpec(name: "r", model: ModelSpec(path: "/m"), data: DataSpec(path: "/d"))
        let samples = DrawnSamples(seed: 1, shots: 2, classes: [.init(name: "été", label: 0, paths: ["a.png", "b \"x\".png"])])
        let recorder = try RunRecorder(new: run, spec: spec, session: SessionFile.write(spec), samples: samples)
        let norm = PromptNorm(kind: .coupler, depth: 1, tokens: [0.5, .nan], gradient: .infinity, moved: 1e-30)
        let result = EvaluationResult(
            method: .maple, data: "/d", split: nil, classes: .base, subset: .test, step: 2, epoch: 1, accuracy: 0.5, macroF1: .nan, count: 2,
            loss: 1, perClass: [ClassResult(name: "a", correct: 1, count: 2)],
            predictions: [Prediction(path: "p.png", label: 0, top: [0, 1], probability: [0.75, 0.25])], skipped: ["s.png"], seconds: 1)
        let point = MetricPoint(step: 1, epoch: 0, loss: .nan, accuracy: 0.25, learningRate: 1e-5, time: 0.5, imagesPerSecond: 8, norms: [norm])
        var second = point
        (second.step, second.loss) = (2, 1.25)
        for event: RunEvent in [
            .started(totalSteps: 2, stepsPerEpoch: 2, fromStep: 0), .step(point), .step(second), .checkpointWritten(file: "epoch-1.safetensors", step: 2),
            .commandTaken(.setLearningRate(0.1), step: 1), .commandTaken(.evaluate([.base]), step: 1), .warning("w\n"), .evaluated(result),
            .finished(RunSummary(steps: 2, seconds: 1, loss: 1.25, base: 0.5, new: 0.25)),
        ] { try recorder.record(event) }
        recorder.close()
        let files = ["metrics.jsonl", "events.jsonl", "summary.json", "samples.json", try run.evaluationFiles()[0]]
        let own = Fixtures(root: URL(fileURLWithPath: run.path))
        return Parser(
            name: "run", seeds: try (["metrics.jsonl"] + files).map { Seed(bytes: try own.bytes($0), file: ($0 as NSString).lastPathComponent) },
            words: ["\"step\":", "\"norms\":[", "\"loss_is\":\"inf\"", "null", "\"tokens\":[", "\n", "{\"event\":\"started\"", "1e400", "\"time\":", "\\ud83d\\ude00", "{}", "9007199254740993"],
            read: { path, _ in
                let run = RunFolder(path: (path as NSString).deletingLastPathComponent)
                switch (path as NSString).lastPathComponent {
                case "metrics.jsonl":
                    let batch = try run.metrics(norms: true)
                    _ = try run.metrics()
                    _ = batch.points.last
                    try MetricTable(run).writeCSV { _ in }
                case "events.jsonl":
                    _ = try run.events()
                    _ = try run.checkpoints()
                    _ = try EvaluationFigure.all(of: run)
                case "summary.json": _ = RunList.overview(run) { try SessionFile.parse(text: $0, name: "session.toml") }
                case "samples.json": _ = try run.samples()
                default: _ = try EvaluationFile.read(path)
                }
            })
    }
}

/// Words for a reader that answered in a way it must not.
struct Badly: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = "an answer of several lines: \(description)" }
}
