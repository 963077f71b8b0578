import Foundation

/// Finds the files that a session names.
struct SessionPaths {
    /// The session file's folder, absolute.
    let sessionFolder: String
    /// Absolute.
    let workingFolder: String

    enum Outcome: Equatable {
        case found(String)
        /// The absolute paths that were tried.
        case missing([String])
    }

    /// Makes `path` absolute: as it stands, or below the home folder (`~/`), or relative to the session's folder and then to the working
    /// folder; the other way round for an override, which is typed in the working folder.
    func resolve(_ path: String, isOverride: Bool) -> Outcome {
        resolve(path, in: isOverride ? [workingFolder, sessionFolder] : [sessionFolder, workingFolder])
    }

    func resolve(_ path: String, in folders: [String]) -> Outcome {
        let expanded = path == "~" || path.hasPrefix("~/") ? NSHomeDirectory() + path.dropFirst() : path
        var tried: [String] = []
        for candidate in expanded.hasPrefix("/") ? [expanded] : folders.map({ $0 + "/" + expanded }) {
            let tidy = Self.tidied(candidate)
            if FileManager.default.fileExists(atPath: tidy) { return .found(tidy) }
            if !tried.contains(tidy) { tried.append(tidy) }
        }
        return .missing(tried)
    }

    /// Without `.`, doubled slashes and a slash at the end, and without `..` where no symbolic link makes that another place.
    static func tidied(_ path: String) -> String {
        var parts: [Substring] = []
        var short: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            parts.append(part)
            if part == ".." { short = short.dropLast() } else { short.append(part) }
        }
        let long = "/" + parts.joined(separator: "/")
        guard parts != short else { return long }
        let shorter = "/" + short.joined(separator: "/")
        var a = stat(), b = stat()
        guard stat(long, &a) == 0 else { return shorter }
        return stat(shorter, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino ? shorter : long
    }
}
