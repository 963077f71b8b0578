import Foundation
import TestSupport
import Testing

@testable import Formats

struct SafetensorsWriterTests {
    private static let tensors = [
        TensorToWrite("zeta \"é\"\n\u{1}", shape: [2, 3], floats: [1, 2, 3, 4, 5, .nan]),
        TensorToWrite("alpha", shape: [], integers: [-9]),
        TensorToWrite("empty", shape: [0, 4], floats: []),
        TensorToWrite("half", type: .f16, shape: [3], bytes: [0, 0x3C, 0, 0xC0, 0xFF, 0x7B]),
    ]

    @Test func whatIsWrittenReadsBack() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("out.safetensors").path
            try SafetensorsWriter.write(Self.tensors, metadata: ["b": "2\\", "a": "1"], to: path)
            let file = try SafetensorsFile(path: path)
            #expect(file.names == Self.tensors.map(\.name))
            #expect(file.metadata == ["a": "1", "b": "2\\"])
            for tensor in Self.tensors {
                let stored = try file.tensor(tensor.name)
                #expect(stored.shape == tensor.shape && stored.type == tensor.type)
                #expect(tensor.withBytes { Array($0) } == Array(stored.bytes))
            }
            #expect(try file.tensor("half").floats() == [1, -2, 65504])
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(bytes[0] % 8 == 0)

            // Copying the tensors gives the same bytes again: the writer is deterministic.
            let copy = folder.appendingPathComponent("copy.safetensors").path
            try SafetensorsWriter.write(file.names.map { TensorToWrite(try file.tensor($0)) }, metadata: file.metadata, to: copy)
            #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == bytes)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["copy.safetensors", "out.safetensors"])
        }
    }

    @Test func refusesWrongSizesAndRepeatedNames() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("out.safetensors").path
            let wrong = [TensorToWrite("a", shape: [3], floats: [1])]
            let twice = [TensorToWrite("a", shape: [1], floats: [1]), TensorToWrite("a", shape: [1], floats: [1])]
            for tensors in [wrong, twice, [TensorToWrite("a", shape: [-1], floats: [1])]] {
                #expect(throws: FormatError.self) { try SafetensorsWriter.write(tensors, to: path) }
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(left == [])
        }
    }

    /// A disk that takes `room` bytes, in pieces of at most 7, and is full then.
    private final class SmallDisk: @unchecked Sendable {  // Used by one test on one thread.
        var room: Int
        init(room: Int) { self.room = room }

        func write(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
            let taken = min(count, 7, room)
            guard taken > 0 else {
                errno = ENOSPC
                return -1
            }
            room -= taken
            return Foundation.write(descriptor, bytes, taken)
        }
    }

    @Test func aFullDiskLeavesTheOldFile() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("out.safetensors").path
            try SafetensorsWriter.write([TensorToWrite("old", shape: [1], floats: [1])], to: path)
            let old = try Data(contentsOf: URL(fileURLWithPath: path))
            for room in [0, 5, 100, 300] {
                let disk = SmallDisk(room: room)
                let error = #expect(throws: FormatError.self) {
                    try SafetensorsWriter.write(Self.tensors, metadata: [:], to: path, using: { disk.write($0, $1, $2) })
                }
                #expect(error == .write(path: path, reason: "No space left on device"))
                #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == old)
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out.safetensors"])
            }
            // Short writes alone do no harm.
            let slow = SmallDisk(room: .max)
            try SafetensorsWriter.write(Self.tensors, metadata: [:], to: path, using: { slow.write($0, $1, $2) })
            #expect(try SafetensorsFile(path: path).names.count == Self.tensors.count)
        }
    }

    @Test func aMissingFolderIsAnError() {
        #expect(throws: FormatError.write(path: "/nowhere/at/all.safetensors", reason: "No such file or directory")) {
            try SafetensorsWriter.write([], to: "/nowhere/at/all.safetensors")
        }
    }
}
