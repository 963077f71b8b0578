import Files
import Foundation
import RunModel

/// A checkpoint's file.
public struct CheckpointFile: Sendable, Equatable {
    /// Relative to the run's folder, such as `checkpoints/epoch-3.safetensors`.
    public var file: String
    /// Optimiser steps taken before it; nil where neither the events nor the name tell.
    public var step: Int?
    /// From a name `epoch-N`: epochs completed.
    public var epoch: Int?
}

/// A run's folder: where its files are, and how they are read. Writing is `RunRecorder`'s.
///
/// ```
/// runs/20250131-142500-pets-s1/
///   session.toml   samples.json   metrics.jsonl   events.jsonl   summary.json   lock
///   checkpoints/epoch-5.safetensors   evaluations/40-base-test.json   control/
/// ```
public struct RunFolder: Sendable, Hashable {
    public let path: String

    public init(path: String) { self.path = path }

    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    public var sessionFile: String { path + "/session.toml" }
    public var samplesFile: String { path + "/samples.json" }
    public var metricsFile: String { path + "/metrics.jsonl" }
    public var eventsFile: String { path + "/events.jsonl" }
    public var summaryFile: String { path + "/summary.json" }
    public var lockFile: String { path + "/lock" }
    public var checkpointsFolder: String { path + "/checkpoints" }
    public var evaluationsFolder: String { path + "/evaluations" }
    public var controlFolder: String { path + "/control" }

    /// The checkpoint after so many whole epochs, relative to the run's folder.
    public static func checkpointFile(epoch: Int) -> String { "checkpoints/epoch-\(epoch).safetensors" }
    /// A checkpoint within an epoch, relative to the run's folder.
    public static func checkpointFile(step: Int) -> String { "checkpoints/step-\(step).safetensors" }

    // MARK: Creating and opening

    /// Where runs are kept: $MAPLE_RUNS, else `runs` in the working folder.
    public static func defaultRoot(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        environment["MAPLE_RUNS"].flatMap { $0.isEmpty ? nil : $0 } ?? "runs"
    }

    /// Makes a new folder `<UTC time>-<name>-s<seed>` with its subfolders; `-2`, `-3` ... is added where that exists.
    /// - Throws: `RunStoreError`.
    public static func create(
        in root: String = defaultRoot(), name: String, seed: Int, at date: Date = Date()
    ) throws -> RunFolder {
        try makeFolders(root)
        let stem = "\(timestamp(date))-\(slug(name))-s\(seed)"
        for number in 1...10_000 {
            let path = "\(root)/\(stem)\(number == 1 ? "" : "-\(number)")"
            if mkdir(path, 0o755) == 0 {
                let run = RunFolder(path: path)
                for folder in [run.checkpointsFolder, run.evaluationsFolder, run.controlFolder] where mkdir(folder, 0o755) != 0 {
                    throw RunStoreError.system(operation: "make the folder", path: folder, code: errno)
                }
                return run
            }
            if errno != EEXIST { throw RunStoreError.system(operation: "make the folder", path: path, code: errno) }
        }
        throw RunStoreError.tooManyRuns(path: "\(root)/\(stem)")
    }

    /// - Throws: `RunStoreError.notARun` where the folder holds no run.
    public static func open(_ path: String) throws -> RunFolder {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let run = RunFolder(path: path)
        guard exists(run.sessionFile) || exists(run.summaryFile) else { throw RunStoreError.notARun(path: path) }
        return run
    }

    /// `yyyyMMdd-HHmmss` in UTC.
    static func timestamp(_ date: Date) -> String {
        var seconds = time_t(date.timeIntervalSince1970.rounded(.down))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return String(
            format: "%04d%02d%02d-%02d%02d%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
            parts.tm_min, parts.tm_sec)
    }

    /// Lower-case letters and digits of any script with single hyphens between; at most 80 bytes.
    public static func slug(_ name: String) -> String {
        var result = ""
        for character in name.precomposedStringWithCanonicalMapping.lowercased() {
            let isKept = character.isLetter || character.isNumber
            if !isKept, result.isEmpty || result.hasSuffix("-") { continue }
            let piece = isKept ? String(character) : "-"
            if result.utf8.count + piece.utf8.count > 80 { break }
            result += piece
        }
        while result.hasSuffix("-") { result.removeLast() }
        return result.isEmpty ? "run" : result
    }

    // MARK: Reading

    /// The resolved session as TOML text.
    /// - Throws: `RunStoreError.onlyLog` for the imported log of another program, which has none.
    public func sessionText() throws -> String {
        if !exists(sessionFile), let overview = try? SummaryFile.read(self), overview.source != nil { throw RunStoreError.onlyLog(path: path) }
        return String(decoding: try readWhole(sessionFile, limit: 1 << 20), as: UTF8.self)
    }

    public func samples() throws -> DrawnSamples { try SamplesFile.read(samplesFile) }

    /// All points at once; `MetricsReader` follows a file that grows.
    public func metrics(norms: Bool = false) throws -> MetricsBatch {
        guard exists(metricsFile) else { return MetricsBatch() }
        return try MetricsReader(path: metricsFile).readNew(norms: norms)
    }

    /// All events, oldest first; a torn last line and lines that are not known are left out.
    public func events() throws -> [RecordedEvent] {
        try EventsReader(path: eventsFile).readNew()
    }

    /// Names of the evaluation files, relative to the run's folder, by step and then by name.
    public func evaluationFiles() throws -> [String] {
        try names(in: evaluationsFolder).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }
            .map { (step: Int($0.prefix { $0 != "-" }) ?? .max, name: $0) }
            .sorted { ($0.step, $0.name) < ($1.step, $1.name) }
            .map { "evaluations/" + $0.name }
    }

    /// The whole of an evaluation.
    /// - Parameter file: relative to the run's folder.
    public func evaluation(_ file: String) throws -> EvaluationResult { try EvaluationFile.read(path + "/" + file) }

    /// An evaluation's figures and classes, without its predictions and skipped images; many times faster.
    /// - Parameter file: relative to the run's folder.
    public func evaluationHead(_ file: String) throws -> EvaluationResult { try EvaluationFile.readHead(path + "/" + file) }

    /// The checkpoints that are there, by step; those whose step is not known come first, by epoch.
    public func checkpoints() throws -> [CheckpointFile] {
        var steps: [String: Int] = [:]
        var stepsPerEpoch: Int?
        for recorded in (try? events()) ?? [] {
            switch recorded.event {
            case .checkpointWritten(let file, let step): steps[file.split(separator: "/").last.map(String.init) ?? file] = step
            case .started(_, let perEpoch, _): stepsPerEpoch = perEpoch
            default: break
            }
        }
        return try names(in: checkpointsFolder).filter { $0.hasSuffix(".safetensors") && !$0.hasPrefix(".") }
            .map { name in
                func number(_ prefix: String) -> Int? {
                    name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count).dropLast(".safetensors".count)) : nil
                }
                let epoch = number("epoch-")
                let counted = epoch.flatMap { epoch in stepsPerEpoch.map { epoch.multipliedReportingOverflow(by: $0) } }
                let step = steps[name] ?? number("step-") ?? counted.flatMap { $0.overflow ? nil : $0.partialValue }
                return CheckpointFile(file: "checkpoints/" + name, step: step, epoch: epoch)
            }
            .sorted { ($0.step ?? -1, $0.epoch ?? -1, $0.file) < ($1.step ?? -1, $1.epoch ?? -1, $1.file) }
    }

    private func names(in folder: String) throws -> [String] {
        guard exists(folder) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw RunStoreError.system(operation: "read", path: folder, code: EACCES)
        }
    }

    // MARK: Other processes

    /// The process that trains the run now; nil if none does.
    public func trainer() -> (process: Int, host: String)? { RunLock.holder(lockFile) }

    /// Asks the process that trains the run for something.
    /// - Throws: `RunStoreError.notRunning` if none does.
    public func send(_ command: RunCommand) throws {
        guard trainer() != nil else { throw RunStoreError.notRunning(path: path) }
        try ControlInbox(folder: controlFolder).send(command)
    }
}

/// `samples.json`.
enum SamplesFile {
    static func write(_ samples: DrawnSamples, to path: String) throws {
        let bytes = JSONText.object { text in
            text.field("seed", samples.seed)
            text.field("shots", samples.shots)
            text.list("classes", samples.classes) { text, one in
                text.element {
                    $0.field("name", one.name)
                    $0.field("label", one.label)
                    $0.list("paths", one.paths) { $0.element($1) }
                }
            }
        }
        try AtomicFile.write(bytes + [0x0A], to: path)
    }

    static func read(_ path: String) throws -> DrawnSamples {
        let value = try JSONValue(file: path, limit: 1 << 29)
        guard let seed = value["seed"]?.integer, let classes = value["classes"]?.elements else {
            throw RunStoreError.malformed(path: path, reason: "seed or classes are missing")
        }
        return DrawnSamples(
            seed: seed, shots: value["shots"]?.integer,
            classes: try classes.map { one in
                guard let name = one["name"]?.text, let label = one["label"]?.integer, let paths = one["paths"]?.elements else {
                    throw RunStoreError.malformed(path: path, reason: "a class lacks its name, label or paths")
                }
                return DrawnSamples.OfClass(name: name, label: label, paths: paths.compactMap(\.text))
            })
    }
}
