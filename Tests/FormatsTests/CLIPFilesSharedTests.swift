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
        let clip = try CLIPFiles(path: try folder(path))
        #expect(clip.configuration.expectedTensors.count > 60)
        #expect(clip.tokenizer.count == clip.configuration.vocabularySize)
        #expect(clip.preprocessing.crop?.height == clip.configuration.imageSize)
        let again = try CLIPFiles(path: try folder(path), checkingFinite: false)
        #expect(clip.fingerprint == again.fingerprint)
        let scale = try clip.weights.tensor("logit_scale", shape: []).floats()
        #expect(scale.count == 1 && scale[0] > 0 && scale[0] < 5)
    }
}

/// The full vocabulary of the shared folder.
@Suite(.enabled(if: Places.hasShared, "needs ../shared"))
struct VocabularyFilesTests {
    /// OpenAI's list of merges alone gives the published vocabulary; what is written reads back the same.
    @Test func theListOfMergesGivesTheWholeVocabulary() throws {
        let folder = try #require(Places.shared).appendingPathComponent("data/clip-bpe").path
        let whole = try BPETokenizer(vocabulary: folder + "/vocab.json", merges: folder + "/merges.txt")
        let derived = try BPETokenizer(mergeList: folder + "/merges.txt")
        #expect(derived.vocabulary.ids == whole.vocabulary.ids && derived.startToken == 49406 && derived.endToken == 49407)
        try Places.withTemporaryFolder { out in
            try Data(whole.vocabularyText.utf8).write(to: out.appendingPathComponent("vocab.json"))
            try Data(whole.mergesText.utf8).write(to: out.appendingPathComponent("merges.txt"))
            let again = try BPETokenizer(lookingIn: out.path, model: "m", isAsked: true)
            #expect(again.vocabulary.ids == whole.vocabulary.ids)
            for text in ["a photo of a tabby cat.", "Ünïcode 123 !?", "polka-dotted"] {
                #expect(again.encode(text) == whole.encode(text) && derived.encode(text) == whole.encode(text))
            }
            #expect(throws: FormatError.folder(path: "m", .noVocabulary)) {
                try BPETokenizer(lookingIn: out.path + "/..", model: "m", isAsked: false)
            }
        }
    }
}

/// Full-size damaged weights of the shared folder with a good model's other files.
@Suite(.enabled(if: Places.hasShared, "needs ../shared"))
struct HostileModelTests {
    private func error(weights name: String) throws -> FormatError {
        let goldens = try #require(Places.shared).appendingPathComponent("goldens")
        return try Places.withTemporaryFolder { folder in
            for file in ["config.json", "preprocessor_config.json", "vocab.json", "merges.txt"] {
                try FileManager.default.createSymbolicLink(
                    at: folder.appendingPathComponent(file),
                    withDestinationURL: goldens.appendingPathComponent("micro-clip/model/\(file)"))
            }
            try FileManager.default.createSymbolicLink(
                at: folder.appendingPathComponent("model.safetensors"),
                withDestinationURL: goldens.appendingPathComponent("hostile/\(name).safetensors"))
            return try #require(throws: FormatError.self) { _ = try CLIPFiles(path: folder.path) }
        }
    }

    @Test func nanWeightsNameTheTensor() throws {
        guard case .weights(_, .notFinite("vision_model.encoder.layers.1.mlp.fc1.weight")) = try error(weights: "nan_weights") else {
            Issue.record("the NaN was not named")
            return
        }
    }

    @Test func wrongShapeNamesTheTensorAndBothShapes() throws {
        let found = try error(weights: "wrong_shape")
        guard case .weights(_, .wrongShape("text_projection.weight", expected: [32, 64], found: _)) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(found.description.contains("text_projection.weight") && found.description.contains("(32, 64)"))
    }
}
