@preconcurrency import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and termination: the first asks, the second leaves at once. A hang-up does not end a run.
///
/// What asks may nest: a protocol and the run that it makes are both told.
final class StopSignals: Sendable {
    private let place: Int

    /// - Parameter ask: called once, on a queue of its own.
    init(_ ask: @escaping @Sendable () -> Void) {
        place = Catcher.shared.add(ask)
    }

    /// Held for as long as signals are to be caught.
    func end() { Catcher.shared.remove(place) }

    /// Ends the program as if the signal had never been caught, if there was one: a script sees that its command was broken off.
    static func raiseAgain() {
        let number = Catcher.received.load(ordering: .relaxed)
        guard number != 0 else { return }
        signal(number, SIG_DFL)
        // The thread of the signals' queue blocks them.
        var only = sigset_t()
        sigemptyset(&only)
        sigaddset(&only, number)
        pthread_sigmask(SIG_UNBLOCK, &only, nil)
        raise(number)
    }

    /// The process's one pair of sources: Dispatch puts a handler of its own in place with the first, and setting the signal to be
    /// ignored again would take it away.
    private final class Catcher: Sendable {
        static let shared = Catcher()
        /// The last signal that was caught; 0 without.
        static let received = Atomic<Int32>(0)

        private struct State {
            var asks: [(place: Int, ask: @Sendable () -> Void)] = []
            var next = 0
            var isAsked = false
        }

        private let state = Mutex(State())
        private let sources: [any DispatchSourceSignal]

        private init() {
            let queue = DispatchQueue(label: "maple.signals")
            signal(SIGHUP, SIG_IGN)
            sources = [SIGINT, SIGTERM].map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler { Catcher.shared.take(number) }
                return source
            }
            sources.forEach { $0.resume() }
        }

        func add(_ ask: @escaping @Sendable () -> Void) -> Int {
            state.withLock { state in
                state.next += 1
                // Asked before: what begins now is to end at once as well.
                if state.isAsked { ask() }
                state.asks.append((state.next, ask))
                return state.next
            }
        }

        func remove(_ place: Int) {
            state.withLock { state in
                state.asks.removeAll { $0.place == place }
                if state.asks.isEmpty { state.isAsked = false }
            }
        }

        private func take(_ number: Int32) {
            Catcher.received.store(number, ordering: .relaxed)
            let asks = state.withLock { state -> [@Sendable () -> Void] in
                defer { state.isAsked = true }
                return state.isAsked ? [] : state.asks.map(\.ask)
            }
            // A second one, or nobody who could end in good order.
            if asks.isEmpty { StopSignals.raiseAgain() } else { asks.forEach { $0() } }
        }
    }
}
