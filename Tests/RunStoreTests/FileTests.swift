import Foundation
import RunModel
import Synchronization
import TestSupport
import Testing

@testable import RunStore

@Suite struct AtomicFileTests {
    @Test func replacesWholeFiles() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let path = root.path + "/f.json"
            try AtomicFile.write([1, 2, 3], to: path)
            try AtomicFile.write([], to: path)
            #expect(try readWhole(path, limit: 10) == [])
            #expect(try FileManager.default.contentsOfDirectory(atPath: root.path) == ["f.json"])
            #expect(throws: RunStoreError.self) { try AtomicFile.write([1], to: root.path + "/none/f") }
            try FileManager.default.createDirectory(atPath: root.path + "/dir/x", withIntermediateDirectories: true)
            #expect(throws: RunStoreError.self) { try AtomicFile.write([1], to: root.path + "/dir") }
            #expect(try FileManager.default.contentsOfDirectory(atPath: root.path).sorted() == ["dir", "f.json"])
        }
    }

    /// On a file system of 64 kB, where the machine lets the test mount one.
    @Test func fullDiskKeepsTheOldFile() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            guard mount("none", root.path, "tmpfs", 0, "size=64k") == 0 else {
                print("a full disk was not tried: mounting is not allowed here")
                return
            }
            defer { umount(root.path) }
            let path = root.path + "/f"
            try AtomicFile.write([7, 7], to: path)
            #expect(throws: RunStoreError.system(operation: "write", path: path, code: ENOSPC)) {
                try AtomicFile.write([UInt8](repeating: 1, count: 200_000), to: path)
            }
            #expect(try readWhole(path, limit: 10) == [7, 7])
            #expect(try FileManager.default.contentsOfDirectory(atPath: root.path) == ["f"])

            let writer = try JSONLinesWriter(path: root.path + "/m.jsonl")
            let line = [UInt8](repeating: 0x41, count: 999)
            var lines = 0
            #expect(throws: RunStoreError.self) {
                while lines < 1000 {
                    try writer.append(line)
                    lines += 1
                }
            }
            #expect(lines > 10)
            // Not one byte of the line that did not fit.
            #expect(try readWhole(root.path + "/m.jsonl", limit: 1 << 20).count == lines * 1000)
        }
    }

    @Test func fullDeviceIsToldClearly() throws {
        let writer = try JSONLinesWriter(path: "/dev/full")
        #expect(throws: RunStoreError.system(operation: "write", path: "/dev/full", code: ENOSPC)) { try writer.append([0x7B, 0x7D]) }
        let worded = RunStoreError.system(operation: "write", path: "/dev/full", code: ENOSPC).description
        #expect(worded == "cannot write /dev/full: No space left on device. Free some space, then resume.")
    }
}

@Suite struct MetricsFileTests {
    private func write(_ points: Range<Int>, to path: String) throws {
        let writer = try JSONLinesWriter(path: path)
        for step in points { try writer.append(MetricLine.encode(samplePoint(step))) }
    }

    @Test func tornEndsAreRepaired() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = RunFolder(path: root.path)
            let whole = MetricLine.encode(samplePoint(11))
            // Killed after each byte of the last line.
            for length in 0...whole.count {
                unlink(run.metricsFile)
                try write(1..<11, to: run.metricsFile)
                run.append(String(decoding: whole.prefix(length), as: UTF8.self), to: run.metricsFile)
                #expect(try run.metrics().points.count == 10)
                let writer = try JSONLinesWriter(path: run.metricsFile)
                try writer.append(MetricLine.encode(samplePoint(12)))
                let steps = try run.metrics().points.map(\.step)
                #expect(steps == Array(1..<11) + (length == whole.count ? [11, 12] : [12]), "length \(length)")
            }
            // A file that is nothing but a torn line, one with a long torn line, and one that ends in NUL bytes.
            for (text, count) in [("{\"st", 0), (String(repeating: "x", count: 300_000), 0)] {
                unlink(run.metricsFile)
                run.append(text, to: run.metricsFile)
                _ = try JSONLinesWriter(path: run.metricsFile)
                #expect(try readWhole(run.metricsFile, limit: 10).count == count)
            }
            try write(1..<4, to: run.metricsFile)
            let before = try readWhole(run.metricsFile, limit: 1 << 20)
            let descriptor = open(run.metricsFile, O_WRONLY)
            ftruncate(descriptor, off_t(before.count + 4096))
            close(descriptor)
            _ = try JSONLinesWriter(path: run.metricsFile)
            #expect(try readWhole(run.metricsFile, limit: 1 << 20) == before)
        }
    }

    @Test func truncatesAfterAStep() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = RunFolder(path: root.path)
            for (step, expected) in [(0, 0), (1, 1), (57, 57), (100, 100), (1000, 100)] {
                unlink(run.metricsFile)
                try write(1..<101, to: run.metricsFile)
                run.append("{\"step\":101,\"lo", to: run.metricsFile)
                try MetricsFile.truncate(run.metricsFile, afterStep: step)
                #expect(try run.metrics().points.map(\.step) == Array(1..<(expected + 1)))
                #expect(MetricsFile.lastPoint(run.metricsFile)?.step == (expected == 0 ? nil : expected))
            }
            try MetricsFile.truncate(root.path + "/none", afterStep: 3)
        }
    }

    @Test func damagedLinesAreCounted() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = RunFolder(path: root.path)
            try write(1..<3, to: run.metricsFile)
            run.append("garbage\n\n{\"step\":3}\n", to: run.metricsFile)
            let batch = try run.metrics()
            #expect(batch.points.map(\.step) == [1, 2, 3])
            #expect(batch.points[2].loss.isNaN)
            #expect(batch.damagedLines == 1)
        }
    }

    @Test func readersFollow() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let run = RunFolder(path: root.path)
            try write(1..<51, to: run.metricsFile)
            let reader = try MetricsReader(path: run.metricsFile)
            #expect(try reader.readNew().points.count == 50)
            #expect(try reader.readNew().points.isEmpty)
            try write(51..<61, to: run.metricsFile)
            run.append("{\"step\":61,", to: run.metricsFile)
            #expect(try reader.readNew().points.map(\.step) == Array(51..<61))
            run.append("\"loss\":1}\n", to: run.metricsFile)
            #expect(try reader.readNew().points.map(\.step) == [61])
            // Cut by a resume: shorter first, then grown beyond the old end.
            try MetricsFile.truncate(run.metricsFile, afterStep: 20)
            var batch = try reader.readNew()
            #expect(batch.restarted && batch.points.count == 20)
            try MetricsFile.truncate(run.metricsFile, afterStep: 10)
            let writer = try JSONLinesWriter(path: run.metricsFile)
            for step in 11..<200 { try writer.append(MetricLine.encode(samplePoint(step, loss: 9))) }
            batch = try reader.readNew()
            #expect(batch.restarted && batch.points.map(\.step) == Array(1..<200))
            // The same length to the byte, but other numbers.
            try MetricsFile.truncate(run.metricsFile, afterStep: 198)
            try writer.append(MetricLine.encode(samplePoint(199, loss: 8)))
            batch = try reader.readNew()
            #expect(batch.restarted && batch.points.last?.loss == 8)
        }
    }

    /// One thread writes while another reads: every batch holds whole points, in order, none twice.
    @Test func readsWhileAnotherWrites() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let path = root.path + "/metrics.jsonl"
            let count = 20_000
            let writer = try JSONLinesWriter(path: path)
            nonisolated(unsafe) let shared = writer
            let isDone = Atomic<Bool>(false)
            nonisolated(unsafe) var failure: (any Error)?
            let began = ContinuousClock.now
            withoutActuallyEscaping({ @Sendable () -> Void in
                do {
                    for step in 1...count { try shared.append(MetricLine.encode(samplePoint(step, norms: 3))) }
                } catch { failure = error }
                isDone.store(true, ordering: .releasing)
            }) { work in
                let thread = Thread(block: work)
                thread.start()
                do {
                    let reader = try MetricsReader(path: path)
                    var seen = 0, batches = 0
                    while true {
                        let ended = isDone.load(ordering: .acquiring)
                        let batch = try reader.readNew(norms: true)
                        #expect(!batch.restarted && batch.damagedLines == 0)
                        for point in batch.points {
                            seen += 1
                            if point.step != seen || point.norms.count != 3 { Issue.record("point \(point.step) after \(seen - 1)") }
                        }
                        batches += batch.points.isEmpty ? 0 : 1
                        if ended { break }
                    }
                    #expect(seen == count)
                    print("followed \(count) lines in \(batches) batches, \(ContinuousClock.now - began)")
                } catch { failure = error }
                while !isDone.load(ordering: .acquiring) { sched_yield() }
            }
            #expect(failure == nil)
        }
    }

    @Test func measuresReadingAndWriting() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            let path = root.path + "/metrics.jsonl"
            let count = 1_000_000
            var text: [UInt8] = []
            for step in 0..<1000 { text += MetricLine.encode(samplePoint(step)) + [0x0A] }
            let descriptor = open(path, O_WRONLY | O_CREAT, 0o644)
            for _ in 0..<(count / 1000) { try writeAll(text, to: descriptor, path: path) }
            close(descriptor)
            let clock = ContinuousClock()
            var read = 0
            let reading = try clock.measure { read = try MetricsReader(path: path).readNew().points.count }
            #expect(read == count)

            let writer = try JSONLinesWriter(path: root.path + "/written.jsonl")
            let point = samplePoint(5, norms: 27)
            let writing = try clock.measure { for _ in 0..<10_000 { try writer.append(MetricLine.encode(point)) } }
            let withNorms = try clock.measure { _ = try MetricsReader(path: writer.path).readNew(norms: true) }
            let withoutNorms = try clock.measure { _ = try MetricsReader(path: writer.path).readNew() }
            print("metrics: read \(count) points (\(text.count / 1000) bytes a line) in \(reading)")
            print("metrics: wrote 10000 lines of 27 norms in \(writing), read them in \(withNorms), without norms in \(withoutNorms)")
        }
    }
}
