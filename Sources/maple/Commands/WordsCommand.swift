import Analysis
import ArgumentParser
import Datasets
import Engine
import Formats
import Foundation
import RunModel
import RunStore
import SessionFile
import Training

struct WordsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "words", abstract: "The vocabulary's words nearest to each learned token, and how a class's prompt is laid out.",
        discussion: """
            Distances are Euclidean, between embeddings. A learned token says something only where it lies nearer to a word than \
            random tokens of its length do. Tokens of deeper blocks are compared with the same embeddings, which deeper blocks do not read.
            """)

    @Argument(help: ArgumentHelp("Run folder, its name, a beginning of it, or \"last\".", valueName: "run"))
    var target: String

    @Option(help: "Checkpoint within the run, such as epoch-3 (default: the last).")
    var checkpoint: String?

    @Option(help: "Folder that holds the run folders (default: $MAPLE_RUNS, else ./runs).")
    var runs: String?

    @Option(help: "Words for each token.")
    var top = 5

    @Option(name: .customLong("class"), help: "Show the layout of this class's prompt (default: the first).")
    var className: String?

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    @OptionGroup var compute: ThreadOptions

    struct Token: Encodable {
        struct Word: Encodable {
            var word: String
            var distance: Double
        }
        /// The block whose input it enters.
        var depth: Int
        var token: Int
        /// The class, where each has its own context.
        var owner: Int?
        var norm: Double
        var words: [Word]
        /// Mean distance of random tokens of this length from their nearest word.
        var random: Double
    }

    struct Place: Encodable {
        var place: Int
        var kind: String
        var text: String
    }

    private struct Report: Encodable {
        var run: String
        var method: String
        var tokens: [Token]
        var layout: [Place]
        var className: String
        var coupling: String
    }

    func validate() throws {
        guard (1...1000).contains(top) else { throw ValidationError("--top must be from 1 to 1000") }
    }

    func run() throws {
        let folder = try RunList.find(target, in: runs ?? RunFolder.defaultRoot())
        let spec = try SessionFile.parse(text: try folder.sessionText(), name: folder.sessionFile)
        let model = try ModelFolder(spec.model, threads: compute.threads)
        guard spec.method.name != .zeroshot else { throw ValidationError("\(folder.path) is zero-shot: nothing was learned") }
        let prompts = try Checkpoint.open(path: try folder.checkpointPath(checkpoint), model: model).prompts
        let (names, chosen) = try classNames(folder)
        let sentences = ClassSentences(
            classNames: [chosen], spec: spec, tokenizer: model.tokenizer, window: model.configuration.contextLength)
        let report = Report(
            run: folder.path, method: spec.method.name.rawValue, tokens: try tokens(prompts, model), layout: layout(
                sentences.tokens[0], prompts, model, owner: names.firstIndex(of: chosen) ?? 0), className: chosen,
            coupling: coupling(spec.method, prompts))
        if json { return try sayJSON(report) }
        if report.tokens.isEmpty { say("\(spec.method.name.rawValue) learns no tokens of the text tower") }
        say(table(
            ["depth", "token", "length", "nearest words (distance)", "random"],
            report.tokens.map { token in
                [
                    "\(token.depth)", "\(token.token + 1)\(token.owner.map { " of \(names.indices.contains($0) ? names[$0] : "class \($0)")" } ?? "")",
                    String(format: "%.2f", token.norm),
                    token.words.map { "\($0.word) (\(String(format: "%.3f", $0.distance)))" }.joined(separator: ", "),
                    String(format: "%.3f", token.random),
                ]
            }, left: [0, 1, 3]))
        say("\nprompt of \"\(chosen)\"")
        say(table(["place", "kind", "text"], report.layout.map { ["\($0.place)", $0.kind, $0.text] }, left: [1, 2]))
        say("\n" + report.coupling)
    }

    /// The run's training classes, and the one that is shown.
    private func classNames(_ folder: RunFolder) throws -> ([String], String) {
        // Imported prompts may not say their classes.
        let names = FileManager.default.fileExists(atPath: folder.samplesFile) ? try folder.samples().classes.map(\.name) : []
        guard let className else { return (names, names.first ?? "thing") }
        // A name that the run did not train on has a prompt as well.
        return (names, names.first { $0.caseInsensitiveCompare(className) == .orderedSame } ?? className)
    }

    private func tokens(_ prompts: LearnedPrompts, _ model: ModelFolder) throws -> [Token] {
        let width = model.clip.shape.text.width
        let embedding = try model.files.weights.tensor(
            "text_model.embeddings.token_embedding.weight", shape: [model.clip.shape.vocabulary, width]).floats()
        guard let words = NearestWords(embedding: embedding, width: width) else { return [] }
        var result: [Token] = []
        for tensor in prompts.trainable {
            guard case .text(let depth) = tensor.role, tensor.shape.last == width else { continue }
            let each = tensor.shape.count > 1 ? tensor.shape[tensor.shape.count - 2] : 1
            // Class-specific contexts are many; the first classes tell enough.
            let count = min(tensor.value.count / width, each * 20)
            var random: (norm: Double, distance: Double)?
            for row in 0..<count {
                let token = Array(tensor.value[row * width..<(row + 1) * width])
                let norm = token.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
                // Tokens of about one length share the scale.
                if abs((random?.norm ?? -1) - norm) > 0.05 * norm { random = (norm, words.randomDistance(norm: norm)) }
                result.append(
                    Token(
                        depth: depth, token: row % each, owner: tensor.shape.count == 3 ? row / each : nil, norm: norm,
                        words: words.nearest(to: token, count: top).map {
                            .init(word: (model.tokenizer.token(Int32($0.id)) ?? "?").replacing("</w>", with: ""), distance: $0.distance)
                        }, random: random?.distance ?? 0))
            }
        }
        return result
    }

    private func layout(_ ids: [Int32], _ prompts: LearnedPrompts, _ model: ModelFolder, owner: Int) -> [Place] {
        prompts.method.sentence(tokens: ids).enumerated().map { place, what in
            switch what {
            case .context(let slot):
                let n = max(1, prompts.method.textTokens)
                return Place(place: place, kind: "learned", text: "token \(slot % n + 1)")
            case .word(let id):
                let text = (model.tokenizer.token(id) ?? "?").replacing("</w>", with: "")
                let kind = id == model.tokenizer.startToken ? "start" : id == model.tokenizer.endToken ? "end: read out" : "fixed"
                return Place(place: place, kind: kind, text: text)
            }
        }
    }

    private func coupling(_ method: MethodSpec, _ prompts: LearnedPrompts) -> String {
        let text = "text: \(prompts.method.textTokens) learned tokens"
        let patches = prompts.clip.shape.patches
        func blocks(_ depth: Int) -> String { depth == 1 ? "at the first block's input" : "replaced before each of the first \(depth) blocks" }
        return switch method.name {
        case .maple:
            "\(text), \(blocks(method.depth)); vision: [CLS], \(patches) patches, \(method.context) tokens coupled to them by a linear map for each of the \(method.depth) blocks"
        case .independent:
            "\(text), \(blocks(method.depth)); vision: [CLS], \(patches) patches, \(method.visionContext ?? method.context) tokens of their own, \(blocks(method.visionDepth ?? method.depth))"
        case .vision: "text: fixed words; vision: [CLS], \(patches) patches, \(method.context) learned tokens, \(blocks(method.depth))"
        case .language: "\(text), \(blocks(method.depth)); vision: [CLS], \(patches) patches, nothing learned"
        case .coop: "\(text)\(method.classSpecific ? " for each class" : ""), at the first block's input; vision: nothing learned"
        case .cocoop: "\(text), shifted for each image by a small network that reads its embedding; vision: nothing learned"
        case .zeroshot: "nothing learned"
        }
    }
}

extension RunFolder {
    /// A checkpoint by its name, the newest without one.
    func checkpointPath(_ name: String?) throws -> String {
        if let name {
            let file = name.hasSuffix(".safetensors") ? name : name + ".safetensors"
            return file.contains("/") ? file : checkpointsFolder + "/" + file
        }
        guard let newest = try newestCheckpoint() else {
            throw TrainingError.checkpoint(path: checkpointsFolder, what: "there is none. Train the run first.")
        }
        return path + "/" + newest.file
    }
}
