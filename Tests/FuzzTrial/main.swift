// Damages valid inputs and feeds them to the parsers of files from others, watching for crashes, hangs and large allocations.
//
//   fuzz-trial --parser all --count 3000 --seed 1
//   fuzz-trial --parser zip --seconds 60
//   fuzz-trial --parser zip --seed 1 --index 1234        one input again, kept in the folder that is printed
//
// Every input follows from the parser's name, the seed and the index, and lies in a file before it is read. Exit code 0 when all
// held, 1 when an input went beyond the limits, otherwise as the crash ended it; a hang ends with 3.
import ArgumentParser
import CAllocationCount
import CFuzzGuard
import Foundation
import SessionFile
import TestSupport

struct FuzzTrial: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "fuzz-trial")

    @Option(help: "Parser's name, or all.")
    var parser = "all"
    @Option(help: "Seed of all mutations.")
    var seed: UInt64 = 1
    @Option(help: "Inputs for each parser.")
    var count = 3000
    @Option(help: "Seconds for each parser, in place of a count.")
    var seconds: Double?
    @Option(help: "Begin with this index.")
    var from = 0
    @Option(help: "This index alone; its input is kept.")
    var index: Int?
    @Option(help: "Processor seconds that one input may take.")
    var limit = 1.0
    @Option(help: "Folder of the fixtures.")
    var fixtures = Places.fixtures.path
    @Option(help: "Folder for inputs (default: a new temporary one).")
    var folder: String?
    @Flag(help: "List the parsers.")
    var list = false

    /// Beyond four times the input.
    static let spareMemory = 64 << 20

    func run() throws {
        let source = Fixtures(root: URL(fileURLWithPath: fixtures))
        let parsers = try Parser.weights(source) + Parser.others(source) + Parser.lists()
        if list { return parsers.forEach { print($0.name) } }
        let chosen = parsers.filter { parser == "all" || $0.name == parser }
        guard !chosen.isEmpty else { throw ValidationError("no parser \(parser); there are \(parsers.map(\.name).joined(separator: ", "))") }
        let place = folder ?? FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-trial-\(UUID().uuidString)").path
        fuzz_guard_install(limit)
        var faults = 0
        for parser in chosen { faults += try trial(parser, in: place + "/" + parser.name) }
        if index == nil, faults == 0 { try? FileManager.default.removeItem(atPath: place) }
        if faults > 0 { throw ExitCode(1) }
    }

    /// - Returns: how many inputs went beyond a limit.
    private func trial(_ parser: Parser, in folder: String) throws -> Int {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let end = seconds.map { Date().addingTimeInterval($0) }
        var accepted = 0, done = 0, faults = 0, slowest = (seconds: 0.0, index: 0), most = 0
        var next = index ?? from
        while index != nil ? done == 0 : end.map({ Date() < $0 }) ?? (done < count) {
            var mutator = Mutator(generator: SeededGenerator(seed: inputSeed(parser.name, next)), words: parser.words.map { Array($0.utf8) })
            let origin = parser.seeds[mutator.below(parser.seeds.count)]
            let bytes = parser.mutate(&mutator, origin, parser.seeds)
            let path = folder + "/" + origin.file
            write(bytes, path)
            let note = "\(parser.name) seed \(seed) index \(next): \(bytes.count) bytes in \(path)"
            if index != nil { print(note) }
            fuzz_guard_begin(note)
            allocation_peak_start()
            var fault: String?
            do {
                try parser.read(path, bytes)
                accepted += 1
            } catch let error as Badly {
                fault = error.description
            } catch {
                if index != nil { print("  \(error)") }
                let lines = (error as? SessionDiagnostics)?.diagnostics.map(\.description) ?? ["\(error)"]
                if let long = lines.first(where: { $0.contains("\n") || $0.utf8.count > 2000 }) { fault = "words beyond a line: \(long.prefix(300))" }
            }
            let peak = allocation_peak_stop()
            let time = fuzz_guard_end()
            if time > slowest.seconds { slowest = (time, next) }
            most = max(most, peak)
            if peak > 4 * bytes.count + Self.spareMemory { fault = "\(peak) bytes allocated" }
            if let fault {
                faults += 1
                let kept = folder + "/fault-\(next)"
                write(bytes, kept)
                print("fault: \(note): \(fault); kept as \(kept)")
            }
            if index == nil, parser.seeds.contains(where: { $0.file != origin.file }) { unlink(path) }
            done += 1
            next += 1
        }
        print(
            "\(parser.name): \(done) inputs, \(accepted) accepted, \(faults) faults, slowest \(Int((slowest.seconds * 1000).rounded(.up))) ms (index \(slowest.index)), "
                + "most memory \((most + 1023) / 1024) KiB")
        fflush(nil)
        return faults
    }

    private func inputSeed(_ name: String, _ index: Int) -> UInt64 {
        // FNV-1a of the name, so that parsers do not share their inputs' seeds.
        let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return hash ^ seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(index) &* 0xD6E8_FEB8_6659_FD93
    }

    private func write(_ bytes: [UInt8], _ path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        precondition(descriptor >= 0, "cannot write \(path)")
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done) }
            precondition(count > 0, "cannot write \(path)")
            done += count
        }
        close(descriptor)
    }
}

FuzzTrial.main()
