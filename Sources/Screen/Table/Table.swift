/// What a table shows, apart from how it is scrolled or sorted.
public struct Table: Sendable, Equatable {
    public struct Column: Sendable, Equatable {
        public var title: String
        public var isNumeric: Bool
        /// The column takes what is left over.
        public var isFlexible: Bool
        public var minimum: Int
        /// Columns of higher rank are left out first when the table is too narrow.
        public var rank: Int

        public init(_ title: String, numeric: Bool = false, flexible: Bool = false, minimum: Int = 3, rank: Int = 0) {
            self.title = title
            isNumeric = numeric
            isFlexible = flexible
            self.minimum = minimum
            self.rank = rank
        }
    }

    /// What a cell is sorted by.
    public enum Key: Sendable, Equatable {
        case text
        case number(Double)
        /// Stands at the end, whichever way the table is sorted.
        case missing
    }

    public struct Item: Sendable, Equatable {
        public var text: String
        public var key: Key
        public var role: Role
        /// A signed bar (-1...1) or a bar (0...1) in place of text.
        public var bar: Double?

        public init(_ text: String, key: Key = .text, role: Role = .text, bar: Double? = nil) {
            self.text = text
            self.key = key
            self.role = role
            self.bar = bar
        }

        public static func number(_ value: Double?, _ text: String, role: Role = .text) -> Item {
            guard let value, value.isFinite else { return Item(value == nil ? "–" : text, key: .missing, role: value == nil ? .faint : .bad) }
            return Item(text, key: .number(value), role: role)
        }

        public static func signedBar(_ value: Double) -> Item { Item("", key: .number(value), bar: value) }
    }

    public struct Row: Sendable, Equatable {
        /// Kept through sorting: what a selection means.
        public var id: String
        public var items: [Item]

        public init(id: String, items: [Item]) {
            self.id = id
            self.items = items
        }
    }

    public var columns: [Column]
    public var rows: [Row]

    public init(columns: [Column], rows: [Row]) {
        self.columns = columns
        self.rows = rows
    }
}

/// A table with its order, search, scroll and selection.
public struct TableView: Sendable, Equatable {
    public private(set) var table: Table
    /// Indices into `table.rows`, in the order shown.
    public private(set) var order: [Int] = []
    public var selected = 0
    public var top = 0
    public private(set) var sortColumn: Int?
    public private(set) var isDescending = false
    public private(set) var search = ""
    /// Marked rows by id, in the order of marking.
    public private(set) var marked: [String] = []
    private var widths: [Int] = []

    public init(_ table: Table = Table(columns: [], rows: []), sortColumn: Int? = nil, descending: Bool = false) {
        self.table = table
        self.sortColumn = sortColumn
        isDescending = descending
        rebuild()
    }

    public var selectedRow: Table.Row? { order.indices.contains(selected) ? table.rows[order[selected]] : nil }
    public var shownRows: [Table.Row] { order.map { table.rows[$0] } }

    /// Takes new contents and keeps selection, marks, order and search.
    public mutating func replace(_ new: Table) {
        let id = selectedRow?.id
        if new.columns.count != table.columns.count { sortColumn = sortColumn.flatMap { $0 < new.columns.count ? $0 : nil } }
        table = new
        rebuild()
        if let id { select(id: id) }
    }

    public mutating func select(id: String) {
        if let place = order.firstIndex(where: { table.rows[$0].id == id }) { selected = place }
        clamp()
    }

    public mutating func setSearch(_ text: String) {
        let id = selectedRow?.id
        search = text
        rebuild()
        if let id { select(id: id) }
    }

    /// Sorts by a column; the same column again turns the order round.
    public mutating func sort(by column: Int, descending: Bool? = nil) {
        guard table.columns.indices.contains(column) else { return }
        let id = selectedRow?.id
        if let descending {
            isDescending = descending
        } else {
            isDescending = sortColumn == column ? !isDescending : table.columns[column].isNumeric
        }
        sortColumn = column
        rebuild()
        if let id { select(id: id) }
    }

    public mutating func sortNextColumn(_ direction: Int = 1) {
        guard !table.columns.isEmpty else { return }
        let next = ((sortColumn ?? -1) + direction + table.columns.count) % table.columns.count
        sort(by: next, descending: table.columns[next].isNumeric)
    }

    public mutating func toggleMark() {
        guard let id = selectedRow?.id else { return }
        if let place = marked.firstIndex(of: id) { marked.remove(at: place) } else { marked.append(id) }
    }

    public mutating func setMarks(_ ids: [String]) { marked = ids }

    public mutating func move(_ rows: Int) {
        selected += rows
        clamp()
    }

    private mutating func clamp() { selected = max(0, min(order.count - 1, selected)) }

    private mutating func rebuild() {
        order = Array(table.rows.indices)
        if !search.isEmpty {
            let words = search.lowercased().split(separator: " ").map(String.init)
            order = order.filter { index in
                let items = table.rows[index].items
                return words.allSatisfy { word in items.contains { $0.text.lowercased().contains(word) } }
            }
        }
        if let column = sortColumn, table.columns.indices.contains(column) {
            let descending = isDescending
            let rows = table.rows
            // Equal rows keep their order: 397 classes of equal accuracy do not jump about.
            order.sort { first, second in
                let a = rows[first].items[column]
                let b = rows[second].items[column]
                if case .missing = a.key { if case .missing = b.key { return first < second }; return false }
                if case .missing = b.key { return true }
                switch (a.key, b.key) {
                case (.number(let x), .number(let y)) where x != y: return descending ? x > y : x < y
                case (.text, .text) where a.text != b.text: return descending ? a.text > b.text : a.text < b.text
                default: return first < second
                }
            }
        }
        clamp()
        widths = table.columns.indices.map { column in
            // One more than the title, for the arrow of the sorted column.
            var width = CharacterWidth.of(table.columns[column].title) + 1
            for row in table.rows where row.items.indices.contains(column) { width = max(width, CharacterWidth.of(row.items[column].text)) }
            return max(table.columns[column].minimum, width)
        }
    }

    /// Widths of the columns inside `room`; 0 leaves a column out.
    public func layout(_ room: Int, gap: Int = 2) -> [Int] {
        var shown = Set(table.columns.indices)
        func need(_ column: Int) -> Int { table.columns[column].isFlexible ? min(widths[column], max(table.columns[column].minimum, 12)) : widths[column] }
        func total() -> Int { shown.reduce(0) { $0 + need($1) + gap } - gap }
        while shown.count > 1, total() > room, let worst = shown.max(by: { (table.columns[$0].rank, $0) < (table.columns[$1].rank, $1) }),
            table.columns[worst].rank > 0
        {
            shown.remove(worst)
        }
        var result = table.columns.indices.map { shown.contains($0) ? need($0) : 0 }
        var left = room - total()
        for column in table.columns.indices where shown.contains(column) && table.columns[column].isFlexible && left > 0 {
            let more = min(left, widths[column] - result[column])
            result[column] += max(0, more)
            left -= max(0, more)
        }
        if left < 0, let flexible = table.columns.indices.first(where: { shown.contains($0) && table.columns[$0].isFlexible }) {
            result[flexible] = max(4, result[flexible] + left)
        }
        return result
    }

    /// First row shown when `height` rows fit.
    public func scrolled(_ height: Int) -> Int {
        guard height > 0 else { return 0 }
        var first = min(top, max(0, order.count - height))
        if selected < first { first = selected }
        if selected >= first + height { first = selected - height + 1 }
        return max(0, first)
    }

    /// Draws header and rows into `rect`; `focused` shows the selection strongly. Returns the rectangle of the rows.
    @discardableResult
    public func draw(into grid: inout Grid, _ rect: Rect, glyphs: Glyphs, focused: Bool, showsHeader: Bool = true, empty: String = "nothing here") -> Rect {
        var body = rect
        let gap = 2
        let markWidth = marked.isEmpty ? 0 : 2
        let widths = layout(rect.width - 2 - markWidth, gap: gap)
        if showsHeader {
            let head = body.takeTop(1)
            var x = head.x + 1 + markWidth
            for column in table.columns.indices where widths[column] > 0 {
                let isSorted = column == sortColumn
                let arrow = isSorted ? (isDescending ? "▼" : "▲") : ""
                let title = isBar(column)
                    ? TextFit.fitted(table.columns[column].title + arrow, to: widths[column], .center)
                    : table.columns[column].isNumeric
                    ? TextFit.fitted(arrow + table.columns[column].title, to: widths[column], .right)
                    : TextFit.fitted(table.columns[column].title + arrow, to: widths[column])
                grid.put(title, x: x, y: head.y, style: isSorted ? Style(.accent, on: .background, .bold) : Style(.header), limit: rect.maxX - x)
                x += widths[column] + gap
            }
        }
        guard body.height > 0 else { return body }
        if order.isEmpty {
            grid.put(TextFit.truncated(search.isEmpty ? empty : "no match for “\(search)”", to: body.width - 2), x: body.x + 1, y: body.y, style: .dim)
            return body
        }
        let first = scrolled(body.height)
        for line in 0..<min(body.height, order.count - first) {
            let row = table.rows[order[first + line]]
            let isSelected = first + line == selected
            let ground: Role = isSelected ? (focused ? .selection : .selectionIdle) : .background
            let y = body.y + line
            if isSelected { grid.fill(Rect(x: body.x, y: y, width: body.width, height: 1), style: Style(.text, on: ground)) }
            if markWidth > 0, let place = marked.firstIndex(of: row.id) {
                grid.set(LineChart.letter(place), x: body.x, y: y, style: Style(.series(place), on: ground, .bold))
            }
            var x = body.x + 1 + markWidth
            for column in table.columns.indices where widths[column] > 0 && row.items.indices.contains(column) {
                let item = row.items[column]
                let room = min(widths[column], rect.maxX - x)
                if let bar = item.bar {
                    if item.text.isEmpty, table.columns[column].isNumeric {
                        Bars.drawSigned(into: &grid, x: x, y: y, width: room, value: bar, glyphs: glyphs, on: ground)
                    } else {
                        Bars.draw(into: &grid, x: x, y: y, width: room, fraction: bar, style: Style(item.role).on(ground), glyphs: glyphs)
                    }
                } else {
                    let text = TextFit.fitted(item.text, to: room, table.columns[column].isNumeric ? .right : .left)
                    grid.put(text, x: x, y: y, style: Style(item.role, on: ground), limit: room)
                }
                x += widths[column] + gap
            }
        }
        if order.count > body.height { drawScrollMark(into: &grid, body, first) }
        return body
    }

    private func isBar(_ column: Int) -> Bool {
        guard table.columns[column].isNumeric, let first = table.rows.first, first.items.indices.contains(column) else { return false }
        return first.items[column].bar != nil
    }

    /// The thumb lies on the frame at the right of the rows.
    private func drawScrollMark(into grid: inout Grid, _ body: Rect, _ first: Int) {
        let size = max(1, body.height * body.height / order.count)
        let place = (body.height - size) * first / max(1, order.count - body.height)
        for line in 0..<body.height {
            let isThumb = line >= place && line < place + size
            guard isThumb else { continue }
            grid.set("▐", x: body.maxX, y: body.y + line, style: Style(.border))
        }
    }
}
