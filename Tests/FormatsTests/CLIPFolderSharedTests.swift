import Foundation
import TestSupport
import Testing

@testable import Formats

/// Whole models of the shared folder.
@Suite(.enabled(if: Places.hasShared, "needs ../shared"))
struct CLIPFolderSharedTests {
    private func folder(_ path: String) throws -> String {
        try #require(Places.shared).appendingPathComponent(path).path
    }

    @Test(arguments: ["goldens/micro-clip/model", "goldens/tiny-clip/model", "models/photo-nano"])
    func opens(path: String) throws {
        let clip = try CLIPFolder(path: try folder(path))
        #expect(clip.configuration.expectedTensors.count > 60)
        #expect(clip.tokenizer.count == clip.configuration.vocabularySize)
        #expect(clip.preprocessing.crop?.height == clip.configuration.imageSize)
        let again = try CLIPFolder(path: try folder(path), checkingFinite: false)
        #expect(clip.fingerprint == again.fingerprint)
        let scale = try clip.weights.tensor("logit_scale", shape: []).floats()
        #expect(scale.count == 1 && scale[0] > 0 && scale[0] < 5)
    }
}
