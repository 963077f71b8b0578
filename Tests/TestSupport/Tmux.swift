import Foundation

/// A program in a pane of a private tmux server: real keys go in, the screen's text comes out.
///
/// ```
/// let pane = try Tmux(["maple"], in: folder)
/// try pane.wait(for: "Sessions")
/// try pane.press("n")
/// ```
/// Waiting means looking again until the text is there, never for a fixed time.
public final class Tmux {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private let server = "maple-test-\(getpid())-\(UUID().uuidString.prefix(8))"
    /// The exit code, once there is one: tmux itself now and then misses a program's end.
    private var codeFile: String { NSTemporaryDirectory() + server }
    private static let program = "/usr/bin/tmux"

    /// Tests that need tmux are left out where it is not installed.
    public static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

    /// - Parameter line: a built program's name and its arguments.
    public init(_ line: [String], in folder: String, width: Int = 120, height: Int = 40, environment: [String: String] = [:]) throws {
        let settings = ["LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": folder, "SWIFT_BACKTRACE": "enable=no"].merging(environment) { $1 }
        let words = ["/usr/bin/env"] + settings.map { "\($0.key)=\($0.value)" } + [Program.products + "/" + line[0]] + line.dropFirst()
        let quoted = words.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
        let command = "\(quoted); echo $? > '\(codeFile).new'; mv '\(codeFile).new' '\(codeFile)'"
        // The last screen stays to be read after the program's end.
        try tmux(
            "start-server", ";", "set", "-g", "remain-on-exit", "on", ";", "set", "-g", "status", "off", ";", "set", "-g", "default-terminal",
            "tmux-256color", ";", "new-session", "-d", "-x", "\(width)", "-y", "\(height)", "-c", folder, command)
    }

    deinit {
        _ = try? tmux("kill-server")
        unlink(codeFile)
    }

    @discardableResult
    private func tmux(_ words: String...) throws -> String {
        let ending = try Program.run(Self.program, ["-L", server, "-f", "/dev/null"] + words, limit: 30)
        guard ending.code == 0 else { throw Failure(description: "tmux \(words.joined(separator: " ")): \(ending.errors)") }
        return ending.output
    }

    /// What the pane shows, a line for each row.
    public func screen() throws -> String { try tmux("capture-pane", "-p") }

    /// Presses keys by tmux's names: `Enter`, `Down`, `C-s`, `q`.
    public func press(_ keys: String...) throws { for key in keys { try tmux("send-keys", key) } }

    /// Types text as it is.
    public func type(_ text: String) throws { try tmux("send-keys", "-l", text) }

    public func resize(_ width: Int, _ height: Int) throws { try tmux("resize-window", "-x", "\(width)", "-y", "\(height)") }

    /// Waits until the screen fits.
    /// - Throws: `Failure` with the screen as it was in the end.
    public func wait(seconds: Double = 120, _ what: String, _ fits: (String) -> Bool) throws {
        var last = ""
        let held = try waitUntil(seconds: seconds) {
            last = try screen()
            return fits(last)
        }
        guard held else { throw Failure(description: "“\(what)” did not come. The screen:\n\(last)") }
    }

    public func wait(for text: String, seconds: Double = 120) throws { try wait(seconds: seconds, text) { $0.contains(text) } }

    /// Waits until the program has ended, and answers its exit code; 128 and more where a signal ended it.
    public func end(seconds: Double = 120) throws -> Int {
        var code: Int?
        _ = waitUntil(seconds: seconds) {
            code = (try? String(contentsOfFile: codeFile, encoding: .utf8)).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
            return code != nil
        }
        guard let code else { throw Failure(description: "the program did not end. The screen:\n\(try screen())") }
        return code
    }
}
