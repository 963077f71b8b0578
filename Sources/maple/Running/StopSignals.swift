@preconcurrency import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and termination: the first asks, the second leaves at once. A hang-up does not end a run.
///
/// Dispatch keeps the sources alive while this object lives.
final class StopSignals: Sendable {
    private let sources: [any DispatchSourceSignal]
    /// The last signal that was caught; 0 without.
    private static let received = Atomic<Int32>(0)

    /// - Parameter ask: called once, on a queue of its own.
    init(_ ask: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "maple.signals")
        let asked = Mutex(false)
        let handler: @Sendable (Int32) -> Void = { number in
            Self.received.store(number, ordering: .relaxed)
            let isSecond = asked.withLock { asked in
                defer { asked = true }
                return asked
            }
            if isSecond { Self.raiseAgain() } else { ask() }
        }
        signal(SIGHUP, SIG_IGN)
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { handler(number) }
            source.resume()
            return source
        }
    }
}

extension StopSignals {
    /// Held for as long as signals are to be caught.
    func end() { sources.forEach { $0.cancel() } }

    /// Ends the program as if the signal had never been caught, if there was one: a script sees that its command was broken off.
    static func raiseAgain() {
        let number = received.load(ordering: .relaxed)
        guard number != 0 else { return }
        signal(number, SIG_DFL)
        // The thread of the signals' queue blocks them.
        var only = sigset_t()
        sigemptyset(&only)
        sigaddset(&only, number)
        pthread_sigmask(SIG_UNBLOCK, &only, nil)
        raise(number)
    }
}
