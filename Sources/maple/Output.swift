import Foundation
import Screen
import SessionFile
import Synchronization

/// Writes a line to standard error.
func note(_ text: String) { put(text + "\n", on: STDERR_FILENO) }

/// Writes a line to standard output.
func say(_ text: String) {
    let fault = put(text + "\n", on: STDOUT_FILENO)
    if fault != 0 { outputFault.store(fault, ordering: .relaxed) }
}

/// The errno of results that could not be written, 0 without; told at the program's end.
let outputFault = Atomic<Int32>(0)

/// Writes text as it is. What cannot be written is dropped: a closed pipe must not end a training run.
/// - Returns: 0, or errno.
@discardableResult
func put(_ text: String, on descriptor: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = write(descriptor, UnsafeBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                if poll(&ready, 1, -1) >= 0 || errno == EINTR { continue }
            }
            guard count > 0 else { return count < 0 ? errno : EIO }
            rest = rest.dropFirst(count)
        }
        return 0
    }
}

/// Prints a value as one JSON object on standard output; keys sorted.
func sayJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    say(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// Words for an error that ends the program.
enum Failure {
    static func text(_ error: any Error) -> String {
        // Diagnostics of a session come as lines of their own, each with its file and line.
        if let diagnostics = error as? SessionDiagnostics {
            return diagnostics.diagnostics.map { "error: \($0)" }.joined(separator: "\n")
        }
        return "error: \(error)"
    }
}

/// A fraction as a percentage with one digit.
func percent(_ fraction: Double?) -> String {
    fraction.map { String(format: "%.1f", 100 * $0) } ?? "-"
}

/// Seconds as 7.3 s, 4 min 05 s or 2 h 07 min.
func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "-" }
    if seconds < 100 { return String(format: "%.1f s", seconds) }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return "\(whole / 60) min \(String(format: "%02d", whole % 60)) s" }
    return "\(whole / 3600) h \(String(format: "%02d", whole % 3600 / 60)) min"
}

/// Rows of text with columns aligned: the first to the left, the others to the right unless told.
func table(_ header: [String], _ rows: [[String]], left: Set<Int> = [0]) -> String {
    let widths = header.indices.map { column in ([header] + rows).map { CharacterWidth.of($0[column]) }.max() ?? 0 }
    return ([header] + rows).map { row in
        row.enumerated().map { column, text in
            let gap = String(repeating: " ", count: widths[column] - CharacterWidth.of(text))
            return left.contains(column) ? text + gap : gap + text
        }.joined(separator: "  ").trimmingTrailingSpaces()
    }.joined(separator: "\n")
}
