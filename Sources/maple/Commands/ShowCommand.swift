import ArgumentParser
import Foundation
import RunStore
import Screen
import TerminalUI
import ThemeFile

extension ShownScreen: ExpressibleByArgument {}

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print one screen of the workbench once, as text or as an SVG picture.",
        discussion: """
            For documents, scripts and terminals without curses. Screens of one run show --run, or else the one that is running or the \
            newest; screens that compare take --run several times, RUN@STEP for an earlier checkpoint.
            """)

    @Argument(help: "Which screen.")
    var screen: ShownScreen

    @Option(help: ArgumentHelp("Columns and rows, from 20x5 to 400x200.", valueName: "WxH"))
    var size = "120x40"

    @Option(name: .customLong("run"), help: ArgumentHelp("Run folder, its name, a beginning of it, or \"last\".", valueName: "run"))
    var wanted: [String] = []

    @Option(help: "Theme by name: dark, light, high-contrast, colour-blind-safe, monochrome, or one of yours.")
    var theme = "dark"

    @Flag(help: "Draw with ASCII alone.")
    var ascii = false

    @Flag(help: "Draw curves with blocks in place of braille.")
    var block = false

    @Flag(help: "Print an SVG picture.")
    var svg = false

    @Flag(help: "Print colours as escape sequences for 256-colour terminals.")
    var color = false

    @Option(help: "Folder that holds the run folders (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Option(help: "Folder of session files (default: ./sessions and those that came with the program).")
    var sessions: String?

    @Option(help: ArgumentHelp("Seconds since 1970 that ages are counted to (default: now).", visibility: .hidden))
    var now: Double?

    private var dimensions: Size? {
        let parts = size.split(separator: "x").map { Int($0) }
        guard parts.count == 2, let width = parts[0], let height = parts[1], (20...400).contains(width), (5...200).contains(height) else { return nil }
        return Size(width, height)
    }

    func validate() throws {
        if dimensions == nil { throw ValidationError("--size must be COLUMNSxROWS, such as 120x40, from 20x5 to 400x200") }
        if ascii, block { throw ValidationError("--ascii and --block exclude each other") }
        if svg, color { throw ValidationError("--svg and --color exclude each other") }
    }

    func run() throws {
        let library = RunLibrary(root: runs ?? RunFolder.defaultRoot())
        let backend = ReadingBackend(library: library, sessions: SessionShelf(folder: sessions))
        let members = try wanted.map { try Compare.checkpoint($0, in: library.root) }
        let (themes, warnings) = ThemeFile.readAll(folders: UserFolders().themeFolders)
        for warning in warnings { note("warning: \(warning)") }
        guard let chosen = themes.first(where: { $0.name == theme }) else {
            throw ValidationError("no theme is called \(theme); there are \(themes.map(\.name).joined(separator: ", "))")
        }
        let hasColor = svg || color
        let grid = ScreenPrinter.grid(
            screen, backend: backend, members: members, size: dimensions ?? Size(120, 40), glyphs: ascii ? .ascii : (block ? .block : .braille),
            hasColor: hasColor, theme: chosen, now: now ?? Date().timeIntervalSince1970)
        let text = ScreenPrinter.text(grid, svg: svg, theme: chosen, color: color ? .indexed256 : nil)
        say(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
}
