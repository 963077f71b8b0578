import Foundation
import Testing

@testable import Formats

/// SplitMix64: a small generator whose seed tests print on failure.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// How many mutated inputs each fuzz test tries; MAPLE_FUZZ_ROUNDS asks for more.
let fuzzRounds = ProcessInfo.processInfo.environment["MAPLE_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 3000

/// A copy of `seed` with one to four small damages: flipped, replaced, removed, repeated or inserted bytes, cut ends, `words` put in.
func mutated(_ seed: [UInt8], words: [String] = [], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &generator)
        let end = min(bytes.count, place + Int.random(in: 1...16, using: &generator))
        switch Int.random(in: 0..<8, using: &generator) {
        case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1 where !bytes.isEmpty: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
        case 4: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
        case 5: bytes.removeSubrange(place...)
        default:
            let fill = words.randomElement(using: &generator).map { Array($0.utf8) } ?? [0xFF, 0xFF, 0xFF, 0x7F]
            bytes.replaceSubrange(place..<min(bytes.count, place + fill.count), with: fill)
        }
    }
    return bytes
}

/// Feeds `body` damaged copies of `input`: each has to end within a second, well or with a `FormatError` of one line.
/// Returns how many ended well.
@discardableResult
func fuzz(
    _ input: [UInt8], rounds: Int = fuzzRounds, seed: UInt64, words: [String] = [], _ body: ([UInt8]) throws -> Void
) throws -> Int {
    var generator = SeededGenerator(seed: seed)
    var fine = 0
    for round in 0..<rounds {
        let bytes = mutated(input, words: words, &generator)
        let start = ContinuousClock.now
        do {
            try body(bytes)
            fine += 1
        } catch let error as FormatError {
            #expect(!error.description.contains("\n"), "seed \(seed) round \(round)")
        }
        #expect(start.duration(to: .now) < .seconds(1), "seed \(seed) round \(round)")
    }
    return fine
}

/// Peak resident memory of this process in bytes.
func peakMemory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
}
