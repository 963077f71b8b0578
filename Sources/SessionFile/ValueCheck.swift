import TOMLText

extension SessionKey {
    /// What is wrong with `value` for this key, or nil. A whole message, starting with the key.
    func fault(in value: TOMLTree) -> String? {
        switch (kind, value) {
        case (.text(let range), .string(let text)):
            if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
                return "\(path) holds a line break or another control character; it wants \(allowed)."
            }
            return range.contains(text.count) ? nil : "\(path) has \(text.count) characters; it wants \(allowed)."
        case (.template, .string(let text)):
            if text.contains("\n") { return "\(path) holds a line break; it wants one sentence." }
            return text.contains("{}") ? nil : "\(path) is \(value.described) without {}; it wants \(allowed)."
        case (.path, .string(let text)):
            return text.isEmpty ? "\(path) is empty; it wants \(allowed). Leave the key out if there is none." : nil
        case (.word(let words), .string(let word)):
            return words.contains(word) ? nil : wrongWord(word, words)
        case (.words(let words), .list(let elements)):
            return wrongList(elements, words)
        case (.flag, .flag): return nil
        case (.whole(let range), .integer(let whole)):
            return range.contains(whole) ? nil : outside(value)
        case (.number, .integer(let whole)): return numberFault(Double(whole), written: value)
        case (.number, .number(let number)): return numberFault(number, written: value)
        case (.shots, .integer(let whole)): return whole >= 1 ? nil : outside(value)
        case (.shots, .string("all")): return nil
        default: return "\(path) is \(value.described); it wants \(allowed)."
        }
    }

    private func outside(_ value: TOMLTree) -> String { "\(path) is \(value.described); it must be \(allowed)." }

    private func numberFault(_ number: Double, written: TOMLTree) -> String? {
        guard case .number(let least, let isOpen, let below) = kind else { return nil }
        guard number.isFinite else { return outside(written) }
        let isInside = (isOpen ? number > least : number >= least) && (below.map { number < $0 } ?? true)
        return isInside ? nil : outside(written)
    }

    private func wrongWord(_ word: String, _ words: [String]) -> String {
        "\(path) is \"\(shortened(word, to: 40))\".\(Suggestion.forWord(word, in: words)) It must be \(allowed)."
    }

    private func wrongList(_ elements: [TOMLTree], _ words: [String]) -> String? {
        guard !elements.isEmpty else { return "\(path) is an empty list; it wants \(allowed)." }
        var seen: Set<String> = []
        for element in elements {
            guard case .string(let word) = element else {
                return "\(path) holds \(element.described); it wants \(allowed)."
            }
            guard words.contains(word) else {
                return "\(path) holds \"\(shortened(word, to: 40))\".\(Suggestion.forWord(word, in: words)) It wants \(allowed)."
            }
            guard seen.insert(word).inserted else { return "\(path) holds \"\(word)\" twice; it wants \(allowed)." }
        }
        return nil
    }
}
