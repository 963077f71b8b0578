import Foundation
import TestSupport
import Testing

@testable import Datasets

struct BatchLoaderTests {
    /// What a batch showed, to compare.
    private struct Shown: Equatable {
        var position: BatchPosition
        var paths: [String]
        var labels: [Int32]
        var values: [Float]
        var skipped: [SkippedImage]
    }

    private let training = BatchPlan.training(seed: 4, epochs: 3, from: BatchPosition())

    private func transform(random: Bool) throws -> ImageTransform {
        let geometry = try ImageGeometry(resize: 8, crop: 6, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4])
        return ImageTransform(geometry: geometry, crops: random, flips: random)
    }

    private func loader(
        _ data: ImageDataset, _ items: [ImageItem], batch: Int = 4, plan: BatchPlan, cache: ImageCache? = nil, ahead: Int = 2, threads: Int = 2
    ) throws -> BatchLoader {
        var isRandom = false
        if case .training = plan { isRandom = true }
        return try BatchLoader(
            items: items, classNames: data.classNames, batch: batch, transform: try transform(random: isRandom), plan: plan,
            cache: cache, ahead: ahead, threads: threads)
    }

    private func drain(_ loader: BatchLoader, recycling: Bool = true) throws -> [Shown] {
        var all: [Shown] = []
        while let batch = try loader.next() {
            let values = Array(UnsafeBufferPointer(start: batch.images, count: batch.count * 3 * 6 * 6))
            all.append(
                Shown(position: batch.position, paths: batch.items.map(\.path), labels: batch.labels, values: values, skipped: batch.skipped))
            if recycling { loader.recycle(batch) }
        }
        return all
    }

    private func withData(_ body: (ImageDataset, URL) throws -> Void) throws {
        try Places.withTemporaryFolder { folder in
            try Pictures.classFolders(in: folder, classes: ["a", "b", "c"], train: 5, test: 3, width: 19, height: 13)
            try body(try ImageDataset.open(path: folder.path), folder)
        }
    }

    @Test func threadsAndDepthChangeNothing() throws {
        try withData { data, _ in
            let expected = try drain(loader(data, data.train, plan: training, ahead: 1, threads: 1))
            #expect(expected.count == 9)
            #expect(expected.map(\.position.epoch) == [0, 0, 0, 1, 1, 1, 2, 2, 2])
            #expect(expected.allSatisfy { $0.labels.count == 4 })
            #expect(expected[0].paths != expected[3].paths)
            let cache = ImageCache(byteLimit: 10 * 19 * 13 * 3)
            for (ahead, threads) in [(1, 4), (2, 2), (7, 3), (40, 16)] {
                #expect(try drain(loader(data, data.train, plan: training, ahead: ahead, threads: threads)) == expected)
                #expect(try drain(loader(data, data.train, plan: training, cache: cache, ahead: ahead, threads: threads)) == expected)
                // Batches that are only released give their buffers back as well.
                #expect(try drain(loader(data, data.train, plan: training, ahead: ahead, threads: threads), recycling: false) == expected)
            }
            #expect(cache.byteCount == 10 * 19 * 13 * 3)
        }
    }

    @Test func resumesAnywhere() throws {
        try withData { data, _ in
            let expected = try drain(loader(data, data.train, plan: training))
            for start in 0...9 {
                let position = BatchPosition(epoch: start / 3, batch: start % 3)
                let rest = try drain(loader(data, data.train, plan: .training(seed: 4, epochs: 3, from: position)))
                #expect(rest == Array(expected.dropFirst(start)))
            }
            #expect(try drain(loader(data, data.train, plan: .training(seed: 5, epochs: 3, from: BatchPosition()))) != expected)
        }
    }

    @Test func evaluationShowsEverythingInOrder() throws {
        try withData { data, _ in
            let cache = ImageCache()
            for threads in [1, 3] {
                let shown = try drain(loader(data, data.test, plan: .evaluation, cache: cache, threads: threads))
                #expect(shown.map(\.labels.count) == [4, 4, 1])
                #expect(shown.flatMap(\.paths) == data.test.map(\.path))
                // Values are those of the transform itself.
                var values = [Float](repeating: 0, count: 3 * 6 * 6), resizer = ImageResizer(), generator = RunGenerator(seed: 0, "none")
                let image = try RGBImage(contentsOfFile: data.test[1].absolutePath)
                let transform = try transform(random: false)
                try values.withUnsafeMutableBufferPointer {
                    try transform.apply(to: image, generator: &generator, resizer: &resizer, into: try #require($0.baseAddress))
                }
                #expect(Array(shown[0].values[108..<216]) == values)
            }
            #expect(cache.byteCount == 9 * 6 * 6 * 3)
        }
    }

    @Test func fewerImagesThanABatch() throws {
        try withData { data, _ in
            let shown = try drain(loader(data, Array(data.train.prefix(3)), batch: 8, plan: training))
            #expect(shown.map(\.labels.count) == [3, 3, 3])
            #expect(throws: DatasetError.self) { try loader(data, [], plan: .evaluation) }
        }
    }

    @Test func unreadableImages() throws {
        try withData { data, folder in
            let whole = try drain(loader(data, data.train, plan: training))
            let path = "train/b/101.png"
            let bytes = try Data(contentsOf: folder.appendingPathComponent(path))
            try bytes.prefix(bytes.count / 2).write(to: folder.appendingPathComponent(path))
            let trainer = try loader(data, data.train, plan: training)
            let shown = try drain(trainer)
            for (before, after) in zip(whole, shown) {
                #expect(after.paths == before.paths.map { $0 == path ? "train/b/102.png" : $0 })
                #expect(after.skipped.map(\.path) == (before.paths.contains(path) ? [path] : []))
                #expect(after.labels == before.labels)
            }
            #expect(trainer.skipped.count == 1)
            #expect(trainer.skipped.first?.replacement == "train/b/102.png")
            #expect(trainer.skipped.first?.reason.contains("truncated PNG") == true)

            let missing = data.test[0]
            try FileManager.default.removeItem(atPath: missing.absolutePath)
            let evaluator = try loader(data, data.test, plan: .evaluation)
            #expect(try drain(evaluator).flatMap(\.paths) == data.test.dropFirst().map(\.path))
            #expect(evaluator.skipped.map(\.path) == [missing.path])
            // A batch without a readable image does not show up.
            try FileManager.default.removeItem(atPath: data.test[1].absolutePath)
            #expect(try drain(loader(data, data.test, batch: 2, plan: .evaluation)).first?.paths == data.test[2...3].map(\.path))

            // A class that is all unreadable.
            for i in 0..<3 { try Data().write(to: folder.appendingPathComponent("test/c/10\(i).png")) }
            for i in 0..<5 { try Data().write(to: folder.appendingPathComponent("train/c/10\(i).png")) }
            for (items, plan) in [(data.test, BatchPlan.evaluation), (data.train, training)] {
                let failing = try loader(data, items, plan: plan)
                for _ in 0..<2 {
                    let error = #expect(throws: DatasetError.self) { _ = try drain(failing) }
                    guard case .noReadableImage("c", plan == .evaluation ? 3 : 5, _)? = error else {
                        Issue.record("\(String(describing: error))")
                        continue
                    }
                }
            }
        }
    }

    @Test func holdingEveryBatchAndLeavingEarly() throws {
        try withData { data, _ in
            let loader = try loader(data, data.train, plan: training, ahead: 1)
            var held: [ImageBatch] = []
            while let batch = try loader.next() { held.append(batch) }
            #expect(held.count == 9)
            #expect(Set(held.map { UInt(bitPattern: $0.images) }).count == 9)
            // Given back twice, or late, a buffer comes back once.
            for batch in held + held { loader.recycle(batch) }
            held = []

            let cancelled = try self.loader(data, data.train, plan: training)
            _ = try cancelled.next()
            cancelled.cancel()
            #expect(try cancelled.next() == nil)

            let short = try self.loader(data, data.train, plan: .training(seed: 1, epochs: 1, from: BatchPosition(batch: 2)))
            #expect(try short.next()?.count == 4)
            #expect(try short.next() == nil)
        }
    }

    @Test func ordersArePermutations() {
        for epoch in 0..<5 {
            #expect(BatchLoader.order(count: 97, seed: 2, epoch: epoch).sorted() == Array(0..<97))
            #expect(BatchLoader.order(count: 97, seed: 2, epoch: epoch) != BatchLoader.order(count: 97, seed: 2, epoch: epoch + 1))
        }
    }

    /// Figures for people; the bars are far below what any machine does.
    @Test(.enabled(if: Places.hasShared, "needs ../shared"))
    func speed() throws {
        let shared = try #require(Places.shared)
        let geometry = try ImageGeometry(resize: 224, crop: 224, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2])
        let photo = shared.appendingPathComponent("goldens/preprocess/src/n01440764_tench.JPEG").path
        let clock = ContinuousClock()
        func milliseconds(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
            try body()
            let taken = try clock.measure { for _ in 0..<count { try body() } }
            return Double(taken.components.attoseconds) / 1e15 / Double(count) + Double(taken.components.seconds) * 1000 / Double(count)
        }
        let image = try RGBImage(contentsOfFile: photo)
        var resizer = ImageResizer(), generator = RunGenerator(seed: 1, .augmentation)
        let transform = ImageTransform(geometry: geometry), random = ImageTransform(geometry: geometry, crops: true, flips: true)
        let out = UnsafeMutablePointer<Float>.allocate(capacity: geometry.valuesPerImage)
        defer { out.deallocate() }
        let decode = try milliseconds(50) { _ = try RGBImage(contentsOfFile: photo) }
        let resize = try milliseconds(50) { _ = try transform.testView(of: image, resizer: &resizer) }
        let whole = try milliseconds(50) { try transform.apply(to: image, generator: &generator, resizer: &resizer, into: out) }
        let crops = try milliseconds(50) { try random.apply(to: image, generator: &generator, resizer: &resizer, into: out) }
        print("500x375 JPEG: decode \(decode) ms, resize to 224 \(resize) ms, with normalising \(whole) ms, random crop \(crops) ms")
        #expect(resize < 50)

        let clockOpen = try milliseconds(3) { _ = try ImageDataset.open(path: shared.appendingPathComponent("data/tiny-imagenet-mini").path) }
        print("opening 10,000 images of tiny-imagenet-mini: \(clockOpen) ms")
        let data = try ImageDataset.open(path: shared.appendingPathComponent("data/cifar10-mini").path)
        let small = try ImageGeometry(resize: 32, crop: 32, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2])
        let cache = ImageCache()
        for (name, threads, cache) in [("1 thread", 1, nil), ("2 threads", 2, nil), ("first with cache", 2, cache), ("from cache, 1 thread", 1, cache)] as [(String, Int, ImageCache?)] {
            let taken = try clock.measure {
                let loader = try BatchLoader(
                    items: data.test, classNames: data.classNames, batch: 32, transform: ImageTransform(geometry: small), plan: .evaluation,
                    cache: cache, threads: threads)
                var count = 0
                while let batch = try loader.next() {
                    count += batch.count
                    loader.recycle(batch)
                }
                #expect(count == 2000)
            }
            let seconds = Double(taken.components.seconds) + Double(taken.components.attoseconds) / 1e18
            print("cifar10-mini, \(name): \(Int(2000 / seconds)) images/s")
        }
    }
}
