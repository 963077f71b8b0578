import Foundation
import RunModel
@testable import Screen

/// A made-up workbench with the proportions of a real one: the numbers come from a fixed generator.
struct Sample {
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
        mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
        /// About normal: the sum of twelve.
        mutating func normal() -> Double { (0..<12).reduce(-6.0) { sum, _ in sum + unit() } }
    }

    static let classNames = [
        "goldfish", "bullfrog", "tailed frog", "European fire salamander", "boa constrictor", "scorpion", "black widow", "tarantula", "centipede",
        "koala", "jellyfish", "brain coral", "snail", "sea slug", "American lobster", "spiny lobster", "black stork", "king penguin", "albatross",
        "dugong", "Yorkshire terrier", "golden retriever", "Labrador retriever", "German shepherd", "standard poodle", "tabby", "Persian cat", "Egyptian cat",
        "cougar", "lion", "brown bear", "ladybug", "grasshopper", "walking stick", "cockroach", "mantis", "dragonfly", "monarch", "sulphur butterfly",
        "sea cucumber", "guinea pig", "hog", "ox", "bison", "bighorn", "gazelle", "Arabian camel", "orangutan", "chimpanzee", "baboon",
    ]

    static func spec(_ name: String, seed: Int = 1, method: MethodName = .maple, lr: Double = 0.0035, depth: Int = 9) -> SessionSpec {
        SessionSpec(
            name: name, seed: seed, model: ModelSpec(path: "/models/photo-nano"),
            data: DataSpec(path: "/data/tiny-imagenet-mini", split: "split_zhou_TinyImageNetMini.json"), method: MethodSpec(name: method, depth: depth),
            optim: OptimSpec(lr: lr, epochs: 5))
    }

    static func evaluation(
        _ spec: SessionSpec, _ classes: ClassSubset, step: Int, level: Double, seed: UInt64, names: [String] = classNames, perClass: Int = 20
    ) -> EvaluationResult {
        var random = Generator(state: seed)
        var rows: [ClassResult] = []
        var predictions: [Prediction] = []
        for (index, name) in names.enumerated() {
            // A class has its own difficulty, the same for every evaluation.
            var own = Generator(state: UInt64(index + 1) &* 7919)
            _ = own.next()
            let chance = min(0.98, max(0.05, level + own.normal() * 0.18))
            var correct = 0
            for image in 0..<perClass {
                let right = random.unit() < chance
                if right { correct += 1 }
                let other = (index + 1 + Int(random.unit() * random.unit() * Double(names.count - 1))) % names.count
                let p = Float(0.35 + 0.6 * random.unit())
                predictions.append(
                    Prediction(
                        path: "test/\(name.split(separator: " ").joined(separator: "_"))/\(image).jpg", label: index, top: right ? [index, other] : [other, index],
                        probability: [p, (1 - p) * 0.7]))
            }
            rows.append(ClassResult(name: name, correct: correct, count: perClass))
        }
        let right = rows.reduce(0) { $0 + $1.correct }
        let count = names.count * perClass
        let accuracy = Double(right) / Double(count)
        return EvaluationResult(
            method: spec.method.name, data: spec.data.path, split: spec.data.split, classes: classes, subset: .test, step: step, epoch: step / 400,
            accuracy: accuracy, macroF1: accuracy - 0.012, count: count, loss: 2.2 * (1 - accuracy), perClass: rows, predictions: predictions, skipped: [],
            seconds: 8.4)
    }

    /// A run of `steps` of 2,000 steps with an evaluation after each epoch of 400.
    static func trace(_ id: RunID, _ spec: SessionSpec, status: RunStatus, steps: Int, seed: UInt64, began: Double, nanAt: Int? = nil) -> RunTrace {
        var random = Generator(state: seed)
        var trace = RunTrace(row: RunRow(id: id, spec: spec, status: .running, totalSteps: 2000, began: began), stepsPerEpoch: 400)
        trace.apply(.started(totalSteps: 2000, stepsPerEpoch: 400, fromStep: 0))
        let drift = Double(seed % 5) * 0.01
        func evaluate(_ step: Int) {
            let progress = 1 - pow2(-Double(step) / 500)
            trace.apply(.evaluated(evaluation(spec, .base, step: step, level: 0.61 + 0.17 * progress + drift, seed: seed &+ UInt64(step) &+ 1)))
            trace.apply(.evaluated(evaluation(spec, .new, step: step, level: 0.66 + 0.06 * progress - drift, seed: seed &+ UInt64(step) &+ 2, names: classNames.reversed())))
        }
        func pow2(_ x: Double) -> Double { var y = 1.0; var k = -x * 1.0; while k > 0.01 { y *= 0.9930925; k -= 0.01 }; return y }
        evaluate(0)
        for step in 1...max(1, steps) {
            let progress = Double(step) / 2000
            var loss = 0.35 + 1.9 * pow2(-Double(step) / 250) + random.normal() * 0.14 * (1 - progress * 0.4)
            loss = max(0.02, loss)
            if step == nanAt { loss = .nan }
            let rate = step <= 400 ? 1e-5 : spec.optim.lr * (0.5 + 0.5 * (1 - 2 * progress))
            let norms = (0..<spec.method.depth).flatMap { depth -> [PromptNorm] in
                let grow = Float(progress) * Float(9 - depth) * 0.09
                return [
                    PromptNorm(kind: .text, depth: depth, tokens: [0.42 + grow, 0.51 + grow * 1.4 + Float(depth) * 0.02], gradient: Float(0.012 + 0.004 * random.unit()), moved: grow),
                    PromptNorm(kind: .vision, depth: depth, tokens: [0.9 + grow * 2, 0.7 + grow], gradient: Float(0.03 * random.unit()), moved: grow * 1.3),
                    PromptNorm(kind: .coupler, depth: depth, tokens: [11.2 + grow], gradient: Float(0.2 * random.unit()), moved: grow * 0.7),
                ]
            }
            trace.apply(
                .step(
                    MetricPoint(
                        step: step, epoch: (step - 1) / 400, loss: loss, accuracy: (min(1, max(0, 0.45 + 0.5 * progress + random.normal() * 0.12)) * 4).rounded() / 4,
                        learningRate: rate, time: Double(step) * 0.061, imagesPerSecond: 65 + random.normal() * 2, norms: step % 10 == 1 ? norms : [])))
            if step % 400 == 0 {
                trace.apply(.checkpointWritten(file: "checkpoints/epoch-\(step / 400).safetensors", step: step))
                evaluate(step)
            }
            if step == 700 { trace.apply(.commandTaken(.note("tried a lower rate after the bump"), step: 700)) }
        }
        switch status {
        case .finished: trace.apply(.finished(RunSummary(steps: steps, seconds: Double(steps) * 0.061, loss: 0.41, base: trace.row.base, new: trace.row.new)))
        case .stopped: trace.apply(.stopped(step: steps))
        case .paused: trace.apply(.paused(step: steps))
        default: trace.row.status = status
        }
        return trace
    }

    static let now: Double = 1_795_000_000

    /// Made once: two thousand steps each.
    static let traces: [RunTrace] = [
        trace("/runs/maple-seed1", spec("tiny-imagenet maple", seed: 1), status: .running, steps: 1287, seed: 11, began: now - 81),
        trace("/runs/maple-seed2", spec("tiny-imagenet maple", seed: 2), status: .finished, steps: 2000, seed: 12, began: now - 4000),
        trace("/runs/maple-seed3", spec("tiny-imagenet maple", seed: 3), status: .finished, steps: 2000, seed: 13, began: now - 9000),
        trace("/runs/coop", spec("tiny-imagenet coop", method: .coop, lr: 0.002, depth: 1), status: .stopped, steps: 900, seed: 14, began: now - 90_000, nanAt: 640),
    ]

    static func state(_ width: Int, _ height: Int, glyphs: Glyphs = .braille) -> WorkbenchState {
        // Recorded as text, so that lightness has to be told by density.
        var state = WorkbenchState(size: Size(width, height), glyphs: glyphs, hasColor: false)
        _ = state.reduce(.tick(now))
        let traces = Self.traces
        var rows = traces.map(\.row)
        rows.append(RunRow(id: "/runs/night", spec: spec("食物 🍜 夜間实验", method: .cocoop), status: .running, step: 310, totalSteps: 2000, seconds: 210, began: now - 220, loss: 0.9, base: 0.664, isElsewhere: true))
        rows.append(RunRow(id: "/runs/old", spec: spec("written by a newer version", method: .vision), status: .finished, step: 2000, totalSteps: 2000, seconds: 130, began: now - 900_000, loss: 0.5, base: 0.703, new: 0.671, isReadOnly: true, remark: "format 3, read only"))
        let sessions = [
            SessionEntry(id: "/home/a/sessions/tiny-imagenet-maple.toml", spec: spec("tiny-imagenet maple")),
            SessionEntry(id: "/home/a/sessions/tiny-imagenet-coop.toml", spec: spec("tiny-imagenet coop", method: .coop, lr: 0.002, depth: 1)),
            SessionEntry(id: "/usr/share/maple/sessions/demo.toml", spec: spec("demo"), isOwn: false),
            SessionEntry(id: "/home/a/sessions/broken.toml", spec: nil, problem: "broken.toml:12: optim.lr: needs a number, found \"fast\". Write lr = 0.0035."),
        ]
        _ = state.reduce(.answer(.sessions(sessions)))
        _ = state.reduce(.answer(.runs(rows)))
        for trace in traces { _ = state.reduce(.answer(.trace(trace))) }
        _ = state.reduce(.memory(812 << 20))
        return state
    }

    static func keys(_ text: String) -> [Key] { text.map { .character($0) } }

    @discardableResult
    static func press(_ state: inout WorkbenchState, _ keys: Key...) -> [Effect] { keys.flatMap { state.reduce(.key($0)) } }

    /// Every screen by name, as a way to reach it from the start.
    static let screens: [(name: String, go: @Sendable (inout WorkbenchState) -> Void)] = [
        ("home", { _ in }),
        ("home-runs", { press(&$0, .tab, .down) }),
        ("live", { press(&$0, .character("2")) }),
        ("live-overlay", { state in
            press(&state, .character("2"), .character("o"), .character(" "), .enter, .character("z"))
            for _ in 0..<30 { press(&state, .left) }
        }),
        ("live-norms", { state in
            press(&state, .character("2"))
            state.live.panel = .norms
            press(&state, .character("z"))
        }),
        ("results", { press(&$0, .character("3"), .down) }),
        ("results-grouped", { press(&$0, .character("3"), .character("g")) }),
        ("evaluation", { press(&$0, .character("3"), .down, .enter) }),
        ("confusions", { press(&$0, .character("3"), .down, .enter, .tab) }),
        ("calibration", { press(&$0, .character("3"), .down, .enter, .tab, .tab) }),
        ("features", { state in
            press(&state, .character("3"), .down, .enter, .tab, .tab, .tab)
            if case .mapFeatures(let run, let key)? = press(&state, .character("f")).first {
                _ = state.reduce(.answer(.features(run, key, features(state.shownEvaluation), problem: nil)))
            }
            press(&state, .down)
        }),
        ("features-progress", { state in
            press(&state, .character("3"), .down, .enter, .tab, .tab, .tab)
            if case .mapFeatures(let run, let key)? = press(&state, .character("f")).first {
                _ = state.reduce(.answer(.featureProgress(FeatureWork(run: run, key: key, phase: "embedding images", done: 1200, total: 2000))))
            }
        }),
        ("images", { state in
            press(&state, .character("3"), .down, .enter, .down, .enter)
            if let path = state.results.imageTable.selectedRow?.id { _ = state.reduce(.answer(.thumbnail(path: path, picture, problem: nil))) }
        }),
        ("compare-settings", { compare(&$0) }),
        ("compare-curves", { compare(&$0); press(&$0, .tab) }),
        ("compare-classes", { compare(&$0); press(&$0, .tab, .tab) }),
        ("compare-flips", { compare(&$0); press(&$0, .tab, .tab, .tab) }),
        ("compare-prompts", { state in
            compare(&state)
            press(&state, .tab, .tab, .tab, .tab)
            var rows: [PromptComparison.Row] = []
            for kind in [PromptNorm.Kind.text, .vision] {
                for depth in 0..<9 {
                    let place = Double(depth)
                    let norms: [Double?] = [0.9 + place * 0.03, 1.1 + place * 0.05]
                    let cosines: [Double?] = [1, 0.97 - place * 0.06]
                    rows.append(PromptComparison.Row(kind: kind, depth: depth, norms: norms, cosines: cosines))
                }
            }
            _ = state.reduce(.answer(.prompts(PromptComparison(members: state.compare.members, rows: rows))))
        }),
        ("form", { state in
            press(&state, .character("e"))
            _ = state.reduce(.answer(.described(PathDescription(path: "/models/photo-nano", purpose: .model, text: "CLIP ViT-B/16, 512 wide, 149 M weights", isUsable: true))))
            _ = state.reduce(.answer(.described(PathDescription(path: "/data/tiny-imagenet-mini", purpose: .data, text: "101 classes, 8,242 images, split file", isUsable: true))))
            for _ in 0..<12 { press(&state, .down) }
            press(&state, .character("x"))
        }),
        ("browser", { state in
            press(&state, .character("e"), .down, .enter)
            _ = state.reduce(.answer(.folder(FolderListing(path: "/models", entries: [
                .init(name: "photo-nano", isFolder: true, note: "model"), .init(name: "clip-vit-base-patch16", isFolder: true, note: "model"),
                .init(name: "old", isFolder: true), .init(name: "README.md", isFolder: false, note: "4 KiB"),
            ]))))
            press(&state, .down, .down)
            _ = state.reduce(.answer(.described(PathDescription(path: "/models/clip-vit-base-patch16", purpose: .model, text: "CLIP ViT-B/16, 512 wide, 149 M weights", isUsable: true))))
        }),
        ("help", { press(&$0, .character("2"), .character("?")) }),
        ("palette", { state in
            press(&state, .character("2"), .character(":"))
            for key in keys("sm") { press(&state, key) }
        }),
        ("quit", { press(&$0, .character("2"), .character("q")) }),
    ]

    /// A cloud for each class on a spiral.
    static func features(_ result: EvaluationResult?) -> FeatureMap {
        let names = (result?.perClass ?? []).prefix(20).map(\.name)
        var labels: [Int] = [], points: [SIMD2<Double>] = []
        for i in 0..<600 {
            let label = i % max(1, names.count), turn = Double(label) * 2.4, far = 3 + Double(label) * 0.7
            labels.append(label)
            let place = Double(i)
            let x: Double = far * cos(turn) + sin(place * 1.7)
            let y: Double = far * sin(turn) + cos(place * 2.3) * 0.8
            points.append(SIMD2(x, y))
        }
        let flat = points.map { SIMD2($0.y, $0.x * 0.5) }
        return FeatureMap(
            labels: labels, classNames: Array(names), tsne: points, pca: flat, explained: [0.31, 0.17], silhouette: 0.214,
            purity: 0.731, classPurity: Dictionary(uniqueKeysWithValues: names.indices.map { ($0, 0.6 + Double($0) * 0.015) }), neighbours: 10,
            tsneSVG: "<svg/>", pcaSVG: "<svg></svg>")
    }

    static func compare(_ state: inout WorkbenchState) {
        press(&state, .character("3"), .down, .character(" "), .down, .character(" "), .character("c"))
    }

    /// A gradient with a disc, 48 x 48.
    static let picture: Thumbnail? = {
        var pixels: [UInt8] = []
        for y in 0..<48 {
            for x in 0..<48 {
                let inside = (x - 24) * (x - 24) + (y - 20) * (y - 20) < 150
                let sky: [UInt8] = [UInt8(x * 2), UInt8(60 + y), UInt8(140 + y * 2)]
                pixels += inside ? [UInt8(240), 150, 60] : sky
            }
        }
        return Thumbnail(width: 48, height: 48, pixels: pixels)
    }()
}
