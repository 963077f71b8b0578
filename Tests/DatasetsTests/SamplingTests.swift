import Foundation
import RunModel
import TestSupport
import Testing

@testable import Datasets

struct SamplingTests {
    struct FewShotGoldens: Decodable {
        struct Result: Decodable {
            var seed, shots: Int
            var train_indices, val_indices: [Int]
            var next_random: Double
        }
        struct Case: Decodable {
            var name: String
            var train_labels, val_labels: [Int]
            var results: [Result]
        }
        struct Below: Decodable { var n, values: [Int] }
        struct Sample: Decodable {
            var n, k: Int
            var values: [Int]
        }
        struct Python: Decodable {
            var seed: Int
            var getrandbits32: [UInt32]
            var random: [Double]
            var randbelow: Below
            var sample_range: [Sample]
            var shuffle_range12: [Int]
            var uniform: [Double]
            enum CodingKeys: String, CodingKey {
                case seed, getrandbits32, random, randbelow, sample_range, shuffle_range12
                case uniform = "uniform_0.08_1.0"
            }
        }
        var cases: [Case]
        var python_random: [Python]
    }

    private func goldens() throws -> FewShotGoldens {
        try JSONDecoder().decode(FewShotGoldens.self, from: Data(contentsOf: Places.fixtures.appendingPathComponent("fewshot.json")))
    }

    @Test func pythonGenerator() throws {
        for golden in try goldens().python_random {
            var random = PythonRandom(seed: golden.seed)
            #expect(golden.getrandbits32.map { _ in random.word() } == golden.getrandbits32)
            random = PythonRandom(seed: golden.seed)
            #expect(golden.random.map { _ in random.random() } == golden.random)
            random = PythonRandom(seed: golden.seed)
            #expect(golden.randbelow.n.map { random.below($0) } == golden.randbelow.values)
            random = PythonRandom(seed: golden.seed)
            for sample in golden.sample_range { #expect(random.sample(of: sample.n, sample.k) == sample.values) }
            random = PythonRandom(seed: golden.seed)
            var twelve = Array(0..<12)
            random.shuffle(&twelve)
            #expect(twelve == golden.shuffle_range12)
            random = PythonRandom(seed: golden.seed)
            #expect(golden.uniform.map { _ in random.uniform(0.08, 1) } == golden.uniform)
        }
    }

    @Test func fewShotDraws() throws {
        var count = 0
        for golden in try goldens().cases {
            for result in golden.results {
                var random = PythonRandom(seed: result.seed)
                let draw = drawFewShot(
                    trainLabels: golden.train_labels, valLabels: golden.val_labels, shots: result.shots, generator: &random)
                #expect(draw.train == result.train_indices, "\(golden.name) seed \(result.seed) shots \(result.shots)")
                #expect(draw.val == result.val_indices, "\(golden.name) seed \(result.seed) shots \(result.shots)")
                #expect(random.random() == result.next_random)
                count += 1
            }
        }
        #expect(count == 60)
    }

    @Test func baseAndNewClasses() throws {
        let file = try Data(contentsOf: Places.fixtures.appendingPathComponent("base_new_split.json"))
        let object = try #require(JSONSerialization.jsonObject(with: file) as? [String: Any])
        let cases = try #require(object["cases"] as? [[String: Any]])
        #expect(cases.count == 14)
        for golden in cases {
            let count = try #require(golden["n_labels"] as? Int)
            let labels = golden["labels"] as? [Int] ?? Array(0..<count)
            for subset in ClassSubset.allCases {
                let expected = try #require(golden[subset.rawValue] as? [String: Any])
                let cut = ClassCut(labels: labels, subset: subset)
                let old = labels.filter { cut.newLabel(of: $0) != nil }
                if let oldLabels = expected["old_labels"] as? [Int] {
                    #expect(old == oldLabels)
                    #expect(old.compactMap { cut.newLabel(of: $0) } == expected["new_labels"] as? [Int])
                } else {
                    #expect(old.count == expected["n_classes"] as? Int)
                    #expect(old.first == expected["first_old_label"] as? Int)
                    #expect(old.last == expected["last_old_label"] as? Int)
                    #expect(cut.newLabel(of: old[0]) == expected["new_label_of_first"] as? Int)
                }
            }
        }
    }

    @Test func sha256() {
        func hex(_ text: String) -> String { Array(text.utf8).withUnsafeBytes { SHA256.hex($0) } }
        #expect(hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        var parts = SHA256()
        for _ in 0..<1000 { parts.update("0123456789") }
        #expect(parts.finish() == hex(String(repeating: "0123456789", count: 1000)))
    }

    /// Streams differ by seed, purpose and counters, repeat when named again, and do not change between releases.
    @Test func runGenerator() {
        var seen = Set<UInt64>()
        for seed in [0, 1, -1] {
            for purpose in [RandomPurpose.order, .augmentation, "other"] {
                for counter in 0..<50 {
                    var a = RunGenerator(seed: seed, purpose, counter, 7), b = RunGenerator(seed: seed, purpose, counter, 7)
                    let value = a.next()
                    #expect(value == b.next())
                    seen.insert(value)
                }
            }
        }
        #expect(seen.count == 450)
        var generator = RunGenerator(seed: 1, .order, 0)
        var sum = 0.0, squares = 0.0, counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 {
            let x = generator.uniform()
            #expect(x >= 0 && x < 1)
            sum += x
            counts[generator.below(7)] += 1
            let normal = generator.normal()
            squares += normal * normal
        }
        #expect(abs(sum / 70_000 - 0.5) < 0.01)
        #expect(abs(squares / 70_000 - 1) < 0.05)
        #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
        #expect(generator.below(0) == 0 && generator.below(1) == 0)
    }

    @Test func randomCropsStayInside() {
        var fallbacks = 0
        for (width, height) in [(1, 1), (2, 1), (1, 40), (500, 375), (37, 251), (3, 1000), (224, 224)] {
            for index in 0..<500 {
                var generator = RunGenerator(seed: 3, .augmentation, width, height, index)
                let box = ImageTransform.randomCrop(width: width, height: height, generator: &generator)
                #expect(box.width >= 1 && box.height >= 1 && box.top >= 0 && box.left >= 0)
                #expect(box.top + box.height <= height && box.left + box.width <= width)
                let area = Double(box.width * box.height) / Double(width * height)
                if min(width, height) > 100 {
                    #expect(area > 0.07 && area <= 1)
                    let aspect = Double(box.width) / Double(box.height)
                    #expect(aspect > 0.73 && aspect < 1.37)
                }
                if width == 3, box.height == 4 { fallbacks += 1 }
            }
        }
        #expect(fallbacks > 0)
    }
}
