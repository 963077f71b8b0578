import CTerminal
import Foundation
import Screen

public struct WorkbenchOptions: Sendable {
    public var themes: [Theme]
    public var themeName: String?
    /// nil takes what the locale allows.
    public var glyphs: Glyphs?
    public var color: ColorChoice
    public var mouse: Bool
    /// Milliseconds that a lone ESC is waited on.
    public var escapeDelay: Int
    /// Done after the lists are asked for: `.start(spec)` for a demo, `.loadTrace(id)` for a run to open.
    public var firstEffects: [Effect]
    /// Said in the footer at first: warnings of theme files.
    public var greeting: String?

    public init(
        themes: [Theme] = Theme.builtIn, themeName: String? = nil, glyphs: Glyphs? = nil, color: ColorChoice = .auto, mouse: Bool = true,
        escapeDelay: Int = 25, firstEffects: [Effect] = [], greeting: String? = nil
    ) {
        self.themes = themes
        self.themeName = themeName
        self.glyphs = glyphs
        self.color = color
        self.mouse = mouse
        self.escapeDelay = escapeDelay
        self.firstEffects = firstEffects
        self.greeting = greeting
    }
}

/// How the workbench ended.
public enum WorkbenchExit: Sendable, Equatable {
    case quit
    /// SIGTERM: raise it again after cleaning up.
    case terminated
    /// The terminal went away; own runs were carried on to their end.
    case hungUp
    /// No screen could be opened: fall back to plain lines.
    case notATerminal(String)
}

/// The loop that owns the terminal: wait for input or events, reduce, draw what changed.
///
/// Runs on the main thread until the user leaves. While nothing happens it waits in `poll` without a time-out and sends nothing.
@MainActor
public final class Workbench {
    private let options: WorkbenchOptions
    private let mailbox = Mailbox()
    private let runner: EffectRunner
    private var state: WorkbenchState
    private var screen: CursesScreen
    private var reader = InputReader()
    private var exit: WorkbenchExit?
    private var isHeadless = false
    private var isDirty = true
    private var isUrgent = true
    private var lastFrame = ContinuousClock.now - .seconds(10)
    private var lastTick = ContinuousClock.now - .seconds(10)

    /// Frames that events alone cause are drawn this far apart at least: smooth to look at, thrifty over SSH.
    private static let eventPace = Duration.milliseconds(500)
    /// After a frame that changed much they wait longer, so that a line carries so many cells a second at most (about 10 bytes each,
    /// with their colours). Keys are answered at once.
    private static let cellsPerSecond = 800
    private var eventPause = eventPace
    private static let keyPace = Duration.milliseconds(16)

    public init(backend: any WorkbenchBackend, options: WorkbenchOptions = WorkbenchOptions()) {
        self.options = options
        runner = EffectRunner(backend: backend, mailbox: mailbox)
        state = WorkbenchState(size: Size(80, 24), themes: options.themes)
        if let place = state.themes.firstIndex(where: { $0.name == options.themeName }) { state.themeIndex = place }
        screen = CursesScreen(theme: state.theme)
        state.isMouseOn = options.mouse
    }

    public func run() -> WorkbenchExit {
        let abilities = TerminalAbilities.detect()
        if let problem = abilities.problem { return .notATerminal(problem) }
        guard screen.open(choice: options.color, abilities: abilities, escapeDelay: options.escapeDelay) else {
            return .notATerminal("the terminal type “\(abilities.type)” is not known or cannot place the cursor")
        }
        terminal_install_crash_handlers()
        terminal_install_signals(mailbox.event)
        terminal_set_mouse(options.mouse)
        state.glyphs = abilities.isUTF8 ? (options.glyphs ?? abilities.glyphs) : .ascii
        state.hasColor = screen.tier != .mono
        state.size = screen.size
        take(.tick(Self.now))
        for effect in WorkbenchState.firstEffects + options.firstEffects { perform(effect) }
        if let greeting = options.greeting { state.greet(greeting) }
        while true {
            if isDirty { drawWhenDue() }
            if let exit, !mustWait { return finish(exit) }
            wait()
        }
    }

    // MARK: One turn

    private func wait() {
        let found = terminal_wait(mailbox.event, timeout, !isHeadless)
        let signals = takeSignals()
        if found & 4 != 0 { hangUp() }
        if found & 2 != 0 {
            for input in mailbox.drain() { take(input, urgent: isUrgent(input)) }
        }
        // A resize interrupts the poll without any input: curses tells of it when read.
        if !isHeadless, found & 2 == 0 || found & 1 != 0 || signals {
            for input in reader.read(expected: found & 1 != 0) { take(input) }
            if reader.emptyReads > 50 { hangUp() }
        }
        if needsTicks, ContinuousClock.now - lastTick >= .milliseconds(990) { tick() }
    }

    private func isUrgent(_ input: Input) -> Bool {
        if case .run(_, .step) = input { return false }
        if case .run(_, .evaluationProgress) = input { return false }
        return true
    }

    private func take(_ input: Input, urgent: Bool = true) {
        // Without ticks the state's clock stands still: a message that is said now must not count as an old one.
        state.now = Self.now
        for effect in state.reduce(input) { perform(effect) }
        // A run that was on its way when the user left has begun: it ends as the others do.
        if case .answer(.started) = input, let exit, exit != .hungUp { perform(.stopTraining) }
        isDirty = true
        isUrgent = isUrgent || urgent
    }

    private func tick() {
        lastTick = .now
        if !state.ownActiveRuns.isEmpty, let bytes = Self.residentBytes() { take(.memory(bytes), urgent: false) }
        take(.tick(Self.now), urgent: false)
    }

    private var needsTicks: Bool { state.status != nil || state.runs.contains { $0.status.isActive } }

    /// Milliseconds until something has to be done without input; -1 waits for ever.
    private var timeout: Int32 {
        var due: [Duration] = []
        let now = ContinuousClock.now
        if isDirty, !isHeadless { due.append(lastFrame + (isUrgent ? Self.keyPace : eventPause) - now) }
        if needsTicks { due.append(lastTick + .milliseconds(1000) - now) }
        guard let least = due.min() else { return -1 }
        let parts = least.components
        let milliseconds = parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000 + 1
        return Int32(max(0, min(60_000, milliseconds)))
    }

    private func drawWhenDue() {
        guard !isHeadless else {
            isDirty = false
            return
        }
        guard ContinuousClock.now - lastFrame >= (isUrgent ? Self.keyPace : eventPause) else { return }
        screen.setTheme(state.theme)
        let before = screen.cellsSent
        if !screen.show(state.render()) { hangUp() }
        let milliseconds = (screen.cellsSent - before) * 1000 / Self.cellsPerSecond
        eventPause = max(Self.eventPace, .milliseconds(min(2000, milliseconds)))
        lastFrame = .now
        isDirty = false
        isUrgent = false
    }

    // MARK: Effects that belong to the terminal

    private func perform(_ effect: Effect) {
        switch effect {
        case .setMouse(let on): if !isHeadless { terminal_set_mouse(on) }
        case .setTheme: screen.setTheme(state.theme)
        case .redraw: screen.redraw()
        case .suspend: suspend()
        case .quit:
            // What waited behind a run that is stopped now must not begin.
            state.queue = []
            exit = exit ?? .quit
        default: runner.perform(effect)
        }
    }

    private func suspend() {
        guard !isHeadless else { return }
        screen.suspend()
        terminal_set_mouse(state.isMouseOn)
        _ = terminal_take_continues()
        take(.resize(screen.size))
    }

    // MARK: Signals and the end

    private func takeSignals() -> Bool {
        var any = false
        if terminal_take_hangups() > 0 { hangUp() }
        for _ in 0..<min(2, terminal_take_interrupts()) {
            any = true
            if isHeadless || exit != nil { forced = true } else { take(.interrupt) }
        }
        if terminal_take_terminates() > 0 {
            any = true
            if exit != nil { forced = true }
            take(.terminate)
            exit = .terminated
        }
        if terminal_take_suspends() > 0, !isHeadless {
            any = true
            take(.key(.control("z")))
        }
        if terminal_take_continues() > 0, !isHeadless {
            any = true
            screen.redraw()
            isDirty = true
            isUrgent = true
        }
        return any
    }

    private var forced = false

    /// Own runs finish their step and write their checkpoint before the program ends; a second signal does not wait.
    private var mustWait: Bool {
        // After a hang-up, the sessions that are queued are trained as well.
        guard !forced, runner.isTraining || exit == .hungUp && !state.queue.isEmpty else { return false }
        if screen.isOpen {
            screen.close()
            isHeadless = true
            FileHandle.standardError.write(Data("Finishing the step and writing a checkpoint (Ctrl-C again does not wait)\n".utf8))
        }
        return true
    }

    /// The terminal is gone: curses is left alone from here on, training goes on to its end.
    private func hangUp() {
        guard !isHeadless else { return }
        isHeadless = true
        screen.abandon()
        exit = .hungUp
    }

    private func finish(_ exit: WorkbenchExit) -> WorkbenchExit {
        screen.close()
        return exit
    }

    private static var now: Double { Date().timeIntervalSince1970 }

    private static func residentBytes() -> UInt64? {
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 128)
        guard fgets(&buffer, 128, file) != nil else { return nil }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let parts = text.split(separator: " ")
        guard parts.count > 1, let pages = UInt64(parts[1]) else { return nil }
        return pages &* UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
    }
}
