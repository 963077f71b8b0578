import RunModel
@testable import Screen
import Testing

@Suite struct AnalysisTests {
    /// Values computed with statsmodels' definitions: exact binomial below 25, else chi-square with continuity correction.
    @Test func mcNemar() {
        // 2 * sum of C(10,k) for k = 0...2 over 2^10 = 2 * 56 / 1024.
        #expect(abs(McNemar(lost: 2, gained: 8).pValue - 0.109375) < 1e-12)
        #expect(McNemar(lost: 5, gained: 5).pValue == 1)
        #expect(McNemar(lost: 0, gained: 0).pValue == 1)
        // 2 / 2^6.
        #expect(abs(McNemar(lost: 0, gained: 6).pValue - 0.03125) < 1e-12)
        // (|121-59|-1)^2 / 180 = 20.672; p = erfc(sqrt(20.672/2)) = 5.450e-6.
        let big = McNemar(lost: 121, gained: 59)
        #expect(!big.isExact)
        #expect(abs(big.chiSquare - 20.6722) < 1e-3)
        #expect(abs(big.pValue - 5.450e-6) < 1e-8)
        #expect(McNemar(lost: 12, gained: 12).isExact)
        #expect(!McNemar(lost: 12, gained: 13).isExact)
        #expect(McNemar(lost: 12, gained: 13).pValue == 1)
    }

    static func small(_ right: [Bool], names: [String] = ["a", "b"]) -> EvaluationResult {
        EvaluationResult(
            method: .maple, data: "d", split: nil, classes: .all, subset: .test, step: 1, epoch: 0, accuracy: 0, macroF1: 0, count: right.count, loss: 0,
            perClass: names.map { ClassResult(name: $0, correct: 0, count: 1) },
            predictions: right.enumerated().map { Prediction(path: "\($0.offset).jpg", label: 0, top: $0.element ? [0, 1] : [1, 0], probability: [0.75, 0.25]) },
            skipped: [], seconds: 0)
    }

    @Test func flipsArePairedByPath() {
        let before = Self.small([true, false, false, true])
        var after = Self.small([false, true, true, true])
        after.predictions.reverse()
        let found = EvaluationAnalysis.flips(before, after)
        #expect(found.paired == 4)
        #expect(found.test.gained == 2 && found.test.lost == 1)
        #expect(found.flips.map(\.isGain) == [true, true, false])
    }

    @Test func calibrationError() {
        let found = EvaluationAnalysis.calibration(Self.small([true, false, false, false]))
        #expect(found.count == 4)
        #expect(abs(found.expectedError - 0.5) < 1e-6)
    }

    @Test func confusionsAreCounted() {
        let pairs = EvaluationAnalysis.confusions(Self.small([true, false, false]))
        #expect(pairs == [.init(truth: 0, predicted: 1, count: 2)])
        // Indices that a damaged file may hold are left out.
        var bad = Self.small([false])
        bad.predictions[0].label = 99
        #expect(EvaluationAnalysis.confusions(bad).isEmpty)
    }

    @Test func spread() throws {
        let found = try #require(EvaluationAnalysis.spread([1, 2, 3, 4]))
        #expect(found.mean == 2.5)
        #expect(abs((found.deviation ?? 0) - 1.2909944) < 1e-6)
        #expect(EvaluationAnalysis.spread([1])?.deviation == nil)
    }
}
