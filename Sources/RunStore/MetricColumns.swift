import Dispatch
import Foundation
import RunModel
import Synchronization

/// A whole metrics file as columns, for runs of a million steps: what curves need, and the norms of a few hundred steps.
///
/// ```
/// let columns = try MetricColumns.read(folder.metricsFile, normSamples: 400)
/// let later = try MetricsReader(path: folder.metricsFile, after: columns).readNew()
/// ```
public struct MetricColumns: Sendable {
    /// Ascending; all columns have equal length.
    public var steps: [Int32] = []
    /// Seconds of training.
    public var times: [Float] = []
    public var loss: [Float] = []
    public var accuracy: [Float] = []
    public var learningRate: [Float] = []
    public var imagesPerSecond: [Float] = []
    /// Whole points with their norms, spread evenly over the run; the first and the last one are among them.
    public var samples: [MetricPoint] = []
    /// Whole lines that are no metric points; they are left out.
    public var damagedLines = 0
    /// Where the next line starts, and the bytes of the last one.
    var end = 0
    var lastLine: [UInt8] = []

    public init() {}

    public var count: Int { steps.count }

    /// Nothing but where the file was read to.
    public var placeOnly: MetricColumns {
        var place = MetricColumns()
        place.steps = steps.suffix(1)
        (place.end, place.lastLine) = (end, lastLine)
        return place
    }

    /// - Parameter normSamples: at most so many points are read whole.
    /// - Returns: empty where there is no such file.
    /// - Throws: `RunStoreError.system`.
    public static func read(_ path: String, normSamples: Int = 400) throws -> MetricColumns {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return MetricColumns() }
            throw RunStoreError.system(operation: "read", path: path, code: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw RunStoreError.system(operation: "read", path: path, code: EINVAL)
        }
        let size = Int(status.st_size)
        let starts = try chunkStarts(descriptor, size: size, path: path)
        let made = Mutex<[Result<Chunk, any Error>?]>(Array(repeating: nil, count: starts.count - 1))
        DispatchQueue.concurrentPerform(iterations: starts.count - 1) { index in
            let chunk = Result { try Chunk.read(descriptor, starts[index]..<starts[index + 1], path: path) }
            made.withLock { $0[index] = chunk }
        }
        let chunks = try made.withLock { try $0.compactMap { try $0?.get() } }
        return try joined(chunks, descriptor, path: path, normSamples: normSamples)
    }

    /// Offsets at which lines start and that cut the file into parts of equal size; the last one is the file's end.
    private static func chunkStarts(_ descriptor: Int32, size: Int, path: String) throws -> [Int] {
        let parts = min(ProcessInfo.processInfo.activeProcessorCount, max(1, size >> 22))
        var starts = [0]
        for part in 1..<max(1, parts) {
            // Before the first line end, so that the line after it belongs to this part.
            var start: Int?
            try JSONLines.forEachLine(descriptor, from: size / parts * part, path: path) { _, line, offset in
                start = offset + line.count + 1
                return false
            }
            if let start, start > starts[starts.count - 1], start < size { starts.append(start) }
        }
        return starts + [size]
    }

    private static func joined(_ chunks: [Chunk], _ descriptor: Int32, path: String, normSamples: Int) throws -> MetricColumns {
        var columns = MetricColumns()
        let total = chunks.reduce(0) { $0 + $1.steps.count }
        var offsets: [Int] = []
        offsets.reserveCapacity(total)
        columns.steps.reserveCapacity(total)
        for chunk in chunks {
            columns.steps += chunk.steps
            columns.times += chunk.times
            columns.loss += chunk.loss
            columns.accuracy += chunk.accuracy
            columns.learningRate += chunk.learningRate
            columns.imagesPerSecond += chunk.imagesPerSecond
            columns.damagedLines += chunk.damagedLines
            offsets += chunk.offsets
            columns.end = chunk.end
        }
        columns.keepAscending(&offsets)
        if let start = offsets.last {
            columns.lastLine = try JSONLines.readBlock(descriptor, at: start, count: columns.end - start, path: path)
        }
        let wanted = min(normSamples, columns.count)
        let stride = max(1, Double(columns.count - 1) / Double(max(1, wanted - 1)))
        for number in 0..<wanted {
            let place = number == wanted - 1 ? columns.count - 1 : min(columns.count - 1, Int(Double(number) * stride))
            try JSONLines.forEachLine(descriptor, from: offsets[place], path: path, blockSize: 1 << 13) { bytes, line, _ in
                if let point = MetricLine.decode(bytes, from: line.lowerBound, to: line.upperBound, norms: .read) {
                    columns.samples.append(point)
                }
                return false
            }
        }
        return columns
    }

    /// A step that is not after the one before it takes the place of what followed it: files of other programs may hold such.
    private mutating func keepAscending(_ offsets: inout [Int]) {
        guard let fault = steps.indices.dropFirst().first(where: { steps[$0] <= steps[$0 - 1] }) else { return }
        var kept = Array(0..<fault)
        for index in fault..<steps.count {
            while let last = kept.last, steps[last] >= steps[index] { kept.removeLast() }
            kept.append(index)
        }
        func pick<Value>(_ values: [Value]) -> [Value] { kept.map { values[$0] } }
        (steps, times, loss, accuracy) = (pick(steps), pick(times), pick(loss), pick(accuracy))
        (learningRate, imagesPerSecond, offsets) = (pick(learningRate), pick(imagesPerSecond), pick(offsets))
    }

    /// The lines of a part of the file.
    private struct Chunk {
        var steps: [Int32] = []
        var times: [Float] = []
        var loss: [Float] = []
        var accuracy: [Float] = []
        var learningRate: [Float] = []
        var imagesPerSecond: [Float] = []
        var offsets: [Int] = []
        var damagedLines = 0
        var end = 0

        static func read(_ descriptor: Int32, _ range: Range<Int>, path: String) throws -> Chunk {
            var chunk = Chunk()
            chunk.end = range.lowerBound
            try JSONLines.forEachLine(descriptor, from: range.lowerBound, path: path) { bytes, line, offset in
                guard offset < range.upperBound else { return false }
                if chunk.steps.isEmpty { chunk.reserve(range.count / (line.count + 1) + 1) }
                chunk.end = offset + line.count + 1
                if let point = MetricLine.decode(bytes, from: line.lowerBound, to: line.upperBound, norms: .leave) {
                    chunk.add(point, at: offset)
                } else {
                    chunk.damagedLines += 1
                }
                return true
            }
            return chunk
        }

        private mutating func reserve(_ count: Int) {
            let count = min(1 << 23, count)
            steps.reserveCapacity(count)
            times.reserveCapacity(count)
            loss.reserveCapacity(count)
            accuracy.reserveCapacity(count)
            learningRate.reserveCapacity(count)
            imagesPerSecond.reserveCapacity(count)
            offsets.reserveCapacity(count)
        }

        @inline(__always)
        private mutating func add(_ point: MetricPoint, at offset: Int) {
            steps.append(Int32(clamping: point.step))
            times.append(Float(point.time))
            loss.append(Float(point.loss))
            accuracy.append(Float(point.accuracy))
            learningRate.append(Float(point.learningRate))
            imagesPerSecond.append(Float(point.imagesPerSecond))
            offsets.append(offset)
        }
    }
}

extension MetricsReader {
    /// Goes on behind what `columns` hold.
    /// - Throws: `RunStoreError.system`.
    public convenience init(path: String, after columns: MetricColumns) throws {
        try self.init(path: path, offset: columns.end, lastLine: columns.lastLine, lastStep: columns.steps.last.map(Int.init) ?? -1)
    }
}
