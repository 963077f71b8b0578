import Datasets
import Foundation
import RunModel
import TestSupport
import Testing

@testable import Training

/// What a session asks for and model or data cannot give is refused, or told, before the first step.
@Suite(.serialized) struct BadInputTests {
    private func refusal(_ lab: Laboratory, _ spec: SessionSpec) throws -> String {
        let error = #expect(throws: (any Error).self) { _ = try lab.train(spec, in: "run") }
        return "\(try #require(error))"
    }

    /// A split file of four classes, four training and two test images each.
    private func split(_ lab: Laboratory) throws -> String {
        func list(_ part: String, _ count: Int) -> String {
            Laboratory.classes.enumerated().flatMap { label, name in
                (0..<count).map { "[\"\(part)/\(name)/\(100 + $0).png\", \(label), \"\(name)\"]" }
            }.joined(separator: ", ")
        }
        let text = "{\"train\": [\(list("train", 6))], \"val\": [], \"test\": [\(list("test", 3))]}"
        try Data(text.utf8).write(to: URL(fileURLWithPath: lab.data + "/split_zhou_Micro.json"))
        return "split_zhou_Micro.json"
    }

    @Test func missingImagesAreAnErrorUnlessAllowed() throws {
        try withLaboratory { lab in
            let file = try split(lab)
            for name in Laboratory.classes {
                for i in 0..<3 { try FileManager.default.removeItem(atPath: "\(lab.data)/train/\(name)/\(100 + i).png") }
            }
            let text = try refusal(lab, lab.spec { $0.data.split = file })
            #expect(text.contains("12 of the 36 images") && text.contains("train/ash_tree/100.png") && text.contains("and 2 more"), "\(text)")
            #expect(text.contains("data.allow_missing"))
            let run = try lab.train(
                lab.spec {
                    $0.data.split = file
                    $0.data.allowMissing = true
                }, in: "run")
            #expect(run.error == nil && run.warnings.contains { $0.contains("12 of 36 images are missing") }, "\(run.warnings)")
        }
    }

    @Test func classesBelowTheShotsAreTold() throws {
        try withLaboratory { lab in
            let run = try lab.train(lab.spec { $0.data.shots = 9 }, in: "run")
            #expect(run.error == nil)
            #expect(run.warnings.contains { $0.contains("2 classes have fewer than 9 training images") && $0.contains("ash tree (6)") }, "\(run.warnings)")
            #expect(try lab.train(lab.spec { $0.data.shots = 6 }, in: "other").warnings.isEmpty)
        }
    }

    @Test func depthBeyondTheLayers() throws {
        try withLaboratory { lab in
            for (name, tower) in [(MethodName.maple, "text"), (.language, "text"), (.vision, "vision"), (.independent, "text")] {
                let text = try refusal(lab, lab.spec { $0.method = MethodSpec(name: name, depth: 3) })
                #expect(text.contains("depth of 3") && text.contains("the \(tower) tower has 2 layers") && text.contains("at most 2"), "\(text)")
            }
            let text = try refusal(lab, lab.spec { $0.method = MethodSpec(name: .independent, depth: 2, visionDepth: 5) })
            #expect(text.contains("depth of 5") && text.contains("vision tower has 2 layers") && text.contains("method.vision_depth"), "\(text)")
        }
    }

    /// The classes that a long context would cut are named; those of which no context makes whole sentences are shortened.
    @Test func contextBeyondTheWindow() throws {
        let long = "one two three four five six seven eight nine ten"
        try withLaboratory(classes: ["ash_tree", long, "cat", long + " too"]) { lab in
            let places = lab.model.configuration.contextLength
            for name in [MethodName.coop, .cocoop, .language, .independent, .maple] {
                let text = try refusal(lab, lab.spec { $0.method = MethodSpec(name: name, context: 64, depth: 2) })
                #expect(text.contains("64 context tokens are more than the text tower's \(places) places"), "\(text)")
                #expect(text.contains("of 2 classes would be cut, \(long), \(long) too.") && !text.contains("ash tree"), "\(text)")
                let most = try #require(text.firstMatch(of: /at most ([0-9]+)\./).flatMap { Int($0.output.1) })
                try ClassSentences.checkRoom(
                    ["ash tree", long, long + " too"], method: MethodSpec(name: name, context: most, depth: 2),
                    tokenizer: lab.model.tokenizer, window: places)
                #expect(throws: TrainingError.self) {
                    try ClassSentences.checkRoom(
                        [long + " too"], method: MethodSpec(name: name, context: most + 1, depth: 2), tokenizer: lab.model.tokenizer,
                        window: places)
                }
            }
            // Vision prompting learns no words.
            #expect(try lab.train(lab.spec { $0.method = MethodSpec(name: .vision, context: 64, depth: 1) }, in: "run").error == nil)
        }
    }

    /// Class-specific contexts and an ensemble are scored through the session's own sentences.
    @Test func checkpointsOpenWithTheirOwnSentences() throws {
        try withLaboratory { lab in
            let spec = lab.spec {
                $0.method = MethodSpec(name: .coop, context: 3, depth: 1, initialWords: "", position: .middle, classSpecific: true)
                $0.eval.classes = [.base]
            }
            let run = try lab.train(spec, in: "run")
            let trained = try #require(run.evaluations.last)
            let opened = try Checkpoint.open(path: lab.newest("run"), model: lab.model)
            #expect(opened.state.method == spec.method)
            func score(_ classes: ClassSubset) throws -> EvaluationResult? {
                let data = try ImageDataset.open(path: lab.data).cut(to: classes)
                let sentences = ClassSentences(
                    classNames: data.classNames, spec: spec, tokenizer: lab.model.tokenizer, window: lab.model.configuration.contextLength)
                return try Evaluator(model: lab.model, cache: ImageCache()).evaluate(
                    .init(data: data, classes: classes, subset: .test, sentences: sentences.tokens, method: .coop), prompts: opened.prompts
                ) { _, _ in true }
            }
            let again = try #require(try score(.base))
            #expect(again.accuracy == trained.accuracy && abs(again.loss - trained.loss) < 1e-6)
            let error = #expect(throws: (any Error).self) { _ = try score(.new) }
            #expect("\(error as Any)".contains("class-specific"))
        }
    }
}
