import RunModel

/// What lies over a screen and takes the keys.
public enum Dialog: Sendable {
    case help(scroll: Int)
    case palette(PaletteState)
    case form(FormState)
    case browser(BrowserState)
    case question(Question)
    case message(title: String, text: String)
    case entry(EntryState)
    case menu(MenuState)
}

public struct PaletteState: Sendable {
    public var query = ""
    public var selected = 0

    /// Matching commands of a context, best first.
    public func matches(_ context: KeyContext) -> [Binding] {
        let bindings = Keymap.bindings(in: context)
        guard !query.isEmpty else { return bindings }
        let wanted = query.lowercased()
        func score(_ binding: Binding) -> Int? {
            let short = binding.short.lowercased()
            let title = binding.title.lowercased()
            if short.hasPrefix(wanted) { return 0 }
            if title.hasPrefix(wanted) { return 1 }
            if short.contains(wanted) || title.contains(wanted) { return 2 }
            // Letters in order, as fuzzy finders have it.
            var rest = Substring(title)
            for letter in wanted where letter != " " {
                guard let place = rest.firstIndex(of: letter) else { return nil }
                rest = rest[rest.index(after: place)...]
            }
            return 3
        }
        return bindings.enumerated().compactMap { place, binding in score(binding).map { ($0, place, binding) } }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map { $0.2 }
    }
}

/// A question with an answer on each of a few keys.
public struct Question: Sendable {
    public struct Choice: Sendable {
        public var key: Character
        public var text: String
        public var effects: [Effect]
        /// Danger is shown in the colour of bad news.
        public var isDangerous: Bool

        public init(_ key: Character, _ text: String, _ effects: [Effect] = [], dangerous: Bool = false) {
            self.key = key
            self.text = text
            self.effects = effects
            isDangerous = dangerous
        }
    }

    public var title: String
    public var text: String
    public var choices: [Choice]
    public var selected = 0

    public init(title: String, text: String, choices: [Choice]) {
        self.title = title
        self.text = text
        self.choices = choices
        // A careless enter harms nothing.
        selected = choices.firstIndex { !$0.isDangerous } ?? 0
    }
}

/// One line of input.
public struct EntryState: Sendable {
    public enum Purpose: Sendable { case search, note, learningRate }
    public var purpose: Purpose
    public var title: String
    public var field: TextField
    public var hint: String
    public var error: String?
}

/// A list to choose from.
public struct MenuState: Sendable {
    public enum Purpose: Sendable {
        case theme(original: Int)
        case tableFormat(name: String, Table)
        case overlay([RunID])
    }
    public var purpose: Purpose
    public var title: String
    public var items: [String]
    public var marked: Set<Int> = []
    public var selected = 0
}

/// Editable text with a caret.
public struct TextField: Sendable, Equatable {
    public private(set) var text: [Character]
    public private(set) var caret: Int

    public init(_ text: String = "") {
        self.text = Array(text)
        caret = self.text.count
    }

    public var string: String { String(text) }

    /// Takes an editing key; false when it means nothing here.
    public mutating func handle(_ key: Key) -> Bool {
        switch key {
        case .character(let character): insert(String(character))
        case .backspace:
            guard caret > 0 else { return true }
            caret -= 1
            text.remove(at: caret)
        case .delete: if caret < text.count { text.remove(at: caret) }
        case .left: caret = max(0, caret - 1)
        case .right: caret = min(text.count, caret + 1)
        case .home, .control("a"): caret = 0
        case .end, .control("e"): caret = text.count
        case .control("u"):
            text.removeFirst(caret)
            caret = 0
        case .control("k"): text.removeLast(text.count - caret)
        case .control("w"):
            while caret > 0, text[caret - 1] == " " || text[caret - 1] == "/" { removeBefore() }
            while caret > 0, text[caret - 1] != " ", text[caret - 1] != "/" { removeBefore() }
        default: return false
        }
        return true
    }

    public mutating func insert(_ added: String) {
        let characters = added.filter { !$0.isNewline && ($0.asciiValue ?? 0x20) >= 0x20 }
        text.insert(contentsOf: characters, at: caret)
        caret += characters.count
    }

    private mutating func removeBefore() {
        caret -= 1
        text.remove(at: caret)
    }
}

/// Looks for a model or data folder.
public struct BrowserState: Sendable {
    public var purpose: PathPurpose
    public var path: String
    public var listing: FolderListing?
    public var selected = 0
    public var filter = ""
    /// By path, as answers arrive.
    public var descriptions: [String: PathDescription] = [:]

    public init(purpose: PathPurpose, path: String) {
        self.purpose = purpose
        self.path = path
    }

    /// ".." first, then what the filter lets through.
    public var shown: [FolderListing.Entry] {
        let parent = path == "/" ? [] : [FolderListing.Entry(name: "..", isFolder: true)]
        let entries = listing?.entries ?? []
        guard !filter.isEmpty else { return parent + entries }
        return parent + entries.filter { $0.name.lowercased().contains(filter.lowercased()) }
    }

    public var selectedPath: String? {
        guard shown.indices.contains(selected) else { return nil }
        let name = shown[selected].name
        return name == ".." ? Self.parent(path) : Self.join(path, name)
    }

    static func parent(_ path: String) -> String {
        let parts = path.split(separator: "/")
        return "/" + parts.dropLast().joined(separator: "/")
    }

    static func join(_ path: String, _ name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }
}
