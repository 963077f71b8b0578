import Foundation
import Screen
import TOMLKit
import TOMLText

/// What is wrong with a theme file: a place and a sentence. A theme with warnings is still used.
public struct ThemeWarning: Sendable, Equatable, CustomStringConvertible {
    public var file: String
    /// From 1; 0 when the place is not known.
    public var line: Int
    public var key: String
    public var text: String

    public var description: String {
        let place = line > 0 ? "\(file):\(line)" : file
        return key.isEmpty ? "\(place): \(text)" : "\(place): \(key): \(text)"
    }
}

/// Reads themes from TOML: `name`, `inherits`, `[palette]`, `[base]`, `[roles]`.
///
/// A child's palette takes the place of its parent's entries of the same name before any name is looked up, so that a theme can
/// recolour another one by its palette alone. Unknown keys and colours are warnings; the rest of the file is used.
public enum ThemeFile {
    /// Reads one theme. `parents` finds the text of a theme by name. Without a readable file the dark theme comes back.
    public static func read(
        _ text: String, file: String, parents: (String) -> String? = { _ in nil }
    ) -> (theme: Theme, warnings: [ThemeWarning]) {
        var warnings: [ThemeWarning] = []
        guard let sheet = load(text, file: file, parents: parents, depth: 0, &warnings) else { return (.dark, warnings) }
        return (sheet.theme(file: file, fallbackName: stem(file), &warnings), warnings)
    }

    /// Every `*.toml` of the folders, by name; earlier folders win. The built-in themes fill what is missing.
    public static func readAll(folders: [String]) -> (themes: [Theme], warnings: [ThemeWarning]) {
        var texts: [(name: String, path: String, text: String)] = []
        var warnings: [ThemeWarning] = []
        for folder in folders {
            let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".toml") }.sorted()
            for name in names where !texts.contains(where: { $0.name == stem(name) }) {
                let path = (folder as NSString).appendingPathComponent(name)
                guard let data = FileManager.default.contents(atPath: path), data.count < 1 << 20, let text = String(data: data, encoding: .utf8) else {
                    warnings.append(ThemeWarning(file: path, line: 0, key: "", text: "cannot be read as UTF-8 text below 1 MiB. Save it anew as UTF-8."))
                    continue
                }
                texts.append((stem(name), path, text))
            }
        }
        var themes = texts.compactMap { entry -> Theme? in
            let before = warnings.count
            var found: [ThemeWarning] = []
            guard let sheet = load(entry.text, file: entry.path, parents: { name in texts.first { $0.name == name }?.text }, depth: 0, &found) else {
                warnings += found
                return nil
            }
            let theme = sheet.theme(file: entry.path, fallbackName: entry.name, &found)
            warnings.insert(contentsOf: found, at: before)
            return theme
        }
        for theme in Theme.builtIn where !themes.contains(where: { $0.name == theme.name }) { themes.append(theme) }
        let order = ["dark", "light", "high-contrast", "colour-blind-safe", "monochrome"]
        themes.sort { (order.firstIndex(of: $0.name) ?? order.count, $0.name) < (order.firstIndex(of: $1.name) ?? order.count, $1.name) }
        return (themes, warnings)
    }

    private static func stem(_ path: String) -> String { ((path as NSString).lastPathComponent as NSString).deletingPathExtension }

    private static func load(_ text: String, file: String, parents: (String) -> String?, depth: Int, _ warnings: inout [ThemeWarning]) -> ThemeSheet? {
        let table: TOMLTable
        func refused(_ line: Int, _ reason: String) -> ThemeSheet? {
            warnings.append(ThemeWarning(file: file, line: line, key: "", text: "not valid TOML: \(reason). The theme is left out."))
            return nil
        }
        // The library ends the process on some malformed text: it sees only what the outline has passed.
        switch TOMLOutline(text).ending {
        case .complete: break
        case .stopped(let line, let reason): return refused(line, reason)
        case .tooDeep(let line): return refused(line, "values are nested deeper than \(TOMLOutline.depthLimit)")
        case .escapedNul(let line): return refused(line, "a string holds an escaped NUL character")
        }
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            return refused(Int(error.source.begin.line), error.description)
        } catch {
            return refused(0, "\(error)")
        }
        var sheet = ThemeSheet()
        if let parent = table["inherits"]?.string {
            if depth > 8 {
                warnings.append(ThemeWarning(file: file, line: line(of: "inherits", in: "", text), key: "inherits", text: "inherits from itself. Name another theme."))
            } else if let parentText = parents(parent) {
                var quiet: [ThemeWarning] = []
                sheet = load(parentText, file: parent, parents: parents, depth: depth + 1, &quiet) ?? sheet
            } else if let builtIn = Theme.builtIn.first(where: { $0.name == parent }) {
                sheet.parent = builtIn
            } else {
                warnings.append(ThemeWarning(file: file, line: line(of: "inherits", in: "", text), key: "inherits", text: "there is no theme “\(parent)”. Put \(parent).toml beside it."))
            }
        }
        sheet.file = file
        for key in table.keys.sorted() {
            switch key {
            case "name": sheet.name = table["name"]?.string ?? sheet.name
            case "inherits": break
            case "palette": read(table["palette"]?.table, "palette", text, file, &sheet.palette, &warnings)
            case "base":
                for name in (table["base"]?.table?.keys.sorted() ?? []) {
                    guard ThemeSheet.baseKeys.contains(name) else {
                        warnings.append(unknown(name, "base", ThemeSheet.baseKeys, text, file))
                        continue
                    }
                    let value = table["base"]?.table?[name]
                    if let array = value?.array {
                        sheet.base[name] = array.compactMap { $0.string }
                    } else if let single = value?.string {
                        sheet.base[name] = [single]
                    } else {
                        warnings.append(ThemeWarning(file: file, line: line(of: name, in: "base", text), key: "base.\(name)", text: "needs a colour or a list of colours. Write a name of the palette or \"#rrggbb\"."))
                    }
                    sheet.lines["base." + name] = line(of: name, in: "base", text)
                }
            case "roles": readRoles(table["roles"]?.table, text, file, &sheet, &warnings)
            default: warnings.append(unknown(key, "", ["name", "inherits", "palette", "base", "roles"], text, file))
            }
        }
        return sheet
    }

    private static func read(
        _ table: TOMLTable?, _ section: String, _ text: String, _ file: String, _ palette: inout [String: ThemeColor], _ warnings: inout [ThemeWarning]
    ) {
        for name in (table?.keys.sorted() ?? []) {
            let value = table?[name]
            func warn(_ sentence: String) { warnings.append(ThemeWarning(file: file, line: line(of: name, in: section, text), key: "\(section).\(name)", text: sentence)) }
            if let hex = value?.string {
                if let color = ThemeColor(hex: hex) { palette[name] = color } else { warn("“\(hex)” is not a colour. Write \"#rrggbb\".") }
            } else if let parts = value?.table {
                guard let hex = parts["rgb"]?.string, var color = ThemeColor(hex: hex) else {
                    warn("has no colour. Write rgb = \"#rrggbb\".")
                    continue
                }
                for key in parts.keys {
                    switch key {
                    case "rgb": break
                    case "xterm":
                        if let index = parts["xterm"]?.int, (0...255).contains(index) { color.xterm = index } else { warn("xterm must be 0 to 255.") }
                    case "ansi":
                        if let name = parts["ansi"]?.string, let index = ThemeColor.ansiNames.firstIndex(of: name) { color.ansi = index } else {
                            warn("ansi must be one of \(ThemeColor.ansiNames.joined(separator: ", ")).")
                        }
                    default: warn("unknown key “\(key)”. It takes rgb, xterm and ansi.")
                    }
                }
                palette[name] = color
            } else {
                warn("is not a colour. Write \"#rrggbb\".")
            }
        }
    }

    private static func readRoles(_ table: TOMLTable?, _ text: String, _ file: String, _ sheet: inout ThemeSheet, _ warnings: inout [ThemeWarning]) {
        let roles = Dictionary(uniqueKeysWithValues: Role.allCases.map { ($0.fileName, $0) })
        for name in (table?.keys.sorted() ?? []) {
            guard let role = roles[name] else {
                warnings.append(unknown(name, "roles", roles.keys.sorted(), text, file))
                continue
            }
            var entry = ThemeSheet.RoleEntry(line: line(of: name, in: "roles", text))
            if let color = table?[name]?.string {
                entry.foreground = color
            } else if let parts = table?[name]?.table {
                let flags: [String: Attributes] = ["bold": .bold, "dim": .dim, "italic": .italic, "underline": .underline, "reverse": .reverse]
                for key in parts.keys.sorted() {
                    if key == "fg" { entry.foreground = parts[key]?.string } else if key == "bg" { entry.background = parts[key]?.string } else if let flag = flags[key] {
                        if parts[key]?.bool == true { entry.attributes.insert(flag) }
                    } else {
                        warnings.append(unknown(key, "roles.\(name)", ["fg", "bg"] + flags.keys.sorted(), text, file))
                    }
                }
            }
            sheet.roles[role] = entry
        }
    }

    private static func unknown(_ key: String, _ section: String, _ known: [String], _ text: String, _ file: String) -> ThemeWarning {
        let full = section.isEmpty ? key : "\(section).\(key)"
        let nearest = known.min { distance(key, $0) < distance(key, $1) } ?? ""
        let place = section.hasPrefix("roles.") ? line(of: String(section.dropFirst(6)), in: "roles", text) : line(of: key, in: section, text)
        return ThemeWarning(file: file, line: place, key: full, text: "unknown key, left out. Did you mean “\(nearest)”?")
    }

    /// The line on which a key of a section stands, from 1; 0 when it is not found.
    static func line(of key: String, in section: String, _ text: String) -> Int {
        var current = ""
        for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = raw.trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("["), let end = line.firstIndex(of: "]") {
                current = String(line[line.index(after: line.startIndex)..<end])
                if current == key, section.isEmpty { return index + 1 }
                continue
            }
            guard current == section, let equals = line.firstIndex(of: "=") else { continue }
            if line[..<equals].trimmingCharacters(in: CharacterSet(charactersIn: " \t\"'")) == key { return index + 1 }
        }
        return 0
    }

    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.prefix(64)), b = Array(b.prefix(64))
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var last = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let next = min(row[j + 1] + 1, row[j] + 1, last + (a[i] == b[j] ? 0 : 1))
                last = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[b.count]
    }
}
