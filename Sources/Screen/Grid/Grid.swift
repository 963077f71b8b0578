/// A rectangle of cells: what a screen draws into and what a terminal, a text or an SVG file shows.
///
/// Invariant: a cell of width 2 is always followed by its continuation, and nothing written leaves the grid: every write is
/// clipped, so that a renderer cannot crash on a small terminal.
public struct Grid: Equatable, Sendable {
    public private(set) var width: Int
    public private(set) var height: Int
    /// Row by row, `width * height`.
    public private(set) var cells: [Cell]

    public init(size: Size, style: Style = .text) {
        width = size.width
        height = size.height
        cells = Array(repeating: Cell(" ", style), count: size.width * size.height)
    }

    public var bounds: Rect { Rect(x: 0, y: 0, width: width, height: height) }

    public subscript(x: Int, y: Int) -> Cell {
        guard x >= 0, x < width, y >= 0, y < height else { return Cell() }
        return cells[y * width + x]
    }

    /// Writes a character of known width 1 or 2.
    public mutating func set(_ glyph: Character, x: Int, y: Int, style: Style, width glyphWidth: Int = 1) {
        guard x >= 0, y >= 0, y < height, x + glyphWidth <= width else { return }
        let index = y * width + x
        clearHalves(at: index, x: x, count: glyphWidth)
        cells[index] = Cell(glyph, style, width: UInt8(glyphWidth))
        if glyphWidth == 2 { cells[index + 1] = Cell(" ", style, width: 0) }
    }

    /// Writes a text, at most `limit` columns of it, cut without a mark. Returns the columns used.
    @discardableResult
    public mutating func put(_ text: String, x: Int, y: Int, style: Style, limit: Int = .max) -> Int {
        guard y >= 0, y < height, limit > 0 else { return 0 }
        var used = 0
        for character in text {
            if character.isASCII {
                guard used < limit else { break }
                let value = character.asciiValue ?? 0x20
                set(value < 0x20 || value == 0x7F ? "·" : character, x: x + used, y: y, style: style)
                used += 1
                continue
            }
            let form = CharacterWidth.terminalForm(character)
            guard used + form.width <= limit else { break }
            set(form.first, x: x + used, y: y, style: style, width: form.width)
            used += form.width
            if let second = form.second, used < limit {
                set(second, x: x + used, y: y, style: style)
                used += 1
            }
        }
        return used
    }

    /// Writes pieces of differing style one after the other, cut with an ellipsis at `limit` columns. Returns the columns used.
    @discardableResult
    public mutating func put(_ pieces: [(String, Style)], x: Int, y: Int, limit: Int = .max) -> Int {
        var used = 0
        for (text, style) in pieces {
            let room = limit - used
            guard room > 0 else { break }
            used += put(TextFit.truncated(text, to: room), x: x + used, y: y, style: style, limit: room)
        }
        return used
    }

    public mutating func fill(_ rect: Rect, _ glyph: Character = " ", style: Style) {
        let area = rect.intersection(bounds)
        guard area.width > 0, area.height > 0 else { return }
        for y in area.y..<area.maxY {
            clearHalves(at: y * width + area.x, x: area.x, count: area.width)
            for x in area.x..<area.maxX { cells[y * width + x] = Cell(glyph, style) }
        }
    }

    /// Gives every cell of the rectangle another ground and keeps letters and their colours.
    public mutating func ground(_ rect: Rect, _ role: Role, adding attributes: Attributes = []) {
        let area = rect.intersection(bounds)
        guard area.width > 0, area.height > 0 else { return }
        for y in area.y..<area.maxY {
            for x in area.x..<area.maxX {
                cells[y * width + x].style.background = .role(role)
                cells[y * width + x].style.attributes.formUnion(attributes)
            }
        }
    }

    /// Greys a rectangle out, behind a dialog.
    public mutating func fade(_ rect: Rect) {
        let area = rect.intersection(bounds)
        guard area.width > 0, area.height > 0 else { return }
        for y in area.y..<area.maxY {
            for x in area.x..<area.maxX { cells[y * width + x].style = Style(.faint) }
        }
    }

    /// A quiet frame with a title in its top edge and an optional remark at the right end of it.
    public mutating func frame(_ rect: Rect, title: String, note: String = "", focused: Bool = false, style: Style? = nil) {
        guard rect.width >= 2, rect.height >= 2 else { return }
        let line = style ?? Style(focused ? .borderFocus : .border)
        for x in (rect.x + 1)..<(rect.maxX - 1) {
            set("─", x: x, y: rect.y, style: line)
            set("─", x: x, y: rect.maxY - 1, style: line)
        }
        for y in (rect.y + 1)..<max(rect.y + 1, rect.maxY - 1) {
            set("│", x: rect.x, y: y, style: line)
            set("│", x: rect.maxX - 1, y: y, style: line)
        }
        set("╭", x: rect.x, y: rect.y, style: line)
        set("╮", x: rect.maxX - 1, y: rect.y, style: line)
        set("╰", x: rect.x, y: rect.maxY - 1, style: line)
        set("╯", x: rect.maxX - 1, y: rect.maxY - 1, style: line)
        let room = rect.width - 4
        guard room > 2 else { return }
        var used = 0
        if !title.isEmpty {
            let text = " " + TextFit.truncated(title, to: room - 2) + " "
            used = put(text, x: rect.x + 1, y: rect.y, style: focused ? Style(.accent, on: .background, .bold) : Style(.title))
        }
        let left = room - used - 1
        if !note.isEmpty, left > 6 {
            let text = " " + TextFit.truncated(note, to: left - 2) + " "
            put(text, x: rect.maxX - 1 - CharacterWidth.of(text), y: rect.y, style: .dim)
        }
    }

    /// Blanks the other half of wide characters that a write over `count` cells from `index` would cut.
    private mutating func clearHalves(at index: Int, x: Int, count: Int) {
        if x > 0, cells[index].width == 0 { cells[index - 1] = Cell(" ", cells[index - 1].style) }
        let last = index + count - 1
        if cells[last].width == 2, x + count < width { cells[last + 1] = Cell(" ", cells[last + 1].style) }
    }
}
