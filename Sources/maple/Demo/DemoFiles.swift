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
    init(home: String?, drawings: String?, user: UserFolders = UserFolders()) throws {
        let place = home ?? user.program
        guard let place, FileManager.default.fileExists(atPath: place + "/sessions/demo/maple.toml") else { throw DemoError.notFound(place) }
        sessions = UserFolders.absolute(place + "/sessions/demo")
        self.drawings = UserFolders.absolute(drawings ?? user.cache + "/drawn")
    }

    func session(_ method: String) -> String { "\(sessions)/\(method).toml" }
    func protocolSession(_ name: String) -> String { "\(sessions)/protocols/\(name).toml" }
    func data(_ dataset: DrawnDataset) -> String { "\(drawings)/\(dataset.rawValue)" }
}

enum DemoError: Error, CustomStringConvertible {
    case notFound(String?)
    case noModel(String)

    var description: String {
        switch self {
        case .notFound(let place):
            "the demo's sessions are not there: \(place.map { "no sessions/demo/maple.toml in \($0)" } ?? "nothing near the program holds them")."
                + " Name the folder that holds sessions/demo with --home or MAPLE_HOME."
        case .noModel(let path):
            "the demo's model is missing: \(path). Fetch the repository whole, or make it: maple pretrain sessions/demo/pretrain.toml --output \(path)."
        }
    }
}
