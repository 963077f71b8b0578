import Datasets
import Engine
import Formats
import Foundation
import RunModel
import TestSupport
import Testing

@testable import Training

/// Pairs without files: an image is one colour with noise, its caption names it.
private struct ColourPairs: PairSource {
    static let names = ["red", "green", "blue", "grey"]
    static let values: [[Float]] = [[1, -1, -1], [-1, 1, -1], [-1, -1, 1], [0, 0, 0]]
    static let side = 8

    var pairs = 16
    var validationPairs = 8
    var spoiled = false

    var name: String { "colours" }
    var fingerprint: String { "colours \(pairs)" }
    var warnings: [String] { [] }
    var combinations: CombinationSource? { Combinations() }

    func captions() -> [String] { Self.names.map { "a photo of a \($0)." } }

    private static func paint(_ label: Int, _ number: Int, into pixels: UnsafeMutablePointer<Float>) {
        var random = RunGenerator(seed: 1, "colour", number)
        for i in 0..<(3 * side * side) { pixels[i] = values[label][i / (side * side)] + 0.2 * Float(random.uniform(-1, 1)) }
    }

    private func fill(_ numbers: [Int], _ pixels: UnsafeMutablePointer<Float>) -> PairContent {
        for (place, number) in numbers.enumerated() {
            Self.paint(abs(number) % 4, number, into: pixels + place * 3 * Self.side * Self.side)
        }
        if spoiled { pixels[5] = .nan }
        return PairContent(captions: numbers.map { "a photo of a \(Self.names[abs($0) % 4])." })
    }

    func training(epoch: Int, places: Range<Int>, into pixels: UnsafeMutablePointer<Float>) throws -> PairContent {
        fill(places.map { epoch * pairs + $0 }, pixels)
    }

    func validation(places: Range<Int>, into pixels: UnsafeMutablePointer<Float>) throws -> PairContent {
        fill(places.map { -1 - $0 }, pixels)
    }

    struct Combinations: CombinationSource {
        var classNames: [String] { ColourPairs.names }
        func fill(_ pixels: UnsafeMutablePointer<Float>, labels: [Int], number: Int) {
            for (place, label) in labels.enumerated() {
                ColourPairs.paint(label, -1000 - 4 * number - label, into: pixels + place * 3 * ColourPairs.side * ColourPairs.side)
            }
        }
    }
}

@Suite(.serialized) struct PretrainingTests {
    private static func spec(_ change: (inout PretrainSpec) -> Void = { _ in }) -> PretrainSpec {
        var spec = PretrainSpec(name: "colours", seed: 4)
        spec.model.image = 8
        spec.model.patch = 4
        spec.model.vision = .init(width: 16, layers: 2, heads: 2)
        spec.model.text = .init(width: 16, layers: 2, heads: 2)
        spec.model.embedding = 8
        spec.model.context = 12
        spec.model.vocabulary = 540
        spec.model.precision = .float32
        spec.optim.batch = 4
        spec.optim.epochs = 12
        spec.optim.warmupSteps = 5
        spec.optim.lr = 5e-3
        spec.eval.every = 0
        change(&spec)
        return spec
    }

    private struct Trial {
        var events: [RunEvent] = []
        var summary: RunSummary?
        var error: (any Error)?
        var losses: [Double] { events.compactMap { if case .step(let p) = $0 { p.loss } else { nil } } }
        var evaluations: [EvaluationResult] { events.compactMap { if case .evaluated(let r) = $0 { r } else { nil } } }
    }

    private static func vocabulary(_ folder: String, _ source: any PairSource, size: Int = 540) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var learner = BytePairLearner()
        source.captions().forEach { learner.add($0) }
        try learner.learn(size: size).write(to: folder)
    }

    private static func train(
        _ spec: PretrainSpec, _ source: some PairSource = ColourPairs(), in folder: String, from checkpoint: String? = nil,
        model: String? = nil, react: (RunEvent, CommandMailbox) -> Void = { _, _ in }
    ) throws -> Trial {
        try vocabulary(folder + "/vocabulary", source, size: spec.model.vocabulary)
        let commands = CommandMailbox()
        var trial = Trial()
        try withoutActuallyEscaping(react) { react in
            let trainer = try Pretrainer(
                .init(spec: spec, source: source, vocabulary: folder + "/vocabulary", threads: 1),
                continuing: checkpoint.map { .init(checkpoint: $0, seconds: 0, evaluated: [:]) }, commands: commands
            ) { event in
                trial.events.append(event)
                react(event, commands)
            }
            trainer.checkpointFolder = folder
            do { trial.summary = try trainer.run() } catch { trial.error = error }
            if let model { try trainer.writeModel(to: model) }
        }
        return trial
    }

    @Test func itLearnsAndTheFolderIsAModel() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.path, model = path + "/model"
            let trial = try Self.train(Self.spec { $0.optim.epochs = 20 }, in: path, model: model)
            #expect(trial.error == nil && trial.losses.count == 80)
            let first: Double = trial.losses.prefix(8).reduce(0, +), last: Double = trial.losses.suffix(8).reduce(0, +)
            #expect(last < first / 4, "\(trial.losses)")
            #expect(trial.summary?.new == 1 && trial.summary?.all == 1, "\(String(describing: trial.summary))")
            #expect(trial.evaluations.map(\.classes) == [.new, .all])

            // Read as anyone's CLIP it says the same.
            let read = try ModelFolder(path: model, threads: 1)
            #expect(read.clip.shape.imageSize == 8 && read.tokenizer.count == read.configuration.vocabularySize)
            let scorer = try Scorer(
                clip: read.clip, prompts: nil,
                sentences: ColourPairs.names.map { try read.tokenizer.encodeWithSpecials("a photo of a \($0).", contextLength: 12) })
            var pixels = [Float](repeating: 0, count: 4 * 192), logits = [Float](repeating: 0, count: 16)
            pixels.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                ColourPairs.Combinations().fill(base, labels: [0, 1, 2, 3], number: 7)
                logits.withUnsafeMutableBufferPointer { scorer.logits(images: base, count: 4, into: $0.baseAddress!) }
            }
            for i in 0..<4 { #expect((0..<4).allSatisfy { logits[4 * i + $0] <= logits[5 * i] }) }

            // In half precision it is half as large, and nearly the same.
            _ = try Self.train(Self.spec { $0.model.precision = .float16; $0.optim.epochs = 1 }, in: path + "/half", model: path + "/half/model")
            func size(_ file: String) throws -> Int { try Data(contentsOf: URL(fileURLWithPath: file + "/model.safetensors")).count }
            #expect(try size(path + "/half/model") < size(model) * 6 / 10)
            #expect(try ModelFolder(path: path + "/half/model", threads: 1).clip.logitScale > 10)
        }
    }

    @Test func stoppedAnywhereItEndsTheSame() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.path, spec = Self.spec { $0.optim.epochs = 3 }
            let whole = try Self.train(spec, in: path + "/whole")
            let expected = try Data(contentsOf: URL(fileURLWithPath: path + "/whole/epoch-3.safetensors"))
            for stop in [1, 4, 7, 11] {
                let run = "\(path)/\(stop)"
                let first = try Self.train(spec, in: run) { event, commands in
                    if case .step(let point) = event, point.step == stop { commands.post(.stop) }
                }
                #expect(first.summary == nil && first.losses.count == stop)
                let file = stop % 4 == 0 ? "epoch-\(stop / 4)" : "step-\(stop)"
                let second = try Self.train(spec, in: run, from: "\(run)/\(file).safetensors")
                #expect(first.losses + second.losses == whole.losses, "stopped after step \(stop)")
                #expect(try Data(contentsOf: URL(fileURLWithPath: "\(run)/epoch-3.safetensors")) == expected, "stopped after step \(stop)")
            }
        }
    }

    @Test func commandsBetweenSteps() throws {
        try Places.withTemporaryFolder { folder in
            let trial = try Self.train(Self.spec { $0.optim.epochs = 2 }, in: folder.path) { event, commands in
                guard case .step(let point) = event, point.step == 2 else { return }
                for command in [RunCommand.pause, .snapshot, .evaluate([.all]), .setLearningRate(0), .setLearningRate(1e-4), .proceed] {
                    commands.post(command)
                }
            }
            let rates = trial.events.compactMap { if case .step(let p) = $0 { p.learningRate } else { nil } }
            #expect(rates.count == 8 && abs(rates[2] - 1e-4) < 1e-12 && rates[3] > rates[2])
            #expect(trial.evaluations.map(\.step) == [2, 2, 8, 8])
            #expect(trial.events.contains(.checkpointWritten(file: "step-2.safetensors", step: 2)))
            #expect(trial.events.contains(.warning("a learning rate of 0.0 cannot be set here")))
        }
    }

    @Test func whatCannotBeTrained() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.path
            #expect { try Self.train(Self.spec { $0.optim.batch = 17 }, in: path) } throws: {
                "\($0)".contains("leaves 16 pairs to train on") && "\($0)".contains("a batch takes 17")
            }
            #expect { try Self.train(Self.spec { $0.model.vocabulary = 514; $0.model.context = 8 }, in: path) } throws: {
                "\($0)".contains("vocabulary of 514 tokens is too small for this text")
            }
            let spoiled = try Self.train(Self.spec(), ColourPairs(spoiled: true), in: path)
            let fault = String(describing: spoiled.error)
            #expect(fault.contains("step 1: ") && fault.contains("not finite"))
            let hot = try Self.train(Self.spec { $0.optim.lr = 30; $0.optim.warmupSteps = 0 }, in: path)
            #expect("\(String(describing: hot.error))".contains("the temperature diverges"), "\(hot)")
            _ = try Self.train(Self.spec { $0.optim.epochs = 1 }, in: path)
            #expect { try Self.train(Self.spec { $0.model.embedding = 9 }, in: path, from: path + "/epoch-1.safetensors") } throws: {
                "\($0)".contains("another shape")
            }
            #expect { try Self.train(Self.spec(), ColourPairs(pairs: 20), in: path, from: path + "/epoch-1.safetensors") } throws: {
                "\($0)".contains("not in colours any more")
            }
        }
    }

    @Test func foldersOfCaptions() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.path
            var lines = ""
            for i in 0..<12 {
                try Pictures.write("\(path)/data/\(i).png", label: i % 3, number: i, side: 20)
                lines += "\(i).png\tpicture of kind \(i % 3)\n"
            }
            try Data("none.png\tmissing\n\(lines)3.png\tthe same again\n".utf8).write(to: URL(fileURLWithPath: path + "/data/captions.tsv"))
            try Data("not a picture".utf8).write(to: URL(fileURLWithPath: path + "/data/5.png"))
            let geometry = try ImageGeometry(resize: 8, crop: 8, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25])
            let captions = try CaptionFolder(path: path + "/data")
            let pairs = try FolderPairs(folder: captions, geometry: geometry, validation: 3, batch: 4, seed: 2)
            #expect(pairs.pairs + pairs.validationPairs == 13)
            let trial = try Self.train(Self.spec { $0.optim.epochs = 4 }, pairs, in: path + "/run")
            #expect(trial.error == nil && trial.losses.count == 8, "\(trial)")
            let warnings = trial.events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
            #expect(warnings.first?.contains("1 of the images are missing") == true)
            #expect(trial.evaluations.map(\.classes) == [.all])
            #expect { try FolderPairs(folder: captions, geometry: geometry, validation: 3, batch: 11, seed: 2) } throws: {
                $0 is TrainingError
            }
        }
    }

    @Test func theScheduleOfSteps() {
        let schedule = WarmCosine(rate: 2, warmup: 4, steps: 12)
        #expect((0..<4).map(schedule.rate(step:)) == [0.5, 1, 1.5, 2])
        #expect(schedule.rate(step: 4) == 2 && abs(schedule.rate(step: 8) - 1) < 1e-12 && schedule.rate(step: 12) < 1e-12)
    }
}
