/// Tables as files.
public enum TableFormat: String, Sendable, CaseIterable {
    case csv, markdown, latex

    public var fileExtension: String {
        switch self {
        case .csv: "csv"
        case .markdown: "md"
        case .latex: "tex"
        }
    }
}

extension Table {
    /// The whole table, in the order of `rows`; columns of bars are left out.
    public func exported(_ format: TableFormat) -> String {
        let shown = columns.indices.filter { column in !rows.contains { $0.items.indices.contains(column) && $0.items[column].bar != nil } }
        func texts(_ row: Row) -> [String] { shown.map { row.items.indices.contains($0) ? row.items[$0].text : "" } }
        let titles = shown.map { columns[$0].title }
        switch format {
        case .csv:
            // Programs read it: numbers as they are, accuracies as fractions, durations in seconds.
            func values(_ row: Row) -> [String] {
                zip(shown, texts(row)).map { column, text in
                    guard row.items.indices.contains(column), columns[column].isNumeric else { return text }
                    switch row.items[column].key {
                    case .number(let value): return Self.plainNumber(value)
                    case .missing: return text == "–" ? "" : text
                    case .text: return text
                    }
                }
            }
            let lines = [titles] + rows.map(values)
            return lines.map { $0.map(Self.csvField).joined(separator: ",") }.joined(separator: "\n") + "\n"
        case .markdown:
            func line(_ items: [String]) -> String { "| " + items.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |" }
            let rule = "|" + shown.map { columns[$0].isNumeric ? "---:" : "---" }.joined(separator: "|") + "|"
            return ([line(titles), rule] + rows.map { line(texts($0)) }).joined(separator: "\n") + "\n"
        case .latex:
            let spec = shown.map { columns[$0].isNumeric ? "r" : "l" }.joined()
            func line(_ items: [String]) -> String { "  " + items.map(Self.latexText).joined(separator: " & ") + " \\\\" }
            let body = rows.map { line(texts($0)) }.joined(separator: "\n")
            return "\\begin{tabular}{\(spec)}\n  \\toprule\n\(line(titles))\n  \\midrule\n\(body)\n  \\bottomrule\n\\end{tabular}\n"
        }
    }

    private static func plainNumber(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : value.description
    }

    static func csvField(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    static func latexText(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&", "%", "$", "#", "_", "{", "}": result += "\\" + String(character)
            case "~": result += "\\textasciitilde{}"
            case "^": result += "\\textasciicircum{}"
            case "\\": result += "\\textbackslash{}"
            case "–": result += "--"
            case "±": result += "$\\pm$"
            default: result.append(character)
            }
        }
        return result
    }
}

extension TableView {
    /// The rows that are shown, in the order shown.
    public var shownTable: Table { Table(columns: table.columns, rows: shownRows) }
}
