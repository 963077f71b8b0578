/// Fits texts into columns.
public enum TextFit {
    public enum Alignment: Sendable { case left, right, center }

    /// The text, or its beginning followed by "…", in at most `columns` columns.
    public static func truncated(_ text: String, to columns: Int) -> String {
        guard columns > 0 else { return "" }
        if text.utf8.count <= columns, CharacterWidth.asciiCount(text) != nil { return text }
        if CharacterWidth.of(text) <= columns { return text }
        var kept = ""
        var used = 0
        for character in text {
            let width = clusterWidth(character)
            if used + width > columns - 1 { break }
            kept.append(character)
            used += width
        }
        return kept + "…"
    }

    /// The end of a text after "…", for paths.
    public static func truncatedHead(_ text: String, to columns: Int) -> String {
        guard columns > 0 else { return "" }
        if CharacterWidth.of(text) <= columns { return text }
        var kept: [Character] = []
        var used = 0
        for character in text.reversed() {
            let width = clusterWidth(character)
            if used + width > columns - 1 { break }
            kept.append(character)
            used += width
        }
        return "…" + String(kept.reversed())
    }

    /// The text in exactly `columns` columns.
    public static func fitted(_ text: String, to columns: Int, _ alignment: Alignment = .left) -> String {
        guard columns > 0 else { return "" }
        let short = truncated(text, to: columns)
        let pad = max(0, columns - CharacterWidth.of(short))
        switch alignment {
        case .left: return short + spaces(pad)
        case .right: return spaces(pad) + short
        case .center: return spaces(pad / 2) + short + spaces(pad - pad / 2)
        }
    }

    /// Breaks a text into lines at spaces; a word that is too long is cut.
    public static func wrapped(_ text: String, to columns: Int) -> [String] {
        guard columns > 0 else { return [] }
        var lines: [String] = []
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = ""
            var used = 0
            for word in paragraph.split(separator: " ") {
                var rest = String(word)
                while !rest.isEmpty {
                    let width = CharacterWidth.of(rest)
                    let gap = used == 0 ? 0 : 1
                    if used + gap + width <= columns {
                        line += (gap == 1 ? " " : "") + rest
                        used += gap + width
                        rest = ""
                    } else if used > 0 {
                        lines.append(line)
                        line = ""
                        used = 0
                    } else {
                        var head = ""
                        var headWidth = 0
                        for character in rest {
                            let next = clusterWidth(character)
                            if headWidth + next > columns { break }
                            head.append(character)
                            headWidth += next
                        }
                        if head.isEmpty { rest = ""; break }
                        lines.append(head)
                        rest = String(rest.dropFirst(head.count))
                    }
                }
            }
            lines.append(line)
        }
        return lines
    }

    public static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

    private static func clusterWidth(_ character: Character) -> Int {
        let form = CharacterWidth.terminalForm(character)
        return form.second == nil ? form.width : 2
    }
}
