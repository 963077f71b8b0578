extension WorkbenchState {
    /// What lies under the mouse is asked of the same code that draws: a frame and its targets.
    mutating func reduceMouse(_ event: MouseEvent) -> [Effect] {
        guard isMouseOn else { return [] }
        let target = frame().targets.last { $0.rect.contains(x: event.x, y: event.y) }
        switch event.kind {
        case .wheelUp, .wheelDown:
            let rows = event.kind == .wheelUp ? -3 : 3
            if !dialogs.isEmpty {
                return (0..<3).flatMap { _ in reduceDialogKey(rows < 0 ? .up : .down) }
            }
            if case .plot(let panel, let placement)? = target?.kind {
                setPanel(panel)
                withPlot { $0.cursor = placement.place(atColumn: event.x) }
                return perform(rows < 0 ? .zoomIn : .zoomOut)
            }
            if case .panel(let panel)? = target?.kind { setPanel(panel) }
            return scroll(rows)
        case .release: return []
        case .drag:
            guard case .plot(_, let placement)? = target?.kind else { return [] }
            withPlot { $0.cursor = placement.place(atColumn: event.x) }
            return []
        case .press, .doubleClick:
            guard let target else { return [] }
            switch target.kind {
            case .tab(let tab): return dialogs.isEmpty ? go(tab) : []
            case .action(let action): return dialogs.isEmpty ? perform(action) : []
            case .dialogRow(let index): return chooseInDialog(index, isDouble: event.kind == .doubleClick)
            case .panel(let panel): setPanel(panel)
            case .plot(let panel, let placement):
                setPanel(panel)
                withPlot { $0.cursor = placement.place(atColumn: event.x) }
            case .rows(let pane, let first):
                if let pane { home.pane = pane }
                withCurrentTable { table in
                    table.selected = first + event.y - target.rect.y
                    table.move(0)
                }
                return selectionEffects() + (event.kind == .doubleClick ? perform(.open) : [])
            case .header(let pane, let column):
                if let pane { home.pane = pane }
                withCurrentTable { $0.sort(by: column) }
            }
            return []
        }
    }

    private mutating func setPanel(_ panel: LiveState.Panel?) { if let panel { live.panel = panel } }

    private mutating func withPlot(_ change: (inout PlotView) -> Void) {
        if tab == .compare { change(&compare.plot) } else { change(&live.plot) }
    }

    private mutating func chooseInDialog(_ index: Int, isDouble: Bool) -> [Effect] {
        guard let top = dialogs.popLast() else { return [] }
        switch top {
        case .question(var question):
            guard question.choices.indices.contains(index) else { break }
            question.selected = index
            dialogs.append(.question(question))
            return reduceDialogKey(.enter)
        case .menu(var menu):
            menu.selected = max(0, min(menu.items.count - 1, index))
            dialogs.append(.menu(menu))
            return isDouble ? reduceDialogKey(.enter) : []
        case .palette(var palette):
            palette.selected = index
            dialogs.append(.palette(palette))
            return reduceDialogKey(.enter)
        case .browser(var browser):
            browser.selected = max(0, min(browser.shown.count - 1, index))
            let path = browser.selectedPath
            let known = path.map { browser.descriptions[$0] != nil } ?? true
            dialogs.append(.browser(browser))
            if isDouble { return reduceDialogKey(.enter) }
            return known ? [] : path.map { [.describe($0, browser.purpose)] } ?? []
        case .form(var form):
            form.selected = max(0, min(form.fields.count - 1, index))
            dialogs.append(.form(form))
            return []
        default: break
        }
        dialogs.append(top)
        return []
    }
}
