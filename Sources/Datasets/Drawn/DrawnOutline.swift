import Foundation

/// Closed outlines of the shapes in a frame of about -1...1, x to the right, y downwards; filled by the even-odd rule, so that
/// a contour within another is a hole.
enum DrawnOutline {
    typealias Point = SIMD2<Float>

    /// By shape.
    static let contours: [[[Point]]] = DrawnShape.allCases.map(make)
    /// No shape has more edges.
    static let largestEdgeCount = contours.map { $0.reduce(0) { $0 + $1.count } }.max() ?? 0

    private static func make(_ shape: DrawnShape) -> [[Point]] {
        switch shape {
        case .arrow: [[[-1, -0.27], [0.1, -0.27], [0.1, -0.75], [1, 0], [0.1, 0.75], [0.1, 0.27], [-1, 0.27]]]
        case .bolt: [[[0.1, -1], [-0.6, 0.18], [-0.1, 0.18], [-0.35, 1], [0.6, -0.28], [0.1, -0.28], [0.55, -1]]]
        case .circle: [arc(0, 0, 0.9, 0.9, 0, 360, 36)]
        case .cloud: [cloud]
        case .crescent: [crescent]
        case .cross:
            [[
                [-0.3, -0.9], [0.3, -0.9], [0.3, -0.3], [0.9, -0.3], [0.9, 0.3], [0.3, 0.3], [0.3, 0.9], [-0.3, 0.9], [-0.3, 0.3],
                [-0.9, 0.3], [-0.9, -0.3], [-0.3, -0.3],
            ]]
        case .crown: [[[-0.9, 0.7], [-0.95, -0.6], [-0.45, 0.05], [0, -0.85], [0.45, 0.05], [0.95, -0.6], [0.9, 0.7]]]
        case .diamond: [[[0, -1], [0.66, 0], [0, 1], [-0.66, 0]]]
        case .drop: [[[0, -1]] + arc(0, 0.33, 0.64, 0.64, -29, 209, 24)]
        case .fish: [arc(-0.2, 0, 0.78, 0.52, 24, 336, 26) + [[0.98, -0.6], [0.78, 0], [0.98, 0.6]], arc(-0.6, -0.12, 0.11, 0.11, 0, 360, 8)]
        case .flower: [flower, arc(0, 0, 0.2, 0.2, 0, 360, 10)]
        case .heart: [heart]
        case .hexagon: [arc(0, 0, 0.96, 0.96, 0, 360, 6)]
        case .hourglass: [[[-0.7, -0.95], [0.7, -0.95], [0.1, 0], [0.7, 0.95], [-0.7, 0.95], [-0.1, 0]]]
        case .house:
            [[
                [0, -1], [1, -0.1], [0.72, -0.1], [0.72, 0.88], [0.2, 0.88], [0.2, 0.25], [-0.2, 0.25], [-0.2, 0.88], [-0.72, 0.88],
                [-0.72, -0.1], [-1, -0.1],
            ]]
        case .key:
            [
                arc(-0.52, 0, 0.47, 0.47, 18, 342, 22) + [
                    [1, -0.145], [1, 0.5], [0.78, 0.5], [0.78, 0.145], [0.58, 0.145], [0.58, 0.42], [0.36, 0.42], [0.36, 0.145],
                ], arc(-0.52, 0, 0.2, 0.2, 0, 360, 10),
            ]
        case .mushroom: [arc(0, 0.1, 0.98, 0.98, 180, 360, 20) + [[0.3, 0.1], [0.38, 0.92], [-0.38, 0.92], [-0.3, 0.1]]]
        case .oval: [arc(0, 0, 1, 0.56, 0, 360, 32)]
        case .ring: [arc(0, 0, 0.95, 0.95, 0, 360, 36), arc(0, 0, 0.52, 0.52, 0, 360, 24)]
        case .semicircle: [arc(0, 0.45, 1, 1, 180, 360, 24)]
        case .square: [[[-0.78, -0.78], [0.78, -0.78], [0.78, 0.78], [-0.78, 0.78]]]
        case .star: [radial(count: 10, from: -90) { $0 % 2 == 0 ? 1 : 0.42 }]
        case .tree: [tree]
        case .triangle: [[[0, -0.92], [0.98, 0.74], [-0.98, 0.74]]]
        }
    }

    /// `count` points of an ellipse's arc (degrees, clockwise on the screen); a whole turn leaves out the repeated last point.
    private static func arc(_ x: Double, _ y: Double, _ rx: Double, _ ry: Double, _ from: Double, _ to: Double, _ count: Int) -> [Point] {
        let steps = to - from >= 360 ? count : count - 1
        return (0..<count).map { i in
            let angle = (from + (to - from) * Double(i) / Double(steps)) * .pi / 180
            return Point(Float(x + rx * cos(angle)), Float(y + ry * sin(angle)))
        }
    }

    /// Points at equal angles whose distance from the middle is `radius`.
    private static func radial(count: Int, from: Double = 0, _ radius: (Int) -> Double) -> [Point] {
        (0..<count).map { i in
            let angle = (from + 360 * Double(i) / Double(count)) * .pi / 180
            return Point(Float(radius(i) * cos(angle)), Float(radius(i) * sin(angle)))
        }
    }

    /// Four discs and a flat bottom, seen from the middle.
    private static var cloud: [Point] {
        let discs: [(x: Double, y: Double, r: Double)] = [(-0.64, 0.2, 0.36), (-0.34, -0.22, 0.38), (0.22, -0.32, 0.42), (0.62, 0.14, 0.4)]
        return radial(count: 48) { i in
            let angle = 2 * .pi * Double(i) / 48
            let (c, s) = (cos(angle), sin(angle))
            // Where the ray leaves the last disc that it meets.
            var far = 0.3
            for disc in discs {
                let along = disc.x * c + disc.y * s
                let inside = along * along - disc.x * disc.x - disc.y * disc.y + disc.r * disc.r
                if inside > 0 { far = max(far, along + inside.squareRoot()) }
            }
            return s > 0 ? min(far, 0.52 / s) : far
        }
    }

    /// A disc without another disc.
    private static var crescent: [Point] {
        let (outer, inner, shift) = (0.95, 0.78, 0.46)
        let x = (shift * shift + outer * outer - inner * inner) / (2 * shift)
        let y = (outer * outer - x * x).squareRoot()
        let (a, b) = (atan2(y, x) * 180 / .pi, atan2(y, x - shift) * 180 / .pi)
        let bow = arc(0, 0, outer, outer, a, 360 - a, 28), hollow = arc(shift, 0, inner, inner, b, 360 - b, 20)
        return (bow + hollow.reversed()[1..<19]).map { $0 + Point(0.2, 0) }
    }

    private static var flower: [Point] {
        radial(count: 60) { 0.48 + 0.48 * abs(cos(2.5 * 2 * .pi * Double($0) / 60)) }
    }

    private static var heart: [Point] {
        (0..<40).map { i in
            let t = 2 * .pi * (Double(i) + 0.5) / 40
            let x = 16 * sin(t) * sin(t) * sin(t), y = 13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t)
            return Point(Float(x / 17), Float((-y - 2.5) / 16))
        }
    }

    private static var tree: [Point] {
        let right: [Point] = [[0, -1], [0.42, -0.42], [0.2, -0.42], [0.62, 0.14], [0.34, 0.14], [0.8, 0.68], [0.16, 0.68], [0.16, 1]]
        return right + right.dropFirst().reversed().map { Point(-$0.x, $0.y) }
    }
}
