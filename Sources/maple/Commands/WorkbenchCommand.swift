import ArgumentParser
import Foundation
import RunStore
import Screen
import SessionFile
import TerminalUI
import ThemeFile

extension Glyphs: ExpressibleByArgument {}
extension ColorChoice: ExpressibleByArgument {}

/// How the workbench looks and where it keeps things; shared by every command that opens it.
struct WorkbenchLook: ParsableArguments {
    @Option(help: "Folder of session files (default: ./sessions, the user's, and those that came with the program).")
    var sessions: String?

    @Option(help: "Folder that holds the run folders (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Option(help: "Theme by name: dark, light, high-contrast, colour-blind-safe, monochrome, or a file of your own (default: as last time).")
    var theme: String?

    @Option(help: "Characters to draw with (default: as last time, else what the locale allows).")
    var glyphs: Glyphs?

    @Option(help: "Colours: auto asks the terminal and NO_COLOR.")
    var color: ColorChoice = .auto

    @Flag(name: .customLong("no-mouse"), help: "Leave the mouse to the terminal.")
    var leavesMouse = false

    @Option(name: .customLong("escape-delay"), help: "Milliseconds that a lone escape key is waited on.")
    var escapeDelay = 25

    @OptionGroup var compute: ThreadOptions

    func validate() throws {
        guard (0...10_000).contains(escapeDelay) else { throw ValidationError("--escape-delay must be from 0 to 10000") }
    }
}

/// `maple` without a command: the workbench.
struct WorkbenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workbench", abstract: "Open the workbench (what maple does without a command).",
        discussion: "Train, watch, evaluate and compare in the terminal. Press ? inside for all keys.")

    @OptionGroup var look: WorkbenchLook

    @Argument(help: .hidden)
    var words: [String] = []

    func validate() throws {
        guard let word = words.first else { return }
        throw ValidationError("there is no command “\(word)”. `maple --help` lists them; `maple` alone opens the workbench.")
    }

    func run() throws { try WorkbenchSession(look).open() }
}

/// Opens the workbench on real sessions and runs.
struct WorkbenchSession {
    private let look: WorkbenchLook
    private let user = UserFolders()

    init(_ look: WorkbenchLook) { self.look = look }

    /// Runs until the user leaves.
    /// - Parameter firstEffects: done at once, such as starting a session.
    /// - Throws: `ExitCode(2)` where there is no terminal, after the lists as plain lines.
    func open(firstEffects: [Effect] = []) throws {
        let (themes, themeName, preferences, warnings) = try settings()
        let shelf = SessionShelf(folder: look.sessions, user: user)
        let root = UserFolders.absolute(look.runs ?? RunFolder.defaultRoot())
        let backend = LocalBackend(root: root, shelf: shelf, user: user, threads: look.compute.threads)
        let options = WorkbenchOptions(
            themes: themes, themeName: themeName, glyphs: look.glyphs ?? preferences.glyphs, color: look.color,
            mouse: !look.leavesMouse && preferences.mouse, escapeDelay: look.escapeDelay, firstEffects: firstEffects,
            greeting: warnings.first.map { warnings.count > 1 ? "\($0) (and \(warnings.count - 1) more)" : $0 })
        let exit = MainActor.assumeIsolated { Workbench(backend: backend, options: options).run() }
        switch exit {
        case .quit, .hungUp: return
        case .terminated:
            signal(SIGTERM, SIG_DFL)
            raise(SIGTERM)
        case .notATerminal(let reason):
            warnings.forEach { note("warning: \($0)") }
            plainLines(shelf, root)
            note("error: the workbench needs a terminal: \(reason). `maple train SESSION` trains without one, `maple --help` lists the rest.")
            throw ExitCode(2)
        }
    }

    /// Themes of the user and of the program, what was preferred last time, and what was wrong with either.
    private func settings() throws -> (themes: [Theme], name: String?, preferences: Preferences, warnings: [String]) {
        var warnings: [String] = []
        let preferences = Preferences.read(user, warnings: &warnings)
        let (themes, faults) = ThemeFile.readAll(folders: user.themeFolders)
        warnings += faults.map(\.description)
        let names = themes.map(\.name)
        if let wanted = look.theme, !names.contains(wanted) {
            note("error: there is no theme “\(wanted)”. There are \(names.joined(separator: ", ")); your own go to \(user.themeFolders[0]).")
            throw ExitCode(2)
        }
        if let kept = preferences.theme, !names.contains(kept) {
            warnings.append("\(Preferences.file(user)): theme: there is no theme “\(kept)”. The default one is used.")
        }
        return (themes, look.theme ?? preferences.theme, preferences, warnings)
    }

    private func plainLines(_ shelf: SessionShelf, _ root: String) {
        for entry in shelf.entries() {
            say("session  \(entry.name)  \(entry.spec.map { $0.method.name.rawValue } ?? "unreadable")  \(entry.id)")
        }
        for run in (try? RunLibrary(root: root).rows()) ?? [] {
            say("run      \(run.name)  \(run.status.rawValue)  step \(run.step) of \(run.totalSteps)  base \(percent(run.base)) %  new \(percent(run.new)) %  \(run.id)")
        }
    }
}
