/// Sentences about a scene: several templates, synonyms, and more or less detail.
///
/// Whatever is said is true. Sentences of the form "a photo of a NAME." take "a" before vowels as well in half of the cases,
/// as zero-shot templates do.
enum DrawnCaption {
    /// How much of an object's look is said.
    private enum Detail {
        case full, shape, colouredShape, filledShape, colour, fill, colourAndFill
    }

    static func sentence(_ scene: DrawnScene, _ random: inout RunGenerator) -> String {
        if scene.relation != nil { return pair(scene, &random) }
        if scene.objects.count > 1 { return several(scene, &random) }
        return single(scene, &random)
    }

    // MARK: Kinds of scenes

    private static func single(_ scene: DrawnScene, _ random: inout RunGenerator) -> String {
        let look = scene.objects[0].look
        let detail: Detail = switch random.below(100) {
        case 0..<52: .full
        case 52..<67: .shape
        case 67..<77: .colouredShape
        case 77..<84: .filledShape
        case 84..<90: .colour
        case 90..<96: .fill
        default: .colourAndFill
        }
        return framed(phrase(look, detail, isPlural: false, &random), scene, &random)
    }

    private static func several(_ scene: DrawnScene, _ random: inout RunGenerator) -> String {
        let detail: Detail = switch random.below(10) {
        case 0..<6: .full
        case 6..<8: .shape
        case 8: .colouredShape
        default: .filledShape
        }
        let count = scene.objects.count == 2 ? pick(["two", "two", "a pair of"], &random) : "three"
        let words = phrase(scene.objects[0].look, detail, isPlural: true, &random)
        return framed(words, scene, article: count, &random)
    }

    private static func pair(_ scene: DrawnScene, _ random: inout RunGenerator) -> String {
        let detail: Detail = switch random.below(10) {
        case 0..<4: .shape
        case 4..<7: .colouredShape
        default: .full
        }
        let subject = scene.subject
        var first = phrase(scene.objects[subject].look, detail, isPlural: false, &random)
        var second = phrase(scene.objects[1 - subject].look, detail, isPlural: false, &random)
        let words: String
        switch scene.relation {
        case .above:
            if random.below(2) == 0 {
                words = pick(["above", "above", "over"], &random)
            } else {
                (first, second) = (second, first)
                words = pick(["below", "below", "under"], &random)
            }
        case .beside:
            if random.below(2) == 0 { (first, second) = (second, first) }
            words = pick(["beside", "beside", "next to"], &random)
        case .inside, nil:
            words = pick(["inside", "inside", "in"], &random)
        }
        return framed("\(first) \(words) \(article(second, &random)) \(second)", scene, &random)
    }

    // MARK: Phrases

    /// Words for a look without an article.
    private static func phrase(_ look: DrawnLook, _ detail: Detail, isPlural: Bool, _ random: inout RunGenerator) -> String {
        let noun: String
        switch detail {
        case .colour, .fill, .colourAndFill: noun = pick(["shape", "thing", "figure", ""], &random)
        default:
            let word = said(look.shape.name, look.shape.synonyms, &random)
            noun = isPlural ? DrawnShape.plural(word) : word
        }
        var colour = "", fill = "", clause = ""
        if detail != .shape, detail != .filledShape, detail != .fill { colour = said(look.colour.name, look.colour.synonyms, &random) }
        if detail == .full || detail == .filledShape || detail == .fill || detail == .colourAndFill {
            let isOmitted = look.fill == .plain && detail == .full && random.below(2) == 0
            if let words = look.fill.clause, random.below(6) == 0, !noun.isEmpty {
                clause = words
            } else if !isOmitted {
                fill = said(look.fill.name, look.fill.synonyms, &random)
            }
        }
        let adjectives = random.below(5) == 0 ? [fill, colour] : [colour, fill]
        return (adjectives + [noun, clause]).filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// The canonical word most of the time.
    private static func said(_ name: String, _ synonyms: [String], _ random: inout RunGenerator) -> String {
        synonyms.isEmpty || random.below(100) < 85 ? name : pick(synonyms, &random)
    }

    static func article(_ words: String) -> String { words.first.map("aeiou".contains) == true ? "an" : "a" }

    private static func article(_ words: String, _ random: inout RunGenerator) -> String {
        let right = article(words)
        return right == "a" || random.below(2) == 0 ? right : "a"
    }

    private static func framed(_ words: String, _ scene: DrawnScene, article given: String? = nil, _ random: inout RunGenerator) -> String {
        let it = "\(given ?? article(words, &random)) \(words)"
        switch random.below(20) {
        case 0..<8: return "a photo of \(it)."
        case 8..<11: return it
        case 11: return "\(it)."
        case 12: return "a picture of \(it)."
        case 13: return "a drawing of \(it)."
        case 14: return "an image of \(it)."
        case 15: return "a clean picture of \(it)."
        case 16: return "a small picture with \(it)."
        case 17: return "here \(given == nil || given == "a pair of" ? "is" : "are") \(it)."
        case 18: return "\(it) on a \(scene.tone) background"
        default: return "a photo of \(it) on a \(scene.tone) background."
        }
    }

    private static func pick(_ words: [String], _ random: inout RunGenerator) -> String { words[random.below(words.count)] }
}
