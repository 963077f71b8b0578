import Foundation
import RunModel
import RunStore
import SessionFile

/// Finds the zero-shot figures that earlier runs kept, so that a new run of the same model and images need not compute them.
struct ZeroShotFigures {
    /// Fingerprints that both runs must share.
    var model: String
    var data: String
    var template: String
    var subset: ImageSubset

    /// The newest runs alone are asked: their folders begin with the time.
    private static let reach = 64

    /// - Returns: at most one for each class list; whole, with predictions.
    func find(in root: String, classes: [ClassSubset]) -> [EvaluationResult] {
        var found: [EvaluationResult] = []
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).sorted(by: >)
        for name in names.prefix(Self.reach) where found.count < classes.count {
            let folder = RunFolder(path: root + "/" + name)
            let wanted = classes.filter { classes in !found.contains { $0.classes == classes } }
            found += kept(in: folder, wanted)
        }
        return found
    }

    private func kept(in folder: RunFolder, _ classes: [ClassSubset]) -> [EvaluationResult] {
        let files = ((try? folder.evaluationFiles()) ?? []).filter { $0.hasSuffix("-zeroshot.json") && $0.hasPrefix("evaluations/0-") }
        guard !files.isEmpty, let text = try? folder.sessionText(), let noted = SessionFile.recorded(text: text),
            noted.model == model, noted.data == data, let spec = try? SessionFile.parse(text: text, name: "session.toml"),
            spec.data.template == template
        else { return [] }
        return files.compactMap { file in
            guard let head = try? folder.evaluationHead(file), head.method == .zeroshot, head.subset == subset,
                head.data == spec.data.path, classes.contains(head.classes)
            else { return nil }
            return try? folder.evaluation(file)
        }
    }
}
