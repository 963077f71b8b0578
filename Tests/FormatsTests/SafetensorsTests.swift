import Foundation
import TestSupport
import Testing

@testable import Formats

/// A safetensors file in memory from header text and data.
func safetensorsBytes(_ header: String, data: Int = 0, pad: Bool = true) -> [UInt8] {
    var text = Array(header.utf8)
    if pad { text += [UInt8](repeating: 0x20, count: (8 - text.count % 8) % 8) }
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init)
    return length + text + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
}

func openSafetensors(_ bytes: [UInt8]) throws -> SafetensorsFile {
    try SafetensorsFile(MappedFile(path: "test.safetensors", content: bytes))
}

/// The problem that opening gives, nil when it opens.
func safetensorsProblem(_ bytes: [UInt8]) -> SafetensorsProblem? {
    do {
        _ = try openSafetensors(bytes)
        return nil
    } catch FormatError.safetensors(_, let problem) {
        return problem
    } catch {
        Issue.record("unexpected error \(error)")
        return nil
    }
}

struct SafetensorsTests {
    @Test func readsScalarsEmptyTensorsAndMetadata() throws {
        let header = """
            {"__metadata__":{"format":"pt","\\u00e9":"\\ud83d\\ude00"},\
            "scalar":{"dtype":"F32","shape":[],"data_offsets":[0,4]},\
            "empty":{"shape":[3,0,2],"dtype":"F16","data_offsets":[4,4]},\
            "bytes":{"dtype":"U8","shape":[2,3],"data_offsets":[4,10]}}
            """
        let file = try openSafetensors(safetensorsBytes(header, data: 10))
        #expect(file.names == ["scalar", "empty", "bytes"])
        #expect(file.metadata == ["format": "pt", "é": "😀"])
        #expect(file["scalar"]?.shape == [])
        #expect(file["scalar"]?.count == 1)
        #expect(try file.tensor("empty").floats() == [])
        #expect(try file.tensor("bytes").integers() == [4, 5, 6, 7, 8, 9])
        #expect(file["nothing"] == nil)
    }

    @Test func anEmptyHeaderIsLegal() throws {
        #expect(try openSafetensors(safetensorsBytes("{}")).names.isEmpty)
    }

    @Test func tooManyTensorsAreRefused() {
        let one = #""t%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#
        let header = "{" + (0...SafetensorsHeader.countLimit).map { one.replacing("%d", with: "\($0)") }.joined(separator: ",") + "}"
        #expect(safetensorsProblem(safetensorsBytes(header, data: 0)) == .tooMany)
    }

    @Test func tensorsOutliveTheirFile() throws {
        func take() throws -> StoredTensor {
            let bytes = safetensorsBytes(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, data: 4)
            return try openSafetensors(bytes).tensor("a")
        }
        #expect(try take().integers() == [0, 1, 2, 3])
    }

    @Test(arguments: [
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            SafetensorsProblem.duplicateName("a")),
        (#"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, .duplicateKey(tensor: "a", key: "dtype")),
        (#"{"__metadata__":{"a":"b","a":"c"}}"#, .duplicateKey(tensor: "__metadata__", key: "a")),
        (#"{"__metadata__":{},"__metadata__":{}}"#, .duplicateName("__metadata__")),
        (#"{"\#(String(repeating: "n", count: 1025))":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#, .nameTooLong(bytes: 1025)),
        (#"{"__metadata__":{"a":1}}"#, .metadataNotStrings(key: "a")),
        (#"{"__metadata__":3}"#, .metadataNotStrings(key: nil)),
        (#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, .missingKey(tensor: "a", key: "dtype")),
        (#"{"a":{"dtype":"F32","data_offsets":[0,8]}}"#, .missingKey(tensor: "a", key: "shape")),
        (#"{"a":{"dtype":"F32","shape":[2]}}"#, .missingKey(tensor: "a", key: "data_offsets")),
        (#"{"a":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}}"#, .unknownType(tensor: "a", type: "f32")),
        (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, .badShape(tensor: "a")),
        (#"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#, .badShape(tensor: "a")),
        (#"{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}"#, .badShape(tensor: "a")),
        (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#, .badShape(tensor: "a")),
        (#"{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}"#, .badShape(tensor: "a")),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, .badOffsets(tensor: "a")),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, .badOffsets(tensor: "a")),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}}"#, .badOffsets(tensor: "a")),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, .trailingBytes(4)),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, .gap(tensor: "a", bytes: 4)),
        (#"{"a":{"dtype":"F64","shape":[4611686018427387904,0],"data_offsets":[0,0]}}"#,
            .shapeOverflow(tensor: "a", shape: [4_611_686_018_427_387_904, 0])),
    ])
    func refuses(header: String, problem: SafetensorsProblem) {
        #expect(safetensorsProblem(safetensorsBytes(header, data: 8)) == problem)
    }

    @Test(arguments: [
        "{", "[]", " {}", "{}x", "{\"a\":}", "{\"a\" 1}", "{\"a\":{},}", "{'a':1}", "{\"a\":\"\\ud800\"}", "{\"a\":01}",
        "{\"a\":\"\u{1}\"}", "{\"a\":tru}", "{\"a\":1", String(repeating: "{\"a\":", count: 100_000), "{\"a\":\"\\x\"}",
    ])
    func refusesBadJSON(header: String) {
        switch safetensorsProblem(safetensorsBytes(header, pad: false)) {
        case .headerNotJSON, .missingKey: break
        case let other: Issue.record("\(header.prefix(40)) gives \(String(describing: other))")
        }
    }

    @Test func refusesDeepNestingInUnknownKeys() {
        let deep = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":"# + String(repeating: "[", count: 200_000)
        guard case .headerNotJSON = safetensorsProblem(safetensorsBytes(deep, data: 8)) else {
            Issue.record("deep nesting was not refused")
            return
        }
    }

    @Test func refusesInvalidUTF8() {
        var bytes = safetensorsBytes(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, data: 8)
        bytes[10] = 0xFF
        guard case .headerNotJSON(_, "a string is not valid UTF-8") = safetensorsProblem(bytes) else {
            Issue.record("invalid UTF-8 was not refused")
            return
        }
    }

    @Test(arguments: [
        "header_length_beyond_file", "header_length_huge", "header_not_json", "out_of_range_offsets", "overlapping_offsets",
        "negative_offsets", "size_mismatch", "shape_overflow", "unknown_dtype", "gap_and_trailing_bytes", "empty",
    ])
    func hostileFiles(name: String) throws {
        let path = Places.fixtures.appendingPathComponent("safetensors-hostile/\(name).safetensors").path
        let before = peakMemory()
        let error = try #require(throws: FormatError.self) { _ = try SafetensorsFile(path: path) }
        #expect(peakMemory() - before < 16 << 20)
        #expect(error.description.contains(path))
        #expect(!error.description.contains("\n"))
        let problem: SafetensorsProblem? = if case .safetensors(_, let problem) = error { problem } else { nil }
        switch (name, problem) {
        case ("empty", _): #expect(error == .file(path: path, .empty))
        case ("header_length_beyond_file", .headerBeyondFile), ("header_length_huge", .headerTooLong),
            ("header_not_json", .headerNotJSON), ("out_of_range_offsets", .outOfRange(tensor: "b", _, _)),
            ("overlapping_offsets", .overlap(tensor: "b", other: "a")), ("negative_offsets", .badOffsets(tensor: "a")),
            ("size_mismatch", .sizeMismatch(tensor: "a", _, _, expected: 20, found: 16)),
            ("shape_overflow", .shapeOverflow(tensor: "a", _)), ("unknown_dtype", .unknownType(tensor: "a", type: "Q7")),
            ("gap_and_trailing_bytes", .gap(tensor: "b", bytes: 8)):
            break
        default: Issue.record("\(name): \(error)")
        }
    }

    @Test func missingFilesFoldersAndPointers() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("model.safetensors").path
            #expect(throws: FormatError.file(path: path, .missing)) { try SafetensorsFile(path: path) }
            #expect(throws: FormatError.file(path: folder.path, .isFolder)) { try SafetensorsFile(path: folder.path) }
            let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 598641023\n"
            try Data(pointer.utf8).write(to: URL(fileURLWithPath: path))
            #expect(throws: FormatError.file(path: path, .gitPointer(bytes: 598_641_023))) { try SafetensorsFile(path: path) }
            #expect(mkfifo(path + ".pipe", 0o600) == 0)
            #expect(throws: FormatError.file(path: path + ".pipe", .notPlain)) { try SafetensorsFile(path: path + ".pipe") }
        }
    }

    @Test func mutatedHeadersNeverCrash() throws {
        let seed = safetensorsBytes(
            #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"#
                + #""b\u0041":{"dtype":"BF16","shape":[],"data_offsets":[8,10]},"c":{"dtype":"I8","shape":[0],"data_offsets":[10,10]}}"#,
            data: 10)
        let words = ["-1", "9223372036854775807", "18446744073709551615", "[[[[", "null", "\\u", "1e999", "\"a\":", "[]", "{}", "\u{0}"]
        let opened = try fuzz(seed, seed: 20_260_101, words: words) { bytes in
            let file = try openSafetensors(bytes)
            for name in file.names {
                let tensor = try file.tensor(name)
                let values = tensor.type.isFloat ? try tensor.floats().count : try tensor.integers().count
                #expect(values == tensor.count)
            }
        }
        #expect(opened > 0)
    }
}
