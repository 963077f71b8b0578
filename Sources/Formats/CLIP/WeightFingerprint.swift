/// A cheap, stable name for a set of weights, to tell whether two runs used the same model.
///
/// FNV-1a (64 bit) over the configuration's numbers and then, in the order of the configuration's tensor list, each tensor's name, dtype, shape
/// and bytes: all of them up to 4096, otherwise 64 pieces of 64 bytes spread evenly from the first byte to the last. It does not
/// depend on the container, so a folder keeps its fingerprint when its weights move from one file format to another
/// unchanged. It finds other weights, not tampering.
struct WeightFingerprint {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    var text: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    init(configuration: CLIPConfiguration, weights: some WeightSource) {
        for tower in [configuration.text, configuration.vision] {
            mix("\(tower.width),\(tower.feedForwardWidth),\(tower.layers),\(tower.heads),\(tower.activation.rawValue),")
            mix("\(tower.layerNormEpsilon);")
        }
        mix("\(configuration.contextLength),\(configuration.vocabularySize),\(configuration.imageSize),")
        mix("\(configuration.patchSize),\(configuration.embeddingWidth);")
        for (name, _) in configuration.expectedTensors {
            guard let tensor = weights[name] else { continue }
            mix("\(name) \(tensor.type.rawValue) \(tensor.shape);")
            sample(tensor.bytes)
        }
    }

    private mutating func sample(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 4096 else { return mix(bytes[...]) }
        let last = bytes.count - 64
        for piece in 0..<64 {
            // Split so that the product cannot overflow for any file size.
            let begin = last / 63 * piece + last % 63 * piece / 63
            mix(bytes[begin..<begin + 64])
        }
    }

    private mutating func mix(_ text: String) {
        for byte in text.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    private mutating func mix(_ bytes: Slice<UnsafeRawBufferPointer>) {
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
