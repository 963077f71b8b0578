import Datasets
import Foundation
import RunModel
import TestSupport
import Testing

@testable import Training

@Suite(.serialized) struct EvaluationTests {
    private func evaluate(_ lab: Laboratory, _ subset: ImageSubset = .test, batch: Int = 32, limit: Int = .max) throws -> EvaluationResult? {
        let data = try ImageDataset.open(path: lab.data)
        let sentences = ClassSentences(
            classNames: data.classNames, template: "a photo of a {}.", tokenizer: lab.model.tokenizer, window: 77)
        return try Evaluator(model: lab.model, cache: ImageCache()).evaluate(
            Evaluator.Task(
                data: data, classes: .all, subset: subset, sentences: sentences.tokens, method: .zeroshot, step: 7, epoch: 2,
                batch: batch), prompts: nil
        ) { done, _ in done < limit }
    }

    @Test func countsAndRanks() throws {
        let classes = (0..<8).map { "class \($0)" }
        try withLaboratory(classes: classes, train: 1, test: 3) { lab in
            let result = try #require(try evaluate(lab))
            #expect(result.count == 24 && result.perClass.map(\.count) == Array(repeating: 3, count: 8))
            #expect(result.perClass.map(\.name) == classes)
            #expect(result.step == 7 && result.epoch == 2 && result.method == .zeroshot && result.skipped.isEmpty)
            let right = result.predictions.filter(\.isCorrect)
            #expect(result.perClass.map(\.correct).reduce(0, +) == right.count)
            #expect(result.accuracy == Double(right.count) / 24)
            for prediction in result.predictions {
                #expect(prediction.top.count == 5 && Set(prediction.top).count == 5)
                #expect(zip(prediction.probability, prediction.probability.dropFirst()).allSatisfy { $0 >= $1 })
                #expect(prediction.probability.reduce(0, +) <= 1.00001 && prediction.probability[0] >= 0.125)
                #expect(prediction.path.hasPrefix("test/class \(prediction.label)/"))
            }
            // Macro-F1 by hand: precision and recall of each class from the predictions alone.
            let f1 = (0..<8).map { label -> Double in
                let hits = Double(result.predictions.filter { $0.label == label && $0.top[0] == label }.count)
                let answers = Double(result.predictions.filter { $0.top[0] == label }.count)
                guard hits > 0 else { return 0 }
                let (precision, recall) = (hits / answers, hits / 3)
                return 2 * precision * recall / (precision + recall)
            }
            #expect(abs(result.macroF1 - f1.reduce(0, +) / 8) < 1e-12)
            // The size of a batch changes nothing but rounding.
            let single = try #require(try evaluate(lab, batch: 1))
            #expect(single.predictions.map(\.path) == result.predictions.map(\.path))
            #expect(abs(single.loss - result.loss) < 1e-5)
            let other = try #require(try evaluate(lab, .train))
            #expect(other.count == 8 && other.subset == .train)
            #expect(try evaluate(lab, batch: 5, limit: 10) == nil)
        }
    }

    @Test func figuresByHand() {
        var board = Scoreboard(classes: 4)
        // Class 3 does not occur in the truth, but is answered once.
        for (label, answer) in [(0, 0), (0, 0), (0, 1), (1, 1), (1, 3), (2, 0)] { board.add(label: label, answer: answer, loss: 0.5) }
        #expect(board.total == 6 && board.totalCorrect == 3 && board.accuracy == 0.5 && board.meanLoss == 0.5)
        // F1: class 0: 2/3 and 2/3; class 1: 1/2 and 1/2; class 2: 0.
        #expect(abs(board.macroF1 - (2.0 / 3 + 0.5 + 0) / 3) < 1e-15)
        #expect(abs(board.meanClassAccuracy - (2.0 / 3 + 0.5 + 0) / 3) < 1e-15)
        let empty = Scoreboard(classes: 0)
        #expect(empty.accuracy == 0 && empty.macroF1 == 0 && empty.meanLoss == 0 && empty.meanClassAccuracy == 0)
    }

    @Test func rankings() {
        func ranking(_ logits: [Float], _ label: Int) -> Ranking { logits.withUnsafeBufferPointer { Ranking($0, label: label) } }
        let tie = ranking([1, 3, 3, 2, 3, 0, 3], 2)
        #expect(tie.top == [1, 2, 4, 6, 3])
        let two = ranking([0, 100], 0)
        #expect(two.top == [1, 0] && abs(two.loss - 100) < 1e-9 && two.probability[0] == 1)
        let one = ranking([5], 0)
        #expect(one.top == [0] && one.probability == [1] && one.loss == 0)
        #expect(harmonicMean(0, 0) == 0 && harmonicMean(0.5, 0.5) == 0.5 && abs(harmonicMean(1, 0.5) - 2.0 / 3) < 1e-15)
    }
}
