import Foundation
import RunModel
import RunStore
import SessionFile
import TestSupport
import Testing

/// `maple demo` and `maple data draw`.
@Suite(.serialized) struct DemoTests {
    /// A folder with the shipped sessions and a model of two layers in place of the shipped one.
    private func home(in place: Workplace) throws -> String {
        let home = place.folder + "/home"
        try FileManager.default.createDirectory(atPath: home + "/sessions", withIntermediateDirectories: true)
        let shipped = Places.root.appendingPathComponent("sessions/demo").path
        try FileManager.default.createDirectory(atPath: home + "/sessions/demo", withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: shipped) where name != "model" {
            try FileManager.default.copyItem(atPath: shipped + "/" + name, toPath: home + "/sessions/demo/" + name)
        }
        try FileManager.default.createSymbolicLink(atPath: home + "/sessions/demo/model", withDestinationPath: Workplace.model)
        return home
    }

    private static let quick = ["--set", "method.depth=2", "--set", "optim.epochs=1", "--set", "data.shots=1", "--threads", "1"]

    @Test func drawsTrainsAndCompares() throws {
        try withWorkplace(classes: nil) { place in
            let home = try home(in: place), drawings = place.folder + "/drawings"
            let words = ["demo", "--plain", "--home", home, "--drawings", drawings] + Self.quick
            let first = try place.maple(words + ["--json"])
            try #require(first.code == 0, "\(first.errors)")
            let report = try first.object()
            #expect(report["method"] as? String == "maple")
            let run = try RunFolder.open(try #require(report["run"] as? String))
            let overview = try #require(RunList.overview(run))
            #expect(overview.state == .finished && overview.classes == .base && overview.data == drawings + "/figures")
            for (name, figures) in [("zeroshot", report["zeroshot"]), ("trained", report["trained"])] {
                let figures = try #require(figures as? [String: Any], "\(name)")
                for key in ["base", "new", "harmonic_mean"] { #expect((0...1).contains(figures[key] as? Double ?? -1), "\(name) \(key)") }
            }
            #expect((report["trained"] as? [String: Any])?["base"] as? Double == overview.base)
            #expect(try place.runFolders().count == 2)

            // Again, for people: what is drawn is used, and the table holds both rows.
            let second = try place.maple(words)
            #expect(second.code == 0 && !second.errors.contains("drawn:"), "\(second.errors)")
            for part in ["zero-shot CLIP", "MaPLe", "harmonic mean", "to browse:"] { #expect(second.output.contains(part), "\(second.output)") }

            // Something else at the place of the drawings is left alone.
            try FileManager.default.removeItem(atPath: drawings + "/figures/images/white_plain_star/0001.png")
            try place.maple(words).expectRefusal(code: 1, lines: 1, "drawings/figures", "changed since")
        }
    }

    @Test func whatIsMissingIsNamed() throws {
        try withWorkplace(classes: nil) { place in
            try place.maple("demo", "--home", place.folder).expectRefusal(code: 1, lines: 1, "sessions/demo/maple.toml", "--home")
            let home = try home(in: place)
            try FileManager.default.removeItem(atPath: home + "/sessions/demo/model")
            try place.maple("demo", "--home", home).expectRefusal(code: 1, lines: 1, "model is missing", "maple pretrain")
            try place.maple("demo", "--all", "--method", "coop").expectRefusal(code: 2, lines: 1, "--all")
        }
    }

    /// Every shipped session can be read, and each names the drawn data by one split file.
    @Test func shippedSessionsAreRight() throws {
        try withWorkplace(classes: nil) { place in
            let demo = try home(in: place) + "/sessions/demo"
            #expect(try place.maple("data", "draw", "figures", demo + "/figures", "--images-per-class", "4").code == 0)
            for method in MethodName.allCases {
                let spec = try SessionFile.read(path: "\(demo)/\(method.rawValue).toml")
                #expect(spec.method.name == method && spec.data.path == demo + "/figures" && spec.eval.classes == [.base, .new])
            }
            let kinds = try ["base-to-novel", "cross-dataset", "domain-generalisation"].map { name in
                let spec = try ProtocolFile.read(path: "\(demo)/protocols/\(name).toml")
                #expect(spec.seeds == [1, 2, 3])
                return spec.kind
            }
            #expect(kinds == [.baseToNovel, .crossDataset, .domainGeneralisation])
            let methods = try ProtocolFile.read(path: demo + "/protocols/base-to-novel.toml").methods
            #expect(methods.count == MethodName.allCases.count)
        }
    }

    @Test func dataDraw() throws {
        try withWorkplace(classes: nil) { place in
            let words = ["data", "draw", "fills", "fills", "--images-per-class", "4"]
            let first = try place.maple(words + ["--json", "--sheet", "sheet.png"])
            let report = try first.object()
            #expect(report["images"] as? Int == 24 && report["classes"] as? Int == 6 && report["used_as_it_is"] as? Bool == false)
            #expect(report["split"] as? String == "split_zhou_Fills.json")
            #expect(FileManager.default.fileExists(atPath: place.folder + "/sheet.png"))
            #expect(try place.maple("data", "check", "fills", "--json").object()["test"] as? Int == 18)
            let second = try place.maple(words)
            #expect(second.code == 0 && second.output.hasPrefix("used as it is: fills, 24 images of 6 classes"), "\(second.output)")
            try place.maple(words + ["--seed", "2"]).expectRefusal(code: 1, lines: 1, "from seed 1, not 2")
            let captions = try place.maple("data", "draw", "captions", "captions", "--images", "5")
            #expect(captions.code == 0 && captions.output.contains("5 images with captions"))
            for wrong in [
                ["nothing", "x"], ["figures"], ["fills", "x", "--images", "3"], ["captions", "x", "--images-per-class", "4"],
                ["fills", "x", "--images-per-class", "3"], ["captions", "x", "--images", "0"],
            ] {
                let ending = try place.maple(["data", "draw"] + wrong)
                #expect(ending.code == 2 && ending.output.isEmpty && ending.errors.hasPrefix("error: "), "\(wrong) \(ending)")
            }
        }
    }
}
