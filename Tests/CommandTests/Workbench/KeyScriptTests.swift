import Foundation
import RunModel
import RunStore
import TestSupport
import Testing

/// Real keys through tmux, from an empty folder to a trained, evaluated and compared pair of runs.
@Suite(.serialized, .enabled(if: Tmux.isInstalled)) struct KeyScriptTests {
    /// Goes to a field, empties it and types.
    private func fill(_ pane: Tmux, down: Int, _ text: String) throws {
        for _ in 0..<down { try pane.press("Down") }
        try pane.press("C-e", "C-u")
        try pane.type(text)
    }

    @Test func fromNothingToAComparedPair() throws {
        try Places.withTemporaryFolder { folder in
            let place = try Workplace(folder, classes: nil)
            try Pictures.classFolders(in: place.data, classes: ["ash tree", "bat", "cat", "dog"], train: 4, test: 4)
            let pane = try place.pane()
            try pane.wait(for: "no sessions yet")
            try pane.press("n")
            try pane.wait(for: "New session")
            try fill(pane, down: 0, "first")
            try fill(pane, down: 1, Workplace.model)
            try pane.wait(for: "CLIP ViT")
            try fill(pane, down: 1, place.data)
            try pane.wait(for: "classes,")
            try fill(pane, down: 3, "4")
            try fill(pane, down: 5, "2")
            try fill(pane, down: 3, "2")
            try pane.wait(for: "Everything is right")
            try pane.press("C-s")
            try pane.wait(for: "written: ")
            try pane.wait("the new session") { $0.contains("first") && !$0.contains("New session") }

            try pane.press("s")
            try pane.wait(for: "finished in", seconds: 300)
            try pane.wait("its evaluation") { $0.contains("base classes:") && $0.contains("new classes:") }

            // A second one: the same with another method.
            try pane.press("1", "d")
            try pane.wait(for: "Copy session")
            try fill(pane, down: 0, "second")
            for _ in 0..<8 { try pane.press("Down") }
            try pane.press("Left")
            try pane.wait("another method") { $0.contains("independent") }
            try pane.press("C-s")
            // Its row, which alone holds the method: a line below says its name sooner.
            try pane.wait("both sessions") { $0.contains("second") && $0.contains("independent") && !$0.contains("Copy session") }
            try pane.press("Down", "s")
            try pane.wait(seconds: 300, "the second run") { $0.contains("second") && $0.contains("finished in") }

            try pane.press("3")
            try pane.wait("both results") { $0.contains("independent") && $0.contains("maple ") && $0.contains("Results") }
            // The run that was chosen before is still chosen: from the top.
            try pane.press("Home", "Space", "Space", "c")
            try pane.wait("the settings that differ") { $0.contains("method.name") || $0.contains("method") }
            try pane.press("Tab")
            try pane.wait(for: "Accuracy, base classes")
            try pane.press("Tab")
            try pane.wait(for: "Accuracy per class")
            try pane.press("Tab")
            try pane.wait(for: "McNemar p")
            try pane.press("q")
            #expect(try pane.end() == 0)

            let runs = try RunList.scan(place.runs)
            #expect(runs.count == 2)
            for run in runs { #expect(run.state == .finished && run.base != nil && run.new != nil) }
            #expect(Set(runs.map(\.method)) == [.maple, .independent])
        }
    }

    @Test func everyControlOfARunningRun() throws {
        try withWorkplace { place in
            try place.longSession()
            let pane = try place.pane()
            try pane.wait(for: "trial")
            try pane.press("s")
            try pane.wait(for: "Loss")
            try pane.press("p")
            try pane.wait("paused") { $0.contains("paused") && !$0.contains("pausing") }
            let run = try place.onlyRun()
            let before = try run.metrics().points.count
            try pane.press(".")
            #expect(try waitUntil { try run.metrics().points.count == before + 1 })
            try pane.press("s")
            try pane.wait(for: "checkpoint step-\(before + 1)")
            try pane.press("e")
            try pane.wait("both evaluations") { $0.contains("base classes:") && $0.contains("new classes:") }
            try pane.press("r")
            try pane.wait(for: "Learning rate")
            try pane.press("C-u")
            try pane.type("1e-4")
            try pane.press("Enter")
            try pane.wait(for: "learning rate set to 1e-4")
            try pane.press("n")
            try pane.type("q means nothing here")
            try pane.press("Enter")
            try pane.wait(for: "note: q means nothing here")
            try pane.press("Space")
            #expect(try waitUntil { try run.metrics().points.count > before + 5 })
            // What is queued begins when this one has been stopped.
            try pane.press("1", "u")
            try pane.wait(for: "(queued)")
            try pane.press("2", "S")
            #expect(try waitUntil { try place.runFolders().count == 2 }, "the queue goes on")
            try pane.wait("the next run") { $0.contains("started:") && !$0.contains("stopped; it can be resumed") }
            try pane.press("S")
            try pane.wait(for: "stopped; it can be resumed")
            // Delete asks, and takes one.
            try pane.press("1", "Tab", "D")
            try pane.wait(for: "cannot be undone")
            try pane.press("d")
            #expect(try waitUntil { try place.runFolders().count == 1 })
            try pane.press("q")
            #expect(try pane.end() == 0)
        }
    }
}
