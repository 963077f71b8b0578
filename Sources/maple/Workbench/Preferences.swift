import Foundation
import RunStore
import Screen

/// What the workbench remembers between sessions: `settings.toml` in the user's configuration folder.
///
/// ```
/// theme = "light"
/// glyphs = "braille"
/// mouse = true
/// ```
struct Preferences: Equatable {
    var theme: String?
    var glyphs: Glyphs?
    var mouse = true

    /// Reads lines `key = value`; what is not understood is told and left out.
    init(text: String, file: String, warnings: inout [String]) {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.trimmingCharacters(in: .whitespaces)
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            func warn(_ text: String) { warnings.append("\(file):\(index + 1): \(text)") }
            guard parts.count == 2 else {
                warn("not a setting. Write key = value.")
                continue
            }
            let value = parts[1].hasPrefix("\"") && parts[1].hasSuffix("\"") && parts[1].count > 1 ? String(parts[1].dropFirst().dropLast()) : parts[1]
            switch parts[0] {
            case "theme": theme = value
            case "glyphs":
                glyphs = Glyphs(rawValue: value)
                if glyphs == nil { warn("glyphs: must be \(Glyphs.allCases.map(\.rawValue).joined(separator: ", ")).") }
            case "mouse":
                if value == "true" || value == "false" { mouse = value == "true" } else { warn("mouse: must be true or false.") }
            default: warn("\(parts[0].prefix(40)): unknown setting. There are theme, glyphs and mouse.")
            }
        }
    }

    init(theme: String?, glyphs: Glyphs?, mouse: Bool) {
        self.theme = theme
        self.glyphs = glyphs
        self.mouse = mouse
    }

    static func file(_ user: UserFolders) -> String { user.config + "/settings.toml" }

    static func read(_ user: UserFolders, warnings: inout [String]) -> Preferences {
        let path = file(user)
        guard FileManager.default.fileExists(atPath: path) else { return Preferences(theme: nil, glyphs: nil, mouse: true) }
        guard let data = FileManager.default.contents(atPath: path), data.count < 1 << 16, let text = String(data: data, encoding: .utf8) else {
            warnings.append("\(path): cannot be read as UTF-8 text below 64 KiB. Delete it to start anew.")
            return Preferences(theme: nil, glyphs: nil, mouse: true)
        }
        return Preferences(text: text, file: path, warnings: &warnings)
    }

    /// - Throws: `RunStoreError`, or why the folder cannot be made.
    func write(_ user: UserFolders) throws {
        try FileManager.default.createDirectory(atPath: user.config, withIntermediateDirectories: true)
        var lines: [String] = []
        if let theme { lines.append("theme = \"\(theme.filter { $0 != "\"" && $0 != "\\" && !$0.isNewline })\"") }
        if let glyphs { lines.append("glyphs = \"\(glyphs.rawValue)\"") }
        lines.append("mouse = \(mouse)")
        try AtomicFile.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: Self.file(user))
    }
}
