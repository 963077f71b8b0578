/// The data sets that the program draws itself, as anyone's images: PNG files and a CoOp split file.
public enum DrawnDataset: String, Sendable, CaseIterable {
    /// The 24 shapes, blurred, which pretraining never saw: 12 base and 12 novel classes.
    case figures
    // The same classes in other styles that pretraining never saw.
    case figuresNoise = "figures-noise"
    case figuresChalk = "figures-chalk"
    case figuresSketch = "figures-sketch"
    case figuresMosaic = "figures-mosaic"
    case figuresContrast = "figures-contrast"
    case figuresInverted = "figures-inverted"
    /// The 12 colours.
    case colours
    /// The 6 fills.
    case fills
    /// Two shapes and their relation.
    case pairs
    /// Clean drawings of the 144 combinations that pretraining leaves out.
    case combinations

    /// Its style. The blur of `figures` is so strong that the shipped model's zero-shot accuracy leaves room to improve. Blur moves all
    /// image features the same way, so that what prompts learn on some shapes helps with the others.
    public var style: DrawnStyle {
        switch self {
        case .figures: DrawnStyle(.blur, strength: 0.45)
        case .figuresNoise: DrawnStyle(.noise, strength: 0.05)
        case .figuresChalk: DrawnStyle(.chalk, strength: 0.15)
        case .figuresSketch: DrawnStyle(.sketch, strength: 0.1)
        case .figuresMosaic: DrawnStyle(.mosaic, strength: 0.4)
        case .figuresContrast: DrawnStyle(.contrast, strength: 0.5)
        case .figuresInverted: DrawnStyle(.inverted, strength: 0.5)
        case .colours: DrawnStyle(.noise, strength: 0.4)
        case .fills: DrawnStyle(.blur, strength: 0.2)
        case .pairs, .combinations: .clean
        }
    }

    /// One line for people.
    public var summary: String {
        switch self {
        case .colours: "12 colours, noisy"
        case .fills: "6 fills, slightly blurred"
        case .pairs: "two shapes, above, beside or inside each other"
        case .combinations: "clean drawings of the combinations that pretraining leaves out"
        default: "24 shapes, style \(style.name.rawValue)"
        }
    }

    /// By label.
    public var classNames: [String] {
        switch self {
        case .colours: DrawnColour.allCases.map(\.name)
        case .fills: DrawnFill.allCases.map(\.name)
        case .pairs: Self.relations.map { "\($0.first.name) \($0.relation) \(DrawnCaption.article($0.second.name)) \($0.second.name)" }
        case .combinations: DrawnLook.heldOut.map(\.name)
        default: DrawnShape.allCases.map { DrawnLook($0, Self.figureColour, .plain).name }
        }
    }

    /// Colour of all figures, as their class names say: the shape alone tells the classes apart.
    static let figureColour = DrawnColour.white

    /// Images of a class unless told otherwise.
    public var standardImagesPerClass: Int {
        switch self {
        case .figures: 80
        case .combinations: 10
        default: 40
        }
    }

    /// How the images of a class are divided into train, val and test.
    public static func shares(of count: Int) -> (train: Int, val: Int, test: Int) {
        let train = max(1, count * 3 / 10), val = count / 10
        return (train, val, count - train - val)
    }

    /// Classes of `pairs`: six pairs of shapes, each both ways above, beside and inside each other.
    static let relations: [(first: DrawnShape, relation: DrawnRelation, second: DrawnShape)] = {
        let above: [(DrawnShape, DrawnShape)] = [(.star, .circle), (.heart, .square), (.key, .house), (.fish, .ring), (.crown, .tree), (.arrow, .drop)]
        let beside: [(DrawnShape, DrawnShape)] = [(.star, .circle), (.heart, .square), (.mushroom, .flower), (.cross, .crescent)]
        let inside: [(DrawnShape, DrawnShape)] = [(.star, .circle), (.circle, .square), (.heart, .hexagon), (.bolt, .oval)]
        return above.flatMap { [($0.0, .above, $0.1), ($0.1, .above, $0.0)] } + beside.map { ($0.0, .beside, $0.1) }
            + inside.map { ($0.0, .inside, $0.1) }
    }()

    /// Paints one image of a class; `number` counts within the class.
    func paint(label: Int, number: Int, seed: Int, on painter: DrawnPainter) {
        var random = RunGenerator(seed: seed, RandomPurpose("data set " + rawValue), label, number)
        painter.paint(scene(label, &random))
        style.apply(to: painter, &random)
    }

    private func scene(_ label: Int, _ random: inout RunGenerator) -> DrawnScene {
        func any<T>(_ values: [T]) -> T { values[random.below(values.count)] }
        switch self {
        case .colours:
            return .single(DrawnLook(any(DrawnShape.allCases), DrawnColour.allCases[label], any(DrawnFill.allCases)), &random)
        case .fills:
            return .single(DrawnLook(any(DrawnShape.allCases), any(DrawnColour.allCases), DrawnFill.allCases[label]), &random)
        case .combinations:
            return .single(DrawnLook.heldOut[label], &random)
        case .pairs:
            let (first, relation, second) = Self.relations[label]
            while true {
                let a = DrawnLook(first, any(DrawnColour.allCases), any(DrawnFill.allCases))
                let b = DrawnLook(second, any(DrawnColour.allCases), any(DrawnFill.allCases))
                if relation != .inside || b.canHold(a) { return .pair(a, relation, b, &random) }
            }
        default:
            return .single(DrawnLook(DrawnShape.allCases[label], Self.figureColour, .plain), &random)
        }
    }
}
