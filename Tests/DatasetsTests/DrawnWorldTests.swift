import Foundation
import Testing

@testable import Datasets

/// The drawn world: what is drawn, what is said about it, and that a seed gives the same bytes for ever.
struct DrawnWorldTests {
    private func hash(_ image: RGBImage) -> String { image.withPixels { SHA256.hex(UnsafeRawBufferPointer($0)) } }

    /// A change of any of these hashes is a change of every drawn data set: the shipped model must then be trained again.
    @Test func drawingsAreTheSameForEver() throws {
        let world = DrawnWorld(seed: 1)
        var all = SHA256()
        for index in 0..<200 {
            let (image, caption) = try world.picture(index)
            all.update(hash(image) + caption)
        }
        #expect(all.finish() == "cc5abb44f59a5595abd08a92e1bc3917adc45ee098ff7f213721860384f682ae")
        let painter = DrawnPainter(side: 64)
        var sets = SHA256()
        for dataset in DrawnDataset.allCases {
            for label in dataset.classNames.indices {
                dataset.paint(label: label, number: 3, seed: 1, on: painter)
                sets.update(hash(try RGBImage(painter)))
            }
        }
        #expect(sets.finish() == "601f1c57028d3240cc32b67795e278ed09718ea45817176522fcc3277d51474f")
    }

    @Test func orderAndNeighboursDoNotMatter() throws {
        let world = DrawnWorld(seed: 5)
        let late = try world.picture(700)
        for index in [3, 2, 700, 1] { _ = try world.picture(index) }
        #expect(try world.picture(700) == late)
        #expect(try DrawnWorld(seed: 6).picture(700).image != late.image)
        #expect(try world.picture(701).image != late.image)
    }

    /// A batch holds what the pictures give that go through a PNG file and the test pipeline.
    @Test func batchEqualsPictures() throws {
        let geometry = try ImageGeometry(resize: 64, crop: 64, mean: [0.48, 0.46, 0.41], std: [0.27, 0.26, 0.28])
        let world = DrawnWorld(seed: 2), indices = [9, 0, 44], size = geometry.valuesPerImage
        var batch = [Float](repeating: .nan, count: 3 * size)
        let captions = batch.withUnsafeMutableBufferPointer { world.fill($0.baseAddress!, indices: indices, table: geometry.normalisationTable) }
        let transform = ImageTransform(geometry: geometry)
        var resizer = ImageResizer(), generator = RunGenerator(seed: 1, .augmentation)
        for (place, index) in indices.enumerated() {
            let (image, caption) = try world.picture(index)
            var single = [Float](repeating: 0, count: size)
            try single.withUnsafeMutableBufferPointer {
                try transform.apply(to: image, generator: &generator, resizer: &resizer, into: $0.baseAddress!)
            }
            #expect(Array(batch[place * size..<(place + 1) * size]) == single)
            #expect(captions[place] == caption)
        }
    }

    @Test func pretrainingNeverSeesHeldOutCombinations() {
        #expect(DrawnLook.all.count == 24 * 12 * 6 && Set(DrawnLook.all).count == DrawnLook.all.count)
        #expect(DrawnLook.heldOut.count == 144)
        for shape in DrawnShape.allCases {
            for fill in DrawnFill.allCases { #expect(DrawnLook.heldOut.filter { $0.shape == shape && $0.fill == fill }.count == 1) }
        }
        for colour in DrawnColour.allCases { #expect(DrawnLook.heldOut.filter { $0.colour == colour }.count == 12) }

        let world = DrawnWorld(seed: 3)
        var seen: Set<DrawnLook> = [], counts: [Int: Int] = [:], relations: Set<DrawnRelation> = []
        for index in 0..<30_000 {
            let scene = world.scene(index).scene
            for object in scene.objects {
                #expect(!object.look.isHeldOut)
                seen.insert(object.look)
            }
            counts[scene.relation == nil ? scene.objects.count : 0, default: 0] += 1
            if let relation = scene.relation { relations.insert(relation) }
        }
        #expect(seen.count == DrawnLook.all.count - DrawnLook.heldOut.count)
        #expect(relations.count == 3)
        #expect(counts.keys.sorted() == [0, 1, 2, 3] && counts.values.allSatisfy { $0 > 1500 })
    }

    /// A row shows other shapes in one colour and fill, never a held-out combination; pairs of objects stay free.
    @Test(arguments: [2, 4, 22]) func rowsShareColourAndFill(alike: Int) {
        let world = DrawnWorld(seed: 7, alike: alike)
        var rows = 0
        for row in 0..<300 {
            let scenes = (row * alike..<(row + 1) * alike).map { world.scene($0).scene }
            #expect(scenes.allSatisfy { $0.objects.allSatisfy { !$0.look.isHeldOut } })
            guard scenes[0].relation == nil else {
                #expect(scenes.allSatisfy { $0.relation != nil })
                continue
            }
            rows += 1
            let looks = scenes.map { $0.objects[0].look }
            #expect(Set(looks.map(\.shape)).count == alike)
            #expect(Set(looks.map(\.colour)).count == 1 && Set(looks.map(\.fill)).count == 1)
            #expect(Set(scenes.map(\.objects.count)).count == 1)
        }
        #expect(rows > 180)
        // Kept-out pairs are the same whatever the rows.
        #expect((1...20).allSatisfy { world.scene(-$0) == DrawnWorld(seed: 7).scene(-$0) })
    }

    /// What a caption says is so: every word of a shape, colour, fill or relation in it is the scene's.
    @Test func captionsAreTrue() {
        let world = DrawnWorld(seed: 4)
        var templates: Set<String> = []
        for index in 0..<5000 {
            let (scene, caption) = world.scene(index)
            let words = caption.replacing(".", with: "").split(separator: " ").map(String.init)
            #expect(words.count <= 18 && !caption.contains("  "), "\(caption)")
            #expect(caption.allSatisfy { $0.isASCII && ($0.isLowercase || $0 == " " || $0 == ".") })
            for shape in DrawnShape.allCases where words.contains(shape.name) || words.contains(DrawnShape.plural(shape.name)) {
                // "half circle" is a word of its own.
                if shape == .circle, caption.contains("half circle") { continue }
                #expect(scene.objects.contains { $0.look.shape == shape }, "\(caption)")
            }
            for colour in DrawnColour.allCases where words.contains(colour.name) {
                let isGround = caption.contains("a \(colour.name) background")
                #expect(isGround || scene.objects.contains { $0.look.colour == colour }, "\(caption)")
            }
            for fill in DrawnFill.allCases where words.contains(fill.name) {
                #expect(scene.objects.contains { $0.look.fill == fill }, "\(caption)")
            }
            #expect(words.contains("three") == (scene.objects.count == 3), "\(caption)")
            if caption.contains(" inside ") { #expect(scene.relation == .inside) }
            if caption.contains(" above ") { #expect(scene.relation == .above && scene.objects[0].y < scene.objects[1].y) }
            templates.insert(words.prefix(3).joined(separator: " "))
        }
        for template in ["a photo of", "a picture of", "a drawing of"] { #expect(templates.contains(template)) }
    }

    /// Every shape, colour and fill changes the picture, and an object stands out from its background.
    @Test func looksAreDistinctAndVisible() throws {
        func picture(_ look: DrawnLook, seed: Int = 1) throws -> RGBImage {
            var random = RunGenerator(seed: seed, "test")
            return try RGBImage(DrawnScene.single(look, &random))
        }
        func difference(_ a: RGBImage, _ b: RGBImage) -> Double {
            a.withPixels { x in b.withPixels { y in Double(zip(x, y).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }) / Double(x.count) } }
        }
        var pictures: [RGBImage] = try DrawnShape.allCases.map { try picture(DrawnLook($0, .red, .plain)) }
        pictures += try DrawnColour.allCases.dropFirst().map { try picture(DrawnLook(.star, $0, .plain)) }
        pictures += try DrawnFill.allCases.dropFirst().map { try picture(DrawnLook(.star, .red, $0)) }
        for i in pictures.indices { for j in 0..<i { #expect(difference(pictures[i], pictures[j]) > 1, "\(i) \(j)") } }

        for (number, look) in DrawnLook.all.enumerated() where number % 7 == 0 {
            var random = RunGenerator(seed: number, "test")
            let scene = DrawnScene.single(look, &random)
            let painter = DrawnPainter(side: 64)
            painter.paint(scene)
            var changed = 0
            for i in 0..<64 * 64 {
                let d = (0..<3).reduce(Float(0)) { $0 + abs(painter.picture[3 * i + $1] - painter.paper[3 * i + $1]) }
                if d > 0.25 { changed += 1 }
            }
            #expect(changed > 60, "\(look.name): \(changed) pixels")
        }
    }

    /// Any side, any seed: all bytes are painted, no value leaves the picture's range before rounding.
    @Test(arguments: [8, 31, 64, 97]) func anySide(_ side: Int) throws {
        for index in 0..<40 {
            let image = try DrawnWorld(seed: -side, side: side).picture(index).image
            #expect(image.width == side && image.height == side)
        }
        let painter = DrawnPainter(side: side)
        for dataset in DrawnDataset.allCases {
            dataset.paint(label: 1, number: 0, seed: side, on: painter)
            #expect((0..<side * side * 3).allSatisfy { painter.picture[$0].isFinite && painter.picture[$0] > -0.2 && painter.picture[$0] < 1.2 })
        }
    }
}
