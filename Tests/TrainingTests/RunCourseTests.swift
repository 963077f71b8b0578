import Foundation
import RunModel
import TestSupport
import Testing

@testable import Training

/// The course of a run: what it tells in which order, and how it obeys.
@Suite(.serialized) struct RunCourseTests {
    @Test func tellsEverythingInOrder() throws {
        try withLaboratory { lab in
            let run = try lab.train(lab.spec { $0.eval.every = 2 }, in: "run")
            #expect(run.words == [
                "started 9 3 0", "epoch-0.safetensors at 0", "step 1", "step 2", "step 3", "epoch-1.safetensors at 3", "step 4",
                "step 5", "step 6", "epoch-2.safetensors at 6", "evaluated base at 6", "evaluated new at 6", "step 7", "step 8",
                "step 9", "epoch-3.safetensors at 9", "evaluated base at 9", "evaluated new at 9", "finished at 9",
            ])
            #expect(run.error == nil)
            let rates = run.points.map(\.learningRate)
            #expect(rates.prefix(3).allSatisfy { $0 == 1e-5 })
            #expect(rates[3] == 0.0035 && abs(rates[6] - 0.0035 * 0.75) < 1e-15)
            #expect(run.points.map(\.epoch) == [0, 0, 0, 1, 1, 1, 2, 2, 2])
            #expect(run.points.allSatisfy { $0.loss.isFinite && !$0.norms.isEmpty && (0...1).contains($0.accuracy) })
            #expect(zip(run.points, run.points.dropFirst()).allSatisfy { $0.time < $1.time })
            let summary = try #require(run.summary)
            #expect(summary.loss == run.points.last?.loss && summary.seconds == run.points.last?.time)
            #expect(summary.base == run.evaluations[2].accuracy && summary.new == run.evaluations[3].accuracy)
            #expect(summary.harmonicMean == harmonicMean(run.evaluations[2].accuracy, run.evaluations[3].accuracy))
            let progress = run.events.compactMap { event -> Int? in
                if case .evaluationProgress(_, let done, let total) = event, total == 6 { done } else { nil }
            }
            #expect(progress == [6, 6, 6, 6])
        }
    }

    @Test func pausesStepsAndProceeds() throws {
        try withLaboratory { lab in
            var pauses = 0
            let run = try lab.train(lab.spec { $0.optim.epochs = 2 }, in: "run") { event, commands in
                switch event {
                case .step(let point) where point.step == 2:
                    commands.post(.pause)
                    commands.post(.pause)
                case .paused:
                    pauses += 1
                    // Two single steps, then a note, then on.
                    if pauses < 3 {
                        commands.post(.singleStep)
                    } else {
                        commands.post(.note("enough"))
                        commands.post(.proceed)
                    }
                default: break
                }
            }
            #expect(run.words == [
                "started 6 3 0", "epoch-0.safetensors at 0", "step 1", "step 2", "pause at 2", "paused at 2", "pause at 2",
                "singleStep at 2", "proceeding at 2", "step 3", "epoch-1.safetensors at 3", "pause at 3", "paused at 3",
                "singleStep at 3", "proceeding at 3", "step 4", "pause at 4", "paused at 4", "note(\"enough\") at 4",
                "proceed at 4", "proceeding at 4", "step 5", "step 6", "epoch-2.safetensors at 6", "evaluated base at 6",
                "evaluated new at 6", "finished at 6",
            ])
        }
    }

    @Test func stopsWhilePaused() throws {
        try withLaboratory { lab in
            let run = try lab.train(lab.spec(), in: "run") { event, commands in
                if case .step(let point) = event, point.step == 4 { commands.post(.pause) }
                if case .paused = event { commands.post(.stop) }
            }
            #expect(run.summary == nil && run.error == nil)
            #expect(run.words.suffix(4) == ["paused at 4", "stop at 4", "step-4.safetensors at 4", "stopped at 4"])
        }
    }

    @Test func evaluatesOnCommandWithoutDisturbingTheRun() throws {
        try withLaboratory { lab in
            let plain = try lab.train(lab.spec(), in: "plain")
            let run = try lab.train(lab.spec(), in: "run") { event, commands in
                if case .step(let point) = event, point.step == 4 { commands.post(.evaluate([.all, .new])) }
            }
            #expect(run.words.contains("evaluated all at 4") && run.words.contains("evaluated new at 4"))
            #expect(run.evaluations.map(\.count) == [12, 6, 6, 6])
            #expect(run.points.map(\.loss) == plain.points.map(\.loss))
            #expect(try lab.bytes(lab.newest("run")) == lab.bytes(lab.newest("plain")))
        }
    }

    /// In the warm-up the hand's rate must not be scaled to the whole schedule by the tiny warm-up rate.
    @Test(arguments: [2, 4]) func setsTheLearningRate(at step: Int) throws {
        try withLaboratory { lab in
            let run = try lab.train(lab.spec { $0.optim.epochs = 4 }, in: "run") { event, commands in
                if case .step(let point) = event, point.step == step {
                    commands.post(.setLearningRate(0.002))
                    commands.post(.setLearningRate(-1))
                    commands.post(.setLearningRate(.nan))
                }
            }
            let rates = run.points.map(\.learningRate)
            #expect(rates[step] == 0.002)
            // Epochs 0 and 1 stand at the cosine's top; the later ones follow it down from the rate that was set.
            for (point, rate) in zip(run.points, rates) where point.step > step {
                let expected = 0.001 * (1 + cos(.pi * Double(max(0, point.epoch - 1)) / 4))
                #expect(abs(rate - expected) < 1e-12, "step \(point.step)")
            }
            #expect(run.warnings.filter { $0.contains("learning rate") }.count == 2)
        }
    }

    @Test func zeroShotSession() throws {
        try withLaboratory { lab in
            let run = try lab.train(
                lab.spec {
                    $0.method.name = .zeroshot
                    $0.eval.classes = [.base, .new, .all]
                }, in: "run")
            #expect(run.words == [
                "started 0 3 0", "evaluated base at 0", "evaluated new at 0", "evaluated all at 0", "finished at 0",
            ])
            #expect(run.summary?.loss == nil && run.summary?.harmonicMean != nil && run.summary?.all != nil)
        }
    }

    @Test func methodsThatAreNotThereAreNamed() throws {
        try withLaboratory { lab in
            let error = #expect(throws: (any Error).self) { _ = try lab.train(lab.spec { $0.method.depth = 3 }, in: "run") }
            let refusal = try #require(error)
            #expect("\(refusal)".contains("method.depth"))
        }
    }

    @Test func batchesLargerThanTheDataAndOneImagePerClass() throws {
        try withLaboratory { lab in
            let large = try lab.train(lab.spec { $0.optim.batch = 100 }, in: "large")
            #expect(large.error == nil && large.points.count == 3)
            let one = try lab.train(
                lab.spec {
                    $0.data.shots = 1
                    $0.data.classes = .all
                    $0.eval.classes = [.all]
                }, in: "one")
            #expect(one.error == nil && one.points.count == 3)
            #expect(one.evaluations.map(\.count) == [12] && one.summary?.all != nil && one.summary?.base == nil)
            let single = try lab.train(
                lab.spec {
                    $0.data.shots = 1
                    $0.optim.batch = 1
                }, in: "single")
            #expect(single.error == nil && single.points.count == 6)
        }
        // A single class: there is nothing to tell apart, and nothing to go wrong.
        try withLaboratory(classes: ["alone"], train: 2, test: 1) { lab in
            let run = try lab.train(lab.spec { $0.eval.classes = [.base] }, in: "run")
            #expect(run.error == nil && run.points.allSatisfy { abs($0.loss) < 1e-6 } && run.summary?.base == 1)
        }
    }

    @Test func theQueueRunsOneAfterTheOther() throws {
        try withLaboratory { lab in
            let spec = lab.spec { $0.optim.epochs = 1 }
            let queue = TrainingQueue()
            let done = DispatchSemaphore(value: 0)
            nonisolated(unsafe) var losses: [[Double]] = []
            nonisolated(unsafe) let box = lab
            for name in ["a", "b"] {
                queue.submit {
                    queue.assertIsCurrent()
                    return try box.train(spec, in: name).points.map(\.loss)
                } completion: { result in
                    losses.append((try? result.get()) ?? [])
                    done.signal()
                }
            }
            done.wait()
            done.wait()
            #expect(losses.count == 2 && losses[0] == losses[1] && losses[0].count == 3)
        }
    }
}
