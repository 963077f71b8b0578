import CTerminal
import Screen

/// The terminal, drawn through curses. Used on the main thread alone.
final class CursesScreen {
    private(set) var isOpen = false
    private var last: Grid?
    private var theme: ResolvedTheme
    private var pairs: [UInt64: Int32] = [:]
    private var looks: [Style: (pair: Int32, attributes: Int32)] = [:]
    /// Cells sent to curses since the start; for tests of idleness.
    private(set) var cellsSent = 0
    private(set) var framesSent = 0

    init(theme: Theme) { self.theme = ResolvedTheme(theme, tier: .mono) }

    func open(choice: ColorChoice, abilities: TerminalAbilities, escapeDelay: Int) -> Bool {
        var opened = false
        if choice == .direct { opened = terminal_open("xterm-direct", Int32(escapeDelay)) == 0 }
        if !opened { opened = terminal_open(nil, Int32(escapeDelay)) == 0 }
        guard opened else { return false }
        isOpen = true
        let tier = abilities.tier(colors: Int(terminal_colors()), isDirect: terminal_is_direct(), choice: choice)
        theme = ResolvedTheme(theme.theme, tier: tier)
        terminal_set_paste(true)
        return true
    }

    var tier: ColorTier { theme.tier }
    var size: Size { Size(Int(terminal_columns()), Int(terminal_rows())) }

    func close() {
        guard isOpen else { return }
        isOpen = false
        terminal_close()
    }

    /// The terminal is gone: no curses call is made any more.
    func abandon() { isOpen = false }

    func setTheme(_ new: Theme) {
        guard new != theme.theme else { return }
        theme = ResolvedTheme(new, tier: theme.tier)
        looks = [:]
        last = nil
    }

    func redraw() {
        last = nil
        if isOpen { terminal_touch_all() }
    }

    /// Leaves curses, stops the process, comes back.
    func suspend() {
        guard isOpen else { return }
        terminal_leave()
        terminal_stop_self()
        terminal_return()
        last = nil
    }

    /// Sends the cells that differ from the frame before; false when the terminal is gone.
    func show(_ grid: Grid) -> Bool {
        guard isOpen else { return false }
        if let last, last == grid { return true }
        if pairs.count > 30_000 {
            pairs = [:]
            looks = [:]
            last = nil
        }
        let old = last.flatMap { $0.width == grid.width && $0.height == grid.height ? $0 : nil }
        for y in 0..<grid.height {
            for x in 0..<grid.width {
                let cell = grid[x, y]
                if cell.width == 0 { continue }
                if let old, old[x, y] == cell { continue }
                let look = look(cell.style)
                var scalars = cell.glyph.unicodeScalars.prefix(5).map(\.value)
                let count = Int32(scalars.count)
                terminal_put(Int32(y), Int32(x), &scalars, count, look.attributes, look.pair)
                cellsSent += 1
            }
        }
        last = grid
        framesSent += 1
        return terminal_flush() == 0
    }

    private func look(_ style: Style) -> (pair: Int32, attributes: Int32) {
        if let known = looks[style] { return known }
        let look = theme.look(style)
        var attributes: Int32 = 0
        if look.attributes.contains(.bold) { attributes |= Int32(TERMINAL_BOLD) }
        if look.attributes.contains(.dim) { attributes |= Int32(TERMINAL_DIM) }
        if look.attributes.contains(.italic) { attributes |= Int32(TERMINAL_ITALIC) }
        if look.attributes.contains(.underline) { attributes |= Int32(TERMINAL_UNDERLINE) }
        if look.attributes.contains(.reverse) { attributes |= Int32(TERMINAL_REVERSE) }
        let made = (pair: pair(look.foreground, look.background), attributes: attributes)
        if looks.count < 60_000 { looks[style] = made }
        return made
    }

    private func pair(_ foreground: TerminalColor, _ background: TerminalColor) -> Int32 {
        if foreground == .standard, background == .standard { return 0 }
        func number(_ color: TerminalColor) -> Int32 {
            switch color {
            case .standard: return -1
            case .indexed(let index): return Int32(index)
            case .rgb(let r, let g, let b):
                let value = Int32(r) << 16 | Int32(g) << 8 | Int32(b)
                // Direct-colour descriptions take 1 to 7 for the eight old colours.
                return value > 0 && value < 8 ? 8 : value
            }
        }
        let (f, b) = (number(foreground), number(background))
        let key = UInt64(UInt32(bitPattern: f)) << 32 | UInt64(UInt32(bitPattern: b))
        if let known = pairs[key] { return known }
        let next = Int32(pairs.count + 1)
        guard next < terminal_color_pairs(), terminal_define_pair(next, f, b) == 0 else { return 0 }
        pairs[key] = next
        return next
    }
}
