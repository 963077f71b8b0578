import Files
import Foundation
import RunModel
import Synchronization

/// `control/`: how another process asks a running trainer for something. One file a command, renamed into place whole, in order.
struct ControlInbox: Sendable {
    let folder: String
    private static let counter = Atomic<Int>(0)

    /// - Throws: `RunStoreError.system`.
    func send(_ command: RunCommand) throws {
        if mkdir(folder, 0o755) != 0, errno != EEXIST { throw RunStoreError.system(operation: "write", path: folder, code: errno) }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        let name = String(format: "%012d%09d-%d-%06d.json", now.tv_sec, now.tv_nsec, getpid(), number)
        let bytes = JSONText.object { CommandText.encode(command, into: &$0) }
        try AtomicFile.write(bytes + [0x0A], to: folder + "/" + name, durable: false)
    }

    /// Reads the waiting commands, oldest first, and deletes their files.
    /// - Returns: the commands, and a line for each file that held none.
    func take() -> (commands: [RunCommand], refused: [String]) {
        var commands: [RunCommand] = []
        var refused: [String] = []
        for name in waiting() {
            let path = folder + "/" + name
            let command = (try? JSONValue(file: path, limit: 1 << 16)).flatMap(CommandText.decode)
            // What cannot be deleted would come again at every step.
            guard unlink(path) == 0 else { continue }
            if let command {
                commands.append(command)
            } else {
                refused.append("\(path) holds no command that is known; it was deleted.")
            }
        }
        return (commands, refused)
    }

    /// Forgets what is waiting: commands to a trainer that has ended mean nothing to the next one.
    func clear() {
        for name in waiting() { unlink(folder + "/" + name) }
    }

    private func waiting() -> [String] {
        // This runs at every step: one look at an empty folder costs microseconds.
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".json"), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}
