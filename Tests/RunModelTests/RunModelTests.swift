import Foundation
import RunModel
import Testing

@Suite struct RunModelTests {
    @Test func harmonicMeans() {
        #expect(harmonicMean(0, 0) == 0)
        #expect(harmonicMean(0.5, 0.5) == 0.5)
        #expect(abs(harmonicMean(0.507, 0.629) - 0.5614) < 1e-4)
        #expect(harmonicMean(1, 0) == 0)
    }

    @Test func summariesHaveTheirHarmonicMean() {
        #expect(RunSummary(steps: 1, seconds: 1, loss: nil, base: 0.5, new: 0.25).harmonicMean == harmonicMean(0.5, 0.25))
        #expect(RunSummary(steps: 1, seconds: 1, loss: nil, base: 0.5).harmonicMean == nil)
    }

    @Test func classesWithoutImagesScoreNothing() {
        #expect(ClassResult(name: "x", correct: 0, count: 0).accuracy == 0)
        #expect(ClassResult(name: "x", correct: 1, count: 4).accuracy == 0.25)
    }

    @Test func predictionsAreRightWhenTheFirstIs() {
        #expect(Prediction(path: "a", label: 2, top: [2, 1], probability: [0.6, 0.4]).isCorrect)
        #expect(!Prediction(path: "a", label: 1, top: [2, 1], probability: [0.6, 0.4]).isCorrect)
        #expect(!Prediction(path: "a", label: 1, top: [], probability: []).isCorrect)
    }

    @Test func specsKeepTheirKeysInJSON() throws {
        let spec = SessionSpec(name: "n", model: ModelSpec(path: "m"), data: DataSpec(path: "d"))
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(spec)) as? [String: Any]
        let optim = object?["optim"] as? [String: Any]
        #expect(Set(optim?.keys.map { $0 } ?? []) == ["lr", "epochs", "batch", "momentum", "weight_decay", "schedule", "warmup_epochs", "warmup_lr"])
        #expect((object?["method"] as? [String: Any])?["init"] as? String == "a photo of a")
        #expect(try JSONDecoder().decode(SessionSpec.self, from: JSONEncoder().encode(spec)) == spec)
    }

    @Test func overviewsNameTheirFolder() {
        #expect(RunOverview(path: "runs/a/", state: .finished, name: "n").folder == "a")
        #expect(RunState.running(process: 1, host: "h").word == "running")
    }
}
