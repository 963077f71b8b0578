import RunModel
import TOMLText

extension SessionFile {
    /// The file at `path` with what `spec` says otherwise changed in it: comments, order and the rest of its lines stay.
    ///
    /// Text that cannot be changed so (it is no session, or spells its tables in unusual ways) is written anew.
    public static func edit(path: String, as spec: SessionSpec) -> String {
        guard let text = try? SessionFile.text(path: path), let before = try? read(text: text, path: path),
            let edited = edit(text, from: before, to: spec),
            (try? read(text: edited, path: path)) == spec
        else { return write(spec) }
        return edited
    }

    /// Nil where changes meet, as in tables on one line.
    private static func edit(_ text: String, from before: SessionSpec, to after: SessionSpec) -> String? {
        let outline = TOMLOutline(text)
        guard outline.ending == .complete else { return nil }
        let bytes = Array(text.utf8)
        var changes: [(range: Range<Int>, text: String)] = []
        let old = tables(before), new = tables(after)
        for table in new {
            let prefix = table.name.isEmpty ? [] : [table.name]
            let known = Dictionary(uniqueKeysWithValues: (old.first { $0.name == table.name }?.entries ?? []).map { ($0.key, $0.value) })
            var added: [String] = []
            for (key, value) in table.entries where known[key] != value {
                if let range = outline.values[prefix + [key]] {
                    changes.append((range, value))
                } else {
                    added.append("\(key) = \(value)")
                }
            }
            for key in known.keys where !table.entries.contains(where: { $0.key == key }) {
                if let range = outline.values[prefix + [key]] { changes.append((line(around: range, bytes), "")) }
            }
            guard !added.isEmpty else { continue }
            let siblings = outline.values.filter { $0.key.count == prefix.count + 1 && Array($0.key.dropLast()) == prefix }
            if let last = siblings.values.max(by: { $0.upperBound < $1.upperBound }) {
                let end = line(around: last, bytes).upperBound
                let start = end > 0 && bytes[end - 1] == 0x0A ? "" : "\n"
                changes.append((end..<end, start + added.joined(separator: "\n") + "\n"))
            } else {
                // Keys without a table stand before all tables.
                let isTop = table.name.isEmpty, place = isTop ? 0 : bytes.count
                let header = isTop ? [] : (bytes.last == 0x0A ? [""] : ["", ""]) + ["[\(table.name)]"]
                changes.append((place..<place, (header + added).joined(separator: "\n") + "\n"))
            }
        }
        var result = bytes
        // From the end, so that what comes before keeps its place; insertions at one place in the order of the tables.
        let ordered = changes.enumerated().sorted { ($0.element.range.lowerBound, $0.offset) > ($1.element.range.lowerBound, $1.offset) }.map(\.element)
        guard zip(ordered, ordered.dropFirst()).allSatisfy({ $1.range.upperBound <= $0.range.lowerBound }) else { return nil }
        for change in ordered {
            result.replaceSubrange(change.range, with: Array(change.text.utf8))
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The whole lines that a range touches, with their end.
    private static func line(around range: Range<Int>, _ bytes: [UInt8]) -> Range<Int> {
        var low = range.lowerBound, high = range.upperBound
        while low > 0, bytes[low - 1] != 0x0A { low -= 1 }
        while high < bytes.count, bytes[high] != 0x0A { high += 1 }
        return low..<min(high + 1, bytes.count)
    }
}
