import Foundation
import TestSupport
import Testing

@testable import Formats

private func tensor(_ type: TensorType, _ shape: [Int], _ bytes: [UInt8]) throws -> StoredTensor {
    let file = MappedFile(path: "memory", content: bytes)
    return StoredTensor(name: "t", type: type, shape: shape, bytes: file.bytes, owner: file)
}

private func bytes<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes(Array.init) }

struct StoredTensorTests {
    @Test func everyHalfConvertsExactly() throws {
        let patterns = (0...UInt16.max).map { $0 }
        let floats = try tensor(.f16, [65536], bytes(patterns)).floats()
        for (bits, value) in zip(patterns, floats) {
            let expected = Float(Float16(bitPattern: bits))
            #expect(expected.isNaN ? value.isNaN : value.bitPattern == expected.bitPattern, "bits \(bits)")
        }
    }

    @Test func everyBrainFloatConvertsExactly() throws {
        let patterns = (0...UInt16.max).map { $0 }
        let floats = try tensor(.bf16, [65536], bytes(patterns)).floats()
        #expect(zip(patterns, floats).allSatisfy { $1.bitPattern == UInt32($0) << 16 })
    }

    @Test func doublesRoundAndIntegersWiden() throws {
        #expect(try tensor(.f64, [3], bytes([0.1, -2.5, 1e300])).floats() == [0.1, -2.5, .infinity])
        #expect(try tensor(.i64, [2], bytes([Int64.min, 7])).integers() == [.min, 7])
        #expect(try tensor(.i32, [2], bytes([Int32.min, 7])).integers() == [Int64(Int32.min), 7])
        #expect(try tensor(.i16, [1], bytes([Int16(-3)])).integers() == [-3])
        #expect(try tensor(.i8, [2], [0xFF, 1]).integers() == [-1, 1])
        #expect(try tensor(.bool, [2], [0, 1]).integers() == [0, 1])
        #expect(throws: FormatError.elementType(tensor: "t", type: .i8, wanted: "floating-point")) {
            try tensor(.i8, [1], [0]).floats()
        }
        #expect(throws: FormatError.self) { try tensor(.f32, [1], bytes([Float(1)])).integers() }
    }

    @Test func alignmentIsToldAndUnalignedDataReads() throws {
        let file = MappedFile(path: "memory", content: [0] + bytes([Float(1), 2, 3]))
        let odd = StoredTensor(
            name: "t", type: .f32, shape: [3], bytes: UnsafeRawBufferPointer(rebasing: file.bytes[1...]), owner: file)
        #expect(odd.alignedFloats == nil)
        #expect(try odd.floats() == [1, 2, 3])
        let even = try tensor(.f32, [3], bytes([Float(1), 2, 3]))
        #expect(even.alignedFloats.map { Array($0) } == [1, 2, 3])
    }

    @Test(arguments: [1, 2, 7, 63, 64, 65, 1000])
    func findsEveryNonFiniteElement(count: Int) throws {
        for place in [0, count / 2, count - 1] {
            for bad in [Float.nan, .infinity, -.infinity, .signalingNaN] {
                var values = [Float](repeating: .greatestFiniteMagnitude, count: count)
                #expect(try tensor(.f32, [count], bytes(values)).isFinite)
                values[place] = bad
                #expect(try !tensor(.f32, [count], bytes(values)).isFinite)
                #expect(try !tensor(.f64, [count], bytes(values.map(Double.init))).isFinite)
                #expect(try !tensor(.f16, [count], bytes(values.map { $0.isFinite ? 65504 : Float16($0) })).isFinite)
                let brain = values.map { UInt16($0.bitPattern >> 16) }
                #expect(try !tensor(.bf16, [count], bytes(brain)).isFinite)
            }
        }
        #expect(try tensor(.f16, [count], bytes([Float16](repeating: -65504, count: count))).isFinite)
        #expect(try tensor(.i64, [count], bytes([Int64](repeating: -1, count: count))).isFinite)
    }

    @Test func namesTheFirstTensorThatIsNotFinite() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("w.safetensors").path
            var large = [Float](repeating: 1, count: 3 << 20)
            large[large.count - 1] = .nan
            let good = [Float](repeating: 1, count: 5)
            try SafetensorsWriter.write(
                [
                    TensorToWrite("good", shape: [5], floats: good), TensorToWrite("large", shape: [3 << 20], floats: large),
                    TensorToWrite("bad", shape: [1], floats: [.infinity]), TensorToWrite("ids", shape: [1], integers: [-1]),
                ], to: path)
            let file = try SafetensorsFile(path: path)
            #expect(file.firstNotFinite(among: file.names) == "large")
            #expect(file.firstNotFinite(among: ["bad", "large"]) == "bad")
            #expect(file.firstNotFinite(among: ["good", "ids", "absent"]) == nil)
        }
    }
}
