import RunModel
import Testing

@testable import SessionFile

struct PretrainFileTests {
    private func faults(_ text: String, overrides: [String] = []) -> String {
        do {
            _ = try PretrainFile.parse(text: text, name: "p.toml", overrides: overrides)
            return ""
        } catch { return "\(error)" }
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        var spec = PretrainSpec(name: "a \"drawn\" world", seed: -3)
        spec.model.vision = .init(width: 96, layers: 3, heads: 4)
        spec.model.vocabularyPath = "some where"
        spec.model.precision = .float32
        spec.data.source = .captions
        spec.data.path = "pairs"
        spec.optim.lr = 1 / 3
        spec.eval.every = 0
        let text = PretrainFile.write(spec)
        #expect(PretrainFile.isPretraining(text))
        #expect(try PretrainFile.parse(text: text, name: "x") == spec)
        #expect(try PretrainFile.parse(text: PretrainFile.write(PretrainSpec(name: "n")), name: "x") == PretrainSpec(name: "n"))
    }

    @Test func overridesAndDefaults() throws {
        let spec = try PretrainFile.parse(
            text: "kind = \"pretrain\"\n", name: "p", overrides: ["optim.batch=32", "model.image=32", "data.source=drawn"])
        #expect(spec.optim.batch == 32 && spec.model.image == 32 && spec.name == "p" && spec.data.alike == 1)
        let rows = try PretrainFile.parse(text: "kind = \"pretrain\"\n[data]\nalike = 4\n", name: "p")
        #expect(rows.data.alike == 4)
        #expect(try PretrainFile.parse(text: PretrainFile.write(rows), name: "p") == rows)
        #expect(!PretrainFile.isPretraining("name = \"x\"\n"))
    }

    @Test func faultsNameLineKeyAndRemedy() {
        #expect(faults("[model]\npatch = 8\n").contains("kind is missing"))
        let kind = "kind = \"pretrain\"\n"
        #expect(faults(kind + "[model]\npatch = 7\n").contains("p.toml:3: model.patch is 7, which does not divide the 64"))
        #expect(faults(kind + "[model]\nvision_heads = 5\n").contains("model.vision_heads is 5"))
        #expect(faults(kind + "[model]\nimage_size = 32\n").contains("Did you mean model.image?"))
        #expect(faults(kind + "[optim]\nlr = -1\n").contains("optim.lr is -1"))
        #expect(faults(kind + "[data]\nsource = \"captions\"\n").contains("data.path is missing"))
        #expect(faults(kind + "[data]\npath = \"x\"\n").contains("Remove one of the two"))
        #expect(faults(kind + "[data]\nsource = \"captions\"\npath = \"x\"\nalike = 2\n").contains("p.toml:5: data.alike is for data.source \"drawn\""))
        #expect(faults(kind + "[data]\nalike = 23\n").contains("data.alike is 23"))
        #expect(faults(kind + "[data]\npairs = 10\n[optim]\nbatch = 11\n").contains("Make the batch smaller"))
        #expect(faults(kind, overrides: ["optim.batch=1"]).contains("--set optim.batch=1"))
        #expect(faults(kind, overrides: ["method.depth=1"]).contains("unknown key method.depth"))
    }
}
