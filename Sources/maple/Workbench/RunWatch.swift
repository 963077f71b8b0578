import Dispatch
import Foundation
import RunModel
import RunStore
import Screen
import TerminalUI

/// Watches the runs folder: runs that appear, end or go on elsewhere, and the steps of the one that is followed.
///
/// Unchecked: everything that changes is touched on `queue` alone.
final class RunWatch: @unchecked Sendable {
    private let root: String
    private let queue = DispatchQueue(label: "maple.watch")
    private let timer: any DispatchSourceTimer
    private let post: @Sendable (Input) -> Void
    private let readRuns: @Sendable () throws -> [RunRow]
    private let readRow: @Sendable (RunID) -> RunRow?
    private let readTrace: @Sendable (RunID) throws -> (trace: RunTrace, tail: RunTail)
    private let isOwn: @Sendable (RunID) -> Bool
    private var tail: RunTail?
    private var marks: [String: Mark] = [:]
    private var turn = 0

    /// What changes when a run begins, ends, or (in another process) goes on.
    private struct Mark: Equatable {
        var seconds: Int
        var nanoseconds: Int
        var isActive: Bool
        var bytes: Int

        var withoutSteps: Mark {
            var mark = self
            mark.bytes = 0
            return mark
        }
    }

    /// Between looks at the followed run; the folder as a whole is looked at every fourth time.
    private static let pace = 0.5

    /// - Parameter post: takes events of the followed run, and the list of runs when it has changed.
    init(
        root: String, isOwn: @escaping @Sendable (RunID) -> Bool, readRuns: @escaping @Sendable () throws -> [RunRow],
        readRow: @escaping @Sendable (RunID) -> RunRow?,
        readTrace: @escaping @Sendable (RunID) throws -> (trace: RunTrace, tail: RunTail), post: @escaping @Sendable (Input) -> Void
    ) {
        self.root = root
        self.isOwn = isOwn
        self.readRuns = readRuns
        self.readRow = readRow
        self.readTrace = readTrace
        self.post = post
        timer = DispatchSource.makeTimerSource(queue: queue)
    }

    func begin() {
        queue.sync { marks = look() }
        timer.schedule(deadline: .now() + Self.pace, repeating: Self.pace, leeway: .milliseconds(100))
        timer.setEventHandler { [weak self] in self?.turnOver() }
        timer.resume()
    }

    /// Follows one run from where `tail` has read to; nil follows none.
    func follow(_ tail: RunTail?) { queue.sync { self.tail = tail } }

    private func turnOver() {
        turn += 1
        if turn % 4 == 0 { lookForChanges() }
        guard let tail, !isOwn(tail.id) else { return }
        do {
            guard let events = try tail.news() else {
                // Taken up again from an earlier step: what was read no longer holds.
                let anew = try readTrace(tail.id)
                self.tail = anew.tail
                return post(.answer(.trace(anew.trace)))
            }
            for event in events { post(.run(tail.id, event)) }
        } catch {
            // A folder that is gone, or not readable for a moment: the list tells of it.
        }
    }

    private func lookForChanges() {
        let now = look()
        guard now != marks else { return }
        let before = marks
        marks = now
        // Steps alone change one line; the whole list is read when a run comes, goes or ends.
        let isSteps = before.count == now.count && now.allSatisfy { name, mark in before[name]?.withoutSteps == mark.withoutSteps }
        if isSteps {
            for (name, mark) in now where before[name] != mark { if let row = readRow(root + "/" + name) { post(.answer(.row(row))) } }
        } else if let rows = try? readRuns() { post(.answer(.runs(rows))) }
    }

    private func look() -> [String: Mark] {
        var found: [String: Mark] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? [] where !name.hasPrefix(".") {
            let run = RunFolder(path: root + "/" + name)
            var status = stat()
            guard stat(run.path, &status) == 0 else { continue }
            // This process tells of its own run's steps itself.
            let isActive = run.trainer() != nil
            var metrics = stat()
            let bytes = isActive && !isOwn(run.path) && stat(run.metricsFile, &metrics) == 0 ? Int(metrics.st_size) : 0
            found[name] = Mark(seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec, isActive: isActive, bytes: bytes)
        }
        return found
    }
}
