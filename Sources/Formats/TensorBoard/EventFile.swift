import Foundation

/// An event file that is being written: records are appended, each in one call, so that readers see them at once.
///
/// ```
/// let file = try EventFile(in: "runs/pets/tensorboard", time: now)
/// try file.append(TensorBoardEvent(time: now, step: 1, .values([SummaryValue("train/loss", .scalar(2.5))])))
/// ```
/// Used from one thread at a time.
public final class EventFile {
    public let path: String
    private let descriptor: Int32
    /// Bytes of whole records.
    private var size = 0

    /// Makes the folder if need be and a new file in it, which begins with the version event.
    /// - Parameter time: seconds since 1970.
    /// - Throws: `FormatError.write`.
    public init(in folder: String, time: Double) throws {
        try Self.makeFolder(folder)
        path = folder + "/" + Self.name(in: folder, time: time)
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FormatError.write(path: path, reason: systemReason()) }
        try append(TensorBoardEvent(time: time, .fileVersion))
    }

    deinit { close(descriptor) }

    /// A record that is written in part, as on a full disk, is taken back: one torn record would hide all that follow.
    /// - Throws: `FormatError.write`.
    public func append(_ event: TensorBoardEvent) throws {
        let record = event.record
        var done = 0
        while done < record.count {
            let count = record.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress.map { $0 + done }, record.count - done) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let reason = systemReason()
                ftruncate(descriptor, off_t(size))
                throw FormatError.write(path: path, reason: reason)
            }
            done += count
        }
        size += record.count
    }

    /// Asks the disk to keep what was written so far.
    public func flush() { fsync(descriptor) }

    /// Writes a whole event file at once: `body` appends its events, and the file appears in `folder` when it is complete.
    /// - Returns: its path.
    /// - Throws: `FormatError.write`, or what `body` throws.
    public static func write(
        in folder: String, time: Double, _ body: (_ append: (TensorBoardEvent) throws -> Void) throws -> Void
    ) throws -> String {
        try makeFolder(folder)
        let path = folder + "/" + name(in: folder, time: time)
        try WholeFile.write(path) { file in
            try file.append(TensorBoardEvent(time: time, .fileVersion).record)
            try body { try file.append($0.record) }
        }
        return path
    }

    /// The event files directly in a folder, in the order in which they are read; empty where there are none.
    public static func names(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.contains("tfevents") && !$0.hasPrefix(".") }.sorted()
    }

    /// `events.out.tfevents.<seconds>.<host>.<process>`, with more seconds than those that are there: readers go by the names.
    private static func name(in folder: String, time: Double) -> String {
        let prefix = "events.out.tfevents."
        let taken = names(in: folder).compactMap { name -> Int? in
            guard name.hasPrefix(prefix) else { return nil }
            return Int(name.dropFirst(prefix.count).prefix { $0 != "." })
        }
        let seconds = max(Int(time), (taken.max() ?? 0) &+ 1)
        let host = ProcessInfo.processInfo.hostName.map { $0 == "/" ? "_" : $0 }
        return prefix + String(format: "%010ld", seconds) + ".\(String(host)).\(getpid())"
    }

    private static func makeFolder(_ folder: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw FormatError.write(path: folder, reason: "the folder cannot be made")
        }
    }
}
