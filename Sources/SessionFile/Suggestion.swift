/// Finds what somebody probably meant.
enum Suggestion {
    /// Text after an unknown key or table: the nearest right key, or what there is.
    static func forKey(_ parts: [String], in schema: SessionSchema = .session) -> String {
        let written = parts.joined(separator: ".")
        guard written.utf8.count <= 80, let name = parts.last?.lowercased() else { return "See the keys of a session file." }
        let table = parts.count > 1 ? parts.dropLast().joined(separator: ".") : ""
        let inTable = schema.keys.filter { $0.parts.dropLast().joined(separator: ".") == table }

        if parts.count == 1, let near = nearest(name, in: schema.tables), distance(name, near) <= tolerance(name),
            schema.tables.contains(near), !isNearerToRootKey(name, than: near, schema),
            !schema.keys.contains(where: { $0.name == name })
        {
            return "Did you mean [\(near)]?"
        }
        let close = inTable.first { $0.otherNames.contains(name) } ?? inTable.first { $0.name == name }
            ?? nearest(name, in: inTable.map(\.name)).flatMap { near in
                distance(name, near) <= tolerance(name) ? inTable.first { $0.name == near } : nil
            }
            ?? schema.keys.first { $0.name == name } ?? schema.keys.first { $0.otherNames.contains(name) }
        if let close { return "Did you mean \(close.path)?" }
        let near = nearest(written.lowercased(), in: schema.keys.map(\.path)) ?? "name"
        let known = inTable.isEmpty ? "" : "; \(table.isEmpty ? "the top level" : "[\(table)]") knows "
            + inTable.map(\.name).joined(separator: ", ")
        return "The nearest key is \(near)\(known)."
    }

    /// ` Did you mean "maple"?` where a word is close to an allowed one, else nothing.
    static func forWord(_ word: String, in words: [String]) -> String {
        guard word.utf8.count <= 80, let near = nearest(word.lowercased(), in: words),
            distance(word.lowercased(), near) <= tolerance(word)
        else { return "" }
        return " Did you mean \"\(near)\"?"
    }

    private static func isNearerToRootKey(_ name: String, than table: String, _ schema: SessionSchema) -> Bool {
        guard let key = nearest(name, in: schema.keys.filter { $0.parts.count == 1 }.map(\.name)) else { return false }
        return distance(name, key) < distance(name, table)
    }

    private static func tolerance(_ word: String) -> Int { max(2, word.count / 3) }

    static func nearest(_ word: String, in candidates: [String]) -> String? {
        candidates.min { distance(word, $0) < distance(word, $1) }
    }

    /// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`: optimal string alignment.
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.unicodeScalars), b = Array(b.unicodeScalars)
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            row.reserveCapacity(b.count + 1)
            for j in 0..<b.count {
                var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
                row.append(best)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
