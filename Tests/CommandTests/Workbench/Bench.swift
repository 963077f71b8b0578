import Foundation
import RunModel
import RunStore
import TestSupport
import Testing

extension Workplace {
    /// Settings and sessions of this workplace alone, whatever the tester's own are.
    var environment: [String: String] {
        ["MAPLE_RUNS": runs, "HOME": folder, "XDG_CONFIG_HOME": folder + "/config", "XDG_DATA_HOME": folder + "/share"]
    }

    /// The workbench in a tmux pane, on this workplace's sessions and runs.
    func pane(_ arguments: String..., width: Int = 120, height: Int = 40) throws -> Tmux {
        try Tmux(
            ["maple", "--sessions", folder + "/sessions", "--threads", "1"] + arguments, in: folder, width: width, height: height,
            environment: environment)
    }

    /// The workbench in a bare pseudo-terminal.
    func terminal(_ arguments: String..., environment extra: [String: String] = [:]) throws -> PseudoTerminal {
        try PseudoTerminal(
            "maple", ["--sessions", folder + "/sessions", "--threads", "1"] + arguments, in: folder,
            environment: environment.merging(extra) { $1 })
    }

    /// A session that would train for a very long time.
    func longSession() throws {
        try FileManager.default.createDirectory(atPath: folder + "/sessions", withIntermediateDirectories: true)
        _ = try session("sessions/long.toml", epochs: 200_000)
    }

    /// Waits until the one run has taken some steps.
    func waitForSteps(_ wanted: Int = 3) throws -> RunFolder {
        var run: RunFolder?
        let came = try waitUntil {
            run = try runFolders().first.map { RunFolder(path: $0) }
            guard let run, FileManager.default.fileExists(atPath: run.metricsFile) else { return false }
            return try run.metrics().points.count >= wanted
        }
        #expect(came, "no run took \(wanted) steps")
        return try #require(run)
    }
}
