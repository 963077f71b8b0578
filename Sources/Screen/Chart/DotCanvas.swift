/// Which characters a terminal can show.
public enum Glyphs: String, Sendable, CaseIterable {
    /// Braille for curves, block elements for bars.
    case braille
    /// Block elements alone.
    case block
    /// Nothing beyond ASCII.
    case ascii
}

/// A raster finer than the cells: 2x4 dots a cell in braille, 2x2 in block elements, 1x3 in ASCII.
///
/// Every cell shows its topmost layer alone: mixed dots of two curves would blur both.
struct DotCanvas {
    let width: Int
    let height: Int
    let glyphs: Glyphs
    let dotsX: Int
    let dotsY: Int
    private var bits: [UInt8]
    private var layers: [UInt8]
    private var styles: [Style] = []

    init(width: Int, height: Int, glyphs: Glyphs) {
        self.width = max(0, width)
        self.height = max(0, height)
        self.glyphs = glyphs
        dotsX = glyphs == .ascii ? 1 : 2
        dotsY = glyphs == .braille ? 4 : (glyphs == .block ? 2 : 3)
        bits = Array(repeating: 0, count: self.width * self.height)
        layers = bits
    }

    var columns: Int { width * dotsX }
    var rows: Int { height * dotsY }

    /// Everything drawn from now on lies above what was drawn before.
    mutating func newLayer(_ style: Style) { styles.append(style) }

    mutating func dot(_ x: Int, _ y: Int) {
        guard x >= 0, x < columns, y >= 0, y < rows, !styles.isEmpty, styles.count < 255 else { return }
        let cell = y / dotsY * width + x / dotsX
        let layer = UInt8(styles.count)
        if layers[cell] != layer {
            layers[cell] = layer
            bits[cell] = 0
        }
        bits[cell] |= bit(x % dotsX, y % dotsY)
    }

    mutating func column(_ x: Int, from first: Int, to last: Int) {
        let low = max(0, min(first, last))
        let high = min(rows - 1, max(first, last))
        guard low <= high else { return }
        for y in low...high { dot(x, y) }
    }

    mutating func line(_ x0: Int, _ y0: Int, _ x1: Int, _ y1: Int) {
        let span = max(abs(x1 - x0), abs(y1 - y0))
        guard span > 0, span < 100_000 else {
            dot(x0, y0)
            return
        }
        for index in 0...span {
            let t = Double(index) / Double(span)
            dot(Int((Double(x0) + t * Double(x1 - x0)).rounded()), Int((Double(y0) + t * Double(y1 - y0)).rounded()))
        }
    }

    private func bit(_ x: Int, _ y: Int) -> UInt8 {
        switch glyphs {
        case .braille: x == 0 ? [0x01, 0x02, 0x04, 0x40][y] : [0x08, 0x10, 0x20, 0x80][y]
        case .block: UInt8(1) << UInt8(y * 2 + x)
        case .ascii: UInt8(1) << UInt8(y)
        }
    }

    private static let quadrants: [Character] = ["·", "▘", "▝", "▀", "▖", "▌", "▞", "▛", "▗", "▚", "▐", "▜", "▄", "▙", "▟", "█"]
    private static let strokes: [Character] = [" ", "'", "-", "'", ".", ":", ".", "|"]

    func draw(into grid: inout Grid, x: Int, y: Int) {
        for row in 0..<height {
            for column in 0..<width {
                let cell = row * width + column
                guard layers[cell] > 0 else { continue }
                let glyph: Character
                switch glyphs {
                case .braille: glyph = Unicode.Scalar(0x2800 + UInt32(bits[cell])).map(Character.init) ?? " "
                case .block: glyph = Self.quadrants[Int(bits[cell] & 15)]
                case .ascii: glyph = Self.strokes[Int(bits[cell] & 7)]
                }
                grid.set(glyph, x: x + column, y: y + row, style: styles[Int(layers[cell]) - 1])
            }
        }
    }
}
