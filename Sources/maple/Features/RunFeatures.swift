import Datasets
import Foundation
import RunModel
import RunStore
import Screen
import SessionFile

extension RunLibrary {
    /// The features of one evaluation, with the checkpoint that it scored, as a picture for the workbench.
    /// - Parameter progress: false stops.
    /// - Returns: nil when stopped.
    /// - Throws: errors of session, model, data and checkpoint, each saying what is missing and where it was.
    func features(
        of run: RunID, _ key: EvaluationKey, threads: Int, progress: @escaping @Sendable (_ phase: String, _ done: Int, _ total: Int) -> Bool
    ) throws -> FeatureMap? {
        let folder = try RunFolder.open(run)
        let spec = try SessionFile.parse(text: try folder.sessionText(), name: folder.sessionFile)
        var data = spec.data
        var listing = try SplitKeeper.read(folder)
        if key.data != spec.data.path {
            (data.path, data.split) = (key.data, try? evaluation(of: run, key).split)
            listing = nil
        }
        let source = FeatureMapping.Source(
            spec: spec, images: try TrainingRun.open(data, listing: listing).cut(to: key.classes), classes: key.classes, subset: key.subset,
            method: key.method, checkpoint: key.method == .zeroshot ? nil : try checkpointPath(CheckpointID(run: run, step: key.step)))
        let tell: FeatureMapping.Progress = { phase, done, total in progress(phase.rawValue, done, total) }
        guard let found = try FeatureMapping(source, threads: threads, tell), let map = found.map(tell) else { return nil }
        let names = source.images.classNames
        return FeatureMap(
            labels: found.features.labels, classNames: names, tsne: map, pca: found.components.points, explained: found.components.explained,
            silhouette: found.apart.silhouette, purity: found.apart.purity, classPurity: found.apart.classPurity,
            neighbours: found.apart.neighbours, tsneSVG: found.chart(map, kind: "t-SNE").svg,
            pcaSVG: found.chart(found.components.points, kind: "PCA").svg)
    }
}
