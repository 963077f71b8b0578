import Screen

/// Draws one screen without a terminal: for `maple show`, for documents and for tests with real runs.
public enum ScreenPrinter {
    /// Asks the backend for what the screen needs, waits for it, and draws. `hasColor` false tells lightness by density, as plain
    /// text has to.
    public static func grid(
        _ screen: ShownScreen, backend: any WorkbenchBackend, members: [CheckpointID] = [], size: Size, glyphs: Glyphs = .braille, hasColor: Bool = false,
        theme: Theme = .dark, now: Double
    ) -> Grid {
        state(screen, backend: backend, members: members, size: size, glyphs: glyphs, hasColor: hasColor, theme: theme, now: now).render()
    }

    /// The workbench at a screen, with everything that it shows.
    public static func state(
        _ screen: ShownScreen, backend: any WorkbenchBackend, members: [CheckpointID] = [], size: Size, glyphs: Glyphs = .braille, hasColor: Bool = false,
        theme: Theme = .dark, now: Double
    ) -> WorkbenchState {
        var state = WorkbenchState(size: size, glyphs: glyphs, themes: [theme], hasColor: hasColor)
        func settle(_ first: [Effect]) {
            var waiting = first
            var rounds = 0
            while !waiting.isEmpty, rounds < 1000 {
                rounds += 1
                let effect = waiting.removeFirst()
                switch effect {
                // Showing changes nothing and follows nothing.
                case .follow, .start, .resume, .send, .saveSession, .deleteSession, .deleteRun, .write, .saveSettings: continue
                default: break
                }
                if let answer = EffectRunner.answer(to: effect, from: backend) { waiting += state.reduce(.answer(answer)) }
            }
        }
        _ = state.reduce(.tick(now))
        settle(WorkbenchState.firstEffects)
        settle(state.show(screen, members: members))
        settle(state.showDeeper(screen))
        return state
    }

    /// As text, as SVG with the theme's colours, or as text with colour sequences of a tier.
    public static func text(_ grid: Grid, svg: Bool, theme: Theme, color: ColorTier? = nil) -> String {
        if svg { return grid.svg(theme: theme) }
        if let color { return grid.ansiText(ResolvedTheme(theme, tier: color)) }
        return grid.plainText()
    }
}
