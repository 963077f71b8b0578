import Foundation
import RunModel

/// Commands on their way to a trainer, posted from any thread and read at step boundaries.
///
/// Unchecked: `waiting` is guarded by `condition`.
public final class CommandMailbox: @unchecked Sendable {
    private let condition = NSCondition()
    private var waiting: [RunCommand] = []

    public init() {}

    public func post(_ command: RunCommand) {
        condition.lock()
        waiting.append(command)
        condition.broadcast()
        condition.unlock()
    }

    /// The oldest command, or nil at once.
    public func take() -> RunCommand? {
        condition.lock()
        defer { condition.unlock() }
        return waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// The oldest command, waiting up to `seconds` for one.
    public func wait(seconds: Double) -> RunCommand? {
        condition.lock()
        defer { condition.unlock() }
        let limit = Date().addingTimeInterval(seconds)
        while waiting.isEmpty { if !condition.wait(until: limit) { return nil } }
        return waiting.removeFirst()
    }

    /// Whether a stop has been asked for and not been taken yet.
    public var holdsStop: Bool {
        condition.lock()
        defer { condition.unlock() }
        return waiting.contains(.stop)
    }
}
