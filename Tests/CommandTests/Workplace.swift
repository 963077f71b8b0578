import Foundation
import RunModel
import RunStore
import TestSupport
import Testing

/// A folder with a drawn data set and a session file, in which tests run `maple`.
struct Workplace {
    static let model = Places.fixtures.appendingPathComponent("goldens/micro-clip/model").path

    let folder: String
    var data: String { folder + "/data" }
    var runs: String { folder + "/runs" }

    /// - Parameter classes: drawn with four training and two test images each; nil draws nothing.
    init(_ folder: URL, classes: [String]? = ["ash tree", "bat", "cat", "dog"]) throws {
        self.folder = folder.path
        if let classes { try Pictures.classFolders(in: data, classes: classes, train: 4, test: 2) }
    }

    /// Writes a session of 2 steps an epoch and answers its path.
    func session(
        _ name: String = "s.toml", epochs: Int = 3, every: Int = 0, model: String = Workplace.model, data: String? = nil,
        method: String = "maple", more: String = ""
    ) throws -> String {
        let path = folder + "/" + name
        let text = """
            name = "trial"
            seed = 5
            \(more)
            [model]
            path = "\(model)"
            [data]
            path = "\(data ?? self.data)"
            [method]
            name = "\(method)"
            depth = 2
            [optim]
            epochs = \(epochs)
            [eval]
            every = \(every)
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    func maple(_ arguments: String...) throws -> Program.Ending { try start(arguments).wait() }

    func maple(_ arguments: [String]) throws -> Program.Ending { try start(arguments).wait() }

    func start(_ arguments: String...) throws -> Program { try start(arguments) }

    func start(_ arguments: [String]) throws -> Program {
        // Models this small gain nothing from threads, and threads that wait for each other lose much on a busy machine.
        let computes = ["train", "resume", "eval", "zeroshot"].contains(arguments.first ?? "") && !arguments.contains("--threads")
        return try Program(
            "maple", arguments + (computes ? ["--threads", "1"] : []), in: folder, environment: ["MAPLE_RUNS": runs], limit: 300)
    }

    /// The runs' folders, oldest first.
    func runFolders() throws -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: runs)) ?? []
        return names.filter { !$0.hasPrefix(".") }.map { runs + "/" + $0 }.sorted()
    }

    /// The one run.
    func onlyRun() throws -> RunFolder {
        let all = try runFolders()
        #expect(all.count == 1, "\(all)")
        return RunFolder(path: try #require(all.first))
    }

    static func steps(_ run: RunFolder) throws -> [Int] {
        try String(contentsOfFile: run.metricsFile, encoding: .utf8).split(separator: "\n").map { line in
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            return try #require(object["step"] as? Int)
        }
    }

    static func checkpoint(_ run: RunFolder, epoch: Int) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: run.path + "/" + RunFolder.checkpointFile(epoch: epoch)))
    }
}

func withWorkplace(
    classes: [String]? = ["ash tree", "bat", "cat", "dog"], _ body: (Workplace) throws -> Void
) throws {
    try Places.withTemporaryFolder { try body(Workplace($0, classes: classes)) }
}

extension Program.Ending {
    /// The one JSON object on standard output, which holds one line and nothing else.
    func object(_ location: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        #expect(outputLines.count == 1 && output.hasSuffix("\n"), "\(output) \(errors)", sourceLocation: location)
        let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
        return try #require(value as? [String: Any], sourceLocation: location)
    }

    /// It ended with `code`, nothing on standard output, and one line of error that holds all of `parts`.
    func expectRefusal(code: Int32 = 1, lines: Int = 1, _ parts: String..., at location: SourceLocation = #_sourceLocation) {
        #expect(self.code == code && signal == nil, "\(self)", sourceLocation: location)
        #expect(output.isEmpty, "\(output)", sourceLocation: location)
        #expect(errorLines.count == lines, "\(errors)", sourceLocation: location)
        #expect(errorLines.allSatisfy { $0.hasPrefix("error: ") }, "\(errors)", sourceLocation: location)
        for part in parts { #expect(errors.contains(part), "\(errors)", sourceLocation: location) }
    }
}
