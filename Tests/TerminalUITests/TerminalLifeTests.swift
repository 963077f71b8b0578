import Foundation
import Testing
import TestSupport

/// The workbench in a real pseudo-terminal, with a backend that makes its numbers up.
@Suite(.serialized) struct TerminalLifeTests {
    @Test func startsAndLeavesTheTerminalAsItWas() throws {
        let terminal = try PseudoTerminal("screen-trial")
        #expect(terminal.wait(for: "Sessions"))
        terminal.drain(quiet: 300)
        #expect(!terminal.isCooked)
        terminal.send("q")
        #expect(terminal.end() == 0)
        #expect(terminal.text.contains("ended: quit"))
        #expect(terminal.isRestored)
    }

    @Test func idleSendsNothingAndUsesNothing() throws {
        let terminal = try PseudoTerminal("screen-trial")
        #expect(terminal.wait(for: "Sessions"))
        terminal.drain(quiet: 1000)
        let ticks = terminal.ticks
        #expect(terminal.drain(quiet: 3000) == 0, "bytes were sent while nothing happened")
        print("idle: \(terminal.ticks - ticks) ticks of 10 ms in 3 s")
        #expect(terminal.ticks - ticks <= 2)
        terminal.send("q")
        #expect(terminal.end() == 0)
    }

    @Test func trainingStaysBelowTenKilobytesASecond() throws {
        let terminal = try PseudoTerminal("screen-trial", ["--train"])
        #expect(terminal.wait(for: "Loss"))
        terminal.drain(quiet: 100, limit: 2)
        let ticks = terminal.ticks
        let bytes = terminal.drain(quiet: 2000, limit: 6)
        print("training at 120x40: \(bytes / 6) bytes a second, \(terminal.ticks - ticks) ticks of 10 ms in 6 s")
        #expect(bytes > 100)
        #expect(bytes / 6 < 10_000)
        kill(terminal.pid, SIGTERM)
        #expect(terminal.end() != nil)
    }

    @Test func resizeStorm() throws {
        let terminal = try PseudoTerminal("screen-trial", ["--train"])
        #expect(terminal.wait(for: "Loss"))
        var seed: UInt64 = 7
        for round in 0..<200 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1
            terminal.resize(20 + Int(seed >> 33) % 281, 5 + Int(seed >> 45) % 96)
            if round % 10 == 0 { terminal.drain(quiet: 5, limit: 0.1) }
        }
        terminal.resize(30, 8)
        let mark = terminal.output.count
        #expect(terminal.wait(for: "maple needs", since: mark))
        terminal.resize(100, 30)
        let second = terminal.output.count
        #expect(terminal.wait(for: "Loss", since: second))
        kill(terminal.pid, SIGTERM)
        #expect(terminal.end() != nil)
        #expect(terminal.isRestored)
    }

    @Test func terminateSavesAndRestores() throws {
        try Places.withTemporaryFolder { folder in
            let log = folder.appendingPathComponent("log").path
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            let terminal = try PseudoTerminal("screen-trial", ["--train", "--log", log])
            #expect(terminal.wait(for: "Loss"))
            kill(terminal.pid, SIGTERM)
            #expect(terminal.end() != nil)
            #expect(terminal.isRestored)
            #expect(try String(contentsOfFile: log, encoding: .utf8).contains("stopped at"))
        }
    }

    @Test func aCrashRestoresTheTerminal() throws {
        let terminal = try PseudoTerminal("screen-trial", ["--train", "--crash"])
        let status = try #require(terminal.end())
        #expect(status & 0x7F != 0, "it ended by a signal")
        #expect(terminal.isRestored)
    }

    @Test func trainingOutlivesTheLine() throws {
        try Places.withTemporaryFolder { folder in
            let log = folder.appendingPathComponent("log").path
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            let terminal = try PseudoTerminal("screen-trial", ["--train", "--steps", "150", "--log", log])
            #expect(terminal.wait(for: "Loss"))
            terminal.closeLine()
            #expect(terminal.end() == 0)
            #expect(try String(contentsOfFile: log, encoding: .utf8).contains("finished"))
        }
    }

    @Test func interruptAsksAndASecondMeansIt() throws {
        try Places.withTemporaryFolder { folder in
            let log = folder.appendingPathComponent("log").path
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            let terminal = try PseudoTerminal("screen-trial", ["--train", "--log", log])
            #expect(terminal.wait(for: "Loss"))
            terminal.send("\u{3}")
            #expect(terminal.wait(for: "Cancel"))
            terminal.send("\u{1B}")
            terminal.drain(quiet: 150, limit: 1)
            kill(terminal.pid, SIGINT)
            terminal.drain(quiet: 150, limit: 1)
            terminal.send("\u{3}")
            #expect(terminal.end() == 0)
            #expect(terminal.isRestored)
            #expect(try String(contentsOfFile: log, encoding: .utf8).contains("stopped at"))
        }
    }

    @Test func suspendAndForeground() throws {
        let terminal = try PseudoTerminal("screen-trial")
        #expect(terminal.wait(for: "Sessions"))
        terminal.drain(quiet: 300)
        terminal.send("\u{1A}")
        #expect(terminal.waitForStop())
        terminal.drain(quiet: 100)
        #expect(terminal.isCooked)
        #expect(terminal.text.contains("\u{1B}[?1049l"))
        let mark = terminal.output.count
        kill(terminal.pid, SIGCONT)
        #expect(terminal.wait(for: "Sessions", since: mark))
        terminal.send("q")
        #expect(terminal.end() == 0)
        #expect(terminal.isRestored)
    }

    @Test func noColorAndPlainLocale() throws {
        let terminal = try PseudoTerminal("screen-trial", ["--train"], environment: ["NO_COLOR": "1", "LANG": "C", "LC_ALL": "C"])
        #expect(terminal.wait(for: "Loss"))
        terminal.drain(quiet: 500, limit: 2)
        kill(terminal.pid, SIGTERM)
        #expect(terminal.end() != nil)
        let isASCII = terminal.output.allSatisfy { $0 < 0x80 }
        let isPlain = !terminal.text.contains("38;5;")
        #expect(isASCII && isPlain)
        // NO_COLOR counts only when it is not empty.
        let colored = try PseudoTerminal("screen-trial", environment: ["NO_COLOR": ""])
        #expect(colored.wait(for: "Sessions"))
        #expect(colored.text.contains("38;5;"))
        colored.send("q")
        #expect(colored.end() == 0)
    }

    @Test func aDumbTerminalIsRefused() throws {
        let terminal = try PseudoTerminal("screen-trial", environment: ["TERM": "dumb"])
        #expect(terminal.end() == 0)
        #expect(terminal.text.contains("notATerminal"))
        let unknown = try PseudoTerminal("screen-trial", environment: ["TERM": "no-such-terminal"])
        #expect(unknown.end() == 0)
        #expect(unknown.text.contains("notATerminal"))
    }

    @Test func keysWriteASession() throws {
        let terminal = try PseudoTerminal("screen-trial")
        #expect(terminal.wait(for: "Sessions"))
        terminal.send("e")
        #expect(terminal.wait(for: "ctrl-s saves"))
        terminal.send("\u{15}second session\u{13}")
        #expect(terminal.wait(for: "written: /sessions/demo.toml"))
        terminal.send("?")
        #expect(terminal.wait(for: "On this screen"))
        terminal.send("\u{1B}")
        terminal.drain(quiet: 100, limit: 1)
        // A paste outside a field must not press keys.
        terminal.send("\u{1B}[200~qqq\u{1B}[201~")
        terminal.drain(quiet: 100, limit: 1)
        terminal.send("3")
        #expect(terminal.wait(for: "Results"))
        terminal.send("q")
        #expect(terminal.end() == 0)
    }
}
