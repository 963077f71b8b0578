import Foundation
import RunModel
import TestSupport
import Testing

@testable import RunStore

/// Finished and broken runs below a folder, and a catalogue of them.
private struct Shelf {
    let root: String
    var catalogue: RunCatalogue { RunCatalogue(root: root, readSession: Self.read) }
    var file: String { root + "/.catalogue-1.sqlite" }

    init(_ folder: URL) { root = folder.path + "/runs" }

    /// The text is the session's name, and a number for its seed.
    static func read(_ text: String) throws -> SessionSpec {
        let parts = text.split(separator: "|").map(String.init)
        guard parts.count == 2, let seed = Int(parts[1]) else { throw RunStoreError.malformed(path: "session.toml", reason: "no session") }
        return sampleSpec(parts[0], seed: seed)
    }

    @discardableResult
    func add(_ name: String, seed: Int = 1, base: Double? = nil, new: Double? = nil, at time: Double = 1_700_000_000, finish: Bool = true) throws -> RunFolder {
        let folder = try RunFolder.create(in: root, name: name, seed: seed, at: Date(timeIntervalSince1970: time))
        let recorder = try RunRecorder(new: folder, spec: sampleSpec(name, seed: seed), session: "\(name)|\(seed)")
        try recorder.record(.started(totalSteps: 3, stepsPerEpoch: 3, fromStep: 0))
        for step in 1...3 { try recorder.record(.step(samplePoint(step))) }
        if let base { try recorder.record(.evaluated(sampleEvaluation(.base, step: 3, accuracy: base))) }
        if let new { try recorder.record(.evaluated(sampleEvaluation(.new, step: 3, accuracy: new))) }
        if finish { try recorder.record(.finished(RunSummary(steps: 3, seconds: 2.5, loss: 0.5, base: base, new: new))) }
        recorder.close()
        return folder
    }

    func names(_ query: RunQuery = RunQuery()) throws -> [String] { try catalogue.runs(query).map(\.overview.name) }
}

private func withShelf(_ body: (Shelf) throws -> Void) throws {
    try Places.withTemporaryFolder { try body(Shelf($0)) }
}

@Suite struct CatalogueTests {
    /// Whatever the index holds, it says what a scan of the folders says.
    @Test func agreesWithTheFolders() throws {
        try withShelf { shelf in
            #expect(try shelf.catalogue.runs().isEmpty && !FileManager.default.fileExists(atPath: shelf.file))
            for number in 1...5 { try shelf.add("run \(number)", seed: number, base: Double(number) / 10, new: 0.5) }
            try shelf.add("unfinished", finish: false)
            try FileManager.default.createDirectory(atPath: shelf.root + "/no run", withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: shelf.root + "/a file"))
            func check(_ line: Int = #line) throws {
                for catalogue in [shelf.catalogue, shelf.catalogue] {
                    let scanned = try RunList.scan(shelf.root, readSession: Shelf.read)
                    let listed = try catalogue.runs()
                    #expect(Set(listed.map(\.overview.path)) == Set(scanned.map(\.path)), "line \(line)")
                    for entry in listed {
                        let same = scanned.first { $0.path == entry.overview.path }
                        #expect(entry.overview == same, "line \(line)")
                    }
                    #expect(listed.map(\.overview.created) == listed.map(\.overview.created).sorted(by: >))
                }
            }
            try check()
            #expect(FileManager.default.fileExists(atPath: shelf.file))
            let second = try #require(try shelf.catalogue.runs(RunQuery(search: "run-2-")).first)
            #expect(second.spec == sampleSpec("run 2", seed: 2) && second.evaluations.map(\.classes) == [.base, .new])
            // A run that goes on, one that is deleted, one that is new.
            let folder = RunFolder(path: second.overview.path)
            let recorder = try RunRecorder(resuming: folder, spec: sampleSpec("run 2", seed: 2), afterStep: 3)
            #expect(try shelf.catalogue.runs(RunQuery(search: "run-2-")).first?.overview.state.word == "running")
            try recorder.record(.step(samplePoint(4)))
            try check()
            recorder.close()
            #expect(try shelf.catalogue.runs(RunQuery(search: "run-2-")).first?.overview.state == .interrupted)
            try FileManager.default.removeItem(atPath: try #require(try shelf.catalogue.runs(RunQuery(search: "run-4-")).first).overview.path)
            try shelf.add("later", at: 1_800_000_000)
            try check()
            #expect(try !shelf.names().contains("run 4") && shelf.names().contains("later"))
        }
    }

    @Test func sortsAndSearches() throws {
        try withShelf { shelf in
            try shelf.add("pets maple", seed: 3, base: 0.9, new: 0.7, at: 3)
            try shelf.add("pets coop", seed: 1, base: 0.95, new: 0.5, at: 2)
            try shelf.add("food_100%", seed: 2, at: 1)
            #expect(try shelf.names(RunQuery(order: .seed, isAscending: true)) == ["pets coop", "food_100%", "pets maple"])
            #expect(try shelf.names(RunQuery(order: .harmonicMean)) == ["pets maple", "pets coop", "food_100%"])
            // What lacks the value is last in both directions.
            #expect(try shelf.names(RunQuery(order: .base, isAscending: true)) == ["pets maple", "pets coop", "food_100%"])
            #expect(try shelf.names(RunQuery(search: "S1 PETS")) == ["pets coop"])
            #expect(try shelf.names(RunQuery(search: "0%")) == ["food_100%"])
            #expect(try shelf.names(RunQuery(search: "s_c")).isEmpty)
            #expect(try shelf.names(RunQuery(order: .name, isAscending: true, limit: 1)) == ["food_100%"])
            for order in RunQuery.Order.allCases { #expect(try shelf.names(RunQuery(order: order)).count == 3, "\(order)") }
        }
    }

    /// The index is a cache: whatever happens to it, the answer stays right.
    @Test(arguments: ["garbage", "truncated", "another table", "rows of another kind", "a folder"])
    func isMadeAnewWhenDamaged(_ kind: String) throws {
        try withShelf { shelf in
            for number in 1...3 { try shelf.add("run \(number)", at: Double(number)) }
            let before = try shelf.catalogue.runs()
            switch kind {
            case "garbage": try Data(repeating: 0x41, count: 5000).write(to: URL(fileURLWithPath: shelf.file))
            case "truncated":
                let whole = try Data(contentsOf: URL(fileURLWithPath: shelf.file))
                try whole.prefix(whole.count / 3).write(to: URL(fileURLWithPath: shelf.file))
            case "another table":
                try FileManager.default.removeItem(atPath: shelf.file)
                let other = try CatalogueTables.open(nil)
                try other.write { try $0.execute(sql: "DROP TABLE run; CREATE TABLE run (folder TEXT)") }
                let empty = try CatalogueTables.open(shelf.file)
                try empty.write { try $0.execute(sql: "DROP TABLE run; CREATE TABLE run (folder TEXT)") }
            case "rows of another kind":
                try CatalogueTables.open(shelf.file).write { try $0.execute(sql: "UPDATE run SET summary = 'x'") }
            default:
                try FileManager.default.removeItem(atPath: shelf.file)
                try FileManager.default.createDirectory(atPath: shelf.file, withIntermediateDirectories: true)
            }
            #expect(try shelf.catalogue.runs() == before)
            #expect(try shelf.catalogue.runs() == before)
        }
    }

    @Test func readsARootThatCannotBeWritten() throws {
        try withShelf { shelf in
            try shelf.add("run")
            let catalogue = RunCatalogue(root: shelf.root, file: "/proc/nowhere/catalogue.sqlite", readSession: Shelf.read)
            #expect(try catalogue.runs().map(\.overview.name) == ["run"])
            #expect(try catalogue.runs().map(\.overview.name) == ["run"])
        }
    }

    /// Several catalogues at work on one index while a run grows: every answer is whole, and the last one right.
    @Test func isSharedByManyAtOnce() throws {
        try withShelf { shelf in
            for number in 1...8 { try shelf.add("run \(number)", at: Double(number)) }
            let shared = shelf
            let faults = Shared<String>()
            DispatchQueue.concurrentPerform(iterations: 6) { worker in
                do {
                    for round in 0..<5 {
                        if worker == 0 { try shared.add("new \(round)", at: Double(100 + round)) }
                        let found = try shared.catalogue.runs()
                        if found.count < 8 || found.contains(where: { $0.spec == nil && !$0.overview.name.isEmpty && $0.overview.state == .finished }) {
                            faults.add("worker \(worker): \(found.count) runs")
                        }
                    }
                } catch {
                    faults.add("\(error)")
                }
            }
            #expect(faults.all.isEmpty, "\(faults.all)")
            #expect(try shelf.names().count == 13)
        }
    }

    /// A folder of a newer layout is listed as such, and nobody goes on with it.
    @Test func tellsNewerLayouts() throws {
        try withShelf { shelf in
            let folder = try shelf.add("future", base: 0.5)
            let text = folder.text(folder.summaryFile).replacing("\"format\":1", with: "\"format\":7").replacing("finished", with: "hibernating")
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder.summaryFile))
            let entry = try #require(try shelf.catalogue.runs().first)
            #expect(entry.overview.isNewer && entry.overview.format == 7 && entry.overview.base == 0.5 && entry.overview.state == .stopped)
            #expect(throws: RunStoreError.newerFormat(path: folder.path, format: 7)) {
                try RunRecorder(resuming: folder, spec: sampleSpec("future"), afterStep: 3)
            }
        }
    }
}

/// Lines that several threads add to.
private final class Shared<Value: Sendable>: @unchecked Sendable {  // Every access holds the lock.
    private let lock = NSLock()
    private var values: [Value] = []
    func add(_ value: Value) { lock.withLock { values.append(value) } }
    var all: [Value] { lock.withLock { values } }
}
