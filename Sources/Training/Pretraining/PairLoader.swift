import Dispatch
import Engine
import Formats
import Foundation

/// A batch ready for `TrainableCLIP.step`. Its buffer goes back to the loader with it.
final class PairBatch {
    /// (batch, 3, size, size), normalised.
    let images: UnsafePointer<Float>
    let captions: TextPlan
    let warnings: [String]
    fileprivate let slot: PairLoader.Slot

    fileprivate init(slot: PairLoader.Slot, captions: TextPlan, warnings: [String]) {
        images = UnsafePointer(slot.values)
        self.captions = captions
        self.warnings = warnings
        self.slot = slot
    }
}

/// Makes batches of pairs ahead of their use, on a queue of its own: pixels, and the token tree of the captions.
///
/// What a batch holds depends on its number alone, so a resumed run sees what an undisturbed one would.
///
/// Unchecked: mutable state is guarded by `condition`; a slot belongs to whoever took it.
final class PairLoader: @unchecked Sendable {
    fileprivate final class Slot: @unchecked Sendable {
        let values: UnsafeMutablePointer<Float>

        init(count: Int) { values = .allocate(capacity: count) }
        deinit { values.deallocate() }
    }

    private let source: any PairSource
    private let tokens: CaptionTokens
    private let batch: Int
    private let stepsPerEpoch: Int
    private let end: Int
    private let queue = DispatchQueue(label: "maple.pairs", qos: .userInitiated)
    private let condition = NSCondition()
    private var free: [Slot] = []
    private var ready: [Result<PairBatch, any Error>] = []
    private var nextStep: Int
    private var isWorking = false
    private var isCancelled = false

    /// - Parameters:
    ///   - first: the number of the first batch, from 0 over the whole run.
    ///   - end: the number after the last.
    init(source: any PairSource, tokens: CaptionTokens, batch: Int, pixels: Int, first: Int, end: Int, ahead: Int = 2) {
        self.source = source
        self.tokens = tokens
        self.batch = batch
        self.end = end
        stepsPerEpoch = max(1, source.pairs / batch)
        nextStep = first
        for _ in 0...ahead { free.append(Slot(count: batch * pixels)) }
        queue.async { self.work() }
    }

    /// Waits for the next batch; nil after the last.
    func next() throws -> PairBatch? {
        condition.lock()
        defer { condition.unlock() }
        while ready.isEmpty {
            if isCancelled || (nextStep >= end && !isWorking) { return nil }
            condition.wait()
        }
        return try ready.removeFirst().get()
    }

    /// Gives a batch's buffer back.
    func recycle(_ batch: PairBatch) {
        condition.lock()
        free.append(batch.slot)
        condition.broadcast()
        condition.unlock()
    }

    func cancel() {
        condition.lock()
        isCancelled = true
        condition.broadcast()
        condition.unlock()
    }

    private func work() {
        while let (step, slot) = takeJob() {
            let made = Result {
                let first = step % stepsPerEpoch * batch
                let content = try source.training(epoch: step / stepsPerEpoch, places: first..<(first + batch), into: slot.values)
                return PairBatch(slot: slot, captions: try tokens.plan(content.captions), warnings: content.warnings)
            }
            condition.lock()
            ready.append(made)
            isWorking = false
            condition.broadcast()
            condition.unlock()
            if case .failure = made { return }
        }
    }

    private func takeJob() -> (step: Int, slot: Slot)? {
        condition.lock()
        defer { condition.unlock() }
        while !isCancelled, nextStep < end, free.isEmpty { condition.wait() }
        guard !isCancelled, nextStep < end, let slot = free.popLast() else { return nil }
        isWorking = true
        defer { nextStep += 1 }
        return (nextStep, slot)
    }
}

/// Captions as token ids, each cut to the text tower's places.
struct CaptionTokens: Sendable {
    let tokenizer: BPETokenizer
    let context: Int
    let vocabulary: Int

    func ids(_ caption: String) -> [Int32] {
        let body = tokenizer.encode(caption).filter { $0 != tokenizer.startToken && $0 != tokenizer.endToken }
        return [tokenizer.startToken] + body.prefix(context - 2) + [tokenizer.endToken]
    }

    func plan(_ captions: [String]) throws -> TextPlan {
        try TextPlan(captions: captions.map(ids), window: context, vocabulary: vocabulary)
    }

    /// - Throws: `TrainingError.longCaptions` when more than one in ten captions would be cut.
    func check(_ captions: [String]) throws {
        let lengths = captions.map { tokenizer.encode($0).count + 2 }
        let long = lengths.count { $0 > context }
        guard long * 10 > captions.count, let worst = lengths.indices.max(by: { lengths[$0] < lengths[$1] }) else { return }
        throw TrainingError.longCaptions(
            long: long, of: captions.count, example: captions[worst], tokens: lengths[worst], context: context,
            vocabulary: tokenizer.count)
    }
}
