/// Where keys are read.
public enum KeyContext: String, Sendable, CaseIterable {
    case home, live, results, evaluation, images, compare
}

/// Everything a key or the palette can ask for.
public enum Action: String, Sendable, CaseIterable {
    // Everywhere
    case help, palette, quit, goHome, goLive, goResults, goCompare, pickTheme, toggleMouse, cycleGlyphs, refresh, redraw, suspend
    // Tables
    case search, sortNext, sortReverse, mark, compareMarked, exportTable, open, back
    // Home
    case switchPane, newSession, editSession, duplicateSession, startSession, queueSession, resumeRun, deleteItem
    // Live
    case pause, singleStep, stop, snapshot, evaluate, learningRate, note, nextPanel, previousPanel, maximise
    case smoother, rougher, logY, logX, axisUnit, zoomIn, zoomOut, panLeft, panRight, cursorLeft, cursorRight, resetView, rawPoints
    case overlay, sortClasses, classList, normKind, nextRun, exportPlot
    // Results and compare
    case groupSeeds, listEvaluations, mapFeatures, featureView, nextSection, previousSection, earlierCheckpoint, laterCheckpoint, nextMember, removeMember, swapMembers
}

/// One line of the key table.
public struct Binding: Sendable {
    public var action: Action
    public var keys: [Key]
    /// One or two words for the footer.
    public var short: String
    /// A sentence for help and palette.
    public var title: String
    public var contexts: Set<KeyContext>
    /// Footer order, lowest first; nil is in help and palette alone.
    public var footer: Int?

    init(_ action: Action, _ keys: [Key], _ short: String, _ title: String, _ contexts: Set<KeyContext>, footer: Int? = nil) {
        self.action = action
        self.keys = keys
        self.short = short
        self.title = title
        self.contexts = contexts
        self.footer = footer
    }
}

/// The one key table: handlers, footer, help and palette all read it.
public enum Keymap {
    private static let everywhere = Set(KeyContext.allCases)
    private static let tables: Set<KeyContext> = [.home, .results, .evaluation, .images, .compare]

    private static func k(_ character: Character) -> Key { .character(character) }

    public static let bindings: [Binding] = [
        // Home
        Binding(.open, [.enter], "open", "Open the chosen thing", [.home, .results, .evaluation], footer: 1),
        Binding(.startSession, [k("s")], "start", "Start the chosen session", [.home], footer: 2),
        Binding(.newSession, [k("n")], "new", "Write a new session in a form", [.home], footer: 3),
        Binding(.editSession, [k("e")], "edit", "Edit the chosen session", [.home], footer: 4),
        Binding(.duplicateSession, [k("d")], "copy", "Make a new session from the chosen one or from a run's", [.home]),
        Binding(.queueSession, [k("u")], "queue", "Queue the chosen session behind the running one", [.home], footer: 6),
        Binding(.resumeRun, [k("r")], "resume", "Resume the chosen run from its last checkpoint", [.home, .results], footer: 5),
        Binding(.deleteItem, [k("D"), .delete], "delete", "Delete the chosen session or run, after a question", [.home, .results]),
        Binding(.switchPane, [.tab, .backTab], "pane", "Go between sessions and runs", [.home], footer: 7),
        // Live: control
        Binding(.pause, [k(" "), k("p")], "pause", "Pause, or go on", [.live], footer: 1),
        Binding(.singleStep, [k(".")], "step", "Take one step, then pause", [.live], footer: 2),
        Binding(.snapshot, [k("s")], "snapshot", "Write a checkpoint now", [.live], footer: 3),
        Binding(.evaluate, [k("e")], "evaluate", "Evaluate base and new classes now", [.live], footer: 4),
        Binding(.learningRate, [k("r")], "rate", "Change the learning rate", [.live], footer: 5),
        Binding(.note, [k("n")], "note", "Add a note to the run", [.live], footer: 8),
        Binding(.stop, [k("S")], "stop", "Stop after this step and save", [.live], footer: 6),
        // Live: panels
        Binding(.nextPanel, [.tab], "panel", "Go to the next panel", [.live], footer: 7),
        Binding(.previousPanel, [.backTab], "back", "Go to the panel before", [.live]),
        Binding(.maximise, [k("z"), .enter], "zoom panel", "Give the panel the whole screen, or put it back", [.live], footer: 9),
        Binding(.smoother, [k("w")], "smoother", "Smooth the curves more", [.live, .compare]),
        Binding(.rougher, [k("W")], "rougher", "Smooth the curves less", [.live, .compare]),
        Binding(.logY, [k("y")], "log y", "Vertical axis linear or logarithmic", [.live, .compare], footer: 11),
        Binding(.logX, [k("x")], "log x", "Horizontal axis linear or logarithmic", [.live, .compare], footer: 12),
        Binding(.axisUnit, [k("a")], "axis", "Horizontal axis in steps, epochs or time", [.live, .compare], footer: 10),
        Binding(.zoomIn, [k("+"), k("=")], "zoom in", "Zoom in at the cursor", [.live, .compare]),
        Binding(.zoomOut, [k("-")], "zoom out", "Zoom out", [.live, .compare]),
        Binding(.panLeft, [k("["), .shiftLeft], "pan left", "Move the view left", [.live, .compare]),
        Binding(.panRight, [k("]"), .shiftRight], "pan right", "Move the view right", [.live, .compare]),
        Binding(.cursorLeft, [.left], "cursor left", "Move the value cursor left", [.live, .compare]),
        Binding(.cursorRight, [.right], "cursor right", "Move the value cursor right", [.live, .compare]),
        Binding(.resetView, [k("0"), .escape], "reset", "Show everything, put the cursor away", [.live]),
        Binding(.rawPoints, [k("d")], "raw", "Show or hide the raw points behind the average", [.live]),
        Binding(.overlay, [k("o")], "overlay", "Lay another run's curves over this one", [.live], footer: 13),
        Binding(.sortClasses, [k("g")], "sort", "Sort classes by accuracy, gain over zero-shot or name", [.live]),
        Binding(.classList, [k("b")], "base/new", "Go between base, new and all classes", [.live, .compare], footer: 6),
        Binding(.normKind, [k("k")], "norms", "Text prompts, vision prompts or couplers; values, gradients or distance", [.live]),
        Binding(.nextRun, [k("v")], "next run", "Watch the next active run", [.live]),
        Binding(.exportPlot, [k("P")], "export plot", "Write the plot as an SVG file", [.live, .evaluation, .compare]),
        // Results and compare
        Binding(.groupSeeds, [k("g")], "group", "Group runs that differ in the seed alone", [.results], footer: 3),
        Binding(.listEvaluations, [k("v")], "evaluations", "List every evaluation of every run, or the runs again", [.results], footer: 4),
        Binding(.nextSection, [.tab], "section", "Go to the next section", [.evaluation, .compare], footer: 3),
        Binding(.previousSection, [.backTab], "back", "Go to the section before", [.evaluation, .compare]),
        Binding(.earlierCheckpoint, [k(",")], "earlier", "An earlier evaluation or checkpoint", [.evaluation, .compare], footer: 4),
        Binding(.laterCheckpoint, [k(".")], "later", "A later evaluation or checkpoint", [.evaluation, .compare], footer: 5),
        Binding(.mapFeatures, [k("f")], "features", "Embed the images and lay them out, or stop that", [.evaluation], footer: 6),
        Binding(.featureView, [k("v")], "t-SNE/PCA", "Lay the features out by t-SNE or by principal components", [.evaluation]),
        Binding(.nextMember, [k("n")], "member", "Choose which compared run the step keys move", [.compare], footer: 7),
        Binding(.swapMembers, [k("s")], "swap", "Swap the two sides", [.compare], footer: 8),
        Binding(.removeMember, [k("D"), .delete], "remove", "Take the chosen run out of the comparison", [.compare]),
        // Tables
        Binding(.back, [.escape, .backspace], "back", "Go back", [.results, .evaluation, .images, .compare], footer: 2),
        Binding(.mark, [k(" ")], "mark", "Mark the run for comparison", [.home, .results], footer: 8),
        Binding(.compareMarked, [k("c")], "compare", "Compare the marked runs", [.home, .results], footer: 9),
        Binding(.sortNext, [k("o")], "sort", "Sort by the next column", tables, footer: 10),
        Binding(.sortReverse, [k("O")], "reverse", "Turn the order round", tables),
        Binding(.search, [k("/")], "search", "Search; an empty search shows everything", everywhere, footer: 11),
        Binding(.exportTable, [k("E")], "export", "Write the table as CSV, Markdown or LaTeX", everywhere, footer: 12),
        // Everywhere
        Binding(.goHome, [k("1"), .function(1)], "home", "Sessions and runs", everywhere),
        Binding(.goLive, [k("2"), .function(2)], "live", "The running training", everywhere),
        Binding(.goResults, [k("3"), .function(3)], "results", "Results of all runs", everywhere),
        Binding(.goCompare, [k("4"), .function(4)], "compare", "Runs side by side", everywhere),
        Binding(.pickTheme, [k("t")], "theme", "Pick a theme", everywhere),
        Binding(.cycleGlyphs, [k("G")], "glyphs", "Braille, block or ASCII drawing", everywhere),
        Binding(.toggleMouse, [k("M")], "mouse", "Give the mouse to the terminal for copying, or take it back", everywhere),
        Binding(.refresh, [k("R"), .function(5)], "refresh", "Read sessions and runs anew", everywhere),
        Binding(.redraw, [.control("l")], "redraw", "Draw the screen anew", everywhere),
        Binding(.suspend, [.control("z")], "suspend", "Suspend the program (training stops with it: asks first)", everywhere),
        Binding(.palette, [k(":"), .control("p")], "commands", "Find a command by name", everywhere, footer: 90),
        Binding(.help, [k("?"), .function(12)], "help", "All keys", everywhere, footer: 91),
        Binding(.quit, [k("q"), .control("c")], "quit", "Quit; asks while training", everywhere, footer: 92),
    ]

    public static func bindings(in context: KeyContext) -> [Binding] { bindings.filter { $0.contexts.contains(context) } }

    public static func action(_ key: Key, in context: KeyContext) -> Action? {
        bindings.first { $0.contexts.contains(context) && $0.keys.contains(key) }?.action
    }

    public static func binding(_ action: Action) -> Binding? { bindings.first { $0.action == action } }

    /// Keys of lists that every table, menu and log understands; shown in help.
    public static let listKeys: [(String, String)] = [
        ("↑ ↓ or j k", "Choose a row"), ("pgup pgdn", "A page up or down"), ("home end", "First or last row"),
    ]
}
