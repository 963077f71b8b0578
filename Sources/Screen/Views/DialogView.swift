import RunModel

extension WorkbenchState {
    func draw(_ dialog: Dialog, _ scene: inout Scene) {
        let whole = scene.grid.bounds
        switch dialog {
        case .help(let scroll): drawHelp(&scene, whole, scroll)
        case .palette(let palette): drawPalette(&scene, whole, palette)
        case .form(let form): drawForm(&scene, whole, form)
        case .browser(let browser): drawBrowser(&scene, whole, browser)
        case .question(let question): drawQuestion(&scene, whole, question)
        case .message(let title, let text):
            let lines = TextFit.wrapped(text, to: 56)
            let inner = box(&scene, whole.centered(60, lines.count + 4), title: title)
            for (index, line) in lines.enumerated() { scene.grid.put(line, x: inner.x, y: inner.y + index, style: Style(.text, on: .dialog)) }
        case .entry(let entry): drawEntry(&scene, whole, entry)
        case .menu(let menu): drawMenu(&scene, whole, menu)
        }
    }

    /// A framed area above a greyed screen; returns its inside.
    private func box(_ scene: inout Scene, _ rect: Rect, title: String, note: String = "") -> Rect {
        scene.grid.fade(scene.grid.bounds)
        scene.targets = []
        scene.grid.fill(rect, style: Style(.dialog, on: .dialog))
        scene.grid.frame(rect, title: title, note: note, focused: true)
        scene.grid.ground(rect, .dialog)
        return rect.inset(2, 1)
    }

    // MARK: Help

    struct HelpLine { var keys: String; var text: String; var isHeading: Bool; var reason: String? }

    var helpLines: [HelpLine] {
        var lines: [HelpLine] = [HelpLine(keys: "", text: "On this screen", isHeading: true)]
        let bindings = Keymap.bindings(in: context)
        func line(_ binding: Binding) -> HelpLine {
            var reason: String?
            if case .unavailable(let why) = availability(binding.action) { reason = why }
            return HelpLine(keys: binding.keys.map(\.label).joined(separator: " "), text: binding.title, isHeading: false, reason: reason)
        }
        lines += bindings.filter { $0.contexts.count < KeyContext.allCases.count }.map(line)
        lines.append(HelpLine(keys: "", text: "Lists", isHeading: true))
        lines += Keymap.listKeys.map { HelpLine(keys: $0.0, text: $0.1, isHeading: false) }
        lines.append(HelpLine(keys: "", text: "Everywhere", isHeading: true))
        lines += bindings.filter { $0.contexts.count == KeyContext.allCases.count }.map(line)
        return lines
    }

    private func drawHelp(_ scene: inout Scene, _ whole: Rect, _ scroll: Int) {
        let lines = helpLines
        let width = min(84, whole.width - 4)
        let height = min(whole.height - 2, lines.count + 2)
        let inner = box(&scene, whole.centered(width, height), title: "Keys", note: lines.count > height - 2 ? "↑ ↓ scroll, esc closes" : "esc closes")
        let keyWidth = 18
        let first = min(scroll, max(0, lines.count - inner.height))
        for (index, line) in lines.dropFirst(first).prefix(inner.height).enumerated() {
            let y = inner.y + index
            if line.isHeading {
                scene.grid.put(line.text, x: inner.x, y: y, style: Style(.accent, on: .dialog, .bold))
                continue
            }
            let isOff = line.reason != nil
            scene.grid.put(TextFit.fitted(line.keys, to: keyWidth), x: inner.x + 1, y: y, style: Style(isOff ? .faint : .barKey, on: .dialog))
            let x = inner.x + 2 + keyWidth
            let used = scene.grid.put(TextFit.truncated(line.text, to: inner.maxX - x), x: x, y: y, style: Style(isOff ? .faint : .text, on: .dialog))
            if let reason = line.reason, x + used + 3 < inner.maxX {
                scene.grid.put(TextFit.truncated("– " + reason, to: inner.maxX - x - used - 1), x: x + used + 1, y: y, style: Style(.dim, on: .dialog))
            }
        }
    }

    // MARK: Palette

    private func drawPalette(_ scene: inout Scene, _ whole: Rect, _ palette: PaletteState) {
        let found = palette.matches(context)
        let width = min(80, whole.width - 6)
        let rows = min(max(1, found.count), min(16, whole.height - 8))
        let inner = box(&scene, Rect(x: (whole.width - width) / 2, y: 3, width: width, height: rows + 4), title: "Commands", note: "\(found.count)")
        drawField(&scene, Rect(x: inner.x, y: inner.y, width: inner.width, height: 1), prompt: ": ", TextField(palette.query))
        let first = max(0, min(palette.selected - rows + 1, found.count - rows))
        if found.isEmpty { scene.grid.put("no such command", x: inner.x, y: inner.y + 2, style: Style(.dim, on: .dialog)) }
        for (index, binding) in found.dropFirst(first).prefix(rows).enumerated() {
            let y = inner.y + 2 + index
            let isSelected = first + index == palette.selected
            let ground: Role = isSelected ? .selection : .dialog
            let line = Rect(x: inner.x - 1, y: y, width: inner.width + 2, height: 1)
            if isSelected { scene.grid.fill(line, style: Style(.text, on: ground)) }
            scene.target(line, .dialogRow(first + index))
            var text = binding.title
            var role: Role = .text
            if case .unavailable(let reason) = availability(binding.action) {
                text += " – " + reason
                role = .faint
            }
            let keys = binding.keys.map(\.label).joined(separator: " ")
            scene.grid.put(TextFit.fitted(binding.short, to: 12), x: inner.x, y: y, style: Style(role == .text ? .accent : .faint, on: ground))
            scene.grid.put(TextFit.truncated(text, to: inner.width - 14 - keys.count - 1), x: inner.x + 13, y: y, style: Style(role, on: ground))
            scene.grid.put(keys, x: inner.maxX - CharacterWidth.of(keys), y: y, style: Style(.dim, on: ground))
        }
    }

    private func drawField(_ scene: inout Scene, _ rect: Rect, prompt: String, _ field: TextField, focused: Bool = true) {
        let style = Style(focused ? .fieldFocus : .field, on: focused ? .fieldFocus : .field)
        scene.grid.fill(rect, style: style)
        var x = rect.x + scene.grid.put(prompt, x: rect.x, y: rect.y, style: Style(.accent, on: focused ? .fieldFocus : .field))
        let room = max(1, rect.maxX - x - 1)
        // The caret stays in sight: the text moves left when it is longer than the field.
        var first = 0
        func width(_ part: ArraySlice<Character>) -> Int { CharacterWidth.of(String(part)) }
        if focused { while first < field.caret, width(field.text[first..<field.caret]) > room { first += 1 } }
        let before = String(field.text[first..<max(first, field.caret)])
        x += scene.grid.put(before, x: x, y: rect.y, style: style, limit: room)
        let after = field.text[max(first, field.caret)...]
        guard focused else {
            scene.grid.put(TextFit.truncated(String(after), to: rect.maxX - x), x: x, y: rect.y, style: style)
            return
        }
        let under = after.first.map { String($0) } ?? " "
        x += scene.grid.put(under, x: x, y: rect.y, style: style.adding(.reverse), limit: max(1, rect.maxX - x))
        scene.grid.put(String(after.dropFirst()), x: x, y: rect.y, style: style, limit: max(0, rect.maxX - x))
    }

    // MARK: Question, entry, menu

    private func drawQuestion(_ scene: inout Scene, _ whole: Rect, _ question: Question) {
        let width = min(64, whole.width - 8)
        let lines = TextFit.wrapped(question.text, to: width - 4)
        let inner = box(&scene, whole.centered(width, lines.count + 5), title: question.title)
        for (index, line) in lines.enumerated() { scene.grid.put(line, x: inner.x, y: inner.y + index, style: Style(.text, on: .dialog)) }
        var x = inner.x
        let y = inner.y + lines.count + 1
        for (index, choice) in question.choices.enumerated() {
            let isSelected = index == question.selected
            let ground: Role = isSelected ? .selection : .dialog
            let start = x
            x += scene.grid.put(" \(choice.key)", x: x, y: y, style: Style(.barKey, on: ground, .bold))
            x += scene.grid.put(" \(TextFit.truncated(choice.text, to: max(4, inner.maxX - x - 3))) ", x: x, y: y, style: Style(choice.isDangerous ? .bad : .text, on: ground))
            scene.target(Rect(x: start, y: y, width: x - start, height: 1), .dialogRow(index))
            x += 2
        }
    }

    private func drawEntry(_ scene: inout Scene, _ whole: Rect, _ entry: EntryState) {
        let width = min(60, whole.width - 8)
        if entry.purpose == .search {
            // A search leaves the table in sight: one row above the footer.
            let line = Rect(x: 0, y: whole.height - 1, width: whole.width, height: 1)
            drawField(&scene, Rect(x: 0, y: line.y, width: line.width, height: 1), prompt: " / ", entry.field)
            let hint = entry.hint
            scene.grid.put(hint, x: whole.width - hint.count - 1, y: line.y, style: Style(.dim, on: .fieldFocus))
            return
        }
        let inner = box(&scene, whole.centered(width, 6), title: entry.title)
        drawField(&scene, Rect(x: inner.x, y: inner.y + 1, width: inner.width, height: 1), prompt: "", entry.field)
        let below = entry.error ?? entry.hint
        scene.grid.put(TextFit.truncated(below, to: inner.width), x: inner.x, y: inner.y + 3, style: Style(entry.error == nil ? .dim : .bad, on: .dialog))
    }

    private func drawMenu(_ scene: inout Scene, _ whole: Rect, _ menu: MenuState) {
        let longest = menu.items.map { CharacterWidth.of($0) }.max() ?? 10
        let width = min(whole.width - 8, max(28, max(longest + 8, menu.title.count + 6)))
        let rows = min(menu.items.count, whole.height - 6)
        let isTheme: Bool
        if case .theme = menu.purpose { isTheme = true } else { isTheme = false }
        // A theme is judged on the screen behind it, so that stays as it is.
        let rect = isTheme ? Rect(x: whole.width - width - 2, y: 2, width: width, height: rows + 2) : whole.centered(width, rows + 2)
        let inner: Rect
        if isTheme {
            scene.targets = []
            scene.grid.fill(rect, style: Style(.dialog, on: .dialog))
            scene.grid.frame(rect, title: menu.title, focused: true)
            scene.grid.ground(rect, .dialog)
            inner = rect.inset(2, 1)
        } else {
            inner = box(&scene, rect, title: menu.title)
        }
        let first = max(0, min(menu.selected - rows + 1, menu.items.count - rows))
        for (index, item) in menu.items.dropFirst(first).prefix(rows).enumerated() {
            let isSelected = first + index == menu.selected
            let ground: Role = isSelected ? .selection : .dialog
            let line = Rect(x: inner.x - 1, y: inner.y + index, width: inner.width + 2, height: 1)
            if isSelected { scene.grid.fill(line, style: Style(.text, on: ground)) }
            var x = inner.x
            if case .overlay = menu.purpose { x += scene.grid.put(menu.marked.contains(first + index) ? "✓ " : "  ", x: x, y: line.y, style: Style(.accent, on: ground)) }
            scene.grid.put(TextFit.truncated(item, to: inner.maxX - x), x: x, y: line.y, style: Style(.text, on: ground))
            scene.target(line, .dialogRow(first + index))
        }
    }

    // MARK: Form

    private func drawForm(_ scene: inout Scene, _ whole: Rect, _ form: FormState) {
        let width = min(104, whole.width - 2)
        let height = min(whole.height, form.fields.count + 4)
        let inner = box(&scene, whole.centered(width, height), title: form.title, note: "ctrl-s saves · esc leaves")
        let rows = min(form.fields.count, inner.height - 2)
        let first = max(0, min(form.selected - rows + 1, form.fields.count - rows))
        let labelWidth = 15
        let fieldWidth = min(48, max(24, inner.width * 45 / 100))
        for (index, field) in form.fields.dropFirst(first).prefix(rows).enumerated() {
            let y = inner.y + index
            let isSelected = first + index == form.selected
            scene.grid.put(TextFit.fitted(field.label, to: labelWidth), x: inner.x, y: y, style: Style(isSelected ? .accent : .dim, on: .dialog, isSelected ? .bold : []))
            let rect = Rect(x: inner.x + labelWidth + 1, y: y, width: fieldWidth, height: 1)
            switch field.kind {
            case .choice:
                let style = Style(isSelected ? .fieldFocus : .text, on: isSelected ? .fieldFocus : .dialog)
                scene.grid.fill(rect, style: style)
                scene.grid.put((isSelected ? "← " : "") + TextFit.truncated(field.field.string, to: rect.width - 4) + (isSelected ? " →" : ""), x: rect.x, y: y, style: style)
            default:
                if isSelected {
                    drawField(&scene, rect, prompt: "", field.field)
                } else {
                    let isPath: Bool
                    if case .path = field.kind { isPath = true } else { isPath = false }
                    let text = isPath ? TextFit.truncatedHead(field.field.string, to: rect.width) : TextFit.truncated(field.field.string, to: rect.width)
                    scene.grid.put(text, x: rect.x, y: y, style: Style(.text, on: .dialog))
                }
            }
            scene.target(Rect(x: inner.x, y: y, width: inner.width, height: 1), .dialogRow(first + index))
            let x = rect.maxX + 2
            let room = inner.maxX - x
            var remark = (text: isSelected ? field.hint : "", role: Role.dim)
            if let problem = form.problem(field.id) {
                remark = (problem, .bad)
            } else if let found = form.descriptions[form.path(of: field.id)] {
                remark = (found.text, .good)
            }
            scene.grid.put(TextFit.truncated(remark.text, to: room), x: x, y: y, style: Style(remark.role, on: .dialog))
            // What does not fit beside the chosen field stands below in full.
            if isSelected, CharacterWidth.of(remark.text) > room {
                scene.grid.put(TextFit.truncated(remark.text, to: inner.width), x: inner.x, y: inner.maxY - 2, style: Style(remark.role, on: .dialog))
            }
        }
        let problems = form.problems
        let verdict = problems.isEmpty ? "Everything is right: ctrl-s saves the session." : "\(problems.count) field\(problems.count == 1 ? " is" : "s are") not right yet."
        scene.grid.put(TextFit.truncated(verdict, to: inner.width), x: inner.x, y: inner.maxY - 1, style: Style(problems.isEmpty ? .good : .warning, on: .dialog))
    }

    // MARK: Browser

    private func drawBrowser(_ scene: inout Scene, _ whole: Rect, _ browser: BrowserState) {
        let width = min(100, whole.width - 4)
        let height = min(whole.height - 2, 30)
        let what = browser.purpose == .model ? "Choose a model" : (browser.purpose == .data ? "Choose a data folder" : "Choose a split file")
        let inner = box(&scene, whole.centered(width, height), title: what, note: "enter takes or opens · tab takes this folder · ← up")
        scene.grid.put(TextFit.truncatedHead(browser.path, to: inner.width - 20), x: inner.x, y: inner.y, style: Style(.accent, on: .dialog, .bold))
        if !browser.filter.isEmpty {
            let text = "filter: " + browser.filter
            scene.grid.put(TextFit.truncated(text, to: 19), x: inner.maxX - min(19, CharacterWidth.of(text)), y: inner.y, style: Style(.warning, on: .dialog))
        }
        let rows = max(1, inner.height - 5)
        let entries = browser.shown
        let first = max(0, min(browser.selected - rows + 1, entries.count - rows))
        if browser.listing == nil {
            scene.grid.put("reading…", x: inner.x, y: inner.y + 2, style: Style(.dim, on: .dialog))
        } else if let problem = browser.listing?.problem {
            scene.grid.put(TextFit.truncated(problem, to: inner.width), x: inner.x, y: inner.y + 2, style: Style(.bad, on: .dialog))
        }
        if browser.listing != nil {
            for (index, entry) in entries.dropFirst(first).prefix(rows).enumerated() {
                let y = inner.y + 2 + index
                let isSelected = first + index == browser.selected
                let ground: Role = isSelected ? .selection : .dialog
                let line = Rect(x: inner.x - 1, y: y, width: inner.width + 2, height: 1)
                if isSelected { scene.grid.fill(line, style: Style(.text, on: ground)) }
                scene.target(line, .dialogRow(first + index))
                let noteWidth = min(36, CharacterWidth.of(entry.note))
                let name = entry.name + (entry.isFolder ? "/" : "")
                scene.grid.put(TextFit.truncated(name, to: inner.width - noteWidth - 2), x: inner.x, y: y, style: Style(entry.isFolder ? .text : .dim, on: ground))
                scene.grid.put(TextFit.truncated(entry.note, to: noteWidth), x: inner.maxX - noteWidth, y: y, style: Style(.dim, on: ground))
            }
        }
        // What stands under the selection, in words.
        let y = inner.maxY - 1
        let found = browser.selectedPath.flatMap { browser.descriptions[$0] }
        let text = found?.text ?? (browser.selectedPath == nil ? "" : "looking…")
        let mark = found.map { $0.isUsable ? "✓ " : "– " } ?? "  "
        scene.grid.put(mark + TextFit.truncated(text, to: inner.width - 2), x: inner.x, y: y, style: Style(found?.isUsable == true ? .good : .dim, on: .dialog))
    }
}
