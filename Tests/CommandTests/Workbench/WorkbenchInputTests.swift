import Foundation
import RunModel
import RunStore
import TestSupport
import Testing

/// What the workbench makes of bad settings, sessions, runs and terminals.
@Suite(.serialized) struct WorkbenchWrongInputTests {
    @Test func withoutATerminalThereArePlainLines() throws {
        try withWorkplace { place in
            try place.longSession()
            let ending = try Program.run("maple", ["--sessions", place.folder + "/sessions"], in: place.folder, environment: place.environment)
            #expect(ending.code == 2)
            #expect(ending.output.contains("session  trial  maple"))
            #expect(ending.errors.contains("needs a terminal") && ending.errors.contains("maple train"))
            let dumb = try place.terminal(environment: ["TERM": "dumb"])
            #expect(try #require(dumb.end()) >> 8 == 2)
            #expect(dumb.text.contains("TERM is") && dumb.isRestored)
        }
    }

    @Test func unknownCommandsAndThemesAreNamed() throws {
        try withWorkplace { place in
            let command = try Program.run("maple", ["trian"], in: place.folder, environment: place.environment)
            #expect(command.code == 2 && command.errors.contains("“trian”"))
            let theme = try Program.run("maple", ["--theme", "neon"], in: place.folder, environment: place.environment)
            #expect(theme.code == 2 && theme.errors.contains("“neon”") && theme.errors.contains("monochrome"))
        }
    }

    @Test(arguments: [
        ("[base]\nbackground = \"#zz\"\n", "mine.toml:2: base.background"), ("= \"dark\"\n", "mine.toml:1"),
        ("name = \"mine\"\n[roles]\nnothing = \"#fff\"\n", "mine.toml:3: roles.nothing"),
    ])
    func aBadThemeIsNamedAndTheDefaultUsed(_ text: String, _ wanted: String) throws {
        try withWorkplace { place in
            let themes = place.folder + "/config/maple/themes"
            try FileManager.default.createDirectory(atPath: themes, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(fileURLWithPath: themes + "/mine.toml"))
            let pane = try place.pane(width: 200, height: 60)
            try pane.wait(for: wanted)
            try pane.press("Escape")
            try pane.wait(for: "no sessions yet")
            try pane.press("q")
            #expect(try pane.end() == 0)
        }
    }

    @Test func aBadSessionIsNamedAndTheOthersUsed() throws {
        try withWorkplace { place in
            try place.longSession()
            for (name, text) in [("a-broken", "[optim]\nlr = fast\n"), ("b-unknown", "[model]\npath = \"x\"\n[data]\npath = \"y\"\nshorts = 4\n")] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(place.folder)/sessions/\(name).toml"))
            }
            let pane = try place.pane()
            try pane.wait(for: "a-broken.toml:2")
            try pane.press("s")
            try pane.wait(for: "start: ")
            try pane.press("Down")
            try pane.wait(for: "b-unknown.toml:5")
            try pane.press("Down")
            try pane.wait(for: "rate 0.0035")
            try pane.press("q")
            #expect(try pane.end() == 0)
        }
    }

    @Test func settingsAreKeptAndBadOnesTold() throws {
        try withWorkplace { place in
            let pane = try place.pane()
            try pane.wait(for: "no sessions yet")
            try pane.press("t")
            try pane.wait(for: "monochrome")
            try pane.press("Down", "Enter", "G")
            let file = place.folder + "/config/maple/settings.toml"
            let kept = try waitUntil {
                let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
                return text.contains("theme = \"light\"") && text.contains("glyphs = \"block\"")
            }
            #expect(kept)
            try pane.press("q")
            #expect(try pane.end() == 0)
            try Data("glyphs = \"runes\"\n".utf8).write(to: URL(fileURLWithPath: file))
            let again = try place.pane()
            try again.wait(for: "glyphs:")
            // A long path makes it a window, which any key closes.
            try again.press("Enter")
            try again.wait("no window") { !$0.contains("Please note") && !$0.contains("New session") }
            try again.press("q")
            #expect(try again.end() == 0)
        }
    }

    @Test func aRunCutInTheMiddleOfALineOpens() throws {
        try withWorkplace { place in
            #expect(try place.maple("train", place.session()).code == 0)
            let run = try place.onlyRun()
            for file in [run.metricsFile, run.eventsFile] {
                let data = try Data(contentsOf: URL(fileURLWithPath: file))
                try data.dropLast(20).write(to: URL(fileURLWithPath: file))
            }
            let pane = try place.pane()
            try pane.wait(for: "trial")
            try pane.press("2")
            try pane.wait(for: "base classes:")
            try pane.press("q")
            #expect(try pane.end() == 0)
        }
    }

    @Test func aRunWhoseDataMovedOpensAndSaysSoWhenResumed() throws {
        try withWorkplace { place in
            #expect(try place.maple("train", place.session()).code == 0)
            try FileManager.default.moveItem(atPath: place.data, toPath: place.folder + "/elsewhere")
            let pane = try place.pane()
            try pane.wait(for: "finished")
            try pane.press("2")
            try pane.wait(for: "finished in")
            try pane.press("q")
            #expect(try pane.end() == 0)
        }
    }
}
