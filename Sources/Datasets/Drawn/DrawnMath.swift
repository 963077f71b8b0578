import Foundation

/// Small mathematics of the drawings, through double precision so that equal seeds give equal bytes.
enum DrawnMath {
    static func sine(_ angle: Float) -> Float { Float(sin(Double(angle))) }
    static func cosine(_ angle: Float) -> Float { Float(cos(Double(angle))) }

    static func bell(_ x: Float) -> Float { Float(exp(-0.5 * Double(x) * Double(x))) }

    static func distance(_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> Float {
        let d = a - b
        return (d * d).sum().squareRoot()
    }

    @inline(__always) static func unit(_ value: Float) -> Float { min(1, max(0, value)) }

    @inline(__always) static func fraction(_ value: Float) -> Float { value - value.rounded(.down) }

    /// A number in 0..<1 from a place and a seed.
    @inline(__always) static func hash(_ x: Int, _ y: Int, _ seed: UInt32) -> Float {
        var h = UInt32(truncatingIfNeeded: x) &* 0x9E37_79B1 ^ UInt32(truncatingIfNeeded: y) &* 0x85EB_CA77 ^ seed
        h = (h ^ (h >> 15)) &* 0x2C1B_3C6D
        h = (h ^ (h >> 12)) &* 0x297A_2D39
        h ^= h >> 15
        return Float(h >> 8) * 0x1p-24
    }

    /// Smooth noise in 0...1 whose cells are 1 wide.
    static func noise(_ x: Float, _ y: Float, _ seed: UInt32) -> Float {
        let (fx, fy) = (x.rounded(.down), y.rounded(.down))
        let (ix, iy) = (Int(fx), Int(fy))
        func eased(_ t: Float) -> Float { t * t * (3 - 2 * t) }
        let (u, v) = (eased(x - fx), eased(y - fy))
        let top = hash(ix, iy, seed) * (1 - u) + hash(ix + 1, iy, seed) * u
        let bottom = hash(ix, iy + 1, seed) * (1 - u) + hash(ix + 1, iy + 1, seed) * u
        return top * (1 - v) + bottom * v
    }
}
