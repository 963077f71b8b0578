import Foundation
import RunModel
import TestSupport
import Testing

@testable import RunStore

@Suite struct MetricTableTests {
    private func text(_ write: ((([UInt8]) throws -> Void)) throws -> Void) throws -> [String] {
        var bytes: [UInt8] = []
        try write { bytes += $0 }
        #expect(bytes.last == 0x0A)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func point(_ step: Int, loss: Double = 1.5, norms: [PromptNorm] = []) -> MetricPoint {
        MetricPoint(step: step, epoch: 0, loss: loss, accuracy: 0.25, learningRate: 0.1, time: 2, imagesPerSecond: 8, norms: norms)
    }

    private func evaluation(_ classes: ClassSubset, _ accuracy: Double, step: Int, subset: ImageSubset = .test, data: String = "d") -> EvaluationResult {
        EvaluationResult(
            method: .maple, data: data, split: nil, classes: classes, subset: subset, step: step, epoch: 1, accuracy: accuracy, macroF1: 0.5,
            count: 4, loss: 0.75, perClass: [], predictions: [], skipped: [], seconds: 1)
    }

    @Test func flattensNormsAndSaysWhatIsNotFinite() throws {
        let norm = PromptNorm(kind: .metaNet, depth: 1, tokens: [0.1, .infinity], gradient: .nan, moved: 0)
        let table = MetricTable(points: [point(1), point(2, loss: .nan, norms: [norm])], evaluations: [])
        #expect(
            try text(table.writeCSV) == [
                "step,epoch,loss,accuracy,lr,time,images_per_second,meta_net_1_token_0,meta_net_1_token_1,meta_net_1_gradient,meta_net_1_moved",
                "1,0,1.5,0.25,0.1,2.0,8.0,,,,", "2,0,nan,0.25,0.1,2.0,8.0,0.1,inf,nan,0.0",
            ])
        let lines = try text(table.writeJSONLines)
        #expect(lines[0] == #"{"step":1,"epoch":0,"loss":1.5,"accuracy":0.25,"lr":0.1,"time":2.0,"images_per_second":8.0}"#)
        #expect(lines[1].contains(#""loss":null,"loss_is":"nan","#))
        #expect(lines[1].hasSuffix(#""meta_net_1_token_1":null,"meta_net_1_token_1_is":"inf","meta_net_1_gradient":null,"meta_net_1_gradient_is":"nan","meta_net_1_moved":0.0}"#))
    }

    /// The log of another program: NaN where it was measured, nothing where it was not; lines keep the difference.
    @Test func whatWasNotMeasuredIsNotNaN() throws {
        func row(_ step: Int, _ loss: Double, _ measured: MetricPoint.Figures) -> MetricPoint {
            MetricPoint(step: step, epoch: 0, loss: loss, accuracy: .nan, learningRate: .nan, time: 2, imagesPerSecond: .nan, measured: measured)
        }
        let points = [row(1, 1, .loss), row(2, .nan, .loss), row(3, .nan, [])]
        let lines = try text(MetricTable(points: points, evaluations: []).writeCSV)
        #expect(Array(lines.dropFirst()) == ["1,0,1.0,,,2.0,", "2,0,nan,,,2.0,", "3,0,,,,2.0,"])
        let bytes = points.map(MetricLine.encode)
        #expect(String(decoding: bytes[1], as: UTF8.self) == #"{"step":2,"epoch":0,"loss":null,"loss_is":"nan","time":2.0}"#)
        let back = bytes.compactMap { line in line.withUnsafeBufferPointer { MetricLine.decode($0, from: 0, to: $0.count, norms: .read) } }
        #expect(back.map(\.measured) == points.map(\.measured))
    }

    @Test func evaluationsStandInTheRowOfTheirStep() throws {
        var figures: [EvaluationFigure] = []
        for result in [evaluation(.base, 0.5, step: 0), evaluation(.base, 0.8, step: 1), evaluation(.new, 0.4, step: 1)] {
            let mean = EvaluationFigure.harmonicMean(of: result, at: 0, data: "d", among: figures)
            figures += EvaluationFigure.figures(of: result, at: 0, data: "d") + (mean.map { [$0] } ?? [])
        }
        let lines = try text(MetricTable(points: [point(1), point(2)], evaluations: figures).writeCSV)
        #expect(lines[0].hasSuffix("base_accuracy,base_macro_f1,base_loss,new_accuracy,new_macro_f1,new_loss,harmonic_mean"))
        #expect(lines[1] == "0,,,,,,,0.5,0.5,0.75,,,,")
        #expect(lines[2].hasSuffix(",0.8,0.5,0.75,0.4,0.5,0.75,\(harmonicMean(0.8, 0.4))"))
        #expect(lines[3] == "2,0,1.5,0.25,0.1,2.0,8.0,,,,,,,")
    }

    @Test func otherImagesAndDataAreNamed() {
        let names = EvaluationFigure.figures(of: evaluation(.all, 1, step: 3, subset: .val, data: "/x/Image Net"), at: 0, data: "d").map(\.name)
        #expect(names == ["all_accuracy_val_image-net", "all_macro_f1_val_image-net", "all_loss_val_image-net"])
    }

    @Test func stepsTakenAnewReplaceTheOld() throws {
        try Places.withTemporaryFolder { folder in
            let run = try RunFolder.create(in: folder.path, name: "r", seed: 1)
            let spec = SessionSpec(name: "r", model: ModelSpec(path: "m"), data: DataSpec(path: "d"))
            let recorder = try RunRecorder(new: run, spec: spec, session: "name = \"r\"\n")
            for event: RunEvent in [
                .started(totalSteps: 4, stepsPerEpoch: 2, fromStep: 0), .evaluated(evaluation(.base, 0.1, step: 2)),
                .evaluated(evaluation(.base, 0.2, step: 4)), .started(totalSteps: 4, stepsPerEpoch: 2, fromStep: 2),
                .evaluated(evaluation(.base, 0.3, step: 4)),
            ] { try recorder.record(event) }
            let found = try EvaluationFigure.all(of: run).filter { $0.name == "base_accuracy" }
            #expect(found.map(\.step) == [2, 4] && found.map(\.value) == [0.1, 0.3])
        }
    }

    @Test func importedRunsAreListedAndNotTrained() throws {
        try Places.withTemporaryFolder { folder in
            let overview = RunOverview(path: "", state: .finished, name: "theirs", steps: 2, loss: .nan, source: "/logs/a")
            let run = try ImportedRun.create(in: folder.path, overview, points: [point(1), point(2)])
            let listed = try #require(try RunList.scan(folder.path).first)
            #expect(listed.state == .finished && listed.source == "/logs/a" && listed.name == "theirs" && listed.path == run.path)
            #expect(try run.metrics().points.map(\.step) == [1, 2])
            let spec = SessionSpec(name: "r", model: ModelSpec(path: "m"), data: DataSpec(path: "d"))
            #expect(throws: RunStoreError.imported(path: run.path, source: "/logs/a")) {
                try RunRecorder(resuming: run, spec: spec, afterStep: 1)
            }
            struct Refused: Error {}
            #expect(throws: Refused.self) { try ImportedRun.create(in: folder.path, overview) { _ in throw Refused() } }
            #expect(try RunList.scan(folder.path).count == 1)
        }
    }
}
