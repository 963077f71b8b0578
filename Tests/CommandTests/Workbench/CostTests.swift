import Foundation
import RunModel
import RunStore
import TestSupport
import Testing

/// What the workbench costs. Figures of a quiet machine: run with `MAPLE_MEASURE=1 swift test -c release --no-parallel --filter CostTests`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["MAPLE_MEASURE"] != nil)) struct WorkbenchCostTests {
    @Test func idleSendsNothingAndUsesNothing() throws {
        try withWorkplace { place in
            #expect(try place.maple("train", place.session()).code == 0)
            let terminal = try place.terminal()
            #expect(terminal.wait(for: "finished"))
            terminal.drain(quiet: 2500)
            let ticks = terminal.ticks
            let bytes = terminal.drain(quiet: 10_000, limit: 10)
            let share = Double(terminal.ticks - ticks) / 10
            print("idle: \(bytes) bytes and \(share) % of a core over 10 s")
            #expect(bytes == 0 && share < 1)
            terminal.send("q")
            #expect(terminal.end() == 0)
        }
    }

    /// The shared model and data where they are: what a person really watches.
    private func session(_ place: Workplace, epochs: Int) throws -> String {
        let shared = try #require(Places.shared)
        try FileManager.default.createDirectory(atPath: place.folder + "/sessions", withIntermediateDirectories: true)
        return try place.session(
            "sessions/watched.toml", epochs: epochs, model: shared.appendingPathComponent("models/photo-nano").path,
            data: shared.appendingPathComponent("data/cifar10-mini").path)
    }

    @Test(.enabled(if: Places.hasShared)) func bytesOverTheLineWhileTraining() throws {
        try withWorkplace(classes: nil) { place in
            _ = try session(place, epochs: 400)
            let terminal = try PseudoTerminal("maple", ["--sessions", place.folder + "/sessions"], in: place.folder, environment: place.environment)
            #expect(terminal.wait(for: "watched"))
            terminal.send("s")
            #expect(terminal.wait(for: "Loss"))
            terminal.drain(quiet: 100, limit: 3)
            let bytes = terminal.drain(quiet: 3000, limit: 20)
            print("training at 120x40: \(bytes / 20) bytes a second over 20 s")
            #expect(bytes > 1000 && bytes / 20 < 10_000)
            kill(terminal.pid, SIGTERM)
            #expect(terminal.end() != nil)
        }
    }

    /// Headless, watched, watched, headless, three times: what drifts meanwhile falls on both alike.
    @Test(.enabled(if: Places.hasShared)) func watchingSlowsTrainingByLessThanAHundredth() throws {
        try withWorkplace(classes: nil) { place in
            let path = try session(place, epochs: 40)
            var seconds = [false: 0.0, true: 0.0]
            for isWatched in [false, true, true, false, false, true, true, false, false, true, true, false] {
                let known = Set(try place.runFolders())
                if isWatched {
                    let terminal = try PseudoTerminal("maple", ["--sessions", place.folder + "/sessions"], in: place.folder, environment: place.environment)
                    #expect(terminal.wait(for: "watched"))
                    terminal.send("s")
                    #expect(terminal.wait(for: "finished in", limit: 600))
                    terminal.send("q")
                    #expect(terminal.end() == 0)
                } else {
                    let ending = try Program.run("maple", ["train", path, "--quiet"], in: place.folder, environment: place.environment, limit: 600)
                    #expect(ending.code == 0)
                }
                let new = try #require(try place.runFolders().first { !known.contains($0) })
                let events = try RunFolder(path: new).events()
                let began = try #require(events.first?.time), ended = try #require(events.last?.time)
                seconds[isWatched, default: 0] += ended - began
            }
            let ratio = seconds[true, default: 0] / seconds[false, default: 1]
            print("training watched to headless: \(seconds) s, ratio \(ratio)")
            #expect(ratio < 1.01)
        }
    }
}
