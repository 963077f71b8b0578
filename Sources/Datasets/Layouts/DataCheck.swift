import Foundation
import RunModel
import Synchronization

/// What a look at every image of a data set found.
public struct DataReport: Sendable, Equatable, Codable {
    public struct ClassCounts: Sendable, Equatable, Codable {
        public var label: Int
        public var name: String
        public var train: Int
        public var val: Int
        public var test: Int
        public var unreadable: Int
    }

    public struct ListedImage: Sendable, Equatable, Codable {
        public var path: String
        public var list: ImageSubset
        public var className: String

        enum CodingKeys: String, CodingKey {
            case path, list
            case className = "class"
        }
    }

    public struct Unreadable: Sendable, Equatable, Codable {
        public var path: String
        public var list: ImageSubset
        public var reason: String
    }

    public var name: String
    public var folder: String
    public var split: String?
    public var fingerprint: String
    public var train: Int
    public var val: Int
    public var test: Int
    public var perClass: [ClassCounts]
    /// Images that the split file lists and the folder lacks.
    public var missing: [String]
    public var unreadable: [Unreadable]
    /// Groups of equal files that stand in more than one list.
    public var duplicates: [[ListedImage]]
    public var shots: Int?
    /// Names of the classes with fewer readable training images than `shots`.
    public var belowShots: [String]
    /// Sides of the readable images in pixels; nil without any.
    public var smallestSide: Int?
    public var largestSide: Int?
    public var warnings: [String]
    /// Which of the paper's data sets it is, and what its folder lacks of the release's layout.
    public var benchmark: BenchmarkReport?

    public struct BenchmarkReport: Sendable, Equatable, Codable {
        /// The reference's name.
        public var name: String
        public var title: String
        public var template: String
        public var absent: [Benchmark.Part]
        /// Classes and images of the complete data set.
        public var classes: Int
        public var train: Int
        public var val: Int
        public var test: Int
    }

    /// Whether every image is there and readable and no file is in two lists.
    public var isClean: Bool { missing.isEmpty && unreadable.isEmpty && duplicates.isEmpty }

    enum CodingKeys: String, CodingKey {
        case name, folder, split, fingerprint, train, val, test, missing, unreadable, duplicates, shots, warnings, benchmark
        case perClass = "per_class"
        case belowShots = "below_shots"
        case smallestSide = "smallest_side"
        case largestSide = "largest_side"
    }
}

extension ImageDataset {
    private struct Finding: Sendable {
        var fault: String?
        var hash = ""
        var width = 0
        var height = 0
    }

    /// Decodes every image and reports on the whole data set.
    ///
    /// - Parameters:
    ///   - shots: names the classes that have fewer training images.
    ///   - progress: images done and in all; called on one thread at a time; false stops the check.
    /// - Throws: `CancellationError` when stopped.
    public func check(
        shots: Int? = nil, threads: Int = 2, progress: @Sendable (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
    ) throws -> DataReport {
        let listed: [(list: ImageSubset, item: ImageItem)] = ImageSubset.allCases.flatMap { list in items(of: list).map { (list, $0) } }
        let absent = Set(missing)
        let paths = Set(listed.map(\.item.path)).subtracting(absent).sorted()
        let findings = try Self.decodeAll(paths, root: root, threads: threads, progress: progress)

        var report = DataReport(
            name: name, folder: folder, split: splitFile, fingerprint: fingerprint, train: train.count, val: val.count, test: test.count,
            perClass: classNames.enumerated().map { .init(label: $0.offset, name: $0.element, train: 0, val: 0, test: 0, unreadable: 0) },
            missing: missing, unreadable: [], duplicates: [], shots: shots, belowShots: [], smallestSide: nil, largestSide: nil,
            warnings: warnings)
        var readableTraining = [Int](repeating: 0, count: classNames.count)
        var byHash: [String: [Int]] = [:]
        for (number, (list, item)) in listed.enumerated() where classNames.indices.contains(item.label) {
            switch list {
            case .train: report.perClass[item.label].train += 1
            case .val: report.perClass[item.label].val += 1
            case .test: report.perClass[item.label].test += 1
            }
            guard let finding = findings[item.path] else {
                report.perClass[item.label].unreadable += 1
                continue
            }
            if !finding.hash.isEmpty { byHash[finding.hash, default: []].append(number) }
            if let fault = finding.fault {
                report.perClass[item.label].unreadable += 1
                report.unreadable.append(.init(path: item.path, list: list, reason: fault))
                continue
            }
            if list == .train { readableTraining[item.label] += 1 }
            report.smallestSide = min(report.smallestSide ?? .max, finding.width, finding.height)
            report.largestSide = max(report.largestSide ?? 0, finding.width, finding.height)
        }
        report.duplicates = byHash.values
            .filter { group in Set(group.map { listed[$0].list }).count > 1 }
            .sorted { $0[0] < $1[0] }
            .map { group in
                group.map { .init(path: listed[$0].item.path, list: listed[$0].list, className: classNames[listed[$0].item.label]) }
            }
        if let benchmark {
            let counts = benchmark.imageCounts
            report.benchmark = .init(
                name: benchmark.rawValue, title: benchmark.title, template: benchmark.template,
                absent: benchmark.absentParts(in: folder), classes: benchmark.classCount, train: counts.train, val: counts.val,
                test: counts.test)
        }
        if let shots { report.belowShots = classNames.indices.filter { readableTraining[$0] < shots }.map { classNames[$0] } }
        return report
    }

    private static func decodeAll(
        _ paths: [String], root: String, threads: Int, progress: @Sendable (Int, Int) -> Bool
    ) throws -> [String: Finding] {
        struct Progress: Sendable {
            var next = 0
            var done = 0
            var isStopped = false
            var findings: [String: Finding] = [:]
        }
        let state = Mutex(Progress())
        DispatchQueue.concurrentPerform(iterations: min(16, max(1, threads))) { _ in
            while true {
                let path: String? = state.withLock { state in
                    guard !state.isStopped, state.next < paths.count else { return nil }
                    state.next += 1
                    return paths[state.next - 1]
                }
                guard let path else { return }
                let finding = look(at: root + "/" + path)
                state.withLock { state in
                    state.findings[path] = finding
                    state.done += 1
                    if !progress(state.done, paths.count) { state.isStopped = true }
                }
            }
        }
        return try state.withLock { state in
            if state.isStopped { throw CancellationError() }
            return state.findings
        }
    }

    private static func look(at path: String) -> Finding {
        var finding = Finding()
        do {
            let file = try FileBytes(path: path)
            if file.count > 0 { finding.hash = SHA256.hex(file.bytes) }
            let image = try RGBImage(decoding: file.bytes, path: path)
            (finding.width, finding.height) = (image.width, image.height)
        } catch {
            finding.fault = "\(error)"
        }
        return finding
    }
}
