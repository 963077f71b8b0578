import Foundation
import RunModel
import TestSupport
import Testing

@testable import RunStore

@Suite struct ColumnsTests {
    private func withFile(_ points: [MetricPoint], ending: String = "", _ body: (RunFolder) throws -> Void) throws {
        try Places.withTemporaryFolder { folder in
            let run = RunFolder(path: folder.path)
            var bytes: [UInt8] = []
            for point in points { bytes += MetricLine.encode(point) + [0x0A] }
            try Data(bytes + Array(ending.utf8)).write(to: URL(fileURLWithPath: run.metricsFile))
            try body(run)
        }
    }

    /// The columns hold what the reader of points reads, for short files and for files that are read in parts.
    @Test(arguments: [0, 1, 2, 3, 60_000])
    func agreeWithThePoints(_ count: Int) throws {
        let points = (0..<count).map { samplePoint($0 + 1, norms: $0 % 5 == 0 ? 2 : 0) }
        try withFile(points, ending: "{\"step\":\(count + 1),\"lo") { run in
            let columns = try MetricColumns.read(run.metricsFile, normSamples: 10)
            #expect(columns.steps == points.map { Int32($0.step) })
            #expect(columns.loss == points.map { Float($0.loss) } && columns.accuracy == points.map { Float($0.accuracy) })
            #expect(columns.learningRate == points.map { Float($0.learningRate) } && columns.times == points.map { Float($0.time) })
            #expect(columns.imagesPerSecond == points.map { Float($0.imagesPerSecond) } && columns.damagedLines == 0)
            #expect(columns.samples.count == min(10, count) && columns.samples.first == points.first && columns.samples.last == points.last)
            // Going on behind them gives what comes later, and nothing twice.
            let reader = try MetricsReader(path: run.metricsFile, after: columns.placeOnly)
            #expect(try reader.readNew() == MetricsBatch())
            run.append("ss\":1}\n", to: run.metricsFile)
            #expect(try reader.readNew().points.map(\.step) == [count + 1])
        }
    }

    @Test func leaveOutDamagedLinesAndTakeBackSteps() throws {
        let points = [1, 2, 3, 4, 3, 4, 5].map { samplePoint($0, loss: $0 == 5 ? .nan : Double($0)) }
        try withFile(points) { run in
            run.append("not json\n{\"step\":6,\"norms\":[\n{\"loss\":1}\n", to: run.metricsFile)
            let columns = try MetricColumns.read(run.metricsFile)
            #expect(columns.steps == [1, 2, 3, 4, 5] && columns.loss[4].isNaN && columns.damagedLines == 3)
        }
        #expect(try MetricColumns.read("/nowhere/metrics.jsonl").count == 0)
    }

    @Test func tellAFileThatWasCut() throws {
        try withFile((1...5).map { samplePoint($0) }) { run in
            let reader = try MetricsReader(path: run.metricsFile, after: MetricColumns.read(run.metricsFile).placeOnly)
            try MetricsFile.truncate(run.metricsFile, afterStep: 2)
            run.append(String(decoding: MetricLine.encode(samplePoint(3, loss: 9)) + [0x0A], as: UTF8.self), to: run.metricsFile)
            let batch = try reader.readNew()
            #expect(batch.restarted && batch.points.map(\.step) == [1, 2, 3])
        }
    }

    /// The beginning of an evaluation's file tells figures and classes.
    @Test(arguments: [2, 3000])
    func headsOfEvaluations(_ classes: Int) throws {
        try Places.withTemporaryFolder { folder in
            var result = sampleEvaluation(.base, step: 3, accuracy: 0.5)
            result.perClass = (0..<classes).map { ClassResult(name: "class \($0) 蛙", correct: $0 % 3, count: 3) }
            let path = folder.path + "/e.json"
            try EvaluationFile.write(result, to: path)
            var head = result
            (head.predictions, head.skipped) = ([], [])
            #expect(try EvaluationFile.readHead(path) == head && EvaluationFile.read(path) == result)
            try Data("{\"method\":\"maple\"".utf8).write(to: URL(fileURLWithPath: path))
            #expect(throws: RunStoreError.self) { try EvaluationFile.readHead(path) }
        }
    }
}
