import Foundation

/// Finds the checkpoint file in the folders that the reference's trainer leaves behind.
public enum PromptFile {
    /// The learner's own folders inside a run's.
    private static let learners = ["MultiModalPromptLearner", "VLPromptLearner", "prompt_learner"]

    /// The newest checkpoint in `folder`, or in the learner's folder inside it: the one that the text file `checkpoint` names,
    /// else the best, else the one of the latest epoch. Nil where there is none.
    public static func newest(in folder: String) -> String? {
        for place in [folder] + learners.map({ "\(folder)/\($0)" }) {
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: place) else { continue }
            func epoch(_ name: String) -> Int? {
                name.hasPrefix("model.pth.tar-") ? Int(name.dropFirst("model.pth.tar-".count)) : nil
            }
            if names.contains("checkpoint"), let text = try? String(contentsOfFile: "\(place)/checkpoint", encoding: .utf8) {
                let named = text.prefix(200).trimmingCharacters(in: .whitespacesAndNewlines)
                if names.contains(named) { return "\(place)/\(named)" }
            }
            if names.contains("model-best.pth.tar") { return "\(place)/model-best.pth.tar" }
            if let last = names.filter({ epoch($0) != nil }).max(by: { (epoch($0) ?? 0) < (epoch($1) ?? 0) }) { return "\(place)/\(last)" }
        }
        return nil
    }
}
