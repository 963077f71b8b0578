import Foundation
import RunModel
import TestSupport
import Testing

@testable import SessionFile

@Suite struct MethodKeyTests {
    @Test func readsAndWritesTheKeysOfEachMethod() throws {
        let texts: [(String, MethodSpec)] = [
            (
                "name = 'coop'\ncontext = 16\ninit = ''\nposition = 'middle'\nclass_specific = true",
                MethodSpec(name: .coop, context: 16, initialWords: "", position: .middle, classSpecific: true)
            ),
            (
                "name = 'independent'\ncontext = 2\ndepth = 12\nvision_context = 4\nvision_depth = 3",
                MethodSpec(name: .independent, context: 2, depth: 12, visionContext: 4, visionDepth: 3)
            ),
            ("name = 'maple'\ncouplers = 'copies'", MethodSpec(name: .maple, couplers: .copies)),
            ("name = 'zeroshot'\nensemble = 'selected'", MethodSpec(name: .zeroshot, ensemble: .selected)),
            ("name = 'zeroshot'\nensemble = 'selected+template'", MethodSpec(name: .zeroshot, ensemble: .selectedAndOwn)),
            ("name = 'cocoop'", MethodSpec(name: .cocoop)),
            ("name = 'cocoop'\ncouplers = 'copies'", MethodSpec(name: .cocoop)),
        ]
        for (text, method) in texts {
            let spec = try SessionFile.parse(
                text: shortSession + "[eval]\nclasses = ['base']\n[method]\n" + text, name: "s.toml")
            #expect(spec.method == method)
            #expect(try SessionFile.parse(text: SessionFile.write(spec), name: "s.toml").method == method)
            #expect(SessionFile.validate(spec).isEmpty)
        }
    }

    @Test func keysOfAnotherMethodAreErrors() {
        let found = faults(
            shortSession + "[method]\nname = 'maple'\nposition = 'front'\nclass_specific = true\nvision_context = 2\nvision_depth = 3\nensemble = 'selected'")
        #expect(found.count == 5)
        #expect(
            found.first
                == "s.toml:5: method.position is for the method \"coop\", and method.name is \"maple\". Remove the key.")
        #expect(found.last?.contains("\"zeroshot\"") == true)
    }

    @Test func classSpecificContextsAreEvaluatedOnTheirOwnClasses() {
        let session = shortSession + "[method]\nname = 'coop'\nclass_specific = true\n"
        #expect(faults(session).count == 1)
        #expect(faults(session).first?.hasPrefix("s.toml:5: method.class_specific learns a context for each training class") == true)
        #expect(faults(session + "[eval]\nclasses = ['base']").isEmpty)
        #expect(faults(session, overrides: ["eval.classes=[\"new\"]", "data.classes=new"]).isEmpty)
        #expect(faults(session, overrides: ["eval.classes=[\"all\"]"]).count == 1)
    }

    @Test func wrongValuesAreNamed() {
        let found = faults(
            shortSession + "[method]\nname = 'coop'\nposition = 'fron'\ncsc = true\nvision_depth = 0\nensemble = true")
        #expect(found.contains { $0.contains("s.toml:5") && $0.contains("\"front\"") })
        #expect(found.contains { $0.contains("s.toml:6") && $0.contains("method.class_specific") })
        #expect(found.contains { $0.contains("s.toml:7") && $0.contains("from 1 to 64") })
        #expect(found.contains { $0.contains("s.toml:8") && $0.contains("\"selected\"") })
    }

    @Test func presetsAreSoundSessions() throws {
        let folder = Places.root.appendingPathComponent("sessions").path
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".toml") }
        var methods: Set<MethodName> = []
        for file in files {
            let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            let spec = try SessionFile.parse(text: text, name: file)
            methods.insert(spec.method.name)
        }
        #expect(methods == Set(MethodName.allCases))
        func preset(_ name: String) throws -> SessionSpec {
            try SessionFile.parse(text: String(contentsOfFile: "\(folder)/\(name).toml", encoding: .utf8), name: name)
        }
        #expect(try preset("maple").method == MethodSpec(couplers: .copies))
        #expect(try preset("maple").optim == OptimSpec())
        #expect(try preset("cocoop").optim == OptimSpec(lr: 0.002, epochs: 10, batch: 1))
        #expect(try preset("vision").method == MethodSpec(name: .vision, context: 8, depth: 12))
        #expect(try preset("language").optim.lr == 0.0025)
        #expect(try preset("independent").method.visionDepth == 12)
    }

    /// Every preset of the repository finds its model and data where its text says they are put.
    @Test func presetsResolve() throws {
        let sessions = Places.root.appendingPathComponent("sessions").path
        try Places.withTemporaryFolder { folder in
            let model = folder.appendingPathComponent("models/clip-vit-base-patch16"), pets = folder.appendingPathComponent("data/oxford_pets")
            for place in [model, pets] { try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true) }
            try Data("{}".utf8).write(to: pets.appendingPathComponent("split_zhou_OxfordPets.json"))
            var methods: Set<MethodName> = []
            for name in try FileManager.default.contentsOfDirectory(atPath: sessions).sorted() where name.hasSuffix(".toml") {
                let path = "\(sessions)/\(name)"
                guard try String(contentsOfFile: path, encoding: .utf8).contains("models/clip-vit-base-patch16") else { continue }
                let spec = try SessionFile.read(path: path, workingFolder: folder.path)
                #expect(spec.model.path == model.path && spec.data.path == pets.path, "\(name)")
                methods.insert(spec.method.name)
            }
            #expect(methods == Set(MethodName.allCases))
            var kinds: [ProtocolKind] = []
            for name in try FileManager.default.contentsOfDirectory(atPath: sessions + "/protocols").sorted() where name.hasSuffix(".toml") {
                let spec = try ProtocolFile.read(path: "\(sessions)/protocols/\(name)", workingFolder: folder.path)
                #expect(spec.model == model.path && spec.roots.first == folder.path + "/data" && spec.seeds == [1, 2, 3], "\(name)")
                kinds.append(spec.kind)
            }
            #expect(Set(kinds) == Set(ProtocolKind.allCases) && kinds.count { $0 == .ablation } >= 4)
            // The paper's seven rows.
            let rows = try ProtocolFile.read(path: sessions + "/protocols/base-to-novel.toml", workingFolder: folder.path).methods
            #expect(rows.count == 7)
        }
    }
}
