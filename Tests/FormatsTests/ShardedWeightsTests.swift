import Foundation
import TestSupport
import Testing

@testable import Formats

struct ShardedWeightsTests {
    private func index(_ text: String, in folder: URL) throws -> ShardedWeights {
        let path = folder.appendingPathComponent("model.safetensors.index.json")
        try Data(text.utf8).write(to: path)
        return try ShardedWeights(index: path.path)
    }

    @Test func joinsShards() throws {
        try Places.withTemporaryFolder { folder in
            for (file, name) in [("one.safetensors", "a"), ("two.safetensors", "b")] {
                try SafetensorsWriter.write(
                    [TensorToWrite(name, shape: [1], floats: [3])], to: folder.appendingPathComponent(file).path)
            }
            let weights = try index(
                #"{"metadata":{"total_size":8},"weight_map":{"b":"two.safetensors","a":"one.safetensors"}}"#, in: folder)
            #expect(weights.names == ["b", "a"])
            #expect(try weights.tensor("a", shape: [1]).floats() == [3])
            #expect(weights["c"] == nil)
            #expect(throws: FormatError.weights(path: weights.path, .notInShard(name: "a", file: "two.safetensors"))) {
                try index(#"{"weight_map":{"a":"two.safetensors"}}"#, in: folder)
            }
            let absent = folder.appendingPathComponent("three.safetensors").path
            #expect(throws: FormatError.file(path: absent, .missing)) {
                try index(#"{"weight_map":{"a":"three.safetensors"}}"#, in: folder)
            }
            for outside in ["../one.safetensors", "/etc/passwd", "..", "", "x/one.safetensors"] {
                #expect(throws: FormatError.weights(path: weights.path, .shardOutside(file: outside))) {
                    try index(#"{"weight_map":{"a":"\#(outside)"}}"#, in: folder)
                }
            }
            for text in ["{}", "[]", #"{"weight_map":[]}"#, #"{"weight_map":{"a":1}}"#, #"{"weight_map":{"a":"x","a":"x"}}"#] {
                #expect(throws: FormatError.self, "\(text)") { try index(text, in: folder) }
            }
        }
    }
}
