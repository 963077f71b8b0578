import Foundation

/// In which order a loader shows its images.
public enum BatchPlan: Sendable, Equatable {
    /// A new order for every epoch (a Fisher-Yates shuffle from the seed and the epoch), from a position on until `epochs` are
    /// through. The last incomplete batch of an epoch is dropped; with fewer images than a batch, all of them are the batch.
    case training(seed: Int, epochs: Int, from: BatchPosition)
    /// Every image once, in order; the last batch may be short.
    case evaluation
}

/// Reads, decodes and transforms batches ahead of their use, on background threads.
///
///     let loader = try BatchLoader(items: data.test, classNames: data.classNames, batch: 32, transform: transform, plan: .evaluation)
///     while let batch = try loader.next() {
///         score(batch.images, batch.labels)
///         loader.recycle(batch)
///     }
///
/// What a batch holds depends on the plan alone: not on threads, on how far is read ahead, or on where a run was resumed.
///
/// Unreadable images: in training the next readable image of the same class in the list takes the place; in evaluation the
/// image is left out. Both are named in `skipped`. A class without a readable image is an error.
///
/// A worker runs only while there is a free buffer and a batch to fill, and never waits: an abandoned loader comes to rest.
///
/// Unchecked: mutable state is guarded by `condition`; each worker's resizer is used on its serial queue alone.
public final class BatchLoader: @unchecked Sendable {
    private let items: [ImageItem]
    private let classNames: [String]
    private let transform: ImageTransform
    private let plan: BatchPlan
    private let cache: ImageCache?
    private let pixelLimit: Int
    private let valuesPerImage: Int

    /// Images per batch; the number of images where that is smaller (training).
    public let batchSize: Int
    /// Batches of one epoch.
    public let stepsPerEpoch: Int
    /// Batches that this loader gives, skipping aside.
    public let batchCount: Int
    private let firstBatch: Int
    /// Indices of each class's images in training.
    private let members: [Int: [Int]]

    private let condition = NSCondition()
    private var free: [BatchSlot] = []
    private var ready: [Int: (slot: BatchSlot, outcome: Result<BatchContent, DatasetError>)] = [:]
    private var inFlight = 0
    private var nextToStart = 0
    private var nextToGive = 0
    private var isCancelled = false
    private var failure: DatasetError?
    private var order: (epoch: Int, indices: [Int]) = (-1, [])
    private var skippedByPath: Set<String> = []
    private var allSkipped: [SkippedImage] = []
    private var skippedOfClass: [Int: Int] = [:]
    private let workers: [Worker]

    private final class Worker: @unchecked Sendable {
        // A serial queue of its own has a thread whenever it needs one; blocks in a shared pool might wait for the very
        // thread that waits for them.
        let queue: DispatchQueue
        var isRunning = false
        var resizer = ImageResizer()

        init(number: Int) { queue = DispatchQueue(label: "maple.batch-loader.\(number)", qos: .userInitiated) }
    }

    /// - Parameters:
    ///   - items: images whose labels index `classNames`.
    ///   - batch: images per batch.
    ///   - cache: keeps decoded pictures between epochs and loaders; nil decodes every time.
    ///   - ahead: batches that may be ready before they are asked for.
    ///   - threads: background threads, 1 to 16.
    /// - Throws: `DatasetError.nothingToLoad` without images.
    public init(
        items: [ImageItem], classNames: [String], batch: Int, transform: ImageTransform, plan: BatchPlan,
        cache: ImageCache? = nil, ahead: Int = 2, threads: Int = 2, pixelLimit: Int = RGBImage.defaultPixelLimit
    ) throws {
        guard !items.isEmpty else { throw DatasetError.nothingToLoad("no images were chosen") }
        guard batch > 0 else { throw DatasetError.nothingToLoad("a batch of \(batch) images") }
        self.items = items
        self.classNames = classNames
        self.transform = transform
        self.plan = plan
        self.cache = cache
        self.pixelLimit = pixelLimit
        valuesPerImage = transform.geometry.valuesPerImage
        batchSize = min(batch, items.count)
        switch plan {
        case .training(_, let epochs, let start):
            stepsPerEpoch = Self.stepsPerEpoch(images: items.count, batch: batch)
            let (total, over) = max(0, epochs).multipliedReportingOverflow(by: stepsPerEpoch)
            let (before, tooFar) = max(0, start.epoch).multipliedReportingOverflow(by: stepsPerEpoch)
            firstBatch = tooFar ? Int.max / 2 : before + min(max(0, start.batch), stepsPerEpoch)
            batchCount = max(0, (over ? Int.max / 2 : total) - firstBatch)
            var members: [Int: [Int]] = [:]
            for (index, item) in items.enumerated() { members[item.label, default: []].append(index) }
            self.members = members
        case .evaluation:
            stepsPerEpoch = (items.count - 1) / batchSize + 1
            firstBatch = 0
            batchCount = stepsPerEpoch
            members = [:]
        }
        let (values, over) = valuesPerImage.multipliedReportingOverflow(by: batchSize)
        guard !over, values <= 1 << 32 else { throw DatasetError.nothingToLoad("batches of \(batchSize) images are too large") }
        workers = (0..<min(16, max(1, threads))).map(Worker.init)
        for _ in 0..<min(batchCount, max(1, ahead) + 1) { free.append(BatchSlot(valueCount: values)) }
        condition.lock()
        startWorkers()
        condition.unlock()
    }

    /// Batches of one training epoch.
    public static func stepsPerEpoch(images: Int, batch: Int) -> Int { max(1, images / max(1, batch)) }

    /// Images met so far that could not be read, each once.
    public var skipped: [SkippedImage] {
        condition.lock()
        defer { condition.unlock() }
        return allSkipped
    }

    /// The next batch, waiting for it if need be; nil after the last one and after `cancel`.
    ///
    /// - Throws: `DatasetError.noReadableImage` when a class has no readable image.
    public func next() throws -> ImageBatch? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let failure { throw failure }
            if isCancelled || nextToGive >= batchCount { return nil }
            if let (slot, outcome) = ready.removeValue(forKey: nextToGive) {
                let number = nextToGive
                nextToGive += 1
                do {
                    let content = try outcome.get()
                    try note(content)
                    if content.items.isEmpty {
                        release(slot)
                        continue
                    }
                    slot.holder = number
                    return ImageBatch(slot: slot, content: content, number: number, position: position(number), owner: self)
                } catch let error as DatasetError {
                    failure = error
                    release(slot)
                    throw error
                }
            }
            // Every buffer is with the caller: one more, or both would wait for ever.
            if free.isEmpty && inFlight == 0 { free.append(BatchSlot(valueCount: valuesPerImage * batchSize)) }
            startWorkers()
            condition.wait()
        }
    }

    /// Gives a batch's buffer back. A batch that is simply released does so too.
    public func recycle(_ batch: ImageBatch) { takeBack(batch.slot, from: batch.number) }

    /// Stops reading ahead; a thread that waits in `next` gets nil.
    public func cancel() {
        condition.lock()
        isCancelled = true
        condition.broadcast()
        condition.unlock()
    }

    /// The buffer may be with another batch by now: only its holder returns it.
    func takeBack(_ slot: BatchSlot, from number: Int) {
        condition.lock()
        if slot.holder == number { release(slot) }
        condition.unlock()
    }

    // MARK: Under the lock

    private func release(_ slot: BatchSlot) {
        slot.holder = nil
        free.append(slot)
        startWorkers()
    }

    private func startWorkers() {
        guard !isCancelled, failure == nil else { return }
        var idleBuffers = free.count
        var waiting = batchCount - nextToStart
        for worker in workers where !worker.isRunning && idleBuffers > 0 && waiting > 0 {
            idleBuffers -= 1
            waiting -= 1
            worker.isRunning = true
            worker.queue.async { self.work(worker) }
        }
    }

    private func note(_ content: BatchContent) throws {
        for image in content.skipped where skippedByPath.insert(image.path).inserted { allSkipped.append(image) }
        guard case .evaluation = plan else { return }
        for (image, label) in zip(content.skipped, content.skippedLabels) {
            skippedOfClass[label, default: 0] += 1
            let total = items.lazy.filter { $0.label == label }.count
            if skippedOfClass[label] == total {
                throw DatasetError.noReadableImage(className: name(label), count: total, first: image.path)
            }
        }
    }

    private func position(_ number: Int) -> BatchPosition {
        let place = firstBatch + number
        return BatchPosition(epoch: place / stepsPerEpoch, batch: place % stepsPerEpoch)
    }

    /// The next batch to fill with its images' indices, or nil: then the worker rests.
    private func takeJob(_ worker: Worker) -> (number: Int, slot: BatchSlot, indices: [Int], epoch: Int)? {
        condition.lock()
        defer { condition.unlock() }
        guard !isCancelled, failure == nil, nextToStart < batchCount, let slot = free.popLast() else {
            worker.isRunning = false
            return nil
        }
        let number = nextToStart
        nextToStart += 1
        inFlight += 1
        let place = position(number)
        let range = place.batch * batchSize..<min(items.count, (place.batch + 1) * batchSize)
        guard case .training(let seed, _, _) = plan else { return (number, slot, Array(range), 0) }
        if order.epoch != place.epoch {
            order = (place.epoch, Self.order(count: items.count, seed: seed, epoch: place.epoch))
        }
        return (number, slot, Array(order.indices[range]), place.epoch)
    }

    /// The order of training images in an epoch.
    static func order(count: Int, seed: Int, epoch: Int) -> [Int] {
        var indices = Array(0..<count)
        var generator = RunGenerator(seed: seed, .order, epoch)
        generator.shuffle(&indices)
        return indices
    }

    // MARK: On a worker's queue

    private func work(_ worker: Worker) {
        while let job = takeJob(worker) {
            let outcome: Result<BatchContent, DatasetError>
            do {
                outcome = .success(try fill(job.slot, job.indices, epoch: job.epoch, worker: worker))
            } catch {
                outcome = .failure(error)
            }
            condition.lock()
            inFlight -= 1
            ready[job.number] = (job.slot, outcome)
            condition.broadcast()
            condition.unlock()
        }
    }

    private func fill(_ slot: BatchSlot, _ indices: [Int], epoch: Int, worker: Worker) throws(DatasetError) -> BatchContent {
        var content = BatchContent()
        for index in indices {
            let out = slot.values + content.items.count * valuesPerImage
            switch plan {
            case .evaluation:
                if let fault = attempt(items[index], { try self.test(self.items[index], worker, into: out) }) {
                    content.skipped.append(SkippedImage(path: items[index].path, reason: fault))
                    content.skippedLabels.append(items[index].label)
                } else {
                    content.items.append(items[index])
                }
            case .training(let seed, _, _):
                content.items.append(try train(index, seed: seed, epoch: epoch, worker, into: out, &content))
            }
        }
        return content
    }

    /// Shows an image, or the next readable one of its class; crop and flip are those of the image's own place either way.
    private func train(
        _ index: Int, seed: Int, epoch: Int, _ worker: Worker, into out: UnsafeMutablePointer<Float>, _ content: inout BatchContent
    ) throws(DatasetError) -> ImageItem {
        let family = members[items[index].label] ?? [index]
        let start = family.firstIndex(of: index) ?? 0
        var skipped: [(item: ImageItem, fault: String)] = []
        for step in 0..<family.count {
            let item = items[family[(start + step) % family.count]]
            let fault = attempt(item) {
                var generator = RunGenerator(seed: seed, .augmentation, epoch, index)
                let image = try self.decoded(item)
                try self.transform.apply(to: image, generator: &generator, resizer: &worker.resizer, into: out)
            }
            guard let fault else {
                for (missed, fault) in skipped {
                    content.skipped.append(SkippedImage(path: missed.path, reason: fault, replacement: item.path))
                    content.skippedLabels.append(missed.label)
                }
                return item
            }
            skipped.append((item, fault))
        }
        throw DatasetError.noReadableImage(className: name(items[index].label), count: family.count, first: items[index].path)
    }

    private func test(_ item: ImageItem, _ worker: Worker, into out: UnsafeMutablePointer<Float>) throws {
        let key = ImageCache.Key(path: item.absolutePath, resize: transform.geometry.resize, crop: transform.geometry.crop)
        if let view = cache?.image(key) { return transform.normalise(view, into: out) }
        let image = try RGBImage(contentsOfFile: item.absolutePath, pixelLimit: pixelLimit)
        let view = try transform.testView(of: image, resizer: &worker.resizer)
        cache?.keep(view, key)
        transform.normalise(view, into: out)
    }

    private func decoded(_ item: ImageItem) throws -> RGBImage {
        guard let cache else { return try RGBImage(contentsOfFile: item.absolutePath, pixelLimit: pixelLimit) }
        let key = ImageCache.Key(path: item.absolutePath)
        if let image = cache.image(key) { return image }
        let image = try RGBImage(contentsOfFile: item.absolutePath, pixelLimit: pixelLimit)
        cache.keep(image, key)
        return image
    }

    /// Nil when all went well, else the fault in words that name the image.
    private func attempt(_ item: ImageItem, _ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            let words = "\(error)"
            return words.contains(item.path) ? words : "\(item.path): \(words)"
        }
    }

    private func name(_ label: Int) -> String { classNames.indices.contains(label) ? classNames[label] : "\(label)" }
}
