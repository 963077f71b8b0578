import Foundation
import TestSupport

/// A reader of files from others, and how its inputs are made.
struct Parser {
    /// A valid input that mutations begin with.
    struct Seed {
        var bytes: [UInt8]
        /// The name that the reader expects of its file; `input` for any.
        var file = "input"
    }

    var name: String
    var seeds: [Seed]
    var words: [String] = []
    /// Makes an input of a seed; the plain mutator unless a container is to be kept whole.
    var mutate: (inout Mutator, Seed, [Seed]) -> [UInt8] = { mutator, seed, all in mutator.mutated(seed.bytes, others: all.map(\.bytes)) }
    /// Reads the file at `path`. Errors are an answer; their words are checked.
    var read: (_ path: String, _ bytes: [UInt8]) throws -> Void

    /// Mutates part of an input with plain damages.
    static func part(_ mutator: inout Mutator, _ bytes: [UInt8]) -> [UInt8] { mutator.mutated(bytes, others: []) }
}

/// Where seeds come from.
struct Fixtures {
    let root: URL

    func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: root.appendingPathComponent(path))) }

    /// The files of a folder with one of these endings, by name, up to a size.
    func all(_ folder: String, _ endings: [String], below limit: Int = .max) throws -> [[UInt8]] {
        try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(folder).path).sorted()
            .filter { name in endings.contains { name.hasSuffix($0) } }
            .map { try bytes(folder + "/" + $0) }.filter { $0.count < limit && !$0.isEmpty }
    }
}
