import Foundation
import RunModel
import RunStore
import Screen
import TestSupport
import Testing

@testable import maple

@Suite struct RunLibraryTests {
    @Test func listsAndOpensRuns() throws {
        try withRecordedRuns { runs in
            let rows = try runs.library.rows()
            #expect(rows.map(\.name) == ["shapes coop", "shapes maple", "shapes maple"])
            let row = try #require(rows.last)
            #expect(row.status == .finished && row.step == 128 && row.totalSteps == 128 && row.spec.method.name == .maple && !row.isReadOnly)
            // The data was somewhere else when it was trained on.
            #expect(row.remark == "data folder is gone from /data/shapes")
            let (trace, tail) = try runs.library.open(row.id)
            #expect(trace.places.count == 128 && trace.stepsPerEpoch == 16 && trace.norms.kinds == [.text, .vision, .coupler])
            #expect(trace.lastPoint?.step == 128 && trace.lastPoint?.norms.isEmpty == false)
            #expect(trace.loss.values.count == 128 && trace.row.base == row.base)
            // Four evaluations of two class lists, and the zero-shot figures before them.
            #expect(trace.evaluations.count == 10 && trace.evaluations.prefix(2).allSatisfy { $0.method == .zeroshot })
            #expect(trace.evaluationCurve(.base).curve.count == 4)
            let base = try #require(trace.baseline(.base))
            #expect(base.method == .zeroshot && base.perClass.count == 4 && base.predictions.isEmpty)
            #expect(try tail.news() == [])
            let place = try #require(trace.evaluation(.new))
            let whole = try runs.library.evaluation(of: row.id, EvaluationKey(trace.evaluations[place]))
            #expect(whole.step == 128 && whole.predictions.count == 80 && whole.accuracy == row.new)
            #expect(try runs.library.evaluation(of: row.id, EvaluationKey(base)).method == .zeroshot)
            var absent = EvaluationKey(base)
            absent.step = 7
            #expect(throws: LibraryError.self) { try runs.library.evaluation(of: row.id, absent) }
        }
    }

    /// A run that another process writes: what comes later is told once, in order; a torn line waits for its end.
    @Test func followsARun() throws {
        try withRecordedRuns { runs in
            let folder = runs.folder(RecordedRuns.coop)
            let spec = try #require(runs.library.row(folder.path)).spec
            let recorder = try RunRecorder(resuming: folder, spec: spec, afterStep: 100)
            let (trace, tail) = try runs.library.open(folder.path)
            #expect(trace.row.status == .running && !trace.row.isElsewhere && trace.row.step == 100 && trace.places.count == 100)
            func point(_ step: Int) -> MetricPoint {
                MetricPoint(step: step, epoch: 6, loss: 1, accuracy: 0.5, learningRate: 0.001, time: 99, imagesPerSecond: 5)
            }
            try recorder.record(.step(point(101)))
            try recorder.record(.paused(step: 101))
            try recorder.record(.step(point(102)))
            #expect(try tail.news() == [.step(point(101)), .paused(step: 101), .step(point(102))])
            #expect(runs.library.row(folder.path)?.status == .paused)
            try Self.append("{\"step\":103,\"lo", to: folder.metricsFile)
            #expect(try tail.news() == [])
            #expect(try runs.library.trace(of: folder.path).places.count == 102)
            recorder.close()
            #expect(runs.library.row(folder.path)?.status == .interrupted)
            // Taken up again from an earlier step: to be opened anew.
            let again = try RunRecorder(resuming: folder, spec: spec, afterStep: 60)
            try again.record(.step(point(61)))
            #expect(try tail.news() == nil)
            again.close()
        }
    }

    private static func append(_ text: String, to file: String) throws {
        let handle = try #require(FileHandle(forWritingAtPath: file))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
    }

    /// Folders that are damaged, newer or half there are listed with what is wrong, and opened as far as they go.
    @Test func damagedAndNewerRuns() throws {
        try withRecordedRuns { runs in
            let folder = runs.folder(RecordedRuns.maple)
            func change(_ file: String, _ body: (String) -> String) throws {
                try Data(body(String(contentsOfFile: file, encoding: .utf8)).utf8).write(to: URL(fileURLWithPath: file))
            }
            func row() throws -> RunRow { try #require(try runs.library.rows().first { $0.id == folder.path }) }
            try change(folder.sessionFile) { $0 + "[future]\nkey = 1\n" }
            try change(folder.summaryFile) { $0.replacing("{\"name\"", with: "{\"format\":2,\"name\"").replacing("\"format\":1", with: "\"format\":2") }
            #expect(try row().isReadOnly && row().remark.contains("newer maple (layout 2)"))
            #expect(try runs.library.trace(of: folder.path).places.count == 128)
            #expect(try row().spec.method.name == .maple && row().base != nil)
            // Half a line at the end of everything.
            try change(folder.metricsFile) { String($0.dropLast(40)) }
            try change(folder.eventsFile) { String($0.dropLast(40)) }
            for file in try folder.evaluationFiles().suffix(1) { try change(folder.path + "/" + file) { String($0.prefix(100)) } }
            let trace = try runs.library.trace(of: folder.path)
            #expect(trace.places.count == 127 && trace.evaluations.count == 10)
            // No session at all.
            try FileManager.default.removeItem(atPath: folder.sessionFile)
            try FileManager.default.removeItem(atPath: folder.summaryFile)
            #expect(try row().status == .failed && row().isReadOnly && row().remark.contains("neither session.toml nor summary.json"))
            #expect(try runs.library.trace(of: folder.path).places.count == 127)
            try FileManager.default.removeItem(atPath: folder.path)
            #expect(throws: RunStoreError.self) { try runs.library.trace(of: folder.path) }
        }
    }

    @Test func showsImagesAndSaysWhereTheyWere() throws {
        try withRecordedRuns { runs in
            let picture = try runs.library.thumbnail(of: "test/red circle/000.png", under: Places.fixtures.path + "/shapes")
            #expect(picture.width == 96 && picture.height == 96)
            let small = try runs.library.thumbnail(of: "red circle/000.png", under: Places.fixtures.path + "/shapes", longestSide: 40)
            #expect(small.width == 40)
            do {
                _ = try runs.library.thumbnail(of: "test/a.png", under: "/data/shapes")
                Issue.record("an image that is not there was shown")
            } catch {
                #expect("\(error)" == "the image was at /data/shapes/test/a.png; the data folder is gone. Is its disk there?")
            }
        }
    }

    @Test func writesWithoutOverwriting() throws {
        try withRecordedRuns { runs in
            let first = try runs.library.write("a", name: "results.csv")
            let second = try runs.library.write("b", name: "results.csv")
            #expect(first.hasSuffix("exports/results.csv") && second.hasSuffix("exports/results-2.csv"))
            #expect(try String(contentsOfFile: first, encoding: .utf8) == "a" && String(contentsOfFile: second, encoding: .utf8) == "b")
            #expect(try runs.library.write("c", name: "../../x/y").hasSuffix("exports/..-..-x-y"))
        }
    }
}
