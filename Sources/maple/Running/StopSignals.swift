@preconcurrency import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and termination: the first asks, the second leaves at once. A hang-up does not end a run.
///
/// Dispatch keeps the sources alive while this object lives.
final class StopSignals: Sendable {
    private let sources: [any DispatchSourceSignal]

    /// - Parameter ask: called once, on a queue of its own.
    init(_ ask: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "maple.signals")
        let asked = Mutex(false)
        let handler: @Sendable (Int32) -> Void = { number in
            let isSecond = asked.withLock { asked in
                defer { asked = true }
                return asked
            }
            guard isSecond else { return ask() }
            // As if the signal had never been caught; this queue's thread blocks signals.
            signal(number, SIG_DFL)
            var only = sigset_t()
            sigemptyset(&only)
            sigaddset(&only, number)
            pthread_sigmask(SIG_UNBLOCK, &only, nil)
            raise(number)
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
}
