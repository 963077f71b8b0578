import Foundation

/// Runs every golden case below a folder: model folders with their cases, and the json files of data and metrics.
///
/// The format is told in the goldens' README: `<model>/model`, `<model>/inputs.safetensors`, `<model>/cases/*.json` with
/// `.safetensors` beside, `<model>/hf_parity.*`, `<model>/checkpoints`, `<model>/contrastive.safetensors`; `tokenizer.json`,
/// `fewshot.json`, `base_new_split.json`, `lr_schedule.json`, `metrics.json`, `preprocess/preprocess.json`.
public struct GoldenFolder {
    public let path: String
    /// A folder with vocab.json and merges.txt for `tokenizer.json`; nil looks for `data/clip-bpe` beside the goldens.
    public var vocabulary: String?
    public var threads = 0

    public init(path: String, vocabulary: String? = nil, threads: Int = 0) {
        self.path = path
        self.vocabulary = vocabulary
        self.threads = threads
    }

    /// - Parameter each: called with each result as it is there.
    /// - Throws: `TrainingError.goldens` when nothing in the folder can be checked.
    public func check(_ each: (GoldenResult) -> Void) throws {
        let files = FileManager.default
        var isFolder: ObjCBool = false
        guard files.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            throw TrainingError.goldens("\(path) is no folder. Give the folder that holds the golden cases.")
        }
        var found = false
        func run(_ name: String, _ body: () throws -> GoldenResult) {
            found = true
            do {
                each(try body())
            } catch {
                each(GoldenResult(name: name, status: .failed, detail: "\(error)"))
            }
        }
        let models = try [""] + files.contentsOfDirectory(atPath: path).sorted()
        for model in models {
            let folder = model.isEmpty ? path : "\(path)/\(model)"
            guard files.fileExists(atPath: folder + "/model") else { continue }
            let name = (folder as NSString).lastPathComponent
            let runner: GoldenModel
            do {
                runner = try GoldenModel(folder: folder, threads: threads)
            } catch {
                found = true
                each(GoldenResult(name: name, status: .failed, detail: "\(error)"))
                continue
            }
            let cases = (try? files.contentsOfDirectory(atPath: folder + "/cases").sorted()) ?? []
            for file in cases where file.hasSuffix(".json") {
                run("\(name)/\(file.dropLast(5))") { try runner.check(caseFile: "\(folder)/cases/\(file)") }
            }
            if files.fileExists(atPath: folder + "/hf_parity.json") {
                run("\(name)/hf_parity") { try runner.checkParity() }
            }
            for one in runner.checkpointCases() { run(one.name, one.check) }
            if files.fileExists(atPath: folder + "/contrastive.safetensors") {
                run("\(name)/contrastive") { try runner.checkContrastive() }
            }
        }
        let kinds: [(String, (String) throws -> GoldenResult)] = [
            ("tokenizer.json", { try GoldenData.tokenizer($0, vocabulary: vocabularyFolder) }),
            ("fewshot.json", GoldenData.fewShot), ("base_new_split.json", GoldenData.baseNewSplit),
            ("lr_schedule.json", GoldenData.schedule), ("metrics.json", GoldenData.metrics),
            ("preprocess/preprocess.json", GoldenData.preprocess),
        ]
        for (name, check) in kinds where files.fileExists(atPath: "\(path)/\(name)") {
            run(name) { try check("\(path)/\(name)") }
        }
        guard found else {
            throw TrainingError.goldens("\(path) holds no golden case that is known. Give the folder that holds <model>/model and <model>/cases.")
        }
    }

    private var vocabularyFolder: String? {
        let places = [vocabulary, path + "/../data/clip-bpe"].compactMap { $0 }
        return places.first { FileManager.default.fileExists(atPath: $0 + "/merges.txt") }
    }
}
