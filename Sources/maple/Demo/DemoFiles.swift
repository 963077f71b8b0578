import Datasets
import Foundation

/// Where the demo's sessions, its model and its drawn data sets are.
struct DemoFiles {
    /// Holds `maple.toml` and the other sessions, `protocols/` and `model/`.
    let sessions: String
    /// Holds a folder for each drawn data set.
    let drawings: String

    /// - Parameters:
    ///   - home: the folder that holds `sessions/demo`; nil looks at $MAPLE_HOME and near the program.
    ///   - drawings: nil takes `maple/drawn` in the user's cache.
    /// - Throws: `DemoError.notFound`
    init(home: String?, drawings: String?, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        let candidates = home.map { [$0] } ?? Self.homes(environment)
        let found = candidates.map { $0 + "/sessions/demo" }.first { FileManager.default.fileExists(atPath: $0 + "/maple.toml") }
        guard let found else { throw DemoError.notFound(candidates) }
        sessions = Self.absolute(found)
        self.drawings = Self.absolute(drawings ?? Self.cache(environment) + "/maple/drawn")
    }

    func session(_ method: String) -> String { "\(sessions)/\(method).toml" }
    func protocolSession(_ name: String) -> String { "\(sessions)/protocols/\(name).toml" }
    func data(_ dataset: DrawnDataset) -> String { "\(drawings)/\(dataset.rawValue)" }

    /// An installed program has its sessions in `share/maple`; a built one lies inside the repository.
    private static func homes(_ environment: [String: String]) -> [String] {
        if let named = environment["MAPLE_HOME"], !named.isEmpty { return [named] }
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return ["."] }
        var folder = (program as NSString).deletingLastPathComponent
        var homes = [(folder as NSString).deletingLastPathComponent + "/share/maple"]
        for _ in 0..<5 {
            folder = (folder as NSString).deletingLastPathComponent
            homes.append(folder)
        }
        return homes
    }

    /// The base directory specification has relative paths ignored.
    private static func cache(_ environment: [String: String]) -> String {
        if let set = environment["XDG_CACHE_HOME"], set.hasPrefix("/") { return set }
        return (environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? NSHomeDirectory()) + "/.cache"
    }

    private static func absolute(_ path: String) -> String {
        let expanded = (path as NSString).expandingTildeInPath
        return ((expanded.hasPrefix("/") ? expanded : FileManager.default.currentDirectoryPath + "/" + expanded) as NSString).standardizingPath
    }
}

enum DemoError: Error, CustomStringConvertible {
    case notFound([String])
    case noModel(String)

    var description: String {
        switch self {
        case .notFound(let homes):
            "the demo's sessions are not where they are expected: no sessions/demo/maple.toml in \(homes.joined(separator: ", "))."
                + " Name the folder that holds sessions/demo with --home or MAPLE_HOME."
        case .noModel(let path):
            "the demo's model is missing: \(path). Fetch the repository whole, or make it: maple pretrain sessions/demo/pretrain.toml."
        }
    }
}
