import Foundation

/// Looking at folders and files by plain system calls: quick over hundreds of thousands of images.
enum Folder {
    enum Kind { case absent, file, folder }

    static func kind(_ path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else { return .absent }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .folder
        default: return .file
        }
    }

    /// Bytes of a regular file (links are followed); nil where there is none.
    static func fileSize(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// Without slashes at the end.
    static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// Visible names, sorted by their bytes.
    static func entries(_ folder: String) throws -> [String] {
        do {
            return sorted(try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") })
        } catch {
            let reason = access(folder, R_OK | X_OK) == 0 ? "its entries cannot be listed" : String(cString: strerror(errno))
            throw DatasetError.unreadableFile(path: folder, reason: reason)
        }
    }

    /// Visible folders in a folder, without the tool-made ones that begin with two underscores (`__MACOSX`).
    static func folders(_ folder: String) throws -> [String] {
        try entries(folder).filter { !$0.hasPrefix("__") && kind(folder + "/" + $0) == .folder }
    }

    /// Names of JPEG and PNG files in a folder, by extension.
    static func images(_ folder: String) throws -> [String] {
        try entries(folder).filter(isImageName)
    }

    static func isImageName(_ name: String) -> Bool {
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let ending = name.utf8[name.utf8.index(after: dot)...]
        guard ending.count == 3 || ending.count == 4 else { return false }
        // Letters to lower case.
        let lower = ending.map { $0 | 0x20 }
        return ["jpg", "jpeg", "png"].contains { lower.elementsEqual($0.utf8) }
    }

    static func sorted(_ names: [String]) -> [String] {
        names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
