import Foundation
import RunModel
import RunStore
import Screen
import SessionFile
import TestSupport
import Testing

@testable import maple

/// Prints how long large libraries take; none of it is asserted. LIBRARY_SPEED=1 swift test -c release --filter LibrarySpeedTests
///
/// The bars: 1,000 runs listed in under 300 ms, a run of 1,000,000 points opened in under 1 s.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["LIBRARY_SPEED"] == "1", "times are printed when LIBRARY_SPEED is 1"))
struct LibrarySpeedTests {
    private func timed(_ what: String, _ body: () throws -> Void) rethrows {
        let time = try ContinuousClock().measure(body)
        print("\(what): \(time)")
    }

    /// A thousand finished runs, each a copy of a real one with a seed of its own.
    @Test func aThousandRuns() throws {
        try withRecordedRuns { runs in
            let source = runs.folder(RecordedRuns.maple)
            let root = (runs.root as NSString).deletingLastPathComponent + "/many"
            let session = try source.sessionText()
            for number in 1...1000 {
                let name = "20260101-\(String(format: "%06d", number))-shapes-s\(number)"
                let folder = RunFolder(path: root + "/" + name)
                try FileManager.default.createDirectory(atPath: folder.evaluationsFolder, withIntermediateDirectories: true)
                try Data(session.replacing("seed = 1\n", with: "seed = \(number)\n").utf8).write(to: URL(fileURLWithPath: folder.sessionFile))
                let summary = try String(contentsOfFile: source.summaryFile, encoding: .utf8).replacing("\"seed\":1,", with: "\"seed\":\(number),")
                try Data(summary.utf8).write(to: URL(fileURLWithPath: folder.summaryFile))
                for file in [source.eventsFile, source.metricsFile] {
                    try FileManager.default.createSymbolicLink(atPath: folder.path + "/" + (file as NSString).lastPathComponent, withDestinationPath: file)
                }
                for file in try source.evaluationFiles() {
                    try FileManager.default.createSymbolicLink(atPath: folder.path + "/" + file, withDestinationPath: source.path + "/" + file)
                }
            }
            func list(_ library: RunLibrary) throws {
                var state = WorkbenchState(size: Size(200, 60))
                let rows = try library.rows()
                _ = state.reduce(.answer(.runs(rows)))
                _ = state.reduce(.key(.character("3")))
                _ = state.render()
                #expect(rows.count == 1000)
            }
            try timed("1,000 runs, no index yet") { try list(RunLibrary(root: root)) }
            try timed("1,000 runs, index of another process") { try list(RunLibrary(root: root)) }
            let library = RunLibrary(root: root)
            try list(library)
            try timed("1,000 runs, again") { try list(library) }
            try timed("1,000 runs, sorted search") { _ = try library.rows(RunQuery(search: "shapes seed 7", order: .harmonicMean)) }
        }
    }

    /// A run of a million steps, without and with the norms of two prompts a step.
    @Test(arguments: [0, 2]) func aMillionPoints(_ norms: Int) throws {
        try withRecordedRuns { runs in
            let folder = runs.folder(RecordedRuns.maple)
            let list = (0..<norms).map { #"{"kind":"text","depth":\#($0),"tokens":[1.2345678,1.3456789],"gradient":0.00123456,"moved":0.0456789}"# }
            let tail = norms == 0 ? "}\n" : ",\"norms\":[\(list.joined(separator: ","))]}\n"
            var text = ""
            text.reserveCapacity(300_000_000)
            for step in 1...1_000_000 {
                text += "{\"step\":\(step),\"epoch\":\(step / 1000),\"loss\":\(3 / Double(step).squareRoot() + Double(step % 97) / 300),\"accuracy\":0.75,"
                text += "\"lr\":0.0034567891,\"time\":\(Double(step) * 0.25),\"images_per_second\":15.931234567"
                text += tail
            }
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder.metricsFile))
            for round in 1...3 {
                try timed("1,000,000 points with \(norms) norms (\(text.utf8.count / 1_000_000) MB), opened and drawn, round \(round)") {
                    let trace = try runs.library.trace(of: folder.path)
                    #expect(trace.places.count == 1_000_000)
                    var state = WorkbenchState(size: Size(200, 60))
                    _ = state.reduce(.answer(.trace(trace)))
                    _ = state.show(.live, members: [CheckpointID(run: folder.path)])
                    _ = state.render()
                }
            }
        }
    }

    /// Frames of every screen with the data of real runs.
    @Test func frames() throws {
        try withRecordedRuns { runs in
            for screen in ShownScreen.allCases {
                let state = runs.state(screen, Size(200, 60))
                var times = (0..<200).map { _ in ContinuousClock().measure { _ = state.render() } }
                times.sort()
                print("frame at 200x60, \(screen.rawValue): median \(times[100]), 99th percentile \(times[197])")
            }
        }
    }
}
