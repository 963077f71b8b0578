/// How a drawing looks as a whole. Pretraining sees `clean` alone.
public enum DrawnStyleName: String, Sendable, Codable, CaseIterable {
    case clean, chalk, noise, blur, contrast, inverted, sketch, mosaic
}

/// A style and how far it goes: 0 leaves a clean drawing, 1 is hard for a person as well.
public struct DrawnStyle: Sendable, Equatable, Codable {
    public var name: DrawnStyleName
    public var strength: Float

    public init(_ name: DrawnStyleName, strength: Float = 0.5) {
        self.name = name
        self.strength = strength
    }

    public static let clean = DrawnStyle(.clean, strength: 0)

    /// Changes a painted picture, whose values are 0...1.
    func apply(to painter: DrawnPainter, _ random: inout RunGenerator) {
        let seed = UInt32(truncatingIfNeeded: random.next())
        switch name {
        case .clean: break
        case .chalk: chalk(painter, seed)
        case .noise: noise(painter, seed)
        case .blur: Self.blur(painter, sigma: 4 * strength * Float(painter.side) / 64)
        case .contrast: contrast(painter, &random)
        case .inverted: mix(painter) { 1 - $0 }
        case .sketch: sketch(painter, seed)
        case .mosaic: mosaic(painter)
        }
    }

    // MARK: Styles

    /// Chalk on a board: the background turns dark, edges waver, colours go pale, and the board shows through the grain.
    private func chalk(_ painter: DrawnPainter, _ seed: UInt32) {
        let side = painter.side, unit = 64 / Float(side)
        let board = SIMD3<Float>(0.13, 0.19, 0.17)
        Self.warp(painter, by: 3 * strength / unit, seed)
        let ink = difference(painter)
        defer { ink.deallocate() }
        for y in 0..<side {
            for x in 0..<side {
                let (fx, fy) = (Float(x) * unit, Float(y) * unit)
                // Grain: fine, and coarser along the strokes.
                let grain = 0.6 * DrawnMath.hash(x, y, seed) + 0.4 * DrawnMath.noise((fx + fy) * 0.5, (fx - fy) * 0.15, seed &+ 1)
                let kept = DrawnMath.unit(0.5 + (grain - strength * 0.75) * 4)
                let dust = 0.10 * DrawnMath.noise(fx * 0.09, fy * 0.09, seed &+ 2)
                let pixel = painter.picture + 3 * (y * side + x)
                for channel in 0..<3 {
                    let pale = pixel[channel] + (0.92 - pixel[channel]) * 0.5 * strength
                    let ground = board[channel] + dust
                    pixel[channel] = ground + (pale - ground) * ink[y * side + x] * (0.12 + 0.88 * kept)
                }
            }
        }
    }

    /// Grain on every pixel and channel, and lost pixels.
    private func noise(_ painter: DrawnPainter, _ seed: UInt32) {
        let side = painter.side
        for y in 0..<side {
            for x in 0..<side {
                let pixel = painter.picture + 3 * (y * side + x)
                let fate = DrawnMath.hash(x, y, seed &+ 17)
                for channel in 0..<3 {
                    let a = DrawnMath.hash(x, y, seed &+ UInt32(channel) &* 2 &+ 1), b = DrawnMath.hash(x, y, seed &+ UInt32(channel) &* 2 &+ 2)
                    pixel[channel] = DrawnMath.unit(pixel[channel] + (a + b - 1) * 1.2 * strength)
                    if fate < 0.12 * strength { pixel[channel] = fate < 0.06 * strength ? 0 : 1 }
                }
            }
        }
    }

    /// Towards one grey.
    private func contrast(_ painter: DrawnPainter, _ random: inout RunGenerator) {
        let grey = Float(random.uniform(0.35, 0.65))
        mix(painter, amount: min(0.97, 0.6 + 0.4 * strength)) { _ in grey }
    }

    /// Pencil on paper: colours go, lines stay where brightness or colour changes, dark places are hatched.
    private func sketch(_ painter: DrawnPainter, _ seed: UInt32) {
        let side = painter.side, unit = 64 / Float(side)
        Self.warp(painter, by: 1.5 * strength / unit, seed)
        let source = Self.copy(painter)
        defer { source.deallocate() }
        func at(_ x: Int, _ y: Int, _ channel: Int) -> Float { source[3 * (min(side - 1, max(0, y)) * side + min(side - 1, max(0, x))) + channel] }
        for y in 0..<side {
            for x in 0..<side {
                var edge: Float = 0, brightness: Float = 0
                for channel in 0..<3 {
                    edge += abs(at(x + 1, y, channel) - at(x - 1, y, channel)) + abs(at(x, y + 1, channel) - at(x, y - 1, channel))
                    brightness += at(x, y, channel) / 3
                }
                let (fx, fy) = (Float(x) * unit, Float(y) * unit)
                let grain = DrawnMath.hash(x, y, seed)
                let line = DrawnMath.unit(edge * 0.75) * (1 - 0.6 * strength * grain)
                let hatch = DrawnMath.unit((0.5 - brightness) * 1.2) * (DrawnMath.fraction((fx + fy) / 4) < 0.4 ? 0.5 : 0)
                let value = DrawnMath.unit(0.95 - 0.06 * grain - 0.85 * max(line, hatch))
                for channel in 0..<3 {
                    let pixel = painter.picture + 3 * (y * side + x) + channel
                    pixel.pointee += (value - pixel.pointee) * min(1, 2 * strength)
                }
            }
        }
    }

    /// Square tiles of one colour with joints.
    private func mosaic(_ painter: DrawnPainter) {
        let side = painter.side
        let tile = max(2, Int((8 * strength * Float(side) / 64).rounded()))
        let source = Self.copy(painter)
        defer { source.deallocate() }
        for y in 0..<side {
            for x in 0..<side {
                let (left, top) = (x / tile * tile, y / tile * tile)
                let isJoint = tile > 3 && (x == left || y == top)
                for channel in 0..<3 {
                    var sum: Float = 0, count: Float = 0
                    for ty in top..<min(side, top + tile) {
                        for tx in left..<min(side, left + tile) {
                            sum += source[3 * (ty * side + tx) + channel]
                            count += 1
                        }
                    }
                    painter.picture[3 * (y * side + x) + channel] = sum / count * (isJoint ? 0.8 : 1)
                }
            }
        }
    }

    // MARK: Means

    private func mix(_ painter: DrawnPainter, amount: Float? = nil, _ other: (Float) -> Float) {
        let amount = amount ?? min(1, 2 * strength)
        for i in 0..<painter.side * painter.side * 3 {
            painter.picture[i] += (other(painter.picture[i]) - painter.picture[i]) * amount
        }
    }

    private static func copy(_ painter: DrawnPainter) -> UnsafeMutablePointer<Float> {
        let count = painter.side * painter.side * 3
        let copy = UnsafeMutablePointer<Float>.allocate(capacity: count)
        copy.update(from: painter.picture, count: count)
        return copy
    }

    /// How far each pixel differs from the background, 0...1: (side, side), to be deallocated.
    private func difference(_ painter: DrawnPainter) -> UnsafeMutablePointer<Float> {
        let count = painter.side * painter.side
        let ink = UnsafeMutablePointer<Float>.allocate(capacity: count)
        for i in 0..<count {
            var sum: Float = 0
            for channel in 0..<3 { sum += abs(painter.picture[3 * i + channel] - painter.paper[3 * i + channel]) }
            ink[i] = DrawnMath.unit(sum * 2.5)
        }
        return ink
    }

    /// Moves pixels by smooth noise of this many pixels.
    private static func warp(_ painter: DrawnPainter, by amount: Float, _ seed: UInt32) {
        let side = painter.side, last = Float(side - 1), step = 12 / Float(side)
        let source = copy(painter)
        defer { source.deallocate() }
        for y in 0..<side {
            for x in 0..<side {
                let (u, v) = (Float(x) * step, Float(y) * step)
                let sx = min(last, max(0, Float(x) + (DrawnMath.noise(u, v, seed &+ 3) - 0.5) * 2 * amount))
                let sy = min(last, max(0, Float(y) + (DrawnMath.noise(u, v, seed &+ 4) - 0.5) * 2 * amount))
                let (x0, y0) = (Int(sx), Int(sy))
                let (x1, y1) = (min(side - 1, x0 + 1), min(side - 1, y0 + 1))
                let (a, b) = (sx - Float(x0), sy - Float(y0))
                for channel in 0..<3 {
                    func at(_ x: Int, _ y: Int) -> Float { source[3 * (y * side + x) + channel] }
                    let top = at(x0, y0) + (at(x1, y0) - at(x0, y0)) * a, bottom = at(x0, y1) + (at(x1, y1) - at(x0, y1)) * a
                    painter.picture[3 * (y * side + x) + channel] = top + (bottom - top) * b
                }
            }
        }
    }

    /// Gaussian, in two passes.
    private static func blur(_ painter: DrawnPainter, sigma: Float) {
        guard sigma > 0.05 else { return }
        let side = painter.side, reach = Int((3 * sigma).rounded(.up))
        var weights = (-reach...reach).map { DrawnMath.bell(Float($0) / sigma) }
        let sum = weights.reduce(0, +)
        for i in weights.indices { weights[i] /= sum }
        let row = 3 * side, padded = UnsafeMutablePointer<Float>.allocate(capacity: row + 6 * reach)
        defer { padded.deallocate() }
        // Each pixel's taps are summed from the first to the last in both passes, a whole row at a time.
        for isVertical in [false, true] {
            let source = copy(painter)
            defer { source.deallocate() }
            for y in 0..<side {
                let out = painter.picture + y * row
                for i in 0..<row { out[i] = 0 }
                if !isVertical {
                    for x in -reach..<side + reach {
                        let from = source + y * row + 3 * min(side - 1, max(0, x)), to = padded + 3 * (x + reach)
                        for channel in 0..<3 { to[channel] = from[channel] }
                    }
                }
                for k in -reach...reach {
                    let weight = weights[k + reach]
                    let taps = isVertical ? source + min(side - 1, max(0, y + k)) * row : padded + 3 * (k + reach)
                    for i in 0..<row { out[i] += weight * taps[i] }
                }
            }
        }
    }
}
