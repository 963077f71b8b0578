import RunModel

extension WorkbenchState {
    mutating func reduceDialogKey(_ key: Key) -> [Effect] {
        guard let top = dialogs.popLast() else { return [] }
        if key == .control("c"), case .question(let question) = top, question.title == "Quit" { return [.stopTraining, .quit] }
        if key == .control("c") {
            if case .menu(let menu) = top, case .theme(let original) = menu.purpose { themeIndex = original }
            return []
        }
        switch top {
        case .help(let scroll): return helpKey(key, scroll)
        case .palette(let palette): return paletteKey(key, palette)
        case .question(let question): return questionKey(key, question)
        case .message(let title, let text):
            if key != .enter, key != .escape, key != .character("q") { dialogs.append(.message(title: title, text: text)) }
            return []
        case .entry(let entry): return entryKey(key, entry)
        case .menu(let menu): return menuKey(key, menu)
        case .form(let form): return formKey(key, form)
        case .browser(let browser): return browserKey(key, browser)
        }
    }

    private mutating func helpKey(_ key: Key, _ scroll: Int) -> [Effect] {
        switch key {
        case .escape, .enter, .character("q"), .character("?"): break
        case .up, .character("k"): dialogs.append(.help(scroll: max(0, scroll - 1)))
        case .down, .character("j"): dialogs.append(.help(scroll: min(scroll + 1, max(0, helpLines.count - 6))))
        case .pageDown, .character(" "): dialogs.append(.help(scroll: min(scroll + pageRows, max(0, helpLines.count - 6))))
        case .pageUp: dialogs.append(.help(scroll: max(0, scroll - pageRows)))
        default: dialogs.append(.help(scroll: scroll))
        }
        return []
    }

    private mutating func paletteKey(_ key: Key, _ palette: PaletteState) -> [Effect] {
        var palette = palette
        let found = palette.matches(context)
        switch key {
        case .escape: return []
        case .enter:
            guard found.indices.contains(palette.selected) else { break }
            return perform(found[palette.selected].action)
        case .up: palette.selected = max(0, palette.selected - 1)
        case .down, .tab: palette.selected = min(max(0, found.count - 1), palette.selected + 1)
        case .pageUp: palette.selected = max(0, palette.selected - 10)
        case .pageDown: palette.selected = min(max(0, found.count - 1), palette.selected + 10)
        case .backspace:
            if palette.query.isEmpty { return [] }
            palette.query.removeLast()
            palette.selected = 0
        case .character(let character):
            palette.query.append(character)
            palette.selected = 0
        default: break
        }
        dialogs.append(.palette(palette))
        return []
    }

    private mutating func questionKey(_ key: Key, _ question: Question) -> [Effect] {
        var question = question
        func choose(_ index: Int) -> [Effect] {
            let choice = question.choices[index]
            if question.title == "Start", choice.key == "u", let spec = pendingQueue {
                queue.append(spec)
                rebuildSessionTable()
                say("queued: “\(spec.name)”", .accent)
            }
            pendingQueue = nil
            return choice.effects
        }
        switch key {
        case .escape: return []
        case .enter: return choose(question.selected)
        case .left, .up, .backTab: question.selected = (question.selected + question.choices.count - 1) % question.choices.count
        case .right, .down, .tab: question.selected = (question.selected + 1) % question.choices.count
        case .character(let character):
            if let place = question.choices.firstIndex(where: { $0.key == character }) { return choose(place) }
        default: break
        }
        dialogs.append(.question(question))
        return []
    }

    private mutating func entryKey(_ key: Key, _ entry: EntryState) -> [Effect] {
        var entry = entry
        if key == .escape {
            if entry.purpose == .search { applySearch("") }
            return []
        }
        if key == .enter {
            let text = entry.field.string
            switch entry.purpose {
            case .search: return []
            case .note:
                guard let id = live.run, !text.allSatisfy(\.isWhitespace) else { return [] }
                return [.send(.note(text), id)]
            case .learningRate:
                guard let value = Double(text), value.isFinite, value > 0 else {
                    entry.error = "needs a number above 0, such as 0.0035 or 1e-3"
                    dialogs.append(.entry(entry))
                    return []
                }
                guard let id = live.run else { return [] }
                live.pending = "learning rate \(NumberText.general(value, 3)) from the next step…"
                return [.send(.setLearningRate(value), id)]
            }
        }
        if entry.field.handle(key) {
            entry.error = nil
            if entry.purpose == .search { applySearch(entry.field.string) }
            if entry.purpose == .learningRate, Double(entry.field.string) == nil { entry.error = "needs a number" }
        } else if entry.purpose == .search {
            _ = moveInList(key)
        }
        dialogs.append(.entry(entry))
        return []
    }

    private mutating func applySearch(_ text: String) {
        if tab == .live {
            live.filter = text
            live.classTop = 0
        } else {
            withCurrentTable { $0.setSearch(text) }
        }
    }

    private mutating func menuKey(_ key: Key, _ menu: MenuState) -> [Effect] {
        var menu = menu
        func isTheme() -> Bool { if case .theme = menu.purpose { return true }; return false }
        switch key {
        case .escape, .character("q"):
            if case .theme(let original) = menu.purpose {
                themeIndex = original
                return [.setTheme(theme.name)]
            }
            return []
        case .up, .character("k"): menu.selected = max(0, menu.selected - 1)
        case .down, .character("j"), .tab: menu.selected = min(max(0, menu.items.count - 1), menu.selected + 1)
        case .pageUp, .home: menu.selected = max(0, menu.selected - 10)
        case .pageDown, .end: menu.selected = min(max(0, menu.items.count - 1), menu.selected + 10)
        case .character(" "):
            if case .overlay = menu.purpose { if menu.marked.remove(menu.selected) == nil { menu.marked.insert(menu.selected) } }
        case .enter: return chooseMenu(menu)
        default: break
        }
        if case .theme = menu.purpose, themeIndex != menu.selected, themes.indices.contains(menu.selected) {
            // Picked live: the screen shows the theme under the selection.
            themeIndex = menu.selected
            dialogs.append(.menu(menu))
            return [.setTheme(theme.name)]
        }
        dialogs.append(.menu(menu))
        return []
    }

    mutating func chooseMenu(_ menu: MenuState) -> [Effect] {
        switch menu.purpose {
        case .theme:
            if themes.indices.contains(menu.selected) { themeIndex = menu.selected }
            return [.setTheme(theme.name), settings]
        case .tableFormat(let name, let table):
            let format = TableFormat.allCases[min(TableFormat.allCases.count - 1, max(0, menu.selected))]
            return [.write(name: name + "." + format.fileExtension, text: table.exported(format))]
        case .overlay(let ids):
            var marked = menu.marked
            if marked.isEmpty, menu.items.indices.contains(menu.selected), live.overlays.isEmpty { marked = [menu.selected] }
            live.overlays = ids.indices.filter { marked.contains($0) }.map { ids[$0] }
            smoothLive()
            return live.overlays.filter { traces[$0] == nil }.map { read($0) }
        }
    }

    // MARK: Form and browser

    private mutating func formKey(_ key: Key, _ form: FormState) -> [Effect] {
        var form = form
        let field = form.fields[form.selected]
        func keep(_ effects: [Effect] = []) -> [Effect] {
            dialogs.append(.form(form))
            return effects
        }
        switch key {
        case .escape: return []
        case .control("s"):
            guard let spec = form.spec else {
                if let first = form.problems.first, let place = form.fields.firstIndex(where: { $0.id == first.0 }) {
                    form.selected = place
                    say("\(form.fields[place].label): \(first.1)", .bad)
                }
                return keep()
            }
            return [.saveSession(spec, replacing: form.replacing), .loadSessions]
        case .up, .backTab: form.selected = (form.selected + form.fields.count - 1) % form.fields.count
        case .down, .tab: form.selected = (form.selected + 1) % form.fields.count
        case .pageUp: form.selected = 0
        case .pageDown: form.selected = form.fields.count - 1
        case .enter:
            if case .path(let purpose) = field.kind {
                let start = browserStart(field.field.string, form, purpose)
                dialogs.append(.form(form))
                dialogs.append(.browser(BrowserState(purpose: purpose, path: start)))
                return [.listFolder(start)]
            }
            form.selected = (form.selected + 1) % form.fields.count
        default:
            if case .choice = field.kind {
                if key == .left { form.cycle(-1) }
                if key == .right || key == .character(" ") { form.cycle(1) }
            } else if form.fields[form.selected].field.handle(key), case .path = field.kind {
                return keep(form.pathEffects)
            }
        }
        return keep()
    }

    /// The folder that the browser opens in: the path's own parent, or a neighbour's.
    private func browserStart(_ text: String, _ form: FormState, _ purpose: PathPurpose) -> String {
        if purpose == .split, !form.text(.data).isEmpty { return form.text(.data) }
        if text.hasPrefix("/") { return BrowserState.parent(text) }
        if !text.isEmpty { return "./" + text.split(separator: "/").dropLast().joined(separator: "/") }
        return "."
    }

    private mutating func browserKey(_ key: Key, _ browser: BrowserState) -> [Effect] {
        var browser = browser
        func enter(_ path: String) -> [Effect] {
            browser.path = path
            browser.listing = nil
            browser.selected = 0
            browser.filter = ""
            dialogs.append(.browser(browser))
            return [.listFolder(path), .describe(path, browser.purpose)]
        }
        func take(_ path: String) -> [Effect] {
            if case .form(var form)? = dialogs.last {
                dialogs.removeLast()
                let id: FormState.FieldID = browser.purpose == .model ? .model : (browser.purpose == .data ? .data : .split)
                form.setText(id, path)
                if let found = browser.descriptions[path] { form.descriptions[path] = found }
                dialogs.append(.form(form))
                return form.pathEffects
            }
            return []
        }
        switch key {
        case .escape:
            if browser.filter.isEmpty { return [] }
            browser.filter = ""
        case .up: browser.selected = max(0, browser.selected - 1)
        case .down: browser.selected = min(max(0, browser.shown.count - 1), browser.selected + 1)
        case .pageUp: browser.selected = max(0, browser.selected - 10)
        case .pageDown: browser.selected = min(max(0, browser.shown.count - 1), browser.selected + 10)
        case .home: browser.selected = 0
        case .end: browser.selected = max(0, browser.shown.count - 1)
        case .left: return enter(BrowserState.parent(browser.path))
        case .right:
            if let path = browser.selectedPath, browser.shown[browser.selected].isFolder { return enter(path) }
        case .tab: return take(browser.path)
        case .enter:
            guard let path = browser.selectedPath else { break }
            let entry = browser.shown[browser.selected]
            if entry.name == ".." { return enter(path) }
            let found = browser.descriptions[path]
            if found?.isUsable == true || !entry.isFolder { return take(path) }
            return enter(path)
        case .backspace:
            if browser.filter.isEmpty { return enter(BrowserState.parent(browser.path)) }
            browser.filter.removeLast()
            browser.selected = browser.filter.isEmpty ? 0 : min(1, max(0, browser.shown.count - 1))
        case .character(let character):
            browser.filter.append(character)
            browser.selected = min(1, max(0, browser.shown.count - 1))
        default: break
        }
        dialogs.append(.browser(browser))
        guard let path = browser.selectedPath, browser.descriptions[path] == nil else { return [] }
        return [.describe(path, browser.purpose)]
    }
}
