import Foundation
import TestSupport
import Testing

@testable import Formats

private func fixture(_ name: String) -> String { Places.fixtures.appendingPathComponent("pytorch/\(name)").path }

private func problem(_ name: String) throws -> PyTorchProblem? {
    let path = fixture(name)
    let error = try #require(throws: FormatError.self) { _ = try PyTorchFile(path: path) }
    #expect(error.description.contains(path) && !error.description.contains("\n"))
    guard case .pytorch(path, let problem) = error else { return nil }
    return problem
}

/// The fixtures were written by torch.save and torch.jit.save of PyTorch 2.x; see the README beside them.
struct PyTorchFileTests {
    @Test(arguments: ["strided.pth", "strided_legacy.pth", "strided_zip64.pth"])
    func readsEveryTypeAndStride(name: String) throws {
        let file = try PyTorchFile(path: fixture(name))
        #expect(file.container == (name == "strided_legacy.pth" ? .legacy : .zip))
        func floats(_ name: String, _ shape: [Int]) throws -> [Float] { try file.tensor(name, shape: shape).floats() }
        func integers(_ name: String) throws -> [Int64] { try file.tensor(name).integers() }

        #expect(try floats("whole", [4, 6]) == (0..<24).map { Float($0) })
        #expect(try floats("transposed", [6, 4]) == (0..<24).map { Float($0 % 4 * 6 + $0 / 4) })
        #expect(try floats("slice", [2, 3]) == [8, 9, 10, 14, 15, 16])
        #expect(try floats("step", [8]) == [1, 4, 7, 10, 13, 16, 19, 22])
        #expect(try floats("expanded", [3]) == [5, 5, 5])
        #expect(try floats("row", [1, 6]) == [12, 13, 14, 15, 16, 17])
        #expect(try floats("scalar", []) == [2.5])
        #expect(try floats("empty", [0, 3]) == [])
        #expect(try floats("half", [3]) == [1, -2, 0.5])
        #expect(try floats("brain", [3]) == [1, -2, 0.5])
        #expect(try floats("double", [1]) == [0.1])
        #expect(try floats("parameter", [2]) == [3, 4])
        #expect(try integers("long") == [-1, 1 << 40])
        #expect(try integers("int") == [-5])
        #expect(try integers("short") == [-6])
        #expect(try integers("char") == [-7])
        #expect(try integers("byte") == [250])
        #expect(try integers("bool") == [1, 0])
        // arange(24).view(2, 3, 4).permute(2, 0, 1)
        #expect(file["3d"]?.shape == [4, 2, 3])
        let permuted = (0..<24).map { (place: Int) -> Int64 in
            let (outer, middle, inner) = (place / 6, place / 3 % 2, place % 3)
            return Int64(middle * 12 + inner * 4 + outer)
        }
        #expect(try integers("3d") == permuted)
        #expect(file.names.count == 19)
    }

    @Test func contiguousTensorsShareTheirStorageInPlace() throws {
        let file = try PyTorchFile(path: fixture("strided.pth"))
        let whole = try #require(try file.tensor("whole").bytes.baseAddress)
        let row = try #require(try file.tensor("row").bytes.baseAddress)
        #expect(row - whole == 12 * 4)
        #expect(try file.tensor("whole").alignedFloats != nil)
    }

    @Test func readsWhatStandsBesideTheWeights() throws {
        let file = try PyTorchFile(path: fixture("training.pth"))
        #expect(file.names == ["ctx", "proj.weight"])
        #expect(file["ctx"]?.shape == [3] && file["proj.weight"]?.shape == [2, 2])
        let root = file.root
        #expect(root["epoch"]?.integer == 7 && root["name"]?.text == "run é" && root["lr"]?.real == 0.25)
        #expect(root["done"]?.bool == true && root["none"]?.isNone == true && root["neg"]?.integer == -3)
        #expect(root["history"]?.elements?.count == 4 && root["history"]?.elements?[1].integer == 2)
        #expect(root["counts"]?["a"]?.integer == 1)
        #expect(root["size"]?.elements?.map(\.integer) == [2, 2])
        #expect(root["big"]?.integer == nil && root["absent"] == nil && root["epoch"]?["x"] == nil)
        #expect(root["whole_scheduler"]?.className == "torch.optim.lr_scheduler.CosineAnnealingLR")
        #expect(root["whole_scheduler"]?["T_max"]?.integer == 5)
        let momentum = try root["optimizer"]?["state"]?[0]?["exp_avg"]?.tensor()
        #expect(momentum?.shape == [3])
        #expect(try momentum?.floats().allSatisfy { abs($0 - 0.1) < 0.1 } == true)
        #expect(try root["epoch"]?.tensor() == nil)
    }

    @Test func readsTorchScriptArchivesAsStateDictionaries() throws {
        let file = try PyTorchFile(path: fixture("torchscript.pt"))
        #expect(file.container == .torchScript)
        #expect(file.names.sorted() == ["inner.0.bias", "inner.0.weight", "inner.2.bias", "inner.2.weight", "position", "scale"])
        #expect(try file.tensor("inner.0.weight", shape: [2, 3]).floats() == [1, 2, 3, 4, 5, 6])
        #expect(try file.tensor("inner.2.weight", shape: [2, 2]).floats() == [3, 4, 5, 6])
        #expect(try file.tensor("position").integers() == [0, 1, 2, 3])
    }

    @Test func readsLaterProtocolsAndBareTensors() throws {
        for name in ["protocol3.pth", "protocol4.pth", "protocol5.pth"] {
            let file = try PyTorchFile(path: fixture(name))
            #expect(try file.tensor("w").floats().count == 24)
            #expect(file.root["t"]?["x"]?.elements?.count == 4)
        }
        #expect(try PyTorchFile(path: fixture("bare_tensor.pth")).tensor("tensor").floats() == [1, 2])
        #expect(try PyTorchFile(path: fixture("legacy_non_zip.pth")).tensor("ctx").floats() == (0..<8).map { Float($0) })
    }

    @Test func halfPrecisionPrompts() throws {
        let file = try PyTorchFile(path: fixture("maple_prompts_fp16.pth"))
        #expect(file.names.contains("prompt_learner.ctx"))
        #expect(file["prompt_learner.ctx"]?.type == .f16 && file["prompt_learner.ctx"]?.shape == [2, 64])
        #expect(file.firstNotFinite(among: file.names) == nil)
        let damaged = try PyTorchFile(path: fixture("nan_prompts.pth"))
        #expect(damaged.firstNotFinite(among: damaged.names)?.hasPrefix("prompt_learner.") == true)
    }

    @Test func hostileFilesAreRefusedClearly() throws {
        let before = peakMemory()
        #expect(try problem("truncated.pth") == .truncatedArchive)
        #expect(try problem("not_a_zip.pth") == .notPyTorch)
        #expect(try problem("missing_record.pth") == .missingRecord(record: "0", tensor: "prompt_learner.ctx"))
        guard case .shortRecord(record: "1", _, needed: 8192, found: 7) = try problem("short_record.pth") else {
            Issue.record("the short record was not named")
            return
        }
        #expect(try problem("pickle_eval.pth") == .refusedName("__builtin__.eval"))
        guard case .refusedName(let name) = try problem("pickle_runs_command.pth") else {
            Issue.record("the command was not refused")
            return
        }
        #expect(name.hasSuffix(".system"))
        #expect(!FileManager.default.fileExists(atPath: "PICKLE_WAS_EXECUTED"))
        #expect(try problem("deflated.pth") == .packedRecord("strided/data.pkl"))
        #expect(try problem("complex.pth") == .unreadableStorage("torch.ComplexFloatStorage"))
        #expect(try problem("whole_module.pth") == .refusedName("torch.nn.modules.container.Sequential"))
        #expect(try problem("no_tensors.pth") == .noTensors)
        #expect(peakMemory() - before < 64 << 20)
    }

    @Test func promptsOfTheWrongShapeAreReadButTold() throws {
        let short = try PyTorchFile(path: fixture("wrong_shape_prompts.pth"))
        let path = fixture("wrong_shape_prompts.pth")
        #expect(throws: FormatError.weights(path: path, .wrongShape(name: "prompt_learner.proj.weight", expected: [64, 64], found: [64, 63]))) {
            try short.tensor("prompt_learner.proj.weight", shape: [64, 64])
        }
        let missing = try PyTorchFile(path: fixture("missing_key_prompts.pth"))
        #expect(
            throws: FormatError.weights(
                path: fixture("missing_key_prompts.pth"),
                .missing(name: "prompt_learner.compound_prompts_text.0", shape: [2, 64], others: 0))
        ) { try missing.tensor("prompt_learner.compound_prompts_text.0", shape: [2, 64]) }
    }

    // MARK: Hand-made pickles

    /// A stored zip archive of the given entries.
    static func archive(_ entries: [(String, [UInt8])]) -> [UInt8] {
        func le<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for (name, data) in entries {
            let sizes = le(UInt32(data.count)) + le(UInt32(data.count)) + le(UInt16(name.utf8.count))
            let offset = UInt32(bytes.count)
            let common = le(UInt16(0)) + le(UInt16(0)) + le(UInt32(0)) + le(UInt32(0)) + sizes + le(UInt16(0))
            bytes += le(UInt32(0x0403_4B50)) + le(UInt16(20)) + common + Array(name.utf8) + data
            directory += le(UInt32(0x0201_4B50)) + le(UInt16(20)) + le(UInt16(20)) + common
            directory += [UInt8](repeating: 0, count: 10) + le(offset) + Array(name.utf8)
        }
        let start = UInt32(bytes.count)
        bytes += directory + le(UInt32(0x0605_4B50)) + le(UInt32(0)) + le(UInt16(entries.count)) + le(UInt16(entries.count))
        return bytes + le(UInt32(directory.count)) + le(start) + le(UInt16(0))
    }

    /// A pickle of {"w": tensor} over record 0 with the given arguments, in text-free opcodes.
    private static func pickle(count: String, offset: String, shape: String, strides: String) -> [UInt8] {
        var text = "\u{28}"  // the mark of the dictionary
        text += "Vw\nctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\nFloatStorage\nV0\nVcpu\n\(count)tQ"
        text += "\(offset)(\(shape)t(\(strides)tNNtRd."
        return Array(text.utf8)
    }

    private func open(_ pickle: [UInt8], record: Int = 16) throws -> PyTorchFile {
        let entries = [("a/data.pkl", pickle), ("a/data/0", [UInt8](repeating: 0, count: record))]
        return try PyTorchFile(MappedFile(path: "made.pth", content: Self.archive(entries)))
    }

    private func refusal(_ pickle: [UInt8], record: Int = 16) -> PyTorchProblem? {
        do {
            _ = try open(pickle, record: record)
            return nil
        } catch FormatError.pytorch("made.pth", let problem) {
            return problem
        } catch {
            Issue.record("unexpected error \(error)")
            return nil
        }
    }

    @Test func tensorsMustLieInTheirStorage() throws {
        let fine = Self.pickle(count: "I4\n", offset: "I0\n", shape: "I2\nI2\n", strides: "I2\nI1\n")
        #expect(try open(fine).tensor("w", shape: [2, 2]).floats() == [0, 0, 0, 0])
        // An axis of one element may have any stride.
        let one = Self.pickle(count: "I4\n", offset: "I0\n", shape: "I1\nI2\nI1\n", strides: "I999999999999999999\nI2\nI999999999999999999\n")
        #expect(try open(one).tensor("w").shape == [1, 2, 1])
        let max = "I9223372036854775807\n"
        for (count, offset, shape, strides) in [
            ("I4\n", "I1\n", "I2\nI2\n", "I2\nI1\n"), ("I4\n", "I0\n", "I2\nI2\n", "I3\nI1\n"), ("I4\n", "I4\n", "I1\n", "I1\n"),
            ("I4\n", "I0\n", "I3037000500\nI3037000500\n", "I0\nI0\n"), ("I4\n", "I2\n", "I3\n", max.replacingOccurrences(of: "9223372036854775807", with: "922337203685477580")),
        ] {
            let found = refusal(Self.pickle(count: count, offset: offset, shape: shape, strides: strides))
            guard case .outsideStorage(tensor: "w", _) = found else {
                Issue.record("offset \(offset) shape \(shape) strides \(strides): \(String(describing: found))")
                continue
            }
        }
        #expect(refusal(Self.pickle(count: "I5\n", offset: "I0\n", shape: "I1\n", strides: "I1\n")) == .shortRecord(record: "0", tensor: "w", needed: 20, found: 16))
        guard case .shortRecord = refusal(Self.pickle(count: "I900000000000000000\n", offset: "I0\n", shape: "I1\n", strides: "I1\n")) else {
            Issue.record("an impossible storage was accepted")
            return
        }
        // A view of one element that claims to be huge is not unfolded.
        let before = peakMemory()
        #expect(
            refusal(Self.pickle(count: "I4\n", offset: "I0\n", shape: "I100000\nI100000\n", strides: "I0\nI0\n"))
                == .tooLargeView(tensor: "w", shape: [100_000, 100_000]))
        #expect(peakMemory() - before < 32 << 20)
        for (offset, shape, strides) in [("I-1\n", "I1\n", "I1\n"), ("I0\n", "I-1\n", "I1\n"), ("I0\n", "I1\n", "I-1\n"), ("I0\n", "I1\n", "")] {
            guard case .pickle = refusal(Self.pickle(count: "I4\n", offset: offset, shape: shape, strides: strides)) else {
                Issue.record("offset \(offset) shape \(shape) strides \(strides) was accepted")
                continue
            }
        }
    }

    /// As torch saves a dynamically quantised layer: its element type, then a tensor of quantised storage.
    @Test func quantisedWeightsAreCalledSo() throws {
        let found = refusal(
            Array(
                "(V_packed_params.dtype\nctorch\nqint8\nVw\nctorch._utils\n_rebuild_qtensor\n((Vstorage\nctorch\nQInt8Storage\nV0\nVcpu\nI4\ntQtRd.".utf8))
        #expect(found == .unreadableStorage("torch.QInt8Storage"))
        #expect(FormatError.pytorch(path: "made.pth", .unreadableStorage("torch.QInt8Storage")).description.contains("not quantised"))
    }

    @Test func picklesThatOnlyWantMemoryOrDepthAreRefused() throws {
        let before = peakMemory()
        let million = 2_000_000
        let knots: [[UInt8]] = [
            [UInt8](repeating: UInt8(ascii: "]"), count: million) + [UInt8](repeating: UInt8(ascii: "a"), count: million - 1) + [0x2E],
            [UInt8](repeating: UInt8(ascii: "("), count: million) + [UInt8](repeating: UInt8(ascii: "t"), count: million) + [0x2E],
            [UInt8](repeating: UInt8(ascii: "N"), count: 3 * million) + [0x2E],
            [UInt8](repeating: UInt8(ascii: "}"), count: million),
            // A dictionary that holds itself.
            Array("}q\u{0}(Vx\nh\u{0}u.".utf8),
            // Each tuple holds the one before twice.
            Array("(Vx\n}".utf8) + (0..<100).flatMap { _ in Array("2\u{86}".utf8.map { $0 }) } + Array("d.".utf8),
            Array("cos\nsystem\n(Vecho\ntR.".utf8), Array("(ios\nsystem\n.".utf8), Array("\u{8}".utf8), [], [0x80, 9],
            Array("Vx\n)R.".utf8), Array("ccollections\nOrderedDict\n.".utf8), Array("t.".utf8), Array("0.".utf8), Array("h\u{1}.".utf8),
        ]
        for (number, knot) in knots.enumerated() {
            #expect(refusal(knot) != nil, "pickle \(number)")
        }
        #expect(peakMemory() - before < 160 << 20)
    }

    @Test(arguments: ["strided.pth", "training.pth", "torchscript.pt", "strided_legacy.pth", "strided_zip64.pth", "legacy_non_zip.pth"])
    func mutatedFilesNeverCrash(name: String) throws {
        let seed = Array(try Data(contentsOf: URL(fileURLWithPath: fixture(name))))
        let words = ["R", "(", "t.", "q\u{0}", "h\u{0}", "]", "}", "c__builtin__\neval\n", "PK\u{1}\u{2}", "PK\u{5}\u{6}", "u", "b", "Q", "\u{0}\u{0}\u{0}\u{0}"]
        let opened = try fuzz(seed, rounds: fuzzRounds / 3, seed: 1906, words: words) { bytes in
            let file = try PyTorchFile(MappedFile(path: "m.pth", content: bytes))
            for name in file.names {
                let tensor = try file.tensor(name)
                let count = tensor.type.isFloat ? try tensor.floats().count : try tensor.integers().count
                #expect(count == tensor.count)
            }
            _ = try file.root["optimizer"]?["state"]?[0]?["exp_avg"]?.tensor()
        }
        #expect(opened > 0)
    }

    @Test(arguments: ["training.pth", "strided.pth", "torchscript.pt"])
    func mutatedPicklesNeverCrash(name: String) throws {
        let file = try MappedFile(path: fixture(name))
        let archive = try ZipArchive(file.bytes)
        let pickle = try #require(archive.entries.first { $0.name.hasSuffix("/data.pkl") })
        // The records stay whole, so that only the pickle decides.
        let records = archive.entries.filter { $0.name.contains("/data/") }.map { ($0.name, Array(file.bytes[$0.data])) }
        let words = ["R", "(", "t", "t.", "q\u{0}", "h\u{0}", "h\u{5}", "]", "}", "u", "s", "b", "Q", "ccollections\nOrderedDict\n", "2", "0", "1", "J\u{7f}\u{7f}\u{7f}\u{7f}"]
        let opened = try fuzz(Array(file.bytes[pickle.data]), rounds: fuzzRounds / 3, seed: 77, words: words) { bytes in
            let file = try PyTorchFile(MappedFile(path: "m.pth", content: Self.archive([(pickle.name, bytes)] + records)))
            for name in file.names { _ = try file.tensor(name).bytes.count }
            for (key, value) in file.root.entries ?? [] { _ = (key.text, value.elements?.count, try value.tensor()) }
        }
        #expect(opened > 0)
    }
}

/// Checkpoints of the shared folder, whole models and a real training checkpoint.
@Suite(.enabled(if: Places.hasShared, "needs ../shared"))
struct PyTorchSharedTests {
    private func golden(_ path: String) throws -> String {
        try #require(Places.shared).appendingPathComponent("goldens/micro-clip/\(path)").path
    }

    @Test func halfPrecisionModelEqualsTheFloatOneRounded() throws {
        let whole = try SafetensorsFile(path: golden("model/model.safetensors"))
        let half = try PyTorchFile(path: golden("checkpoints/pytorch_model.bin"))
        for (name, shape) in try CLIPConfiguration(path: golden("model/config.json")).expectedTensors {
            let expected = try whole.tensor(name, shape: shape).floats().map { Float(Float16($0)) }
            #expect(try half.tensor(name, shape: shape).floats() == expected, "\(name)")
        }
    }

    @Test func aFolderWithABinFileOpens() throws {
        try Places.withTemporaryFolder { folder in
            for name in ["config.json", "vocab.json", "merges.txt"] {
                try FileManager.default.createSymbolicLink(
                    atPath: folder.appendingPathComponent(name).path, withDestinationPath: try golden("model/\(name)"))
            }
            try FileManager.default.createSymbolicLink(
                atPath: folder.appendingPathComponent("pytorch_model.bin").path,
                withDestinationPath: try golden("checkpoints/pytorch_model.bin"))
            let clip = try CLIPFiles(path: folder.path)
            #expect(clip.weights is PyTorchFile)
            try FileManager.default.moveItem(
                at: folder.appendingPathComponent("pytorch_model.bin"), to: folder.appendingPathComponent("pytorch_model-00001-of-00001.bin"))
            let map = clip.weights.names.map { "\"\($0)\":\"pytorch_model-00001-of-00001.bin\"" }.joined(separator: ",")
            try Data("{\"weight_map\":{\(map)}}".utf8).write(to: folder.appendingPathComponent("pytorch_model.bin.index.json"))
            #expect(try CLIPFiles(path: folder.path).fingerprint == clip.fingerprint)
        }
    }

    @Test func openAIArchiveEqualsItsStateDictionary() throws {
        let state = try PyTorchFile(path: golden("checkpoints/openai_state_dict_fp16.pth"))
        let script = try PyTorchFile(path: golden("checkpoints/openai_torchscript_fp16.pt"))
        #expect(script.container == .torchScript && state.container == .zip)
        for name in state.names {
            let expected = try state.tensor(name)
            let found = try script.tensor(name)
            #expect(found.shape == expected.shape && found.type == expected.type, "\(name)")
            #expect(Array(found.bytes) == Array(expected.bytes), "\(name)")
        }
        #expect(Set(script.names).subtracting(state.names) == ["input_resolution", "context_length", "vocab_size"])
        #expect(try script.tensor("context_length").integers() == [77])
    }

    @Test func referenceCheckpointGivesItsTrainedTensorsBitForBit() throws {
        let file = try PyTorchFile(path: golden("checkpoints/MultiModalPromptLearner/model.pth.tar-5"))
        let expected = try SafetensorsFile(path: golden("checkpoints/expected.safetensors"))
        var compared = 0
        for name in expected.names where name.hasPrefix("maple_final/") {
            let key = String(name.dropFirst("maple_final/".count))
            let found = try file.tensor(key)
            #expect(found.shape == expected[name]?.shape)
            #expect(Array(found.bytes) == Array(try expected.tensor(name).bytes), "\(key)")
            compared += 1
        }
        #expect(compared == 6)
        #expect(file.root["epoch"]?.integer == 5)
        // The optimiser numbers its tensors; the first, number 0, was never trained.
        let momentum = try file.root["optimizer"]?["state"]?[1]?["momentum_buffer"]?.tensor()
        #expect(momentum?.shape == [2, 64])
        #expect(file.root["scheduler"] != nil)
        let coop = try PyTorchFile(path: golden("checkpoints/prompt_learner/model.pth.tar-50"))
        let ctx = try SafetensorsFile(path: golden("checkpoints/expected_coop.safetensors")).tensor("ctx")
        #expect(Array(try coop.tensor("ctx").bytes) == Array(ctx.bytes))
    }
}
