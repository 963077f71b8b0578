import Foundation
import RunModel
import TestSupport
import Testing

@testable import SessionFile

@Suite struct SessionFaultTests {
    /// Another kind of session is one fault, with the command that takes it.
    @Test(arguments: [("pretrain", "maple pretrain s.toml"), ("ablation", "maple ablation s.toml"), ("base-to-novel", "maple protocol s.toml"), ("x", "unknown key kind")])
    func otherKindsNameTheirCommand(kind: String, command: String) throws {
        let error = try #require(throws: SessionDiagnostics.self) {
            try SessionFile.parse(text: "kind = \"\(kind)\"\nwrong = 1\n[optim]\nbeta1 = 0.5\n", name: "s.toml")
        }
        #expect(error.diagnostics.count == 1 && error.description.contains("s.toml:1: ") && error.description.contains(command))
    }

    @Test func gathersEveryFaultWithItsLine() {
        let text = """
            name = "x"
            seed = 1.5
            [model]
            path = 3
            [data]
            path = "d"
            template = "a photo"
            shots = 0
            [method]
            name = "mapel"
            [optim]
            learning_rate = 0.1
            epochs = -1
            momentum = 1
            [eval]
            classes = [
                "base",
                "novel",
            ]
            [metod]
            name = "maple"
            """
        let found = faults(text)
        #expect(found.count == 10)
        #expect(found.map { String($0.prefix { $0 != " " }) } == [2, 4, 7, 8, 10, 12, 13, 14, 18, 20].map { "s.toml:\($0):" })
        #expect(found[0] == "s.toml:2: seed is 1.5; it wants a whole number.")
        #expect(found[2].contains("without {}"))
        #expect(found[4].contains("Did you mean \"maple\"?") && found[4].contains("\"cocoop\""))
        #expect(found[5] == "s.toml:12: unknown key optim.learning_rate. Did you mean optim.lr?")
        #expect(found[6] == "s.toml:13: optim.epochs is -1; it must be a whole number from 1 to 100000.")
        #expect(found[7].contains("from 0 and below 1"))
        #expect(found[9] == "s.toml:20: unknown table [metod]. Did you mean [method]?")
    }

    @Test(arguments: [
        ("optim.lrr = 1", "Did you mean optim.lr?"),
        ("data.lr = 1", "Did you mean optim.lr?"),
        ("optim.batch_size = 1", "Did you mean optim.batch?"),
        ("eval.batch_size = 1", "Did you mean eval.batch?"),
        ("method.n_ctx = 1", "Did you mean method.context?"),
        ("sed = 1", "Did you mean seed?"),
        ("lr = 1", "Did you mean optim.lr?"),
        ("optim.zzzzzzzz = 1", "[optim] knows lr, epochs"),
        ("optim.lr.x = 1", "it wants a number above 0"),
        ("optim = 3", "it wants a table"),
        ("optim.lr = nan", "above 0"),
        ("optim.lr = inf", "above 0"),
        ("optim.lr = 0", "above 0"),
        ("optim.lr = 1979-05-27", "is a date"),
        ("optim.warmup_epochs = 6", "more than the 5 of optim.epochs"),
        ("method.context = 65", "1 to 64"),
        ("eval.classes = []", "empty list"),
        ("eval.classes = ['base', 'base']", "twice"),
        ("data.shots = 'many'", "or \"all\""),
        ("seed = 9223372036854775808", "not valid TOML"),
        ("[[optim]]\nlr = 1", "it wants a table"),
        ("seed = 1\nseed = 2", "s.toml:4: not valid TOML"),
        ("seed = ", "s.toml:3: not valid TOML"),
        ("name = 'a\nb'", "s.toml:3: not valid TOML"),
        ("name = \"a\\u0000b\"", "s.toml:3: a string holds an escaped NUL"),
        ("name = \"a\\nb\"", "line break"),
        ("data.split = ''", "data.split is empty"),
    ])
    func saysWhatIsRight(_ line: String, _ expected: String) {
        let found = faults(shortSession + line)
        #expect(found.count == 1)
        #expect(found.first?.contains(expected) == true, "\(found)")
    }

    @Test func missingKeysNameTheirTable() {
        #expect(faults("[model]\n[data]\npath = 'd'") == ["s.toml:1: model.path is missing. Write it under [model]."])
        #expect(faults("").count == 2)
    }

    @Test(arguments: [
        ("optim.lr", "key=value"), ("optim.rl=1", "Did you mean optim.lr?"), ("optim.lr=fast", "it wants a number above 0"),
        ("optim=1", "is a table"), ("optim.lr=1\nseed=2", "control characters"), ("method.name=mapel", "Did you mean"),
        ("seed=1 # x = 2", ""), ("data.shots=0", "from 1"), ("eval.classes=base,", "holds \"\""), ("=1", "unknown key"),
        ("seed={a=1}", "is a table"), ("optim.warmup_epochs=9", "optim.warmup_epochs is 9"),
    ])
    func wrongOverridesNameThemselves(_ override: String, _ expected: String) {
        let found = faults(shortSession, overrides: [override])
        if expected.isEmpty {
            #expect(found.isEmpty)
        } else {
            #expect(found.count == 1)
            #expect(found.first?.hasPrefix("--set ") == true && found.first?.contains(expected) == true, "\(found)")
        }
    }

    @Test func stringsOverSeveralLinesDoNotShiftLines() {
        let text = "[model]\npath = '''\na\n[optim]\nlr = \"x\"\n'''\n[data]\npath = \"\"\"\nd \\\"\"\" \\\n \"\"\"\n[optim]\n\nlr = 'x'"
        #expect(faults(text).map { $0.prefix(10) } == ["s.toml:13:"], "\(faults(text))")
        let inline = "model = {path = 'm'}\ndata = {path = 'd'}\noptim = {lr = 1,\n\t momentum = 2}"
        #expect(!faults(inline).isEmpty)
        let onOneLine = "model = {path = 'm'}\ndata = {path = 'd'}\noptim = {lr = -1, 'momentum' = 2}"
        #expect(faults(onOneLine).allSatisfy { $0.hasPrefix("s.toml:3:") } && faults(onOneLine).count == 2)
        #expect(faults("model.path='m'\ndata.path='d'\n\noptim . \"l\\u0072\" = -1").first?.hasPrefix("s.toml:4:") == true)
    }
}

@Suite struct SessionFolderTests {
    @Test func resolvesPaths() throws {
        try Places.withTemporaryFolder { root in
            let make = { try FileManager.default.createDirectory(atPath: root.path + "/" + $0, withIntermediateDirectories: true) }
            for folder in ["sessions/near", "work/far", "work/near", "sessions/data"] { try make(folder) }
            try Data("{}".utf8).write(to: root.appendingPathComponent("sessions/data/split.json"))
            let file = root.path + "/sessions/s.toml"
            func read(_ text: String, _ overrides: [String] = []) throws -> SessionSpec {
                try Data(text.utf8).write(to: URL(fileURLWithPath: file))
                return try SessionFile.read(path: file, overrides: overrides, workingFolder: root.path + "/work")
            }
            var spec = try read("model.path = './near/'\ndata.path = 'data'\ndata.split = 'split.json'")
            #expect(spec.model.path == root.path + "/sessions/near")
            #expect(spec.data.split == "split.json")
            #expect(spec.name == "s")
            spec = try read("model.path = 'far'\ndata.path = '../work/far'\ndata.split = 'data/split.json'")
            #expect(spec.model.path == root.path + "/work/far")
            #expect(spec.data.path == root.path + "/work/far")
            #expect(spec.data.split == root.path + "/sessions/data/split.json")
            spec = try read("model.path = 'far'\ndata.path = 'far'", ["model.path=near"])
            #expect(spec.model.path == root.path + "/work/near")

            do {
                _ = try read("model.path = 'no'\ndata.path = '/no/where'\n", ["data.split=s.json"])
                Issue.record("read what does not exist")
            } catch let error as SessionDiagnostics {
                #expect(error.diagnostics.count == 2)
                #expect(error.diagnostics[0].line == 1)
                #expect(error.diagnostics[0].message.contains("\(root.path)/sessions/no and \(root.path)/work/no"))
                #expect(error.diagnostics[1].message.contains("tried /no/where."))
            }
        }
    }

    @Test func refusesWhatIsNoSession() throws {
        try Places.withTemporaryFolder { (root: URL) throws in
            func message(_ name: String, _ bytes: [UInt8]? = nil) throws -> String {
                let path = root.path + "/" + name
                if let bytes { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
                do {
                    _ = try SessionFile.read(path: path)
                    return "read"
                } catch let error as SessionDiagnostics {
                    #expect(error.diagnostics.count == 1)
                    return error.diagnostics[0].description.replacingOccurrences(of: root.path + "/", with: "")
                }
            }
            #expect(try message("none.toml").contains("no such file"))
            #expect(try message("").contains("a folder"))
            #expect(mkfifo(root.path + "/pipe", 0o600) == 0)
            #expect(try message("pipe").contains("not a regular file"))
            #expect(try message("nul", Array("seed = 1\nname = \"\0\"".utf8)).hasPrefix("nul:2: this line holds a NUL"))
            #expect(try message("latin", Array("a = 1\n\n# ".utf8) + [0xE9, 0x0A]).hasPrefix("latin:3: this line is not UTF-8"))
            #expect(try message("huge", [UInt8](repeating: 0x20, count: 1 << 20 + 1)).contains("at most 1048576"))
            let deep = String(repeating: "[", count: 500_000)
            #expect(try message("deep", Array("a = \(deep)".utf8)).hasPrefix("deep:1: values are nested deeper"))
            let dotted = (0..<400_000).map { _ in "a" }.joined(separator: ".")
            #expect(try message("dotted", Array("\n\(dotted) = 1".utf8)).hasPrefix("dotted:2: values are nested deeper"))
            #expect(try message("tables", Array("[\(dotted)]".utf8)).contains("nested deeper"))
            let braces = String(repeating: "{a=", count: 100_000)
            #expect(try message("braces", Array("a = \(braces)".utf8)).contains("nested deeper"))
            #expect(try message("bad dots", Array("? \(dotted) = 1".utf8)).contains("not valid TOML"))
        }
    }

    /// Mutations of a sound session: each is read or refused with diagnostics, in bounded time.
    @Test func survivesMutations() {
        let seed: UInt64 = 20_25
        var generator = SplitMix(state: seed)
        let original = Array((wholeSession + "\n[recorded]\na = '''x'''\nb = [1, {c = 2}]\n").utf8)
        let pieces = ["\"\"\"", "'''", "[", "]", "{", "}", "=", ".", "\n", "#", "\\", "\"", "'", "[[", "1e999", "\u{0}", "\u{2028}", "\u{A0}", "\u{85}", "\r", "?", "- ", "0x", "1979-05-27 07:32", "{a=", "= [", "0_1", "+", "\u{FEFF}", ",", "é"]
        var read = 0
        let count = ProcessInfo.processInfo.environment["MAPLE_MUTATIONS"].flatMap { Int($0) } ?? 5000
        for round in 0..<count {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(contentsOf: Array(pieces.randomElement(using: &generator)!.utf8), at: at)
                case 3: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...60, using: &generator)))
                default:
                    let from = Int.random(in: 0..<bytes.count, using: &generator)
                    let part = Array(bytes[from..<min(bytes.count, from + Int.random(in: 1...80, using: &generator))])
                    bytes.insert(contentsOf: part, at: at)
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            do {
                let spec = try SessionFile.parse(text: text, name: "s")
                read += 1
                #expect(SessionFile.validate(spec).isEmpty, "seed \(seed), round \(round)")
            } catch let error as SessionDiagnostics {
                #expect(!error.diagnostics.isEmpty)
                #expect(error.description.split(separator: "\n").count <= 51)
            } catch {
                Issue.record("seed \(seed), round \(round): \(error)")
            }
        }
        print("session mutations: \(count) texts, \(read) still sound")
    }
}
