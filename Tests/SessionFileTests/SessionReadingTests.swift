import Foundation
import RunModel
import TestSupport
import Testing

@testable import SessionFile

/// The session of the design, word for word.
let wholeSession = """
    name = "tiny-imagenet base to novel"
    seed = 1
    [model]
    path = "models/photo-nano"      # Hugging Face or open_clip folder, or a PyTorch file
    [data]
    path = "data/tiny-imagenet-mini"
    split = "split_zhou_TinyImageNetMini.json"   # absent: class folders
    classes = "base"                 # base | new | all
    shots = 16
    [method]
    name = "maple"                   # zeroshot coop cocoop vision language independent maple
    context = 2
    depth = 9
    init = "a photo of a"
    [optim]
    lr = 0.0035
    epochs = 5
    batch = 4
    momentum = 0.9
    weight_decay = 5e-4
    schedule = "cosine"
    warmup_epochs = 1
    warmup_lr = 1e-5
    [eval]
    every = 1                        # epochs
    classes = ["base", "new"]
    """

let shortSession = "model.path = 'm'\ndata.path = 'd'\n"

/// The faults of a text, worded.
func faults(_ text: String, overrides: [String] = []) -> [String] {
    do {
        _ = try SessionFile.parse(text: text, name: "s.toml", overrides: overrides)
        return []
    } catch let error as SessionDiagnostics {
        return error.diagnostics.map(\.description)
    } catch {
        return ["not diagnostics: \(error)"]
    }
}

@Suite struct SessionReadingTests {
    @Test func readsTheWholeSession() throws {
        let spec = try SessionFile.parse(text: wholeSession, name: "s.toml")
        #expect(spec.name == "tiny-imagenet base to novel")
        #expect(spec.model.path == "models/photo-nano")
        #expect(spec.data == DataSpec(path: "data/tiny-imagenet-mini", split: "split_zhou_TinyImageNetMini.json"))
        #expect(spec.method == MethodSpec())
        #expect(spec.optim == OptimSpec())
        #expect(spec.eval == EvalSpec())
    }

    @Test func fillsInDefaults() throws {
        let spec = try SessionFile.parse(text: shortSession, name: "folder/pets.toml")
        #expect(spec == SessionSpec(name: "pets", model: ModelSpec(path: "m"), data: DataSpec(path: "d")))
        #expect(spec.data.shots == 16)
    }

    @Test func readsEveryFormOfTable() throws {
        let inline = try SessionFile.parse(
            text: "model = { path = 'm' }\r\ndata = { path = 'd', shots = \"all\", crop = false, flip = false }\r\nseed = -7",
            name: "s.toml")
        #expect(inline.data.shots == nil)
        #expect(!inline.data.crop && !inline.data.flip)
        #expect(inline.seed == -7)
        let quoted = try SessionFile.parse(
            text: "\u{FEFF}\"model\".'path' = '''m'''\n[\"data\"]\n\"path\" = \"\"\"\\\n  d\"\"\"\n[optim]\nlr = 1", name: "s.toml")
        #expect(quoted.model.path == "m")
        #expect(quoted.data.path == "d")
        #expect(quoted.optim.lr == 1)
    }

    @Test func ignoresWhatARunRecorded() throws {
        let spec = try SessionFile.parse(text: shortSession + "[recorded]\nanything = [1, {a = 2}]\n", name: "s")
        #expect(spec.model.path == "m")
    }

    @Test func overridesReplaceKeys() throws {
        let overrides = [
            "optim.lr=0.002", "method.name=coop", "name = \"quoted name\"", "eval.classes=base,new", "data.shots=all",
            "data.flip=false", "seed=-3", "data.split=a=b.json", "eval.every=4", "eval.every=2", "method.init=",
        ]
        let spec = try SessionFile.parse(text: wholeSession, name: "s", overrides: overrides)
        #expect(spec.optim.lr == 0.002)
        #expect(spec.method.name == .coop)
        #expect(spec.name == "quoted name")
        #expect(spec.eval.classes == [.base, .new])
        #expect(spec.data.shots == nil)
        #expect(!spec.data.flip)
        #expect(spec.seed == -3)
        #expect(spec.data.split == "a=b.json")
        #expect(spec.eval.every == 2)
        #expect(spec.method.initialWords == "")
        #expect(try SessionFile.parse(text: shortSession, name: "s", overrides: ["name=2024"]).name == "2024")
        #expect(try SessionFile.parse(text: shortSession, name: "s", overrides: ["eval.classes=[\"all\"]"]).eval.classes == [.all])
    }

    @Test func writtenSessionsReadBack() throws {
        var generator = SplitMix(state: 11)
        for round in 0..<300 {
            var spec = SessionSpec(
                name: "ü \"q\" \\ \(round)", seed: Int(truncatingIfNeeded: generator.next()), model: ModelSpec(path: "/m/\u{1}\t\n"),
                data: DataSpec(path: "/d#\"'", split: round % 2 == 0 ? nil : "a b.json", shots: round % 3 == 0 ? nil : round + 1))
            spec.optim.lr = Double(bitPattern: generator.next() & 0x7FEF_FFFF_FFFF_FFFF).nextUp
            spec.optim.weightDecay = Double(generator.next() >> 11) * 0x1p-53
            spec.optim.warmupLR = Double(generator.next() >> 11) * 0x1p-60
            spec.optim.momentum = Double(generator.next() >> 11) * 0x1p-53
            spec.data.template = "a {} \\ \"photo\""
            spec.eval.classes = [.new, .all, .base]
            let provenance = Provenance(
                model: "abc", data: "déf", blasCore: "Haswell", threads: 2, host: "h", created: "2025-01-01T00:00:00Z",
                versions: ["maple": "0.1", "open blas": "0.3"])
            let text = SessionFile.write(spec, provenance: provenance)
            #expect(try SessionFile.parse(text: text, name: "s") == spec, "round \(round)")
            #expect(SessionFile.recorded(text: text) == provenance)
        }
        var extreme = SessionSpec(name: "x", seed: .min, model: ModelSpec(path: "m"), data: DataSpec(path: "d"))
        #expect(try SessionFile.parse(text: SessionFile.write(extreme), name: "s") == extreme)
        extreme.seed = .max
        extreme.optim.lr = .leastNonzeroMagnitude
        extreme.optim.weightDecay = .greatestFiniteMagnitude
        #expect(try SessionFile.parse(text: SessionFile.write(extreme), name: "s") == extreme)
    }

    @Test func validatesValues() {
        var spec = SessionSpec(name: "x", model: ModelSpec(path: "m"), data: DataSpec(path: "d"))
        #expect(SessionFile.validate(spec).isEmpty)
        spec.optim.lr = .nan
        spec.optim.epochs = 0
        spec.name = ""
        spec.eval.classes = []
        let found = SessionFile.validate(spec)
        #expect(Set(found.map(\.key)).isSuperset(of: ["optim.lr", "optim.epochs", "name", "eval.classes"]))
        #expect(found.allSatisfy { $0.line == nil })
    }
}

/// A small generator whose sequence depends on its seed alone.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
