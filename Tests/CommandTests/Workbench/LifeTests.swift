import Foundation
import RunModel
import RunStore
import TestSupport
import Testing

/// The workbench with real training in real terminals: what becomes of runs and of the terminal.
@Suite(.serialized) struct WorkbenchLifeTests {
    @Test func aHangUpLeavesTheRunAliveAndALaterWorkbenchControlsIt() throws {
        try withWorkplace { place in
            try place.longSession()
            let first = try place.terminal()
            #expect(first.wait(for: "long.toml"))
            first.send("s")
            let run = try place.waitForSteps()
            first.closeLine()
            let steps = try run.metrics().points.count
            #expect(try waitUntil { try run.metrics().points.count > steps + 5 }, "it trains on without its terminal")
            #expect(run.trainer()?.process == Int(first.pid))

            let later = try place.pane()
            try later.wait(for: "running ⇄")
            try later.press("Tab", "Enter")
            try later.wait(for: "Loss")
            try later.press("p")
            try later.wait("paused") { $0.contains("paused") && !$0.contains("pausing") }
            try later.press("s")
            try later.wait(for: "checkpoint step-")
            try later.press("Space")
            try later.wait(for: "going on")
            try later.press("S")
            try later.wait(for: "stopped; it can be resumed")
            #expect(first.end() == 0)
            #expect(RunList.overview(run)?.state == .stopped)
            try later.press("q")
            #expect(try later.end() == 0)
        }
    }

    @Test func twoWorkbenchesShowOneRun() throws {
        try withWorkplace { place in
            try place.longSession()
            let first = try place.pane()
            let second = try place.pane()
            try second.wait(for: "no runs yet")
            try first.wait(for: "trial")
            try first.press("s")
            try first.wait(for: "Loss")
            // The second one notices by itself, and follows the steps.
            try second.wait(for: "running ⇄")
            try second.press("2")
            try second.wait(for: "started:")
            try second.press("n")
            try second.type("from elsewhere")
            try second.press("Enter")
            try first.wait(for: "note: from elsewhere")
            try second.wait(for: "note: from elsewhere")
            try first.press("p")
            try second.wait(for: "‖")
            try first.press("C-c")
            try first.wait(for: "Stop, save and quit")
            try first.press("s")
            #expect(try first.end() == 0)
            try second.wait(for: "stopped; it can be resumed")
            // The other one goes on with it.
            try second.press("1", "Tab", "r")
            try second.wait(for: "resumed at step")
            try second.press("S")
            try second.wait("the second stop") { screen in
                // Below the line of the resumption, which may have scrolled away.
                guard let stop = screen.range(of: "stopped; it can be resumed", options: .backwards) else { return false }
                return screen.range(of: "resumed at step", options: .backwards).map { $0.lowerBound < stop.lowerBound } ?? true
            }
            try second.press("q")
            #expect(try second.end() == 0)
        }
    }

    @Test func terminationSavesAndRestores() throws {
        try withWorkplace { place in
            try place.longSession()
            let terminal = try place.terminal()
            #expect(terminal.wait(for: "long.toml"))
            terminal.send("s")
            let run = try place.waitForSteps()
            kill(terminal.pid, SIGTERM)
            let status = try #require(terminal.end())
            #expect(status & 0x7F == SIGTERM, "the signal is raised again")
            #expect(terminal.isRestored)
            #expect(RunList.overview(run)?.state == .stopped)
            #expect(try run.checkpoints().last?.step == run.metrics().points.last?.step, "every step is saved")
        }
    }

    @Test func interruptAsks() throws {
        try withWorkplace { place in
            try place.longSession()
            let terminal = try place.terminal()
            #expect(terminal.wait(for: "long.toml"))
            terminal.send("s")
            let run = try place.waitForSteps()
            #expect(terminal.wait(for: "Loss"))
            terminal.send("\u{3}")
            #expect(terminal.wait(for: "Cancel"))
            let steps = try run.metrics().points.count
            terminal.send("c")
            #expect(try waitUntil { try run.metrics().points.count > steps + 5 }, "nothing was stopped")
            terminal.send("\u{3}\u{3}")
            #expect(terminal.end() == 0)
            #expect(terminal.isRestored)
            #expect(RunList.overview(run)?.state == .stopped)
        }
    }

    @Test func resizesSuspendsAndComesBackWhileTraining() throws {
        try withWorkplace { place in
            try place.longSession()
            let terminal = try place.terminal()
            #expect(terminal.wait(for: "long.toml"))
            terminal.send("s")
            #expect(terminal.wait(for: "Loss"))
            var seed: UInt64 = 11
            for _ in 0..<200 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1
                terminal.resize(20 + Int(seed >> 33) % 281, 5 + Int(seed >> 45) % 96)
                terminal.drain(quiet: 1, limit: 0.02)
            }
            terminal.resize(120, 40)
            let mark = terminal.output.count
            #expect(terminal.wait(for: "Prompt norms", since: mark))
            // Training runs inside the program: a suspension asks.
            terminal.send("\u{1A}")
            #expect(terminal.wait(for: "stands still"))
            terminal.send("s")
            #expect(terminal.waitForStop())
            terminal.drain(quiet: 100)
            #expect(terminal.isCooked)
            let back = terminal.output.count
            kill(terminal.pid, SIGCONT)
            #expect(terminal.wait(for: "Loss", since: back))
            kill(terminal.pid, SIGTERM)
            #expect(terminal.end() != nil)
            #expect(terminal.isRestored)
        }
    }
}
