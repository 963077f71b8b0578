/// What a drawn object can be: a closed outline with a name of its own.
///
/// The order is the label order of the data sets; each has a canonical name (`name`) and words that captions use as well.
public enum DrawnShape: Int, Sendable, CaseIterable {
    case arrow, bolt, circle, cloud, crescent, cross, crown, diamond, drop, fish, flower, heart
    case hexagon, hourglass, house, key, mushroom, oval, ring, semicircle, square, star, tree, triangle

    public var name: String { "\(self)" }

    /// Other words for the same shape.
    public var synonyms: [String] {
        switch self {
        case .arrow: ["pointer"]
        case .bolt: ["lightning bolt"]
        case .circle: ["disc"]
        case .crescent: ["moon"]
        case .cross: ["plus"]
        case .diamond: ["rhombus"]
        case .drop: ["raindrop", "teardrop"]
        case .flower: ["blossom"]
        case .mushroom: ["toadstool"]
        case .oval: ["ellipse"]
        case .ring: ["hoop"]
        case .semicircle: ["half circle"]
        case .square: ["box"]
        case .tree: ["fir"]
        default: []
        }
    }

    /// Large and solid enough around its middle that another object can lie inside it.
    public var canHold: Bool {
        switch self {
        case .circle, .square, .hexagon, .heart, .oval, .cloud, .diamond: true
        default: false
        }
    }

    /// English plural of one of the shape's words.
    static func plural(_ word: String) -> String {
        if word == "fish" { return word }
        return word.hasSuffix("s") || word.hasSuffix("x") ? word + "es" : word + "s"
    }
}

/// The twelve colours.
public enum DrawnColour: Int, Sendable, CaseIterable {
    case red, orange, yellow, green, turquoise, blue, purple, pink, brown, black, grey, white

    public var name: String { "\(self)" }

    public var synonyms: [String] {
        switch self {
        case .red: ["crimson"]
        case .turquoise: ["cyan"]
        case .purple: ["violet"]
        case .grey: ["gray"]
        default: []
        }
    }

    /// Red, green and blue in 0...1.
    var value: SIMD3<Float> {
        switch self {
        case .red: [0.86, 0.10, 0.12]
        case .orange: [0.97, 0.52, 0.06]
        case .yellow: [0.97, 0.87, 0.12]
        case .green: [0.13, 0.60, 0.20]
        case .turquoise: [0.14, 0.78, 0.80]
        case .blue: [0.12, 0.27, 0.85]
        case .purple: [0.50, 0.14, 0.66]
        case .pink: [0.98, 0.56, 0.76]
        case .brown: [0.46, 0.27, 0.12]
        case .black: [0.05, 0.05, 0.06]
        case .grey: [0.50, 0.50, 0.50]
        case .white: [0.98, 0.98, 0.98]
        }
    }

    /// The second colour of stripes, dots and the like: a pale or a deep tone of the same hue, so that the pair reads as one
    /// colour; neutral ones are told apart by their brightness.
    var partner: SIMD3<Float> {
        switch self {
        case .black: [0.95, 0.95, 0.95]
        case .grey: [0.80, 0.80, 0.80]
        case .white: [0.60, 0.60, 0.62]
        case .yellow, .pink, .turquoise, .orange: value * 0.42
        default: value * 0.22 + 0.76
        }
    }
}

/// The six ways of filling an outline.
public enum DrawnFill: Int, Sendable, CaseIterable {
    case plain, striped, dotted, chequered, outlined, gradient

    public var name: String { "\(self)" }

    /// Other adjectives.
    public var synonyms: [String] {
        switch self {
        case .plain: ["solid"]
        case .striped: ["stripy"]
        case .dotted: ["spotted"]
        case .chequered: ["checked"]
        case .outlined: ["hollow"]
        case .gradient: ["shaded"]
        }
    }

    /// The same said behind the noun.
    var clause: String? {
        switch self {
        case .plain, .gradient: nil
        case .striped: "with stripes"
        case .dotted: "with dots"
        case .chequered: "with squares"
        case .outlined: "in outline"
        }
    }
}

/// Shape, colour and fill of an object: one of 1,728 combinations.
public struct DrawnLook: Sendable, Hashable {
    public var shape: DrawnShape
    public var colour: DrawnColour
    public var fill: DrawnFill

    public init(_ shape: DrawnShape, _ colour: DrawnColour, _ fill: DrawnFill) {
        self.shape = shape
        self.colour = colour
        self.fill = fill
    }

    /// Whether pretraining never sees it: one of twelve. For every shape and fill one colour is held out, for every colour
    /// and fill two shapes, so each word is learned from its other combinations.
    public var isHeldOut: Bool { (5 * shape.rawValue + colour.rawValue + 2 * fill.rawValue) % DrawnColour.allCases.count == 0 }

    /// The 144 combinations that pretraining never sees, by shape, colour and fill.
    public static let heldOut: [DrawnLook] = all.filter(\.isHeldOut)

    public static let all: [DrawnLook] = DrawnShape.allCases.flatMap { shape in
        DrawnColour.allCases.flatMap { colour in DrawnFill.allCases.map { DrawnLook(shape, colour, $0) } }
    }

    /// As a class name: "red striped star".
    public var name: String { "\(colour.name) \(fill.name) \(shape.name)" }
}
