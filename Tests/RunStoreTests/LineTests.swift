import Foundation
import RunModel
import TestSupport
import Testing

@testable import Files
@testable import RunStore

private func decoded(_ line: [UInt8], norms: Bool = true) -> MetricPoint? {
    line.withUnsafeBufferPointer { MetricLine.decode($0, from: 0, to: $0.count, norms: norms ? .read : .skip) }
}

private func decoded(_ line: String) -> MetricPoint? { decoded(Array(line.utf8)) }

private func isSame(_ a: Double, _ b: Double) -> Bool { a == b || (a.isNaN && b.isNaN) }

@Suite struct DecimalNumberTests {
    private func read(_ text: String) -> Double? {
        Array(text.utf8).withUnsafeBytes { bytes in
            var at = 0
            let number = DecimalNumber(bytes, &at)?.double(bytes[0..<at])
            return at == bytes.count ? number : nil
        }
    }

    @Test func doublesReadBackToTheLastBit() {
        let seed: UInt64 = 77
        var generator = SplitMix(state: seed)
        for round in 0..<400_000 {
            let value: Double
            switch round % 4 {
            case 0: value = Double(bitPattern: generator.next())
            case 1: value = Double.random(in: 0...10, using: &generator)
            case 2: value = Double(Float.random(in: -10...10, using: &generator))
            default: value = Double.random(in: 0...1e-5, using: &generator)
            }
            guard value.isFinite else { continue }
            #expect(read(value.description) == value, "seed \(seed), round \(round): \(value)")
        }
    }

    /// Against strtod on texts that no program printed: up to 19 digits with any point.
    @Test func decimalsAreRoundedCorrectly() {
        let seed: UInt64 = 78
        var generator = SplitMix(state: seed)
        for round in 0..<400_000 {
            var text = String(generator.next() >> UInt64.random(in: 0...60, using: &generator))
            let point = Int.random(in: 0...text.count, using: &generator)
            if point > 0, point < text.count { text.insert(".", at: text.index(text.startIndex, offsetBy: point)) }
            if round % 3 == 0 { text += "e\(Int.random(in: -40...40, using: &generator))" }
            #expect(read(text) == strtod(text, nil), "seed \(seed), round \(round): \(text)")
            let float = Array(text.utf8).withUnsafeBytes { bytes in
                var at = 0
                return DecimalNumber(bytes, &at)?.float(bytes[0..<at])
            }
            #expect(float == strtof(text, nil), "seed \(seed), round \(round): \(text)")
        }
        // Half-way cases: ties go to even.
        for text in ["9007199254740993", "9007199254740993.0", "900719925474099.3e1", "0.5000000000000000277", "0.50000000000000005551"] {
            #expect(read(text) == strtod(text, nil), "\(text)")
        }
    }

    @Test(arguments: ["", "-", ".5", "1.", "1e", "1e+", "+1", "nan", "--1", "0x10", "01", "-00.5"])
    func refusesWhatIsNoNumber(_ text: String) { #expect(read(text) == nil) }

    @Test func readsExtremes() {
        #expect(read("1e400") == .infinity)
        #expect(read("-0") == 0 && read("-0")?.sign == .minus)
        #expect(read("1e-999999999999999999999") == 0)
        #expect(read("0.000000000000000000000000000000001") == 1e-33)
        #expect(read(String(repeating: "9", count: 400)) == .infinity)
        #expect(read("0." + String(repeating: "0", count: 100) + "12345678901234567891") == 1.2345678901234567891e-101)
    }
}

@Suite struct MetricLineTests {
    @Test func pointsReadBack() {
        for step in 0..<2000 {
            let point = samplePoint(step, norms: step % 5)
            #expect(decoded(MetricLine.encode(point)) == point)
            var bare = point
            bare.norms = []
            #expect(decoded(MetricLine.encode(point), norms: false) == bare)
        }
    }

    @Test func numbersThatAreNotFiniteReadBack() throws {
        for value in [Double.nan, .infinity, -.infinity] {
            var point = samplePoint(3, norms: 1)
            point.loss = value
            point.accuracy = value
            point.learningRate = value
            point.norms[0].gradient = Float(value)
            point.norms[0].tokens = [1, .nan]
            let line = MetricLine.encode(point)
            let text = String(decoding: line, as: UTF8.self)
            let word = value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
            #expect(text.contains("\"loss\":null,\"loss_is\":\"\(word)\""))
            // Strict JSON for other programs.
            _ = try JSONSerialization.jsonObject(with: Data(line))
            let back = try #require(decoded(line))
            #expect(isSame(back.loss, value) && isSame(back.accuracy, value) && isSame(back.learningRate, value))
            #expect(isSame(Double(back.norms[0].gradient), value))
            #expect(back.norms[0].tokens[0] == 1 && back.norms[0].tokens[1].isNaN)
        }
    }

    @Test func readsOtherOrdersAndUnknownFields() {
        let point = decoded(
            " { \"new\" : {\"a\":[1,\"}\\\"\",{}]} , \"loss\" : 2e0 , \"step\":7,\"x\":null, \"norms\":[{\"kind\":\"other\",\"tokens\":[]}]} ")
        #expect(point?.step == 7 && point?.loss == 2 && point?.norms == [])
    }

    @Test(arguments: [
        "", "{", "{}", "{\"step\":1", "{\"step\":}", "{\"step\":1.5}", "{\"step\":-1}", "{\"step\":null}", "{\"step\":1}x", "[1]",
        "{\"loss\":1}", "{\"step\":1e99}", "{\"step\":1,\"norms\":[}", "{\"step\" 1}", "{\"step\":1,\"a", "{\"step\":1,}", "\0\0\0", "{\"step\":1,\"x\":{\"a\" 1,,}}", "{\"step\":1,\"x\":1e400}",
        "{\"step\":1,\"loss\":01}", "{\"step\":1,\"x\":\"\\ud800\"}", "{\"step\":1,\"\\x\":2}",
    ])
    func refusesTornLines(_ line: String) { #expect(decoded(line) == nil) }

    @Test func survivesMutations() {
        let seed: UInt64 = 5
        var generator = SplitMix(state: seed)
        let line = MetricLine.encode(samplePoint(12, loss: .nan, norms: 3))
        let count = ProcessInfo.processInfo.environment["MAPLE_MUTATIONS"].flatMap { Int($0) } ?? 20_000
        for _ in 0..<count {
            var bytes = line
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(at...)
                default: bytes.insert(Array("{}[]\",:\\-.e0".utf8).randomElement(using: &generator)!, at: at)
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            _ = decoded(bytes)
            _ = bytes.withUnsafeBufferPointer { try? JSONValue($0, from: 0, to: $0.count) }
        }
    }

    @Test func jsonTextsReadBack() throws {
        let strings = ["", "plain", "ü \"quoted\" \\ /", "a\nb\r\tc\u{1}\u{1F}", "😀\u{2028}", "\u{7F}"]
        let line = JSONText.object { text in
            text.list("s", strings) { $0.element($1) }
            text.field("i", Int.min)
            text.field("none", Int?.none)
        }
        let value = try line.withUnsafeBufferPointer { try JSONValue($0, from: 0, to: $0.count) }
        #expect(value["s"]?.elements?.compactMap(\.text) == strings)
        #expect(value["i"]?.integer == .min)
        #expect(value["none"] == nil)
        let foundation = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
        #expect(foundation?["s"] as? [String] == strings)
        let escaped = Array(#"{"a":"\ud83d\ude00\u00e9\/\b\ud800","deep":\#(String(repeating: "[", count: 100_000))"#.utf8)
        _ = escaped.withUnsafeBufferPointer { bytes in
            #expect(throws: JSONProblem.self) { try JSONValue(bytes, from: 0, to: bytes.count) }
        }
        let pair = Array(#""\ud83d\ude00\u00e9\/\b""#.utf8)
        let text = try pair.withUnsafeBytes { try JSONValue($0) }.text
        #expect(text == "😀é/\u{8}")
    }
}

@Suite struct EventLineTests {
    static let events: [RunEvent] = [
        .started(totalSteps: 80, stepsPerEpoch: 16, fromStep: 32),
        .checkpointWritten(file: "checkpoints/epoch-2.safetensors", step: 32),
        .commandTaken(.pause, step: 1), .commandTaken(.proceed, step: 2), .commandTaken(.singleStep, step: 3),
        .commandTaken(.stop, step: 4), .commandTaken(.snapshot, step: 5), .commandTaken(.evaluate([.base, .all]), step: 6),
        .commandTaken(.setLearningRate(1e-4), step: 7), .commandTaken(.note("ü\n\"x\""), step: 8),
        .paused(step: 9), .proceeding(step: 9), .warning("w"), .stopped(step: 10),
        .finished(RunSummary(steps: 80, seconds: 1.5, loss: 0.25, base: 0.5, new: 0.75, all: 0.625)),
        .finished(RunSummary(steps: 0, seconds: 0, loss: nil)), .failed("loss is NaN at step 3"),
    ]

    @Test(arguments: events) func eventsReadBack(_ event: RunEvent) throws {
        let line = try #require(EventLine.encode(event, time: 1_700_000_000.25))
        _ = try JSONSerialization.jsonObject(with: Data(line))
        let value = try line.withUnsafeBufferPointer { try JSONValue($0, from: 0, to: $0.count) }
        #expect(EventLine.decode(value) == RecordedEvent(time: 1_700_000_000.25, event: event))
    }

    @Test func linesAreStable() throws {
        func line(_ event: RunEvent) -> String { String(decoding: EventLine.encode(event, time: 5) ?? [], as: UTF8.self) }
        #expect(
            line(.started(totalSteps: 80, stepsPerEpoch: 16, fromStep: 0))
                == #"{"event":"started","time":5.0,"total_steps":80,"steps_per_epoch":16,"from_step":0}"#)
        #expect(
            line(.commandTaken(.evaluate([.base]), step: 3))
                == #"{"event":"command","time":5.0,"command":"evaluate","classes":["base"],"step":3}"#)
        #expect(line(.step(samplePoint(1))) == "")
        #expect(line(.evaluationProgress(classes: .base, done: 1, total: 2)) == "")
    }

    @Test func evaluationsKeepTheirFigures() throws {
        let result = sampleEvaluation(.base, step: 40, accuracy: 0.5)
        let line = try #require(EventLine.encode(.evaluated(result), time: 1, file: "evaluations/40-base-test.json"))
        #expect(line.count < 400)
        let value = try line.withUnsafeBufferPointer { try JSONValue($0, from: 0, to: $0.count) }
        let back = try #require(EventLine.decode(value))
        var figures = result
        (figures.perClass, figures.predictions, figures.skipped) = ([], [], [])
        #expect(back.event == .evaluated(figures))
        #expect(back.file == "evaluations/40-base-test.json")
    }
}
