import ArgumentParser
import Formats
import Foundation

enum WeightType: String, ExpressibleByArgument, CaseIterable {
    case f32, f16
}

extension CLIPConfiguration.Activation: ExpressibleByArgument {
    public init?(argument: String) { self.init(rawValue: argument) }
    public static var allValueStrings: [String] { [quickGELU.rawValue, gelu.rawValue] }
}

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn any CLIP into a Hugging Face folder.",
        discussion: """
            Writes model.safetensors, config.json, preprocessor_config.json and the tokenizer's files. F32 weights are used where \
            they lie, without a copy; F16 take half the space on disk. The folder appears whole or not at all, and an existing \
            one is never touched.
            """)

    @Argument(help: "CLIP folder or file: Hugging Face, open_clip, OpenAI.")
    var path: String

    @Argument(help: "Folder to write; it must not exist.")
    var folder: String

    @Option(help: "Element type: f32 or f16.")
    var dtype: WeightType = .f32

    @Option(help: ArgumentHelp("Folder with vocab.json and merges.txt, where the model has none.", valueName: "folder"))
    var vocabulary: String?

    @Option(help: "Activation of both towers, where the file does not say it: quick_gelu (OpenAI) or gelu (LAION).")
    var activation: CLIPConfiguration.Activation?

    func run() throws {
        let files = try CLIPWeightFiles(path: path, activation: activation)
        let model = try CLIPFiles(files, vocabulary: vocabulary)
        for line in model.notes { note("warning: \(path): \(line)") }
        if FileManager.default.fileExists(atPath: files.folder + "/added_tokens.json") {
            note("warning: \(path): words that were added to its vocabulary (added_tokens.json) are not carried over")
        }
        try CLIPFolderWriter(files, tokenizer: model.tokenizer).write(to: folder, type: dtype == .f32 ? .f32 : .f16)
        say(folder)
    }
}
