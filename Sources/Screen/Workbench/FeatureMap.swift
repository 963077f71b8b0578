import RunModel

/// The image embeddings of an evaluation as points in the plane, and how well their classes lie apart.
public struct FeatureMap: Sendable, Equatable {
    /// Index into `classNames`, by point.
    public var labels: [Int]
    public var classNames: [String]
    /// By t-SNE and by the first two principal components, by point.
    public var tsne: [SIMD2<Double>]
    public var pca: [SIMD2<Double>]
    /// Shares of the variance along the two components.
    public var explained: SIMD2<Double>
    /// Mean silhouette of the embeddings, -1 to 1.
    public var silhouette: Double
    /// Share of nearest neighbours of the same class: of all points, and by class.
    public var purity: Double
    public var classPurity: [Int: Double]
    public var neighbours: Int
    /// Both pictures, as SVG.
    public var tsneSVG: String
    public var pcaSVG: String

    public init(
        labels: [Int], classNames: [String], tsne: [SIMD2<Double>], pca: [SIMD2<Double>], explained: SIMD2<Double>, silhouette: Double,
        purity: Double, classPurity: [Int: Double], neighbours: Int, tsneSVG: String = "", pcaSVG: String = ""
    ) {
        self.labels = labels
        self.classNames = classNames
        self.tsne = tsne
        self.pca = pca
        self.explained = explained
        self.silhouette = silhouette
        self.purity = purity
        self.classPurity = classPurity
        self.neighbours = neighbours
        self.tsneSVG = tsneSVG
        self.pcaSVG = pcaSVG
    }

    private static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

    /// What stands for a class where colours alone would not do; from the 63rd class on they are shared.
    static func letter(_ label: Int) -> Character { letters[((label % letters.count) + letters.count) % letters.count] }
}

/// Embeddings that are on their way.
public struct FeatureWork: Sendable, Equatable {
    public var run: RunID
    public var key: EvaluationKey
    public var phase: String
    public var done: Int
    public var total: Int

    public init(run: RunID, key: EvaluationKey, phase: String = "reading model and images", done: Int = 0, total: Int = 0) {
        self.run = run
        self.key = key
        self.phase = phase
        self.done = done
        self.total = total
    }
}

/// What Results knows of features.
public struct FeatureState: Sendable {
    struct Place: Hashable, Sendable {
        var run: RunID
        var key: EvaluationKey
    }

    /// The latest few.
    var maps: [Place: FeatureMap] = [:]
    var work: FeatureWork?
    /// Why there is none.
    var problem: String?
    var showsComponents = false
    var table = TableView()

    public init() {}
}

extension WorkbenchState {
    /// Where the shown evaluation's features are kept.
    var featurePlace: FeatureState.Place? {
        guard let run = results.run, let result = shownEvaluation else { return nil }
        return FeatureState.Place(run: run, key: EvaluationKey(result))
    }

    var shownFeatures: FeatureMap? { featurePlace.flatMap { results.features.maps[$0] } }

    /// Asks for the features of the shown evaluation, or breaks off what is on its way.
    mutating func mapFeatures() -> [Effect] {
        if results.features.work != nil { return [.stopFeatures] }
        guard let place = featurePlace else { return [] }
        results.features.work = FeatureWork(run: place.run, key: place.key)
        results.features.problem = nil
        return [.mapFeatures(place.run, place.key)]
    }

    mutating func reduceFeatures(_ run: RunID, _ key: EvaluationKey, _ found: FeatureMap?, _ problem: String?) {
        results.features.work = nil
        results.features.problem = problem
        guard let found else { return }
        if results.features.maps.count >= 8 { results.features.maps = [:] }
        results.features.maps[FeatureState.Place(run: run, key: key)] = found
        rebuildFeatures()
    }

    mutating func rebuildFeatures() { results.features.table.replace(shownFeatures.map(Tables.features) ?? Table(columns: [], rows: [])) }

    // MARK: Drawing

    func drawFeatures(_ scene: inout Scene, _ rect: Rect, _ side: Rect?) {
        guard let map = shownFeatures else { return drawNoFeatures(&scene, rect) }
        let kind: String
        if results.features.showsComponents {
            kind = "PCA, \(NumberText.percent(map.explained.x)) + \(NumberText.percent(map.explained.y)) of the variance"
        } else {
            kind = "t-SNE"
        }
        var area = rect
        let list = side ?? area.takeRight(min(44, max(30, area.width * 2 / 5)))
        let measures = "silhouette \(NumberText.fixed(map.silhouette, 3)) · purity \(NumberText.fixed(map.purity, 3)) of \(map.neighbours)"
        scene.grid.frame(area, title: "Features: \(kind)", note: measures, focused: true)
        scatter(map, &scene, area.inset(1, 1))
        scene.grid.frame(list, title: "Classes", note: "\(NumberText.grouped(map.labels.count)) images")
        scene.table(results.features.table, list.inset(1, 1), focused: true, empty: "no classes")
    }

    private func drawNoFeatures(_ scene: inout Scene, _ rect: Rect) {
        scene.grid.frame(rect, title: "Features", focused: true)
        var lines: [(String, Style)] = []
        if let work = results.features.work {
            let isHere = featurePlace == FeatureState.Place(run: work.run, key: work.key)
            var text = work.phase
            if work.total > 0 { text += ": \(NumberText.grouped(work.done)) of \(NumberText.grouped(work.total))" }
            lines = [(isHere ? text : "another evaluation's: \(text)", .text), ("f stops it", .dim)]
            let width = min(40, rect.width - 6)
            if work.total > 0, width > 3 {
                Bars.draw(into: &scene.grid, x: rect.x + 3, y: rect.y + 5, width: width, fraction: Double(work.done) / Double(work.total), style: Style(.accent), glyphs: scene.glyphs)
            }
        } else {
            if let problem = results.features.problem {
                for part in TextFit.wrapped(problem, to: rect.width - 6) { lines.append((part, Style(.warning))) }
                lines.append(("", .dim))
            }
            lines.append(("f embeds this evaluation's images with its checkpoint and lays them out by t-SNE and PCA.", .text))
            lines.append(("It reads the model and the images again; with ViT-B/16 that is several images a second.", .dim))
        }
        for (index, line) in lines.enumerated() where index + 3 < rect.height {
            scene.grid.put(TextFit.truncated(line.0, to: rect.width - 6), x: rect.x + 3, y: rect.y + 2 + index, style: line.1)
        }
    }

    /// A cell shows the class that most of its points belong to; the chosen class stands out.
    private func scatter(_ map: FeatureMap, _ scene: inout Scene, _ area: Rect) {
        guard area.width > 2, area.height > 2 else { return }
        let points = results.features.showsComponents ? map.pca : map.tsne
        let sound = points.filter { $0.x.isFinite && $0.y.isFinite }
        guard let first = sound.first else { return }
        var low = first, high = first
        for point in sound {
            low = pointwiseMin(low, point)
            high = pointwiseMax(high, point)
        }
        // Cells are about twice as high as wide; one scale for both axes.
        let span = high - low
        let scale = min(Double(area.width - 1) / max(span.x * 2, 1e-12), Double(area.height - 1) / max(span.y, 1e-12))
        let middle = (low + high) / 2
        var counts: [Int: [Int: Int]] = [:]
        for (point, label) in zip(points, map.labels) where point.x.isFinite && point.y.isFinite {
            let x = Int((Double(area.width - 1) / 2 + (point.x - middle.x) * scale * 2).rounded())
            let y = Int((Double(area.height - 1) / 2 - (point.y - middle.y) * scale).rounded())
            guard (0..<area.width).contains(x), (0..<area.height).contains(y) else { continue }
            counts[y * area.width + x, default: [:]][label, default: 0] += 1
        }
        let chosen = results.features.table.selectedRow.flatMap { Int($0.id) }
        for (cell, labels) in counts {
            var best = labels.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0
            if let chosen, labels[chosen] != nil { best = chosen }
            let isChosen = best == chosen
            scene.grid.set(
                FeatureMap.letter(best), x: area.x + cell % area.width, y: area.y + cell / area.width,
                style: isChosen ? Style(.series(best), on: .selection, .bold) : Style(.series(best)))
        }
    }
}

extension Tables {
    static func features(_ map: FeatureMap) -> Table {
        var counts: [Int: Int] = [:]
        for label in map.labels { counts[label, default: 0] += 1 }
        return Table(
            columns: [.init("", minimum: 1), .init("Class", flexible: true, minimum: 8), .init("Images", numeric: true, rank: 1), .init("Purity", numeric: true)],
            rows: map.classNames.enumerated().map { label, name in
                let purity = map.classPurity[label]
                return Table.Row(
                    id: String(label),
                    items: [
                        Item(String(FeatureMap.letter(label)), role: .series(label)), Item(name),
                        .number(Double(counts[label] ?? 0), NumberText.grouped(counts[label] ?? 0), role: .dim),
                        .number(purity, purity.map { NumberText.fixed($0, 3) } ?? "–"),
                    ])
            })
    }
}
