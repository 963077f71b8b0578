import Foundation
import Testing

@testable import Analysis

struct FeatureTests {
    /// `classes` clouds of `each` points in `d` dimensions, their centres `distance` apart from the origin.
    private func clouds(classes: Int, each: Int, d: Int, distance: Double, seed: Int) throws -> FeatureSet {
        var numbers = SeededNumbers(seed: seed)
        var values: [Float] = [], labels: [Int] = []
        let centres = (0..<classes).map { _ in (0..<d).map { _ in numbers.normal() * distance } }
        for c in 0..<classes {
            for _ in 0..<each {
                values += centres[c].map { Float($0 + numbers.normal()) }
                labels.append(c)
            }
        }
        return try #require(FeatureSet(values: values, labels: labels, dimensions: d))
    }

    /// The gradient equals finite differences of the divergence.
    @Test(arguments: [1, 2, 3]) func tsneGradient(seed: Int) throws {
        let tsne = TSNE(try clouds(classes: 3, each: 7, d: 5, distance: 2, seed: seed), perplexity: 5, seed: seed)
        var numbers = SeededNumbers(seed: 100 + seed)
        var points = (0..<21).map { _ in SIMD2(numbers.normal(), numbers.normal()) }
        let gradient = tsne.gradient(points, exaggeration: 1)
        let largest = gradient.map { max(abs($0.x), abs($0.y)) }.max() ?? 0
        let h = 1e-5
        for i in points.indices {
            for axis in 0..<2 {
                let kept = points[i][axis]
                points[i][axis] = kept + h
                let above = tsne.cost(points)
                points[i][axis] = kept - h
                let below = tsne.cost(points)
                points[i][axis] = kept
                #expect(abs((above - below) / (2 * h) - gradient[i][axis]) < 1e-4 * largest, "seed \(seed) point \(i) axis \(axis)")
            }
        }
    }

    @Test func tsneAffinities() throws {
        let tsne = TSNE(try clouds(classes: 2, each: 20, d: 4, distance: 1, seed: 4), perplexity: 8, seed: 1)
        let n = tsne.count
        #expect(abs(tsne.affinities.reduce(0) { $0 + Double($1) } - 1) < 1e-5)
        for i in 0..<n {
            #expect(tsne.affinities[i * n + i] == 0)
            for j in 0..<i { #expect(tsne.affinities[i * n + j] == tsne.affinities[j * n + i]) }
        }
    }

    @Test func tsneIsDeterministicAndStops() throws {
        let features = try clouds(classes: 3, each: 30, d: 8, distance: 6, seed: 5)
        let first = try #require(TSNE(features, perplexity: 15, seed: 3).run(iterations: 200))
        #expect(first == TSNE(features, perplexity: 15, seed: 3).run(iterations: 200))
        #expect(first != TSNE(features, perplexity: 15, seed: 4).run(iterations: 200))
        var seen = 0
        #expect(TSNE(features, seed: 3).run(iterations: 200) { done, _ in
            seen = done
            return done < 7
        } == nil)
        #expect(seen == 7)
        // Clouds that lie far apart stay apart in the picture.
        let map = try #require(TSNE(features, perplexity: 15, seed: 3).run(iterations: 600))
        let plane = try #require(FeatureSet(values: map.flatMap { [Float($0.x), Float($0.y)] }, labels: features.labels, dimensions: 2))
        #expect(Separability(plane).silhouette > 0.6)
        #expect(Separability(plane).purity > 0.99)
    }

    @Test func fewAndEqualPoints() throws {
        let one = try #require(FeatureSet(values: [1, 2], labels: [0], dimensions: 2))
        #expect(TSNE(one).run(iterations: 5)?.count == 1)
        let same = try #require(FeatureSet(values: [Float](repeating: 0.5, count: 24), labels: [0, 0, 0, 1, 1, 1, 2, 2], dimensions: 3))
        let map = try #require(TSNE(same).run(iterations: 50))
        #expect(map.allSatisfy { $0.x.isFinite && $0.y.isFinite })
        #expect(Separability(same).silhouette == 0)
        #expect(FeatureSet(values: [1, .nan], labels: [0], dimensions: 2) == nil)
        #expect(FeatureSet(values: [1, 2, 3], labels: [0], dimensions: 2) == nil)
    }

    /// Points on a line at 0, 1 | 4, 6: silhouettes by hand.
    @Test func silhouette() throws {
        let features = try #require(FeatureSet(values: [0, 1, 4, 6], labels: [7, 7, 2, 2], dimensions: 1))
        let expected = ((5.0 - 1) / 5 + (4.0 - 1) / 4 + (3.5 - 2) / 3.5 + (5.5 - 2) / 5.5) / 4
        let found = Separability(features, neighbours: 1)
        #expect(abs(found.silhouette - expected) < 1e-12)
        // 4's nearest is 6 (2 away), not 1 (3 away).
        #expect(found.purity == 1 && found.neighbours == 1)
        let two = Separability(features, neighbours: 2)
        #expect(two.purity == 0.5)
        // A class of one point counts zero.
        let alone = try #require(FeatureSet(values: [0, 1, 4], labels: [0, 0, 1], dimensions: 1))
        #expect(abs(Separability(alone, neighbours: 1).silhouette - ((4.0 - 1) / 4 + (3.0 - 1) / 3) / 3) < 1e-12)
    }

    @Test func principalComponents() throws {
        // 3 along (3, 4)/5, 1 along (-4, 3)/5, in the plane of the first two of five dimensions.
        var values: [Float] = []
        for (a, b) in [(3.0, 0.0), (-3, 0), (0, 1), (0, -1)] {
            values += [Float(a * 0.6 - b * 0.8 + 1), Float(a * 0.8 + b * 0.6 + 2), 0, 0, 5]
        }
        let found = PrincipalComponents(try #require(FeatureSet(values: values, labels: [0, 0, 1, 1], dimensions: 5)))
        #expect(abs(found.explained.x - 0.9) < 1e-6 && abs(found.explained.y - 0.1) < 1e-6)
        #expect(abs(found.points[0].x - 3) < 1e-5 && abs(found.points[0].y) < 1e-5)
        #expect(abs(abs(found.points[2].y) - 1) < 1e-5)
    }

    @Test func nearestWords() throws {
        let words = try #require(NearestWords(embedding: [0, 0, 3, 4, 1, 0, -1, 0], width: 2))
        let near = words.nearest(to: [0.9, 0], count: 3)
        #expect(near.map(\.id) == [2, 0, 3])
        #expect(abs(near[0].distance - 0.1) < 1e-6 && abs(near[1].distance - 0.9) < 1e-6)
        #expect(words.randomDistance(norm: 1) > 0 && words.randomDistance(norm: 1) == words.randomDistance(norm: 1))
        #expect(words.nearest(to: [1], count: 3).isEmpty && NearestWords(embedding: [1], width: 2) == nil)
    }
}
