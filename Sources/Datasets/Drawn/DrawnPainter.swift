/// Paints scenes into a square picture: outlines filled by their signed distance, so that edges and patterns are smooth.
///
/// Holds its scratch memory; one painter serves one thread.
///
///     let painter = DrawnPainter(side: 64)
///     painter.paint(scene)
///     painter.copy(to: bytes)
final class DrawnPainter {
    let side: Int
    /// (side, side, 3), values 0...1.
    let picture: UnsafeMutablePointer<Float>
    /// The background alone, (side, side, 3).
    let paper: UnsafeMutablePointer<Float>
    private let edges: UnsafeMutablePointer<Edge>
    private let crossings: UnsafeMutablePointer<Float>
    private var edgeCount = 0

    /// One edge in pixels: from (x, y) along (dx, dy).
    private struct Edge {
        var x: Float, y: Float, dx: Float, dy: Float
        /// 1 over the squared length.
        var inverse: Float
    }

    init(side: Int) {
        self.side = side
        picture = .allocate(capacity: side * side * 3)
        paper = .allocate(capacity: side * side * 3)
        edges = .allocate(capacity: DrawnOutline.largestEdgeCount)
        crossings = .allocate(capacity: DrawnOutline.largestEdgeCount)
    }

    deinit {
        picture.deallocate()
        paper.deallocate()
        edges.deallocate()
        crossings.deallocate()
    }

    func paint(_ scene: DrawnScene) {
        paintBackground(scene)
        picture.update(from: paper, count: side * side * 3)
        for object in scene.objects { paint(object) }
    }

    /// As bytes, (side, side, 3).
    func copy(to bytes: UnsafeMutablePointer<UInt8>) {
        for i in 0..<side * side * 3 { bytes[i] = UInt8(DrawnMath.unit(picture[i]) * 255 + 0.5) }
    }

    private func paintBackground(_ scene: DrawnScene) {
        let (c, s) = (DrawnMath.cosine(scene.slope), DrawnMath.sine(scene.slope))
        let step = 1 / Float(side), change = scene.far - scene.near
        var out = paper
        for y in 0..<side {
            for x in 0..<side {
                let along = 0.5 + 0.7 * ((Float(x) * step - 0.5) * c + (Float(y) * step - 0.5) * s)
                let colour = scene.near + change * along
                out[0] = colour.x
                out[1] = colour.y
                out[2] = colour.z
                out += 3
            }
        }
    }

    private func paint(_ object: DrawnObject) {
        let scale = Float(side)
        let brush = Brush(object, side: scale)
        let (low, high) = place(object, brush)
        let top = max(0, Int(low.y - 1)), bottom = min(side - 1, Int(high.y + 1))
        let left = max(0, Int(low.x - 1)), right = min(side - 1, Int(high.x + 1))
        guard top <= bottom, left <= right else { return }
        for y in top...bottom {
            let py = Float(y) + 0.5
            let count = cross(py)
            var x = left
            while x <= right {
                let distances = signedDistances(Float(x) + 0.5, py, count)
                for lane in 0..<min(8, right - x + 1) where distances[lane] < 0.5 {
                    let (alpha, colour) = brush.ink(Float(x + lane) + 0.5, py, distances[lane])
                    let pixel = picture + 3 * (y * side + x + lane)
                    pixel[0] += alpha * (colour.x - pixel[0])
                    pixel[1] += alpha * (colour.y - pixel[1])
                    pixel[2] += alpha * (colour.z - pixel[2])
                }
                x += 8
            }
        }
    }

    /// Puts the object's edges into pixels; gives the corners of the box around them.
    private func place(_ object: DrawnObject, _ brush: Brush) -> (low: SIMD2<Float>, high: SIMD2<Float>) {
        var low = SIMD2<Float>(repeating: .infinity), high = SIMD2<Float>(repeating: -.infinity)
        let mirror: Float = object.isMirrored ? -1 : 1
        edgeCount = 0
        for contour in DrawnOutline.contours[object.look.shape.rawValue] {
            contour.withUnsafeBufferPointer { points in
                func placed(_ point: SIMD2<Float>) -> SIMD2<Float> {
                    let (u, v) = (point.x * mirror, point.y)
                    return [brush.x + brush.radius * (brush.cosine * u - brush.sine * v), brush.y + brush.radius * (brush.sine * u + brush.cosine * v)]
                }
                guard let last = points.last else { return }
                var from = placed(last)
                for point in points {
                    let to = placed(point), step = to - from
                    edges[edgeCount] = Edge(x: from.x, y: from.y, dx: step.x, dy: step.y, inverse: 1 / max(1e-12, (step * step).sum()))
                    edgeCount += 1
                    low = pointwiseMin(low, to)
                    high = pointwiseMax(high, to)
                    from = to
                }
            }
        }
        return (low, high)
    }

    /// Where the edges cross a row; gives their number.
    private func cross(_ y: Float) -> Int {
        var count = 0
        for i in 0..<edgeCount {
            let edge = edges[i]
            guard (edge.y <= y) != (edge.y + edge.dy <= y) else { continue }
            crossings[count] = edge.x + (y - edge.y) / edge.dy * edge.dx
            count += 1
        }
        return count
    }

    /// Distances of eight pixels of a row from the outline, in pixels, negative inside.
    @inline(__always)
    private func signedDistances(_ firstX: Float, _ y: Float, _ crossingCount: Int) -> SIMD8<Float> {
        let x = SIMD8<Float>(0, 1, 2, 3, 4, 5, 6, 7) + firstX
        var nearest = SIMD8<Float>(repeating: 1e12)
        for i in 0..<edgeCount {
            let edge = edges[i]
            let qx = x - edge.x, qy = y - edge.y
            var t = (qx * edge.dx + qy * edge.dy) * edge.inverse
            t = pointwiseMin(pointwiseMax(t, SIMD8(repeating: 0)), SIMD8(repeating: 1))
            let ex = qx - t * edge.dx, ey = qy - t * edge.dy
            nearest = pointwiseMin(nearest, ex * ex + ey * ey)
        }
        let distance = nearest.squareRoot()
        // Inside where an odd number of edges lies to the left.
        var sign = SIMD8<Float>(repeating: 1)
        for i in 0..<crossingCount { sign.replace(with: -sign, where: x .> crossings[i]) }
        return distance * sign
    }
}

/// The fill of one object at every pixel.
private struct Brush {
    let x: Float, y: Float, radius: Float, cosine: Float, sine: Float
    private let fill: DrawnFill
    private let main: SIMD3<Float>
    private let partner: SIMD3<Float>
    /// Direction of the pattern against the picture.
    private let along: SIMD2<Float>
    /// A pixel of a 64-pixel picture.
    private let unit: Float
    /// In pixels.
    private let period: Float
    private let line: Float

    init(_ object: DrawnObject, side: Float) {
        x = object.x * side
        y = object.y * side
        radius = object.radius * side
        cosine = DrawnMath.cosine(object.turn)
        sine = DrawnMath.sine(object.turn)
        fill = object.look.fill
        main = (object.look.colour.value + object.tint).clamped(lowerBound: .zero, upperBound: .one)
        partner = object.look.colour.partner
        along = [DrawnMath.cosine(object.turn + object.grain), DrawnMath.sine(object.turn + object.grain)]
        unit = side / 64
        line = max(1.7 * unit, 0.13 * radius)
        period = switch fill {
        case .striped: max(5 * unit, 0.42 * radius)
        case .dotted: max(5 * unit, 0.44 * radius)
        case .chequered: max(3 * unit, 0.30 * radius)
        default: 1
        }
    }

    /// Coverage and colour at a pixel whose distance from the outline is given.
    @inline(__always)
    func ink(_ px: Float, _ py: Float, _ distance: Float) -> (alpha: Float, colour: SIMD3<Float>) {
        let cover = DrawnMath.unit(0.5 - distance)
        let (dx, dy) = (px - x, py - y)
        // Along and across the pattern, in periods.
        let u = (dx * along.x + dy * along.y) / period, v = (dy * along.x - dx * along.y) / period
        switch fill {
        case .plain:
            return (cover, main)
        case .outlined:
            return (min(cover, DrawnMath.unit(0.5 + distance + line)), main)
        case .gradient:
            return (cover, main + (partner - main) * DrawnMath.unit(0.5 + 0.62 * u / radius))
        case .striped:
            // Distance from the middle of a main stripe, in periods: 0...0.5.
            let off = abs(DrawnMath.fraction(u) - 0.5)
            return (cover, main + (partner - main) * DrawnMath.unit((off - 0.29) * period + 0.5))
        case .dotted:
            let (a, b) = (DrawnMath.fraction(u) - 0.5, DrawnMath.fraction(v) - 0.5)
            return (cover, main + (partner - main) * DrawnMath.unit((0.29 - (a * a + b * b).squareRoot()) * period + 0.5))
        case .chequered:
            let (a, b) = (DrawnMath.fraction(u), DrawnMath.fraction(v))
            let depth = min(0.5, min(min(a, 1 - a), min(b, 1 - b)) * period)
            let isMain = (Int(u.rounded(.down)) + Int(v.rounded(.down))) & 1 == 0
            return (cover, main + (partner - main) * (isMain ? 0.5 - depth : 0.5 + depth))
        }
    }
}
