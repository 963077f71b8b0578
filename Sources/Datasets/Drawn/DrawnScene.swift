/// An object of a scene, in a frame in which the picture is 1 wide and 1 high.
public struct DrawnObject: Sendable, Equatable {
    public var look: DrawnLook
    /// The middle.
    public var x: Float
    public var y: Float
    /// Half the object's extent.
    public var radius: Float
    /// Radians, clockwise.
    public var turn: Float
    public var isMirrored: Bool
    /// Direction of stripes, rows of dots and gradients against the object: radians.
    public var grain: Float
    /// Added to the colour's values.
    var tint: SIMD3<Float>
}

/// How bright a background is: a word that captions may use.
public enum DrawnTone: Int, Sendable, CaseIterable {
    case light, grey, dark
}

/// Where the first of two objects lies.
public enum DrawnRelation: Int, Sendable, CaseIterable {
    case above, beside, inside
}

/// A picture before it is painted: what a caption can tell and where everything lies.
public struct DrawnScene: Sendable, Equatable {
    /// Painted in this order.
    public var objects: [DrawnObject]
    /// Between the first object and the second; nil for one object and for several of one look.
    public var relation: DrawnRelation?
    public var tone: DrawnTone
    /// Colours of the background at its two ends, and the direction between them (radians).
    var near: SIMD3<Float>
    var far: SIMD3<Float>
    var slope: Float
    /// Which object the caption's relation begins with; `inside` paints the outer one first.
    var subject: Int { relation == .inside ? 1 : 0 }
}

extension DrawnScene {
    /// One object that fills a good part of the picture.
    public static func single(_ look: DrawnLook, _ random: inout RunGenerator) -> DrawnScene {
        let radius = Float(random.uniform(0.33, 0.46))
        let slack = max(0, 0.5 - radius) * 0.85
        let object = DrawnObject(
            look, x: 0.5 + slack * Float(random.uniform(-1, 1)), y: 0.5 + slack * Float(random.uniform(-1, 1)), radius: radius, &random)
        return DrawnScene(objects: [object], relation: nil, &random)
    }

    /// Two or three objects of one look.
    public static func several(_ look: DrawnLook, count: Int, _ random: inout RunGenerator) -> DrawnScene {
        let start = Float(random.uniform(0, 2 * Double.pi))
        let distance: Float = count == 2 ? 0.25 : 0.28
        let radius = Float(count == 2 ? random.uniform(0.16, 0.22) : random.uniform(0.13, 0.18))
        let objects = (0..<count).map { i in
            let angle = start + 2 * Float.pi * Float(i) / Float(count)
            return DrawnObject(
                look, x: 0.5 + distance * DrawnMath.cosine(angle), y: 0.5 + distance * DrawnMath.sine(angle),
                radius: radius * Float(random.uniform(0.92, 1.08)), &random)
        }
        return DrawnScene(objects: objects, relation: nil, &random)
    }

    /// Two objects: the first above, beside or inside the second.
    public static func pair(_ first: DrawnLook, _ relation: DrawnRelation, _ second: DrawnLook, _ random: inout RunGenerator) -> DrawnScene {
        func jitter(_ width: Double) -> Float { Float(random.uniform(-width, width)) }
        func radius() -> Float { Float(random.uniform(0.17, 0.23)) }
        var objects: [DrawnObject]
        switch relation {
        case .above:
            objects = [(first, Float(0.26)), (second, Float(0.74))].map { look, y in
                DrawnObject(look, x: 0.5 + jitter(0.12), y: y + jitter(0.02), radius: radius(), &random)
            }
        case .beside:
            let isLeft = random.below(2) == 0
            objects = [(first, Float(isLeft ? 0.26 : 0.74)), (second, Float(isLeft ? 0.74 : 0.26))].map { look, x in
                DrawnObject(look, x: x + jitter(0.02), y: 0.5 + jitter(0.12), radius: radius(), &random)
            }
        case .inside:
            let outer = DrawnObject(second, x: 0.5 + jitter(0.05), y: 0.5 + jitter(0.05), radius: Float(random.uniform(0.41, 0.46)), &random)
            let inner = DrawnObject(first, x: outer.x, y: outer.y, radius: Float(random.uniform(0.16, 0.19)), &random)
            objects = [outer, inner]
        }
        return DrawnScene(objects: objects, relation: relation, &random)
    }

    /// Around objects: a background from which each stands out.
    private init(objects: [DrawnObject], relation: DrawnRelation?, _ random: inout RunGenerator) {
        self.objects = objects
        self.relation = relation
        var best: (distance: Float, tone: DrawnTone, colour: SIMD3<Float>) = (-1, .light, [1, 1, 1])
        for _ in 0..<12 {
            let tone = DrawnTone.allCases[random.below(5) % 3]
            let brightness: ClosedRange<Double> = switch tone {
            case .light: 0.84...0.97
            case .grey: 0.42...0.58
            case .dark: 0.06...0.22
            }
            var colour = SIMD3<Float>(repeating: Float(random.uniform(brightness.lowerBound, brightness.upperBound)))
            for channel in 0..<3 { colour[channel] += Float(random.uniform(-0.06, 0.06)) }
            let distance = objects.map { DrawnMath.distance(colour, $0.look.colour.value) }.min() ?? 1
            if distance > best.distance { best = (distance, tone, colour) }
            if distance > 0.5 { break }
        }
        (tone, near, far) = (best.tone, best.colour, best.colour)
        slope = 0
        if random.below(3) == 0 {
            slope = Float(random.uniform(0, 2 * Double.pi))
            far = near + Float(random.uniform(-0.1, 0.1))
        }
    }
}

extension DrawnObject {
    init(_ look: DrawnLook, x: Float, y: Float, radius: Float, _ random: inout RunGenerator) {
        self.look = look
        self.x = x
        self.y = y
        self.radius = radius
        turn = Float(random.uniform(-0.25, 0.25))
        isMirrored = random.below(2) == 0
        grain = Float(random.below(4)) * Float.pi / 4 + Float(random.uniform(-0.12, 0.12))
        tint = SIMD3<Float>(Float(random.uniform(-0.04, 0.04)), Float(random.uniform(-0.04, 0.04)), Float(random.uniform(-0.04, 0.04)))
    }
}
