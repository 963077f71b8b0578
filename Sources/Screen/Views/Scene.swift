/// A frame in the making: cells, and what lies where for the mouse.
public struct Scene: Sendable {
    public struct Target: Sendable {
        public enum Kind: Sendable {
            case tab(Tab)
            case action(Action)
            case panel(LiveState.Panel)
            case plot(LiveState.Panel?, LineChart.Placement)
            /// Rows of a table; `first` is the row at the top.
            case rows(HomeState.Pane?, first: Int)
            case header(HomeState.Pane?, column: Int)
            case dialogRow(Int)
        }
        public var rect: Rect
        public var kind: Kind
    }

    public var grid: Grid
    public var targets: [Target] = []
    public let glyphs: Glyphs

    init(size: Size, glyphs: Glyphs) {
        grid = Grid(size: size)
        self.glyphs = glyphs
    }

    mutating func target(_ rect: Rect, _ kind: Target.Kind) { targets.append(Target(rect: rect, kind: kind)) }

    /// A table in a frame-less area, with mouse targets for its rows and titles.
    mutating func table(_ view: TableView, _ rect: Rect, focused: Bool, pane: HomeState.Pane? = nil, empty: String) {
        guard rect.height > 0, rect.width > 4 else { return }
        let body = view.draw(into: &grid, rect, glyphs: glyphs, focused: focused, empty: empty)
        target(body, .rows(pane, first: view.scrolled(body.height)))
        let widths = view.layout(rect.width - 2 - (view.marked.isEmpty ? 0 : 2))
        var x = rect.x + 1 + (view.marked.isEmpty ? 0 : 2)
        for column in widths.indices where widths[column] > 0 {
            target(Rect(x: x, y: rect.y, width: widths[column], height: 1), .header(pane, column: column))
            x += widths[column] + 2
        }
    }
}

extension WorkbenchState {
    /// The whole screen as cells.
    public func render() -> Grid { frame().grid }

    /// The whole screen with its mouse targets.
    public func frame() -> Scene {
        var scene = Scene(size: size, glyphs: glyphs)
        guard size.width >= Self.minimum.width, size.height >= Self.minimum.height else {
            drawTooSmall(&scene)
            return finished(scene)
        }
        var area = scene.grid.bounds
        let top = area.takeTop(1)
        let footer = area.takeBottom(1)
        drawTopBar(&scene, top)
        switch tab {
        case .home: drawHome(&scene, area)
        case .live: drawLive(&scene, area)
        case .results: drawResults(&scene, area)
        case .compare: drawCompare(&scene, area)
        }
        drawFooter(&scene, footer)
        for dialog in dialogs { draw(dialog, &scene) }
        return finished(scene)
    }

    private func finished(_ scene: Scene) -> Scene {
        guard glyphs == .ascii else { return scene }
        var scene = scene
        scene.grid = scene.grid.foldedToASCII()
        return scene
    }

    private func drawTooSmall(_ scene: inout Scene) {
        let lines = [
            "The terminal is \(size.width) x \(size.height).", "maple needs \(Self.minimum.width) x \(Self.minimum.height).",
            ownActiveRuns.isEmpty ? "Make it larger." : "Training goes on.",
        ]
        let start = max(0, (size.height - lines.count) / 2)
        for (index, line) in lines.enumerated() where start + index < size.height {
            let text = TextFit.truncated(line, to: size.width)
            scene.grid.put(text, x: max(0, (size.width - CharacterWidth.of(text)) / 2), y: start + index, style: index == 0 ? Style(.warning) : .text)
        }
    }

    private func drawTopBar(_ scene: inout Scene, _ rect: Rect) {
        scene.grid.fill(rect, style: Style(.bar, on: .bar))
        var x = rect.x
        x += scene.grid.put(" maple ", x: x, y: rect.y, style: Style(.barKey, on: .bar, .bold))
        for item in Tab.allCases {
            let text = " \(item.rawValue + 1) \(item.title) "
            let style = item == tab ? Style(.barActive, on: .barActive) : Style(.bar, on: .bar)
            let used = scene.grid.put(text, x: x, y: rect.y, style: style)
            scene.target(Rect(x: x, y: rect.y, width: used, height: 1), .tab(item))
            x += used
        }
        // At the right: what trains now, wherever one looks.
        guard let active = ownActiveRuns.first ?? runs.first(where: { $0.status.isActive }) else { return }
        let row = traces[active.id]?.row ?? active
        var pieces: [(String, Style)] = []
        let mark = row.status == .paused ? "‖ " : "● "
        pieces.append((mark, Style(row.status.role, on: .bar)))
        let count = runs.filter { $0.status.isActive }.count
        let more = count > 1 ? " +\(count - 1)" : ""
        let steps = row.totalSteps > 0 ? " \(NumberText.grouped(row.step))/\(NumberText.grouped(row.totalSteps))" : ""
        let room = rect.maxX - x - 1
        let name = TextFit.truncated(row.name, to: max(4, room - CharacterWidth.of(steps + more) - 3))
        pieces.append((name, Style(.text, on: .bar)))
        pieces.append((steps + more + " ", Style(.bar, on: .bar)))
        let width = pieces.reduce(0) { $0 + CharacterWidth.of($1.0) }
        if width <= room { scene.grid.put(pieces, x: rect.maxX - width, y: rect.y) }
    }

    private func drawFooter(_ scene: inout Scene, _ rect: Rect) {
        scene.grid.fill(rect, style: Style(.bar, on: .bar))
        if let status {
            scene.grid.put(TextFit.truncated(status.text, to: rect.width - 2), x: rect.x + 1, y: rect.y, style: Style(status.role, on: .bar))
            return
        }
        if let starting {
            let text = "starting “\(starting)”: reading model and data…"
            scene.grid.put(TextFit.truncated(text, to: rect.width - 2), x: rect.x + 1, y: rect.y, style: Style(.accent, on: .bar))
            return
        }
        let bindings = Keymap.bindings(in: context).filter { $0.footer != nil }.sorted { ($0.footer ?? 0) < ($1.footer ?? 0) }
        let tail = bindings.filter { ($0.footer ?? 0) >= 90 }
        func width(_ binding: Binding) -> Int { CharacterWidth.of(binding.keys.first?.label ?? "") + 1 + CharacterWidth.of(binding.short) + 2 }
        let tailWidth = tail.reduce(0) { $0 + width($1) }
        var x = rect.x + 1
        for binding in bindings where (binding.footer ?? 0) < 90 && availability(binding.action).isAvailable {
            guard x + width(binding) <= rect.maxX - tailWidth else { break }
            x = drawHint(&scene, binding, x, rect.y)
        }
        x = rect.maxX - tailWidth
        for binding in tail { x = drawHint(&scene, binding, x, rect.y) }
    }

    private func drawHint(_ scene: inout Scene, _ binding: Binding, _ x: Int, _ y: Int) -> Int {
        let start = x
        var x = x
        x += scene.grid.put(binding.keys.first?.label ?? "", x: x, y: y, style: Style(.barKey, on: .bar))
        x += scene.grid.put(" " + binding.short, x: x, y: y, style: Style(.bar, on: .bar))
        scene.target(Rect(x: start, y: y, width: x - start, height: 1), .action(binding.action))
        return x + 2
    }
}

extension Grid {
    private static let folds: [Character: Character] = [
        "─": "-", "│": "|", "╭": "+", "╮": "+", "╰": "+", "╯": "+", "┤": "+", "├": "+", "┴": "+", "┬": "+", "└": "+", "┊": ":", "·": ".", "…": "~",
        "–": "-", "×": "x", "±": "~", "▲": "^", "▼": "v", "↑": "^", "↓": "v", "←": "<", "→": ">", "●": "*", "◆": "o", "‖": "|", "▐": "#", "█": "#",
        "▀": "#", "▄": "#", "⇄": "@", "“": "\"", "”": "\"", "’": "'", "✓": "v", "✗": "x", "▸": ">", "▏": "|", "▎": "|", "▍": "|", "▌": "|", "▋": "#",
        "▊": "#", "▉": "#", "░": ".", "▒": "+", "▓": "#", "■": "#", "□": "-", "∞": "8", "χ": "X", "²": "2", "║": "|",
    ]

    /// Every cell in ASCII: frames and marks by look-alikes, other letters as question marks of the same width.
    public func foldedToASCII() -> Grid {
        var copy = self
        for y in 0..<height {
            for x in 0..<width {
                let cell = self[x, y]
                guard !cell.glyph.isASCII else { continue }
                if let fold = Self.folds[cell.glyph] {
                    copy.set(fold, x: x, y: y, style: cell.style)
                } else {
                    for half in 0..<max(1, Int(cell.width)) { copy.set("?", x: x + half, y: y, style: cell.style) }
                }
            }
        }
        return copy
    }
}
