import Foundation
import RunStore
import TestSupport
import Testing

/// `maple compare`, `maple show` and `maple runs` on runs that were trained a moment ago.
@Suite struct ScreenCommandTests {
    /// Wrong usage, with a word of what is wrong.
    private func refused(_ ending: Program.Ending, _ part: String) throws {
        #expect(ending.code == 2 && ending.output.isEmpty && ending.errors.hasPrefix("error: ") && ending.errors.contains(part), "\(ending)")
    }

    @Test func comparesShowsAndLists() throws {
        try withWorkplace { place in
            for method in ["maple", "coop"] {
                let session = try place.session("\(method).toml", epochs: 2, every: 1, method: method, more: "")
                let ending = try place.maple("train", session, "--quiet")
                #expect(ending.code == 0, "\(ending.errors)")
            }
            let names = try place.runFolders().map { ($0 as NSString).lastPathComponent }
            try #require(names.count == 2)
            // Zero-shot figures are computed by the first run and taken over by the second.
            for name in names {
                let files = try RunFolder(path: place.runs + "/" + name).evaluationFiles()
                #expect(files.prefix(2) == ["evaluations/0-base-test-zeroshot.json", "evaluations/0-new-test-zeroshot.json"])
            }
            let report = try place.maple("compare", names[0], names[1], "--json").object()
            let members = try #require(report["members"] as? [[String: Any]])
            #expect(members.count == 2 && Set(members.compactMap { $0["method"] as? String }) == ["maple", "coop"])
            let boards = try #require(report["evaluations"] as? [[String: Any]])
            #expect(boards.compactMap { $0["classes"] as? String } == ["base", "new"])
            #expect(((boards[0]["pairs"] as? [[String: Any]])?.first?["p_value"] as? Double).map { (0...1).contains($0) } == true)
            let text = try place.maple("compare", names[0] + "@epoch-0", names[0])
            #expect(text.code == 0 && text.output.contains("McNemar") && text.output.contains("cos A,B"), "\(text.output) \(text.errors)")
            try refused(place.maple("compare", names[0]), "two checkpoints")
            try refused(place.maple("compare", names[0], names[1] + "@epoch-9"), "it has epoch-0, epoch-1, epoch-2")

            for screen in ["home", "live", "results", "evaluations", "evaluation", "images", "compare-classes", "compare-prompts", "norms"] {
                let shown = try place.maple("show", screen, "--size", "100x30")
                #expect(shown.code == 0 && shown.output.count(where: \.isNewline) == 30, "\(screen): \(shown.errors)")
            }
            #expect(try place.maple("show", "results", "--ascii").output.allSatisfy(\.isASCII))
            let picture = try place.maple("show", "live", "--svg", "--theme", "light", "--run", names[1])
            #expect(picture.output.hasPrefix("<svg") && picture.output.hasSuffix("</svg>\n"))
            try refused(place.maple("show", "live", "--size", "9x9"), "--size")
            try refused(place.maple("show", "live", "--theme", "plaid"), "dark")

            let listed = try place.maple("runs", "--sort", "method", "--json")
            let rows = try #require(try JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]])
            #expect(rows.compactMap { $0["method"] as? String } == ["coop", "maple"])
            let found = try place.maple("runs", "coop")
            #expect(found.outputLines.count == 2 && found.output.contains("coop"))
            try refused(place.maple("runs", "--sort", "colour"), "colour")
        }
    }
}
