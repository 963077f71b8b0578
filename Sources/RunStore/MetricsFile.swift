import Foundation
import RunModel

/// New points of a metrics file.
public struct MetricsBatch: Sendable, Equatable {
    public var points: [MetricPoint] = []
    /// The file was cut since the last batch (a run was resumed): forget earlier points, `points` starts anew.
    public var restarted = false
    /// Whole lines that are no metric points; they are left out.
    public var damagedLines = 0
}

/// Reads `metrics.jsonl` while it grows. Used from one thread at a time.
///
/// A line without its end is left for the next time, so a reader never sees half a point.
public final class MetricsReader {
    public let path: String
    private let descriptor: Int32
    private var offset: Int
    /// The bytes before `offset`, from the last line's start: other bytes there mean that the file was cut and written anew.
    private var lastLine: [UInt8]
    private var lastStep: Int

    /// - Throws: `RunStoreError.system`.
    public convenience init(path: String) throws {
        try self.init(path: path, offset: 0, lastLine: [], lastStep: -1)
    }

    init(path: String, offset: Int, lastLine: [UInt8], lastStep: Int) throws {
        self.path = path
        self.offset = offset
        self.lastLine = lastLine
        self.lastStep = lastStep
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw RunStoreError.system(operation: "read", path: path, code: errno) }
    }

    deinit { close(descriptor) }

    /// The points that came since the last call.
    /// - Parameter norms: false leaves out the norms, which is several times faster.
    public func readNew(norms: Bool = false) throws -> MetricsBatch {
        var batch = MetricsBatch()
        if try isCut() { restart(&batch) }
        let stepBefore = lastStep
        try read(into: &batch, norms: norms)
        // Cut and grown beyond the old end between two calls: steps come twice.
        if !batch.restarted, let first = batch.points.first, first.step <= stepBefore {
            batch = MetricsBatch()
            restart(&batch)
            try read(into: &batch, norms: norms)
        }
        return batch
    }

    private func restart(_ batch: inout MetricsBatch) {
        offset = 0
        lastLine = []
        lastStep = -1
        batch.restarted = true
    }

    /// Whether what was read is no longer there.
    private func isCut() throws -> Bool {
        guard offset > 0 else { return false }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw RunStoreError.system(operation: "read", path: path, code: errno) }
        if Int(status.st_size) < offset { return true }
        return try JSONLines.readBlock(descriptor, at: offset - lastLine.count, count: lastLine.count, path: path) != lastLine
    }

    private func read(into batch: inout MetricsBatch, norms: Bool) throws {
        var points: [MetricPoint] = []
        var damaged = 0
        var lastStart: Int?
        var status = stat()
        let size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
        let end = try JSONLines.forEachLine(descriptor, from: offset, path: path) { bytes, line, offset in
            // Room for lines of the first one's length; growing step by step would copy the points over and over.
            if lastStart == nil { points.reserveCapacity(min(1 << 22, (size - offset) / (line.count + 1) + 1)) }
            lastStart = offset
            if let point = MetricLine.decode(bytes, from: line.lowerBound, to: line.upperBound, norms: norms ? .read : .skip) {
                points.append(point)
            } else {
                damaged += 1
            }
            return true
        }
        let start = lastStart ?? offset - lastLine.count
        lastLine = try JSONLines.readBlock(descriptor, at: start, count: end - start, path: path)
        offset = end
        if let last = points.last { lastStep = last.step }
        batch.points = points
        batch.damagedLines = damaged
    }
}

enum MetricsFile {
    /// Cuts the file before the first point beyond `step`, and cuts off a torn end.
    /// - Throws: `RunStoreError.system`.
    static func truncate(_ path: String, afterStep step: Int) throws {
        let descriptor = open(path, O_RDWR | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return }
            throw RunStoreError.system(operation: "repair", path: path, code: errno)
        }
        defer { close(descriptor) }
        try JSONLines.repairEnd(descriptor, path: path)
        var cut: Int?
        try JSONLines.forEachLine(descriptor, from: 0, path: path) { bytes, line, offset in
            guard let point = MetricLine.decode(bytes, from: line.lowerBound, to: line.upperBound, norms: .skip) else { return true }
            if point.step > step { cut = offset }
            return point.step <= step
        }
        if let cut, ftruncate(descriptor, off_t(cut)) != 0 || fsync(descriptor) != 0 {
            throw RunStoreError.system(operation: "repair", path: path, code: errno)
        }
    }

    /// The last whole point, found from the file's end; nil where there is none near it.
    static func lastPoint(_ path: String) -> MetricPoint? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        // Lines with norms of a deep model have a few thousand bytes.
        for reach in [1 << 14, 1 << 20] {
            let start = max(0, Int(status.st_size) - reach)
            var last: MetricPoint?
            _ = try? JSONLines.forEachLine(descriptor, from: start, path: path) { bytes, line, _ in
                if let point = MetricLine.decode(bytes, from: line.lowerBound, to: line.upperBound, norms: .skip) { last = point }
                return true
            }
            if last != nil || start == 0 { return last }
        }
        return nil
    }
}
