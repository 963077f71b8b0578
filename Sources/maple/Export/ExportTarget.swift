import ArgumentParser
import Foundation
import RunStore

/// What `maple export --to` writes. A new target is a case here, its line of help, and its branch in `Export.write`.
enum ExportTarget: String, CaseIterable, ExpressibleByArgument {
    case csv, jsonl, tensorboard, reference, safetensors, huggingface

    /// One line for `--help`.
    var summary: String {
        switch self {
        case .csv: "all metrics as a table with commas, a row a step"
        case .jsonl: "all metrics as lines of JSON, an object a step"
        case .reference: "the learned prompts as the reference's checkpoint, for torch.load"
        case .safetensors: "the learned prompts, what they mean as metadata"
        case .huggingface: "a CLIP folder with the learned words (coop, language of depth 1)"
        case .tensorboard: "scalars, histograms, settings and pictures: an event file"
        }
    }
}

/// What an export reads and where it writes.
struct ExportRequest {
    var run: RunFolder
    /// The file or folder that is asked for.
    var path: String
    /// Of the run, such as `epoch-3`; nil for the newest.
    var checkpoint: String?
    /// Replace what is there.
    var force: Bool

    /// - Throws: `ExportError.insideRun` when `path` is a run folder or lies in one.
    func checkPlace() throws {
        let url = URL(fileURLWithPath: path), isThere = FileManager.default.fileExists(atPath: path)
        var place = isThere
            ? url.resolvingSymlinksInPath().path
            : url.deletingLastPathComponent().resolvingSymlinksInPath().appendingPathComponent(url.lastPathComponent).path
        while place.count > 1 {
            // A session alone makes no run folder.
            let hasCheckpoints = FileManager.default.fileExists(atPath: place + "/checkpoints")
            if hasCheckpoints, (try? RunFolder.open(place)) != nil { throw ExportError.insideRun(path: path, run: place) }
            place = (place as NSString).deletingLastPathComponent
        }
    }

    /// - Throws: `ExportError` when there is something at `path` that is not to be replaced, or is never to be: a folder, a device,
    ///   a file of a run.
    func checkFile() throws {
        try checkPlace()
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR { throw ExportError.isFolder(path: path) }
        // Behind a link may lie anything.
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG { throw ExportError.notPlainFile(path: path) }
        if !force { throw ExportError.exists(path: path) }
    }
}

enum ExportError: Error, CustomStringConvertible {
    case exists(path: String)
    case isFolder(path: String)
    case isFile(path: String)
    case notPlainFile(path: String)
    case insideRun(path: String, run: String)
    case nothingMeasured(run: String)

    var description: String {
        switch self {
        case .exists(let path): "\(path) exists already. Name another path, or say --force to replace it."
        case .isFolder(let path): "\(path) is a folder, and a file is to be written. Name a file in it."
        case .isFile(let path): "\(path) is a file, and a folder is to be written to. Name a folder."
        case .notPlainFile(let path): "\(path) is no plain file. Name a file, or - for standard output (csv, jsonl)."
        case .insideRun(let path, let run): "\(path) would lie in the run folder \(run), whose files its training alone writes. Name a path outside of it."
        case .nothingMeasured(let run): "\(run) has no steps that were measured: it was not trained here, or not yet."
        }
    }
}
