import Foundation

/// A folder of images with a captions file: on each line an image's path relative to the folder, a tab, and a caption.
///
///     red-star.png	a photo of a red star.
///     blue-fish.png	a blue fish on a dark background
///
/// An image may stand on several lines. Empty lines, and lines that begin with "#", mean nothing. Pairs whose image is missing
/// or whose caption is empty are left out and told.
public struct CaptionFolder: Sendable {
    public struct Pair: Sendable, Equatable {
        /// Relative to the folder.
        public var image: String
        public var caption: String
    }

    public let path: String
    public let file: String
    public let pairs: [Pair]
    /// A line for each kind of pair that was left out.
    public let warnings: [String]

    /// Longer files are no captions files.
    static let sizeLimit = 1 << 30

    /// - Throws: `DatasetError.missingFolder`, `.notAFolder`, `.unreadableFile`, `.listMalformed`; `.nothingToLoad` when no pair is
    ///   left.
    public init(path: String, file: String = "captions.tsv") throws {
        self.path = Folder.trimmed(path)
        self.file = file
        switch Folder.kind(self.path) {
        case .absent: throw DatasetError.missingFolder(path)
        case .file: throw DatasetError.notAFolder(path)
        case .folder: break
        }
        let list = self.path + "/" + file
        let text = try Self.text(list)
        var pairs: [Pair] = []
        var empty: [String] = [], missing: [String] = []
        var known: [String: Bool] = [:]
        var rest = text.utf8[...]
        var number = 0
        while !rest.isEmpty {
            // By bytes: carriage return and line feed together are one character, which no "\n" equals. One line at a time: a
            // list of all would take several times the file.
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            var bytes = rest[..<end]
            rest = rest[end...].dropFirst()
            number += 1
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
            if bytes.isEmpty || bytes.first == UInt8(ascii: "#") { continue }
            guard let tab = bytes.firstIndex(of: UInt8(ascii: "\t")) else {
                throw DatasetError.listMalformed(
                    path: list, line: String(Substring(bytes)), reason: "(line \(number)) has no tab between image and caption")
            }
            let image = String(Substring(bytes[..<tab]))
            let caption = Self.collapsed(Substring(bytes[tab...]))
            guard !image.isEmpty, !image.hasPrefix("/"), !image.split(separator: "/").contains("..") else {
                throw DatasetError.escapingPath(path: list, image: image)
            }
            guard !caption.isEmpty else {
                empty.append("\(image) (line \(number))")
                continue
            }
            let exists = known[image] ?? (Folder.fileSize(self.path + "/" + image) != nil)
            known[image] = exists
            if exists { pairs.append(Pair(image: image, caption: caption)) } else { missing.append(image) }
        }
        self.pairs = pairs
        var warnings: [String] = []
        if !missing.isEmpty {
            warnings.append("\(list): \(missing.count) of the images are missing and were left out: \(DatasetError.list(missing)). Complete the folder.")
        }
        if !empty.isEmpty {
            warnings.append("\(list): \(empty.count) captions are empty and were left out: \(DatasetError.list(empty)). Write them, or remove their lines.")
        }
        self.warnings = warnings
        guard !pairs.isEmpty else {
            throw DatasetError.nothingToLoad(
                "\(list) holds no pair of an image and a caption" + (missing.isEmpty && empty.isEmpty ? "" : " that is whole (\(missing.count) images are missing, \(empty.count) captions are empty)"))
        }
    }

    /// White space at the ends removed, any other run of it one space. By scalars: a line of megabytes is no reason to wait.
    private static func collapsed(_ line: Substring) -> String {
        var kept = ""
        var isApart = false
        for scalar in line.unicodeScalars {
            // The library's table of properties is slow: most text has no need of it.
            if scalar.isASCII ? scalar == " " || (9...13).contains(scalar.value) : scalar.properties.isWhitespace {
                isApart = !kept.isEmpty
            } else {
                if isApart { kept.append(" ") }
                isApart = false
                kept.unicodeScalars.append(scalar)
            }
        }
        return kept
    }

    static func text(_ path: String) throws -> String {
        guard let size = Folder.fileSize(path) else {
            throw DatasetError.unreadableFile(path: path, reason: "there is no such captions file")
        }
        guard size <= sizeLimit, let data = FileManager.default.contents(atPath: path) else {
            throw DatasetError.unreadableFile(path: path, reason: size > sizeLimit ? "it is too long" : "it cannot be opened")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw DatasetError.unreadableFile(path: path, reason: "it is not UTF-8 text")
        }
        return text
    }
}

/// Captions alone, such as to learn a vocabulary from: one on each line, or the last of the columns between tabs.
public enum CaptionLines {
    /// Empty captions are left out. Throws `DatasetError.unreadableFile`.
    public static func read(_ path: String) throws -> [String] {
        try CaptionFolder.text(path).split(whereSeparator: \.isNewline).compactMap { line in
            if line.hasPrefix("#") { return nil }
            let caption = line.split(separator: "\t", omittingEmptySubsequences: false).last ?? line
            return caption.allSatisfy(\.isWhitespace) ? nil : String(caption)
        }
    }
}
