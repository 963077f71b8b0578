import Analysis
import Datasets
import Engine
import Foundation
import RunModel
import RunStore
import SessionFile
import Training

/// The image embeddings of an evaluation, how well their classes lie apart, and pictures of them.
struct FeatureMapping {
    /// What is to be embedded, and with which prompts.
    struct Source {
        var spec: SessionSpec
        /// Cut to the classes wanted.
        var images: ImageDataset
        var classes: ClassSubset
        var subset: ImageSubset
        /// Whose prompts `checkpoint` holds; without one it is zero-shot CLIP.
        var method: MethodName
        var checkpoint: String?
        /// At most so many images, evenly from the list.
        var limit = 2000
    }

    /// What is done, how far it is and how far it goes; false stops.
    typealias Progress = (_ phase: Phase, _ done: Int, _ total: Int) -> Bool

    enum Phase: String {
        case embedding = "embedding images"
        case tsne = "t-SNE"
    }

    let source: Source
    /// (images, embedding) at unit length.
    let features: FeatureSet
    let items: [ImageItem]
    let skipped: Int
    let apart: Separability
    let components: PrincipalComponents

    /// - Returns: nil when it was stopped.
    /// - Throws: errors of model, data and checkpoint.
    init?(_ source: Source, threads: Int, _ progress: Progress) throws {
        let model = try ModelFolder(source.spec.model, threads: threads)
        let prompts = try source.checkpoint.map { try Checkpoint.open(path: $0, model: model).prompts }
        guard let found = try Self.embed(source, model, prompts, progress) else { return nil }
        self.source = source
        (features, items, skipped) = (found.features.unitLength, found.items, found.skipped)
        apart = Separability(features)
        components = PrincipalComponents(features)
    }

    /// Where the points lie in the plane by t-SNE; nil when stopped.
    func map(perplexity: Double = 30, seed: Int = 1, iterations: Int = 1000, _ progress: Progress) -> [SIMD2<Double>]? {
        TSNE(features, perplexity: perplexity, seed: seed).run(iterations: iterations) { progress(.tsne, $0, $1) }
    }

    /// A picture of points that `map` or `components` gave.
    func chart(_ points: [SIMD2<Double>], kind: String) -> ScatterChart {
        ScatterChart(
            title: "\(source.method.rawValue): \(source.classes.rawValue) classes of \(source.images.name), \(kind)",
            caption: String(format: "silhouette %.3f, purity %.3f of %d neighbours", apart.silhouette, apart.purity, apart.neighbours),
            points: points, labels: features.labels, classNames: source.images.classNames)
    }

    /// Image embeddings before normalisation; nil when stopped.
    private static func embed(
        _ source: Source, _ model: ModelFolder, _ prompts: LearnedPrompts?, _ progress: Progress
    ) throws -> (features: FeatureSet, items: [ImageItem], skipped: Int)? {
        let data = source.images
        let all = data.items(of: source.subset)
        let items = all.count <= source.limit ? all : (0..<source.limit).map { all[$0 * all.count / source.limit] }
        guard !items.isEmpty else {
            throw TrainingError.emptySubset(subset: source.subset.rawValue, classes: source.classes.rawValue, data: data.folder)
        }
        // The vision tower alone is read; one sentence is enough, or those that class-specific contexts were made for.
        let words = String(repeating: "X ", count: 1 + (prompts?.method.textTokens ?? 0)) + "."
        let sentences = prompts?.ownSentences ?? [[model.tokenizer.startToken] + model.tokenizer.encode(words) + [model.tokenizer.endToken]]
        let scorer = try Scorer(clip: model.clip, prompts: prompts, sentences: sentences)
        let loader = try BatchLoader(
            items: items, classNames: data.classNames, batch: scorer.capacity, transform: ImageTransform(geometry: model.geometry),
            plan: .evaluation)
        defer { loader.cancel() }
        var values: [Float] = []
        var shown: [ImageItem] = []
        var logits = [Float](repeating: 0, count: scorer.capacity * scorer.classes)
        while let batch = try loader.next() {
            scorer.logits(images: batch.images, count: batch.count, into: &logits)
            values += scorer.rawImageFeatures(count: batch.count).prefix(batch.count * model.clip.shape.embedding)
            shown += batch.items
            loader.recycle(batch)
            if !progress(.embedding, shown.count, items.count) { return nil }
        }
        guard let features = FeatureSet(values: values, labels: shown.map(\.label), dimensions: model.clip.shape.embedding) else {
            throw TrainingError.checkpoint(path: model.path, what: "the image embeddings are not finite. Use another checkpoint.")
        }
        return (features, shown, loader.skipped.count)
    }
}
