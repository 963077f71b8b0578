import Foundation
import RunModel
@testable import SessionFile
import TestSupport
import Testing

/// What an edit leaves of a file that a person wrote.
@Suite struct SessionEditTests {
    private func edited(_ text: String, _ change: (inout SessionSpec) -> Void) throws -> (before: String, after: String, spec: SessionSpec) {
        try Places.withTemporaryFolder { url in
            let folder = url.path
            for name in ["m", "d"] { try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true) }
            let path = folder + "/s.toml"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            var spec = try SessionFile.read(path: path)
            change(&spec)
            let after = SessionFile.edit(path: path, as: spec)
            try after.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(try SessionFile.read(path: path) == spec)
            return (text, after, spec)
        }
    }

    private let text = """
        # My pets.
        seed = 1      # the paper has three

        [model]
        path = "m"    # small

        [data]
        path = "d"
        shots = 16    # all that the paper takes

        [method]
        name = "maple"
        depth = 9

        [eval]
        classes = ["base", "new"]
        """

    @Test func changesOneValueAndKeepsTheRest() throws {
        let found = try edited(text) { $0.data.shots = 4 }
        #expect(found.after == found.before.replacing("shots = 16 ", with: "shots = 4 "))
    }

    @Test func addsKeysWhereTheyBelongAndTables() throws {
        let found = try edited(text) {
            $0.method.context = 4
            $0.optim.lr = 0.01
            $0.seed = 7
        }
        #expect(found.after.contains("depth = 9\ncontext = 4\n"))
        #expect(found.after.contains("[optim]\nlr = 0.01\n"))
        #expect(found.after.contains("seed = 7      # the paper has three") && found.after.contains("# small"))
    }

    @Test func takesKeysAwayThatNoLongerHold() throws {
        let found = try edited(text.replacing("name = \"maple\"", with: "name = \"independent\"\nvision_depth = 3   # shallow")) {
            $0.method.visionDepth = nil
        }
        #expect(!found.after.contains("vision_depth") && found.after.contains("# My pets."))
    }

    @Test func unusualSpellingsAreWrittenAnew() throws {
        let found = try edited("model.path = 'm'\ndata = { path = 'd', shots = 2 }\neval.classes = ['base']\n") {
            $0.data.shots = 3
            $0.optim.epochs = 2
            $0.data.flip = false
        }
        #expect(found.spec.data.shots == 3)
    }

    /// A key that goes and a value that changes on one line: the file is written anew, and nothing is cut twice.
    @Test func changesThatMeetOnOneLine() throws {
        let found = try edited("model = { path = 'm' }\ndata = { path = 'd' }\nmethod = { name = 'independent', vision_depth = 3, vision_context = 2 }") {
            $0.method.name = .maple
            $0.method.visionDepth = nil
            $0.method.visionContext = nil
        }
        #expect(found.spec.method.name == .maple && found.spec.method.visionDepth == nil)
    }

    @Test func namesAFileThatHadNoName() throws {
        let found = try edited("# Mine.\n[model]\npath = 'm'\n[data]\npath = 'd'\n[eval]\nclasses = ['base']") {
            $0.name = "pets"
            $0.optim.epochs = 2
        }
        #expect(found.after == "name = \"pets\"\n" + found.before + "\n\n[optim]\nepochs = 2\n")
    }

    @Test func nothingChangedIsTheSameText() throws {
        let found = try edited(text) { _ in }
        #expect(found.after == found.before)
    }
}
