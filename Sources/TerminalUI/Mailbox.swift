import CTerminal
import Dispatch
import Screen

/// Inputs from any thread on their way to the thread that owns the screen.
///
/// Posting wakes the loop by an event counter. Order is kept for each poster.
public final class Mailbox: @unchecked Sendable {
    // @unchecked: `waiting` is touched inside `queue` alone.
    private let queue = DispatchQueue(label: "maple.mailbox")
    private var waiting: [Input] = []
    let event: Int32

    public init() { event = terminal_make_event() }

    deinit { if event >= 0 { terminal_close_event(event) } }

    public func post(_ input: Input) {
        queue.sync { waiting.append(input) }
        if event >= 0 { terminal_raise_event(event) }
    }

    /// Everything posted so far, oldest first.
    func drain() -> [Input] {
        if event >= 0 { terminal_clear_event(event) }
        return queue.sync {
            let all = waiting
            waiting.removeAll(keepingCapacity: all.count < 4096)
            return all
        }
    }
}
