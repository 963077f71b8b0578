import Foundation
import TestSupport
import Testing

@testable import Formats

/// Event files: bytes as TensorBoard's own writer makes them, and logs of other programs read back.
@Suite struct TensorBoardTests {
    private func hex(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text[...]
        while let pair = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(pair)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    private func log(_ bytes: [UInt8]...) -> ScalarLog { ScalarLog(bytes.map { MappedFile(path: "log", content: $0) }) }

    private func scalar(_ tag: String, _ value: Float, step: Int, time: Double = 1) -> TensorBoardEvent {
        TensorBoardEvent(time: time, step: step, .values([SummaryValue(tag, .scalar(value))]))
    }

    /// RFC 3720, appendix B.4, and the customary nine digits.
    @Test func checksums() {
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(CRC32C.checksum((0..<32).reversed().map { UInt8($0) }) == 0x113F_DB5C)
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum([]) == 0)
    }

    /// Records that tensorboard 2.21's RecordWriter makes of the same messages.
    @Test(arguments: Golden.all)
    private func bytesOfTheRealWriter(_ golden: Golden) {
        let record = golden.event.record
        #expect(record == hex(golden.bytes), "\(record.map { String(format: "%02x", $0) }.joined())")
    }

    @Test func histogramsCountEveryFiniteValue() {
        let some = TensorBoardHistogram([0, 0.5, 1, .nan, .infinity, 1], buckets: 4)
        #expect(some.counts == [1, 0, 1, 2] && some.limits == [0.25, 0.5, 0.75, 1] && some.sum == 2.5 && some.squares == 2.25)
        let same = TensorBoardHistogram([2, 2])
        #expect(same.limits == [2] && same.counts == [2] && same.least == 2 && same.greatest == 2)
        #expect(TensorBoardHistogram([]).counts.isEmpty && TensorBoardHistogram([.nan]).limits.isEmpty)
        var generator = SeededGenerator(seed: 5)
        let values = (0..<1000).map { _ in Float.random(in: -3...7, using: &generator) }
        #expect(TensorBoardHistogram(values).counts.reduce(0, +) == 1000)
    }

    @Test func whatIsWrittenIsReadBack() throws {
        try Places.withTemporaryFolder { folder in
            let file = try EventFile(in: folder.path + "/a/b", time: 1_700_000_000)
            try file.append(scalar("train/loss", 1.5, step: 1, time: 10))
            try file.append(
                TensorBoardEvent(time: 11, step: 2, .values([SummaryValue("train/loss", .scalar(.nan)), SummaryValue("été", .scalar(-0.0))])))
            let found = ScalarLog.folders(below: folder.path)
            #expect(found.map(\.folder) == [folder.path + "/a/b"] && found[0].files == [file.path])
            let log = try ScalarLog(files: found[0].files)
            #expect(log.problems.isEmpty && log.series.map(\.tag) == ["train/loss", "été"])
            let loss = try #require(log["train/loss"]).points
            #expect(loss.map(\.step) == [1, 2] && loss.map(\.time) == [10, 11] && loss[0].value == 1.5 && loss[1].value.isNaN)
            // A later file sorts behind the earlier one even in the same second.
            let next = try EventFile(in: folder.path + "/a/b", time: 1_700_000_000)
            #expect(EventFile.names(in: folder.path + "/a/b") == [file.path, next.path].map { ($0 as NSString).lastPathComponent })
        }
    }

    @Test func resumedRunsForgetWhatTheyTakeAnew() throws {
        let first = [1, 2, 3, 4].flatMap { scalar("l", Float($0), step: $0).record }
        let second = TensorBoardEvent(time: 2, step: 3, .restart).record + scalar("l", 30, step: 3).record
        #expect(try #require(log(first, second)["l"]).points.map(\.value) == [1, 2, 30])
        // Twice resumed, the second time from further back.
        let third = TensorBoardEvent(time: 2, step: 2, .restart).record + scalar("l", 20, step: 2).record
        #expect(try #require(log(first, second, third)["l"]).points.map(\.value) == [1, 20])
    }

    /// Written by torch.utils.tensorboard 2.15: plain scalars, tensors of float and of double, NaN, text and a histogram.
    @Test func logsOfPyTorch() throws {
        let folder = Places.fixtures.appendingPathComponent("tensorboard").path
        let found = try #require(ScalarLog.folders(below: folder).first)
        let log = try ScalarLog(files: found.files)
        #expect(log.problems.isEmpty && log.series.map(\.tag) == ["train/loss", "train/acc", "lr", "odd"])
        let losses = (0..<4).map { step in
            ScalarLog.Point(step: step, time: 100 + Double(step), value: Double(2 / Float(step + 1)))
        }
        #expect(log["train/loss"]?.points == losses)
        #expect(log["train/acc"]?.points.map(\.value) == [0, 20, 40, 60])
        #expect(log["lr"]?.points.allSatisfy { $0.value == 1.0 / 3 } == true)
        let odd = try #require(log["odd"]).points
        #expect(odd[0].value.isNaN && odd[1].value == -.infinity)
    }

    /// Tensors as TensorFlow 2 and others encode one number.
    @Test(arguments: Tensor.all)
    private func tensorsOfOneNumber(_ tensor: Tensor) {
        let event = ProtobufMessage { event in
            event.field(1, double: 1)
            event.field(2, whole: 4)
            event.field(5) {
                $0.field(1) {
                    $0.field(1, text: "t")
                    $0.field(8, bytes: hex(tensor.bytes))
                }
            }
        }
        let log = log(EventRecords.framed(event.bytes))
        #expect(log.problems.isEmpty && log["t"]?.points.first?.value == tensor.value)
    }

    @Test func damageIsSaid() throws {
        let whole = TensorBoardEvent(time: 1, .fileVersion).record + scalar("l", 1, step: 1).record
        let last = scalar("l", 2, step: 2).record
        // Torn anywhere in the last record: no error.
        for count in 0..<last.count {
            let log = log(whole + last.prefix(count))
            #expect(log.problems.isEmpty && log["l"]?.points.count == 1, "\(count)")
        }
        for place in last.indices {
            var bytes = last
            bytes[place] ^= 0x10
            let log = log(whole + bytes + last)
            let part = place < 12 ? "length" : "data"
            #expect(log.problems.map(\.problem) == [.badChecksum(offset: whole.count, of: part)], "\(place)")
            #expect(log["l"]?.points.map(\.value) == [1])
            #expect(!log.problems[0].description.contains("\n"))
        }
        // Sound records of something else.
        let other = log(whole + EventRecords.framed([0x2A, 0x7F]) + EventRecords.framed([0xFF]) + last)
        #expect(other.problems.map(\.problem) == [.badEvents(offset: whole.count, others: 1)])
        #expect(other["l"]?.points.map(\.value) == [1, 2])
        #expect(log([]).series.isEmpty && log(Array("hello, this is no event file".utf8)).problems.count == 1)
    }

    @Test func messagesOfOtherMakersNeverReadBeyondTheirEnd() throws {
        let names = EventFile.names(in: Places.fixtures.appendingPathComponent("tensorboard").path)
        let seed = try Data(contentsOf: Places.fixtures.appendingPathComponent("tensorboard/" + names[0]))
        var events: [[UInt8]] = []
        _ = seed.withUnsafeBytes { file in EventRecords.forEach(in: file) { data, _ in events.append(Array(data)) } }
        // Records with sound checksums, so that the messages themselves are reached.
        for (index, event) in events.enumerated() {
            try fuzz(event, rounds: fuzzRounds / events.count + 1, seed: UInt64(index)) { bytes in
                let log = log(EventRecords.framed(bytes))
                #expect(log.problems.count <= 1)
            }
        }
        try fuzz(Array(seed), seed: 77) { _ = log($0) }
    }
}

/// A tensor message and the number that it stands for; nil for none.
private struct Tensor {
    var bytes: String
    var value: Double?

    init(_ bytes: String, _ value: Double?) {
        self.bytes = bytes
        self.value = value
    }

    static let all: [Tensor] = [
        Tensor("0801120022040000c03f", 1.5),
        Tensor("080212002208000000000000f83f", 1.5),
        Tensor("08012d0000c03f", 1.5),
        Tensor("08012a040000c03f", 1.5),
        Tensor("080231000000000000f83f", 1.5),
        Tensor("080338feffffffffffffffff01", -2),
        Tensor("0809520105", 5),
        Tensor("081368807c", 1.5),
        Tensor("08136a0380f801", .infinity),
        Tensor("08132202003e", 1.5),
        Tensor("080e2202c03f", 1.5),
        Tensor("080112041202080122040000c03f", 1.5),
        Tensor("080112041202080222040000c03f", nil),
        Tensor("0807420161", nil),
        Tensor("08012203000000", nil),
        Tensor("08178a0103ffff03", 65535),
    ]
}

/// A record that tensorboard 2.21's RecordWriter makes of a message, in hexadecimal.
private struct Golden {
    var event: TensorBoardEvent
    var bytes: String

    static let all: [Golden] = [
        Golden(event: TensorBoardEvent(time: 1.5, .fileVersion), bytes: "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c"),
        Golden(event: TensorBoardEvent(time: 2.25, step: 300, .values([SummaryValue("train/loss", .scalar(0.1)), SummaryValue("x", .scalar(.infinity))])), bytes: "2b00000000000000861bc34b09000000000000024010ac022a1d0a110a0a747261696e2f6c6f737315cdcccc3d0a080a0178150000807f70222588"),
        Golden(event: TensorBoardEvent(time: 3, step: 1, .values([SummaryValue("h", .histogram(TensorBoardHistogram([-1, 0, 1, 3], buckets: 2)))])), bytes: "6500000000000000ebd05a6909000000000000084010012a580a560a01682a5109000000000000f0bf1100000000000008401900000000000010402100000000000008402900000000000026403210000000000000f03f00000000000008403a1000000000000000400000000000000040a11a8ee1"),
        Golden(event: TensorBoardEvent(time: 3, .values([SummaryValue("i", .image(png: [0x89, 0x50, 0x4E, 0x47], width: 3, height: 2))])), bytes: "1e00000000000000d9dc12320900000000000008402a130a110a0169220c080210031803220489504e477685bb65"),
        Golden(event: TensorBoardEvent(time: 4, step: 7, .restart), bytes: "0f000000000000006d532b0909000000000000104010073a020801ed7836de"),
        Golden(event: TensorBoardEvent(time: 5, .values([HyperParameters.experiment([("lr", .number(0.5)), ("m", .text("")), ("f", .flag(true))], metrics: ["a/b"]), HyperParameters.sessionStart([("lr", .number(0.5))], time: 5)])), bytes: "9f0000000000000052f38bfb0900000000000014402a93010a460a145f68706172616d735f2f6578706572696d656e744a2e0a2c0a0768706172616d731221121f22060a026c72200322050a016d200122050a016620022a070a051203612f620a490a1c5f68706172616d735f2f73657373696f6e5f73746172745f696e666f4a290a270a0768706172616d73121c1a1a0a0f0a026c72120911000000000000e03f290000000000001440ad8e2882"),
        Golden(event: TensorBoardEvent(time: 6, .values([HyperParameters.sessionEnd(.success, time: 6)])), bytes: "4500000000000000ebe668b00900000000000018402a3a0a380a1a5f68706172616d735f2f73657373696f6e5f656e645f696e666f4a1a0a180a0768706172616d73120d220b0801110000000000001840dce71ec6"),
    ]
}
