import Files
import Foundation
import RunModel

/// Reads `events.jsonl` while it grows. Used from one thread at a time.
///
/// A line without its end is left for the next time; lines that are not known are left out. Events are never taken back: the
/// file only grows.
public final class EventsReader {
    public let path: String
    private var descriptor: Int32 = -1
    private var offset = 0

    /// The file need not be there yet.
    public init(path: String) { self.path = path }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The events that came since the last call, oldest first.
    /// - Throws: `RunStoreError.system`.
    public func readNew() throws -> [RecordedEvent] {
        if descriptor < 0 {
            descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            if descriptor < 0, errno == ENOENT { return [] }
            guard descriptor >= 0 else { throw RunStoreError.system(operation: "read", path: path, code: errno) }
        }
        var events: [RecordedEvent] = []
        offset = try JSONLines.forEachLine(descriptor, from: offset, path: path) { bytes, line, _ in
            if let value = try? JSONValue(bytes, from: line.lowerBound, to: line.upperBound),
                let event = EventLine.decode(value)
            {
                events.append(event)
            }
            return true
        }
        return events
    }
}
