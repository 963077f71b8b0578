import Foundation
import Formats
import RunModel
import TestSupport
import Testing

@testable import Training

/// A run that is interrupted and resumed ends with the bytes of one that was not.
@Suite(.serialized) struct ResumeTests {
    /// Runs to the end with commands posted after given steps.
    private func trial(_ lab: Laboratory, _ spec: SessionSpec, name: String, script: [Int: [RunCommand]]) throws {
        let whole = try lab.train(spec, in: "\(name)-whole") { event, commands in
            if case .step(let point) = event { script[point.step]?.forEach(commands.post) }
        }
        let expected = try lab.bytes(lab.newest("\(name)-whole"))
        for stop in 0...8 {
            let run = "\(name)-\(stop)"
            let first = try lab.train(spec, in: run) { event, commands in
                switch event {
                case .started where stop == 0: commands.post(.stop)
                case .step(let point):
                    script[point.step]?.forEach(commands.post)
                    if point.step == stop { commands.post(.stop) }
                default: break
                }
            }
            #expect(first.summary == nil && first.error == nil && first.words.last == "stopped at \(stop)")
            let second = try lab.train(spec, in: run, from: lab.newest(run), seconds: first.points.last?.time ?? 0) { event, commands in
                if case .step(let point) = event { script[point.step]?.forEach(commands.post) }
            }
            #expect(second.words.first == "started 9 3 \(stop)")
            #expect((first.points + second.points).map(\.step) == Array(1...9))
            #expect((first.points + second.points).map(\.loss) == whole.points.map(\.loss), "stopped after step \(stop)")
            #expect(zip(second.points, second.points.dropFirst()).allSatisfy { $0.time < $1.time })
            #expect(try lab.bytes(lab.newest(run)) == expected, "stopped after step \(stop)")
        }
    }

    @Test func stoppedAtEveryStep() throws {
        try withLaboratory { lab in
            try trial(lab, lab.spec { $0.eval.every = 1 }, name: "plain", script: [:])
            try trial(
                lab,
                lab.spec {
                    $0.data.crop = false
                    $0.optim.batch = 5
                    $0.data.shots = 4
                    $0.optim.epochs = 9
                    $0.optim.schedule = .constant
                    $0.optim.warmupEpochs = 0
                }, name: "odd", script: [:], perEpoch: 1)
        }
    }

    @Test(arguments: [2, 3, 4, 6]) func withAChangedLearningRate(at step: Int) throws {
        try withLaboratory { lab in
            try trial(lab, lab.spec(), name: "rate", script: [step: [.setLearningRate(0.02)]])
        }
    }

    /// The same for sessions whose epochs have another number of steps.
    private func trial(_ lab: Laboratory, _ spec: SessionSpec, name: String, script: [Int: [RunCommand]], perEpoch: Int) throws {
        let whole = try lab.train(spec, in: "\(name)-whole")
        #expect(whole.words.first == "started 9 \(perEpoch) 0")
        for stop in 1...8 {
            let run = "\(name)-\(stop)"
            _ = try lab.train(spec, in: run) { event, commands in
                if case .step(let point) = event, point.step == stop { commands.post(.stop) }
            }
            _ = try lab.train(spec, in: run, from: lab.newest(run))
            #expect(try lab.bytes(lab.newest(run)) == lab.bytes(lab.newest("\(name)-whole")), "stopped after step \(stop)")
        }
    }

    @Test func fromASnapshotTakenOnTheWay() throws {
        try withLaboratory { lab in
            for step in 1...8 {
                let run = try lab.train(lab.spec(), in: "run-\(step)") { event, commands in
                    if case .step(let point) = event, point.step == step { commands.post(.snapshot) }
                }
                #expect(run.checkpoints.contains("step-\(step).safetensors"))
                let snapshot = "\(lab.folder)/run-\(step)/step-\(step).safetensors"
                #expect(try Checkpoint.state(path: snapshot).step == step)
                let again = try lab.train(lab.spec(), in: "again-\(step)", from: snapshot)
                #expect(again.points.map(\.step) == Array((step + 1)...9))
                #expect(try lab.bytes(lab.newest("again-\(step)")) == lab.bytes(lab.newest("run-\(step)")))
            }
        }
    }

    /// Stopped between the last epoch's two evaluations: the figures of both belong to the run.
    @Test func stoppedWithinTheLastEvaluation() throws {
        try withLaboratory { lab in
            let whole = try lab.train(lab.spec(), in: "whole")
            let first = try lab.train(lab.spec(), in: "run") { event, commands in
                if case .evaluated(let result) = event, result.classes == .base { commands.post(.stop) }
            }
            #expect(first.words.suffix(2) == ["evaluated base at 9", "stopped at 9"])
            let base = try #require(first.evaluations.first)
            let second = try lab.train(lab.spec(), in: "run", from: lab.newest("run"), evaluated: [.base: base.accuracy])
            #expect(second.words == ["started 9 3 9", "evaluated new at 9", "finished at 9"])
            #expect(second.summary?.base == whole.summary?.base && second.summary?.new == whole.summary?.new)
            #expect(second.summary?.harmonicMean == whole.summary?.harmonicMean)
        }
    }

    @Test func refusesForeignCheckpoints() throws {
        try withLaboratory { lab in
            _ = try lab.train(lab.spec { $0.optim.epochs = 1 }, in: "run")
            let checkpoint = try lab.newest("run")
            func refusal(_ path: String, _ change: (inout SessionSpec) -> Void) throws -> String {
                let error = #expect(throws: (any Error).self) { _ = try lab.train(lab.spec(change), in: "other", from: path) }
                return "\(try #require(error))"
            }
            let depth = try refusal(checkpoint) { $0.method.depth = 1 }
            #expect(depth.contains("compound_prompt") && depth.contains("method.depth"), "\(depth)")
            let context = try refusal(checkpoint) { $0.method.context = 3 }
            #expect(context.contains("[2, 64]") && context.contains("[3, 64]") && context.contains("method.context"), "\(context)")
            // One depth more than the checkpoint has: what is missing is named with its shape.
            _ = try lab.train(
                lab.spec {
                    $0.method.depth = 1
                    $0.optim.epochs = 1
                }, in: "shallow")
            let missing = try refusal(lab.newest("shallow")) { _ in }
            #expect(missing.contains("missing") && missing.contains("compound_prompt") && missing.contains("64]"), "\(missing)")

            // The same shapes of another model: its fingerprint tells.
            let file = try SafetensorsFile(path: checkpoint)
            var notes = file.metadata
            notes["model"] = "0123456789abcdef"
            let other = lab.folder + "/other.safetensors"
            let tensors = try file.names.map { TensorToWrite(try file.tensor($0)) }
            try SafetensorsWriter.write(tensors, metadata: notes, to: other)
            #expect(try refusal(other) { _ in }.contains("fingerprint is \(lab.model.fingerprint)"))

            // NaN among the tensors, a file that maple did not write, one cut short.
            let damaged = lab.folder + "/damaged.safetensors"
            try SafetensorsWriter.write(
                file.names.map { name in
                    let tensor = try file.tensor(name)
                    var values = try tensor.floats()
                    if name.hasSuffix("ctx") { values[1] = .nan }
                    return TensorToWrite(name, shape: tensor.shape, floats: values)
                }, metadata: file.metadata, to: damaged)
            #expect(try refusal(damaged) { _ in }.contains("NaN"))
            let plain = lab.folder + "/plain.safetensors"
            try SafetensorsWriter.write(tensors, to: plain)
            #expect(try refusal(plain) { _ in }.contains("Was it written by maple?"))
            let cut = lab.folder + "/cut.safetensors"
            try lab.bytes(checkpoint).dropLast(1000).write(to: URL(fileURLWithPath: cut))
            #expect(try refusal(cut) { _ in }.contains("cut.safetensors"))
            #expect(try refusal(lab.folder + "/none.safetensors") { _ in }.contains("none.safetensors"))
        }
    }
}
