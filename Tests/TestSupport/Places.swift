import Foundation

/// Where tests find their files: fixtures that travel with the repository, and the larger shared folder that may be absent.
public enum Places {
    /// The repository's root folder.
    public static let root: URL = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// `Tests/Fixtures`, always present.
    public static let fixtures: URL = root.appendingPathComponent("Tests/Fixtures")

    /// `../shared` beside the repository (or the folder named by MAPLE_SHARED), nil where it does not exist.
    public static let shared: URL? = {
        let named = ProcessInfo.processInfo.environment["MAPLE_SHARED"].map { URL(fileURLWithPath: $0) }
        let folder = named ?? root.deletingLastPathComponent().appendingPathComponent("shared")
        return FileManager.default.fileExists(atPath: folder.appendingPathComponent("goldens").path) ? folder : nil
    }()

    public static var hasShared: Bool { shared != nil }

    /// A fresh folder for one test, deleted when `body` returns.
    public static func withTemporaryFolder<T>(_ body: (URL) throws -> T) throws -> T {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("maple-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }
}
