import Foundation

/// A program that a test starts: its output read through pipes, its time limited, its end told in full.
///
/// ```
/// let program = try Program("maple", ["train", "s.toml"])
/// try program.line(of: .errors) { $0.hasPrefix("run ") }
/// program.send(SIGINT)
/// #expect(program.wait().code == 0)
/// ```
/// Unchecked: everything that changes is guarded by `condition`.
public final class Program: @unchecked Sendable {
    public enum Stream: Sendable { case output, errors }

    public struct Ending: Sendable {
        /// Nil when a signal ended it.
        public var code: Int32?
        public var signal: Int32?
        public var output: String
        public var errors: String
        /// It was killed because its time was over.
        public var isLate: Bool

        public var outputLines: [String] { output.split(separator: "\n").map(String.init) }
        public var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
    }

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    public let process: pid_t
    private let condition = NSCondition()
    private var text: [Stream: Data] = [.output: Data(), .errors: Data()]
    private var open: Set<Stream> = [.output, .errors]
    private var status: Int32?
    private var isLate = false
    private var descriptors: [Stream: Int32] = [:]

    /// The folder that built programs lie in: the test executable's own.
    public static let products: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return (executable as NSString).deletingLastPathComponent
    }()

    /// Starts a program.
    /// - Parameters:
    ///   - name: a built program's name, or a path.
    ///   - folder: its working folder.
    ///   - environment: added to the test's own.
    ///   - limit: seconds until it is killed.
    public init(
        _ name: String, _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
        limit: Double = 120
    ) throws {
        var words = [name.contains("/") ? name : Self.products + "/" + name] + arguments
        // posix_spawn has no portable way to change the folder.
        if let folder { words = ["/usr/bin/env", "-C", folder] + words }
        var pipes: [[Int32]] = []
        for _ in 0..<2 {
            var pair: [Int32] = [-1, -1]
            guard pipe(&pair) == 0 else { throw Failure(description: "no pipe: \(String(cString: strerror(errno)))") }
            // No other program that starts meanwhile may hold an end open.
            for end in pair { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            pipes.append(pair)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipes[0][1], 1)
        posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 2)
        // Threads of a test may block signals, which a child would inherit.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t(), usual = sigset_t()
        sigemptyset(&none)
        sigemptyset(&usual)
        for number in [SIGINT, SIGTERM, SIGPIPE, SIGHUP] { sigaddset(&usual, number) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var number: pid_t = 0
        let path = words[0]
        let result = withCStrings(words) { words in
            withCStrings(variables) { variables in posix_spawn(&number, path, &actions, &attributes, words, variables) }
        }
        for pair in pipes { close(pair[1]) }
        guard result == 0 else {
            for pair in pipes { close(pair[0]) }
            throw Failure(description: "cannot start \(words[0]): \(String(cString: strerror(result)))")
        }
        process = number
        descriptors = [.output: pipes[0][0], .errors: pipes[1][0]]
        for (stream, descriptor) in descriptors { Thread { self.read(stream, descriptor) }.start() }
        Thread { self.reap() }.start()
        Thread { self.watch(until: Date().addingTimeInterval(limit)) }.start()
    }

    /// Runs a program to its end.
    public static func run(
        _ name: String, _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
        limit: Double = 120
    ) throws -> Ending {
        try Program(name, arguments, in: folder, environment: environment, limit: limit).wait()
    }

    /// Waits for a whole line that fits and answers it.
    /// - Throws: `Failure` when the stream ends without one.
    @discardableResult
    public func line(of stream: Stream, where fits: (String) -> Bool) throws -> String {
        condition.lock()
        defer { condition.unlock() }
        while true {
            let all = String(decoding: text[stream] ?? Data(), as: UTF8.self)
            let whole = all.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
            if let found = whole.first(where: fits) { return found }
            guard open.contains(stream) else { throw Failure(description: "the line did not come; there was: \(all)") }
            condition.wait()
        }
    }

    public func send(_ signal: Int32) {
        condition.lock()
        // A number that was waited for may belong to another process by now.
        if status == nil { kill(process, signal) }
        condition.unlock()
    }

    /// Stops reading, and returns when both pipes are closed: what the program writes from now on has no reader.
    public func closePipes() {
        condition.lock()
        defer { condition.unlock() }
        descriptors = [:]
        while !open.isEmpty { condition.wait() }
    }

    public var isRunning: Bool {
        condition.lock()
        defer { condition.unlock() }
        return status == nil
    }

    /// Waits for the end of the program and of its output.
    @discardableResult
    public func wait() -> Ending {
        condition.lock()
        defer { condition.unlock() }
        while status == nil || !open.isEmpty { condition.wait() }
        let status = status ?? 0
        let signal = status & 0x7F
        return Ending(
            code: signal == 0 ? (status >> 8) & 0xFF : nil, signal: signal == 0 ? nil : signal,
            output: String(decoding: text[.output] ?? Data(), as: UTF8.self),
            errors: String(decoding: text[.errors] ?? Data(), as: UTF8.self), isLate: isLate)
    }

    // MARK: Threads

    private func read(_ stream: Stream, _ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            condition.lock()
            let isWanted = descriptors[stream] != nil
            condition.unlock()
            if !isWanted { break }
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&request, 1, 20) == 0 { continue }
            let count = Foundation.read(descriptor, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { break }
            condition.lock()
            text[stream]?.append(contentsOf: bytes[..<count])
            condition.broadcast()
            condition.unlock()
        }
        close(descriptor)
        condition.lock()
        open.remove(stream)
        condition.broadcast()
        condition.unlock()
    }

    private func reap() {
        // The number stays taken until the status is stored, so that `send` cannot meet another process.
        var info = siginfo_t()
        while waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        condition.lock()
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        self.status = status
        condition.broadcast()
        condition.unlock()
    }

    private func watch(until limit: Date) {
        condition.lock()
        defer { condition.unlock() }
        while status == nil {
            if !condition.wait(until: limit), status == nil {
                isLate = true
                kill(process, SIGKILL)
                return
            }
        }
    }
}

/// Calls `body` with a null-terminated list of C strings.
private func withCStrings<T>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> T) -> T {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
}

/// Waits until something holds, looking again every millisecond.
/// - Returns: whether it held before `seconds` were over.
public func waitUntil(seconds: Double = 60, _ holds: () throws -> Bool) rethrows -> Bool {
    let limit = Date().addingTimeInterval(seconds)
    while try !holds() {
        if Date() > limit { return false }
        poll(nil, 0, 1)
    }
    return true
}
