import Foundation
import RunModel
import Synchronization

/// Progress on standard error: one line that updates in place on a terminal, plain lines into a pipe or file.
final class ProgressLine: Sendable {
    private struct State {
        var total = 0
        var first = 0
        var lastPrinted = 0.0
        var isOpen = false
        var loss: Double?
        var accuracy: Double?
        var lastEpoch = -1
    }

    private let state = Mutex(State())
    private let isTerminal: Bool
    private let isQuiet: Bool

    init(quiet: Bool) {
        isQuiet = quiet
        isTerminal = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// A line that stays and that `--quiet` leaves out.
    func remark(_ text: String) {
        if !isQuiet { line(text) }
    }

    /// A line that stays.
    func line(_ text: String) {
        state.withLock { state in
            close(&state)
            note(text)
        }
    }

    /// How far something is that has an end; shown on a terminal alone.
    func counting(_ what: String, _ done: Int, _ total: Int) {
        guard !isQuiet else { return }
        state.withLock { state in
            if done < total { update("\(what): \(done)/\(total)", false, &state) } else { close(&state) }
        }
    }

    func show(_ event: RunEvent) {
        guard !isQuiet else {
            if case .warning(let text) = event { line("warning: \(text)") }
            return
        }
        state.withLock { state in
            switch event {
            case .started(let total, _, let first):
                (state.total, state.first) = (total, first)
                // The line may have shown another run before.
                (state.loss, state.accuracy) = (nil, nil)
            case .step(let point):
                let weight = state.loss == nil ? 1 : 0.1
                state.loss = (state.loss ?? 0) * (1 - weight) + point.loss * weight
                state.accuracy = (state.accuracy ?? 0) * (1 - weight) + point.accuracy * weight
                step(point, &state)
            case .evaluationProgress(let classes, let done, let total):
                update("evaluating \(classes.rawValue): \(done)/\(total) images", done == total, &state)
            case .evaluated(let result):
                close(&state)
                note(
                    "\(result.method == .zeroshot && state.total > 0 ? "zero-shot" : "step \(result.step)")  \(result.classes.rawValue) accuracy \(percent(result.accuracy)) %  macro-F1 "
                        + "\(percent(result.macroF1)) %  \(result.count) images in \(duration(result.seconds))")
            case .warning(let text):
                close(&state)
                note("warning: \(text)")
            case .paused(let step):
                close(&state)
                note("paused at step \(step)")
            case .proceeding(let step):
                close(&state)
                note("going on at step \(step)")
            case .checkpointWritten, .commandTaken, .stopped, .finished, .failed: break
            }
        }
    }

    private func step(_ point: MetricPoint, _ state: inout State) {
        let left = Double(state.total - point.step) * point.time / Double(max(1, point.step))
        let width = String(state.total).count
        let step = String(repeating: " ", count: max(0, width - String(point.step).count)) + "\(point.step)"
        let text =
            "step \(step)/\(state.total)  epoch \(point.epoch + 1)  loss \(String(format: "%.4f", point.loss))  "
            + "accuracy \(percent(state.accuracy)) %  lr \(String(format: "%.2e", point.learningRate))  "
            + "\(String(format: "%.1f", point.imagesPerSecond)) images/s  \(duration(left)) left"
        if isTerminal {
            update(text, point.step == state.total, &state)
        } else if point.epoch != state.lastEpoch || point.step == state.total || now() - state.lastPrinted > 10 {
            state.lastEpoch = point.epoch
            state.lastPrinted = now()
            note(text)
        }
    }

    /// Redraws the open line, at most twelve times a second.
    private func update(_ text: String, _ isLast: Bool, _ state: inout State) {
        guard isTerminal, isLast || now() - state.lastPrinted > 0.08 else { return }
        state.lastPrinted = now()
        state.isOpen = true
        var size = winsize()
        let columns = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
        put("\r" + text.prefix(columns - 1) + "\u{1b}[K", on: STDERR_FILENO)
    }

    private func close(_ state: inout State) {
        guard state.isOpen else { return }
        state.isOpen = false
        put("\r\u{1b}[K", on: STDERR_FILENO)
    }

    private func now() -> Double { ProcessInfo.processInfo.systemUptime }
}
