import Foundation

/// Where the user's and the program's own files are: XDG base directories, and the folder that sessions and themes came with.
struct UserFolders: Sendable {
    /// `$XDG_CONFIG_HOME/maple`.
    let config: String
    /// `$XDG_DATA_HOME/maple`.
    let data: String
    /// `$XDG_CACHE_HOME/maple`.
    let cache: String
    /// The folder that holds `sessions` and `themes`: $MAPLE_HOME, or one near the program; nil where there is none.
    let program: String?

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? NSHomeDirectory()
        func base(_ name: String, _ usual: String) -> String {
            // The specification has relative paths ignored.
            let set = environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil }
            return (set ?? home + "/" + usual) + "/maple"
        }
        config = base("XDG_CONFIG_HOME", ".config")
        data = base("XDG_DATA_HOME", ".local/share")
        cache = base("XDG_CACHE_HOME", ".cache")
        program = Self.programFolder(environment)
    }

    /// Where themes are looked for, the user's own first.
    var themeFolders: [String] { [config + "/themes"] + (program.map { [$0 + "/themes"] } ?? []) }

    private static func programFolder(_ environment: [String: String]) -> String? {
        func holdsThemes(_ folder: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/themes/dark.toml") }
        if let named = environment["MAPLE_HOME"], !named.isEmpty { return absolute(named) }
        guard let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return nil }
        let folder = (executable as NSString).deletingLastPathComponent
        let installed = (folder as NSString).deletingLastPathComponent + "/share/maple"
        if holdsThemes(installed) { return installed }
        // A build folder lies inside the repository.
        var parent = folder
        for _ in 0..<5 {
            parent = (parent as NSString).deletingLastPathComponent
            if holdsThemes(parent) { return parent }
        }
        return nil
    }

    /// A path below the working folder, or as it is; `~` is the home folder.
    static func absolute(_ path: String) -> String {
        let expanded = (path as NSString).expandingTildeInPath
        let whole = expanded.hasPrefix("/") ? expanded : FileManager.default.currentDirectoryPath + "/" + expanded
        return (whole as NSString).standardizingPath
    }

    /// `stem.ending` in a folder, with `-2`, `-3` ... where that is taken.
    static func freePath(_ folder: String, stem: String, ending: String) -> String {
        var path = "\(folder)/\(stem).\(ending)"
        var number = 2
        while FileManager.default.fileExists(atPath: path) {
            path = "\(folder)/\(stem)-\(number).\(ending)"
            number += 1
        }
        return path
    }
}
