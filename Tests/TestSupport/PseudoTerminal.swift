import Foundation

/// A program in a real pseudo-terminal: what it writes, what it is sent, what becomes of the terminal.
public final class PseudoTerminal {
    private let master: Int32
    private let slave: Int32
    public let pid: pid_t
    public private(set) var output: [UInt8] = []
    private var isClosed = false

    public struct Failure: Error { public var text: String }

    /// - Parameters:
    ///   - program: a built program's name.
    ///   - folder: its working folder; nil takes the test's own.
    public init(
        _ program: String, _ arguments: [String] = [], in folder: String? = nil, width: Int = 120, height: Int = 40,
        environment extra: [String: String] = [:]
    ) throws {
        // The Glibc module leaves out posix_openpt and its kin: the same by hand (TIOCSPTLCK unlocks, TIOCGPTN gives the number).
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var locked: Int32 = 0
        var number: UInt32 = 0
        guard master >= 0, ioctl(master, UInt(0x4004_5431), &locked) == 0, ioctl(master, UInt(0x8004_5430), &number) == 0 else {
            throw Failure(text: "no pseudo-terminal")
        }
        let path = "/dev/pts/\(number)"
        slave = open(path, O_RDWR | O_NOCTTY)
        var size = winsize(ws_row: UInt16(height), ws_col: UInt16(width), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The first terminal that a new session's leader opens becomes its controlling terminal.
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        posix_spawn_file_actions_addclose(&actions, master)
        posix_spawn_file_actions_addclose(&actions, slave)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, 0x80 /* POSIX_SPAWN_SETSID */)
        var environment = ["TERM": "xterm-256color", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "HOME": "/tmp", "SWIFT_BACKTRACE": "enable=no"]
        environment.merge(extra) { $1 }
        var line = [Program.products + "/" + program] + arguments
        // posix_spawn has no portable way to change the folder.
        if let folder { line = ["/usr/bin/env", "-C", folder] + line }
        let words = line.map { strdup($0) } + [nil]
        let settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + settings).forEach { free($0) } }
        var started: pid_t = 0
        let code = posix_spawn(&started, line[0], &actions, &attributes, words, settings)
        guard code == 0 else { throw Failure(text: "cannot start \(line[0]): \(code)") }
        pid = started
        _ = fcntl(master, F_SETFL, O_NONBLOCK)
    }

    deinit {
        kill(pid, SIGKILL)
        close(slave)
        if !isClosed { close(master) }
    }

    public var text: String { String(decoding: output, as: UTF8.self) }

    public func send(_ keys: String) {
        let bytes = Array(keys.utf8)
        _ = write(master, bytes, bytes.count)
    }

    public func resize(_ width: Int, _ height: Int) {
        var size = winsize(ws_row: UInt16(height), ws_col: UInt16(width), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    }

    /// Takes what comes until nothing came for `quiet` milliseconds or `limit` is over. Returns the bytes taken.
    @discardableResult
    public func drain(quiet: Int32, limit: Double = 20) -> Int {
        let start = Date()
        var taken = 0
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while Date().timeIntervalSince(start) < limit {
            var place = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
            guard poll(&place, 1, quiet) > 0 else { break }
            let count = read(master, &buffer, buffer.count)
            if count <= 0 { break }
            output.append(contentsOf: buffer[0..<count])
            taken += count
        }
        return taken
    }

    /// Waits until the output since `mark` holds a text.
    public func wait(for wanted: String, since mark: Int = 0, limit: Double = 30) -> Bool {
        let start = Date()
        while Date().timeIntervalSince(start) < limit {
            if String(decoding: output.dropFirst(mark), as: UTF8.self).contains(wanted) { return true }
            if drain(quiet: 200, limit: 0.2) == 0, hasEnded { drain(quiet: 0); break }
        }
        return String(decoding: output.dropFirst(mark), as: UTF8.self).contains(wanted)
    }

    private var status: Int32?
    private var hasEnded: Bool {
        if status != nil { return true }
        var found: Int32 = 0
        if waitpid(pid, &found, WNOHANG) == pid { status = found }
        return status != nil
    }

    /// The exit status, as `waitpid` gives it; nil when the program does not end in time.
    public func end(limit: Double = 30) -> Int32? {
        let start = Date()
        while !hasEnded, Date().timeIntervalSince(start) < limit { drain(quiet: 50, limit: 0.1) }
        drain(quiet: 0)
        return status
    }

    /// Waits until the program is stopped (suspended).
    public func waitForStop() -> Bool {
        var found: Int32 = 0
        return waitpid(pid, &found, WUNTRACED) == pid && (found & 0xFF) == 0x7F
    }

    /// The terminal reads lines and echoes, as a shell wants it.
    public var isCooked: Bool {
        var settings = termios()
        guard tcgetattr(slave, &settings) == 0 else { return false }
        return settings.c_lflag & tcflag_t(ICANON) != 0 && settings.c_lflag & tcflag_t(ECHO) != 0
    }

    /// The alternate screen is left, pastes are no longer bracketed, mouse reports are off.
    public var isRestored: Bool {
        func last(_ on: String, _ off: String) -> Bool {
            let text = text
            guard let opened = text.range(of: on, options: .backwards) else { return true }
            guard let closed = text.range(of: off, options: .backwards) else { return false }
            return closed.lowerBound >= opened.lowerBound
        }
        return last("\u{1B}[?1049h", "\u{1B}[?1049l") && last("\u{1B}[?2004h", "\u{1B}[?2004l") && last("\u{1B}[?1002h", "\u{1B}[?1002l") && isCooked
    }

    public func closeLine() {
        isClosed = true
        close(master)
    }

    /// Clock ticks of processor time used so far.
    public var ticks: Int {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let end = text.lastIndex(of: ")") else { return 0 }
        let fields = text[end...].split(separator: " ")
        return (fields.count > 13 ? (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0) : 0)
    }
}
