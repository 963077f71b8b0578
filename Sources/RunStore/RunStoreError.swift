import Foundation
import RunModel

/// What can go wrong with run folders and their files.
public enum RunStoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call failed; `code` is its errno.
    case system(operation: String, path: String, code: Int32)
    /// No JSON, or not of the shape that the file has.
    case malformed(path: String, reason: String)
    case notARun(path: String)
    /// Another process trains the run.
    case alreadyRunning(path: String, process: Int, host: String)
    case notRunning(path: String)
    /// A newer program wrote the folder; `format` is its layout.
    case newerFormat(path: String, format: Int)
    /// The run was trained elsewhere.
    case imported(path: String, source: String)
    /// The log of another program: it has no session.
    case onlyLog(path: String)
    case noSuchRun(query: String, root: String)
    case noRuns(root: String)
    case ambiguous(query: String, candidates: [String])
    /// No free folder name was found.
    case tooManyRuns(path: String)
    case tooLarge(path: String, bytes: Int, limit: Int)

    public var description: String {
        switch self {
        case .system(let operation, let path, let code):
            "cannot \(operation) \(path): \(String(cString: strerror(code))). \(Self.advice(code))"
        case .malformed(let path, let reason): "cannot read \(path): \(reason). Was it edited or cut off?"
        case .notARun(let path): "\(path) is not a run folder: it holds neither session.toml nor summary.json. Is the path right?"
        case .alreadyRunning(let path, let process, let host):
            "\(path) is being trained by process \(process) on \(host). Stop that one first, or wait until it ends."
        case .notRunning(let path): "\(path) is not being trained now. Start it with `maple resume`."
        case .newerFormat(let path, let format):
            "\(path) was written by a newer maple (layout \(format), this program knows \(RunOverview.knownFormat)): it can be read, not changed. Update maple."
        case .imported(let path, let source):
            "\(path) was imported from \(source) and is read-only. Start a run of its own with `maple train`."
        case .onlyLog(let path):
            "\(path) is the log of another program: curves alone, without a session, prompts or a model. Name a run that was trained here."
        case .noSuchRun(let query, let root): "no run called \(query) in \(root). `maple runs` lists what there is."
        case .noRuns(let root): "there are no runs in \(root) yet. Start one with `maple train`, or name another folder."
        case .ambiguous(let query, let candidates):
            "\(query) could be \(candidates.prefix(5).joined(separator: ", "))"
                + (candidates.count > 5 ? " and \(candidates.count - 5) more" : "") + ". Write more of the name."
        case .tooManyRuns(let path): "cannot find a free name for \(path). Move old runs away."
        case .tooLarge(let path, let bytes, let limit):
            "cannot read \(path): it has \(bytes) bytes, more than \(limit). Is this really a file of a run?"
        }
    }

    private static func advice(_ code: Int32) -> String {
        switch code {
        case ENOSPC, EDQUOT: "Free some space, then resume."
        case EACCES, EPERM, EROFS: "Are you allowed to write there?"
        case ENOENT, ENOTDIR: "Is the path right?"
        case EMFILE, ENFILE: "Close some programs, or raise the limit of open files."
        default: "Is the disk in order?"
        }
    }
}
