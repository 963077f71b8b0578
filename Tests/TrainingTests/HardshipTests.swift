import Foundation
import RunModel
import TestSupport
import Testing

@testable import Training

/// What goes wrong is said, and what was good is kept.
@Suite(.serialized) struct HardshipTests {
    @Test(arguments: [1e30, 1e38, 1e300]) func aLossThatIsNotFinite(rate: Double) throws {
        try withLaboratory { lab in
            let spec = lab.spec {
                $0.optim.lr = rate
                $0.optim.warmupEpochs = 1
            }
            let run = try lab.train(spec, in: "run")
            guard case TrainingError.nonFinite(let step, let tensor, _, let used)? = run.error as? TrainingError else {
                Issue.record("it ended with \(String(describing: run.error)) after \(run.points.count) steps")
                return
            }
            // Three steps of warm-up go well; the fourth spoils the prompts.
            #expect((4...6).contains(step) && used == rate && !tensor.isEmpty)
            let text = "\(try #require(run.error))"
            #expect(text.contains("step \(step): \(tensor) is not finite") && text.contains("lower optim.lr"), "\(text)")
            #expect(run.summary == nil)
            // The last good state is whole, and a run goes on from it.
            let checkpoint = try lab.newest("run")
            #expect(checkpoint.hasSuffix("epoch-1.safetensors"))
            let healed = try lab.train(lab.spec { $0.optim.lr = 0.001 }, in: "healed", from: checkpoint)
            #expect(healed.error == nil && healed.points.map(\.step) == Array(4...9) && healed.points.allSatisfy { $0.loss.isFinite })
        }
    }

    /// The update after an epoch's last good loss spoils the weights: no checkpoint may keep that.
    @Test func spoiltWeightsAreNotWritten() throws {
        try withLaboratory { lab in
            let run = try lab.train(
                lab.spec {
                    $0.optim.lr = 1e300
                    $0.optim.warmupEpochs = 0
                    $0.optim.batch = 100
                }, in: "run")
            #expect("\(try #require(run.error))".contains("not finite"))
            #expect(run.checkpoints == ["epoch-0.safetensors"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: lab.folder + "/run") == ["epoch-0.safetensors"])
        }
    }

    @Test func truncatedImagesAreSkippedAndNamedOnce() throws {
        try withLaboratory { lab in
            try Pictures.writeTruncated("\(lab.data)/train/bat/102.png", label: 1, number: 2)
            try Pictures.writeTruncated("\(lab.data)/test/cat/101.png", label: 2, number: 501)
            let run = try lab.train(lab.spec(), in: "run")
            #expect(run.error == nil && run.points.count == 9)
            let training = run.warnings.filter { $0.contains("train/bat/102.png") }
            #expect(training.count == 1, "\(run.warnings)")
            let test = run.warnings.filter { $0.contains("test/cat/101.png") }
            #expect(test.count == 1 && test[0].contains("1 image"), "\(run.warnings)")
            let new = try #require(run.evaluations.first { $0.classes == .new })
            #expect(new.skipped == ["test/cat/101.png"] && new.count == 5 && new.perClass.map(\.count) == [2, 3])
        }
    }

    @Test func aClassWithoutAReadableImageIsAnError() throws {
        try withLaboratory(train: 2, test: 2) { lab in
            for i in 0..<2 { try Pictures.writeTruncated("\(lab.data)/train/bat/\(100 + i).png", label: 1, number: i) }
            let run = try lab.train(lab.spec(), in: "run")
            let text = "\(try #require(run.error))"
            #expect(text.contains("class \"bat\" has no readable image left: 2 of 2") && text.contains("train/bat/10"), "\(text)")
            #expect(run.checkpoints == ["epoch-0.safetensors"])
        }
        try withLaboratory(train: 2, test: 2) { lab in
            for i in 0..<2 { try Pictures.writeTruncated("\(lab.data)/test/dog/\(100 + i).png", label: 3, number: i) }
            let run = try lab.train(lab.spec(), in: "run")
            #expect("\(try #require(run.error))".contains("class \"dog\" has no readable image left"))
            // What was learned is there all the same.
            #expect(try lab.newest("run").hasSuffix("epoch-3.safetensors"))
        }
    }

    @Test func longClassNamesAreShortenedAndNamed() throws {
        let long = Array(repeating: "supercalifragilistic", count: 12).joined(separator: " ")
        try withLaboratory(classes: ["ash_tree", long, "cat", long + " too"]) { lab in
            let run = try lab.train(lab.spec { $0.eval.classes = [.base, .new, .all] }, in: "run")
            #expect(run.error == nil)
            let base = run.warnings.filter { $0.contains("\"\(long)\"") }
            #expect(base.first?.contains("shortened") == true && base.first?.contains("tokens of 77") == true, "\(run.warnings)")
            #expect(run.warnings.contains { $0.contains("\"\(long) too\"") })
            #expect(Set(run.warnings).count == run.warnings.count, "each is said once: \(run.warnings)")
        }
    }

    /// The sentence keeps its full stop and its ends, and fills the window.
    @Test func shortenedSentences() throws {
        let model = try ModelFolder(path: Laboratory.modelPath, threads: 1)
        let names = ["cat", String(repeating: "x ", count: 200), ""]
        let sentences = ClassSentences(
            classNames: names, template: "a photo of a {}.", tokenizer: model.tokenizer, window: 77)
        let stop = try #require(model.tokenizer.encode(".").first)
        for tokens in sentences.tokens {
            #expect(tokens.first == model.tokenizer.startToken && tokens.suffix(2) == [stop, model.tokenizer.endToken])
        }
        #expect(sentences.tokens[1].count == 77 && sentences.warnings.count == 1)
        #expect(sentences.tokens[0] == [model.tokenizer.startToken] + model.tokenizer.encode("a photo of a cat.") + [model.tokenizer.endToken])
    }

    /// What cannot be evaluated is said before the training, not after it.
    @Test func emptySubsetsAreNamedAtOnce() throws {
        try withLaboratory { lab in
            let error = #expect(throws: TrainingError.self) { _ = try lab.train(lab.spec { $0.eval.subset = .val }, in: "run") }
            let text = "\(try #require(error))"
            #expect(text.contains("no val images of base classes") && text.contains("eval.subset"), "\(text)")
        }
        try withLaboratory(classes: ["alone"]) { lab in
            let error = #expect(throws: TrainingError.self) { _ = try lab.train(lab.spec(), in: "run") }
            let text = "\(try #require(error))"
            #expect(text.contains("no test images of new classes"), "\(text)")
        }
    }

    /// A checkpoint that cannot be written ends the run; the older ones stay.
    @Test func aFolderThatGoesAway() throws {
        try withLaboratory { lab in
            let run = try lab.train(lab.spec(), in: "run") { event, _ in
                guard case .step(let point) = event, point.step == 5 else { return }
                try? FileManager.default.moveItem(atPath: lab.folder + "/run", toPath: lab.folder + "/gone")
            }
            let text = "\(try #require(run.error))"
            #expect(text.contains("cannot write") && text.contains("epoch-2.safetensors"), "\(text)")
            #expect(try lab.newest("gone").hasSuffix("epoch-1.safetensors"))
        }
    }
}
