import ArgumentParser
import Formats
import Foundation
import RunModel
import RunStore
import SessionFile
import Training

/// The model that a Hugging Face folder is made from.
struct ExportModelOptions: ParsableArguments {
    @Option(help: "For huggingface: CLIP folder or file (default: the run's).")
    var model: String?

    @Option(help: ArgumentHelp("For huggingface: folder with vocab.json and merges.txt, where the model has none.", valueName: "folder"))
    var vocabulary: String?
}

extension Export {
    private func prompts(_ request: ExportRequest) throws -> PromptExport {
        try PromptExport(checkpoint: request.run.checkpointPath(request.checkpoint))
    }

    func exportReference(_ request: ExportRequest) throws -> String {
        let export = try prompts(request)
        try request.checkFile()
        try export.reference(to: request.path)
        note("the reference looks for it as \(export.referencePlace)")
        return request.path
    }

    func exportSafetensors(_ request: ExportRequest) throws -> String {
        let export = try prompts(request)
        try request.checkFile()
        try export.safetensors(to: request.path)
        return request.path
    }

    func exportHuggingFace(_ request: ExportRequest) throws -> String {
        let export = try prompts(request)
        try request.checkPlace()
        let spec = try SessionFile.parse(text: try request.run.sessionText(), name: request.run.sessionFile)
        let model = try ModelFolder(
            path: clip.model ?? spec.model.path, vocabulary: clip.vocabulary ?? (clip.model == nil ? spec.model.vocabulary : nil), threads: 1)
        let names = (try? request.run.samples().classes.map(\.name)) ?? []
        try export.huggingFace(model, classNames: names, to: request.path)
        return request.path
    }
}
