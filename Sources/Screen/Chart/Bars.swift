/// Horizontal bars and small graphs that fit one row.
public enum Bars {
    private static let eighths: [Character] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]
    private static let levels: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let asciiLevels: [Character] = ["_", "_", ".", "-", "-", "=", "#", "#"]

    /// A bar of `fraction` (0..1) of the width; the rest shows a quiet track.
    public static func draw(into grid: inout Grid, x: Int, y: Int, width: Int, fraction: Double, style: Style, glyphs: Glyphs, track: Bool = true) {
        guard width > 0 else { return }
        let part = min(1, max(0, fraction.isFinite ? fraction : 0))
        if glyphs == .ascii {
            let full = Int((part * Double(width)).rounded())
            for column in 0..<width {
                grid.set(column < full ? "=" : (track ? "." : " "), x: x + column, y: y, style: column < full ? style : Style(.track).on(backgroundRole(style)))
            }
            return
        }
        let units = Int((part * Double(width * 8)).rounded())
        for column in 0..<width {
            let filled = min(8, max(0, units - column * 8))
            if filled == 0 {
                grid.set(track ? "·" : " ", x: x + column, y: y, style: Style(.track).on(backgroundRole(style)))
            } else {
                grid.set(eighths[filled], x: x + column, y: y, style: style)
            }
        }
    }

    /// A bar to the right (gain) or left (loss) of a middle line; `value` is in -1...1 of half the width.
    public static func drawSigned(into grid: inout Grid, x: Int, y: Int, width: Int, value: Double, glyphs: Glyphs, on ground: Role = .background) {
        let half = max(1, (width - 1) / 2)
        let middle = x + half
        grid.set(glyphs == .ascii ? "|" : "│", x: middle, y: y, style: Style(.border).on(ground))
        let part = min(1, max(-1, value.isFinite ? value : 0))
        if part >= 0 {
            draw(into: &grid, x: middle + 1, y: y, width: half, fraction: part, style: Style(.good).on(ground), glyphs: glyphs, track: false)
        } else {
            // Partial blocks grow from the left only, so losses are drawn in half cells.
            let cells = Int((-part * Double(half) * 2).rounded())
            for column in 0..<((cells + 1) / 2) {
                let isHalf = column == (cells + 1) / 2 - 1 && cells % 2 == 1
                let glyph: Character = glyphs == .ascii ? "=" : (isHalf ? "▐" : "█")
                grid.set(glyph, x: middle - 1 - column, y: y, style: Style(.bad).on(ground))
            }
        }
    }

    /// Recent history in one row; the newest value is at the right.
    public static func sparkline(into grid: inout Grid, x: Int, y: Int, width: Int, values: [Float], style: Style, glyphs: Glyphs) {
        guard width > 0, !values.isEmpty else { return }
        var shown: [Float] = []
        if values.count <= width {
            shown = values
        } else {
            for column in 0..<width {
                let part = values[(column * values.count / width)..<max(column * values.count / width + 1, (column + 1) * values.count / width)]
                let finite = part.filter(\.isFinite)
                shown.append(finite.isEmpty ? .nan : finite.reduce(0, +) / Float(finite.count))
            }
        }
        let finite = shown.filter(\.isFinite)
        guard let low = finite.min(), let high = finite.max() else { return }
        for (column, value) in shown.enumerated() {
            guard value.isFinite else {
                grid.set("×", x: x + column, y: y, style: Style(.bad))
                continue
            }
            let level = high > low ? Int((value - low) / (high - low) * 7.999) : 3
            let table = glyphs == .ascii ? asciiLevels : levels
            grid.set(table[min(7, max(0, level))], x: x + column, y: y, style: style)
        }
    }

    private static func backgroundRole(_ style: Style) -> Role {
        if case .role(let role) = style.background { return role }
        return .background
    }
}

/// Depth by token: the size of each prompt, in sixteen steps.
public struct HeatMap: Sendable {
    public var rows: [(label: String, values: [Float])]
    public var low: Float
    public var high: Float
    /// Without colour, density tells high from low.
    public var hasColor: Bool

    public init(rows: [(label: String, values: [Float])], hasColor: Bool = true) {
        self.rows = rows
        self.hasColor = hasColor
        let all = rows.flatMap(\.values).filter(\.isFinite)
        low = all.min() ?? 0
        high = all.max() ?? 1
    }

    /// 0..15; nil for a value that is not finite.
    public func level(_ value: Float) -> Int? {
        guard value.isFinite else { return nil }
        guard high > low else { return 8 }
        return min(15, max(0, Int((value - low) / (high - low) * 15.999)))
    }

    static let asciiRamp: [Character] = Array(" .:-=+*#%@")
    static let blockRamp: [Character] = ["░", "▒", "▓", "█"]

    /// One value as `width` cells of its colour. ASCII shows density.
    public func drawValue(_ value: Float, into grid: inout Grid, x: Int, y: Int, width: Int, glyphs: Glyphs) {
        guard let level = level(value) else {
            for column in 0..<width { grid.set("×", x: x + column, y: y, style: Style(.bad)) }
            return
        }
        let isShaded = glyphs == .ascii || !hasColor
        let glyph: Character = glyphs == .ascii ? Self.asciiRamp[min(9, level * 10 / 16)] : (hasColor ? "█" : Self.blockRamp[level / 4])
        for column in 0..<width { grid.set(glyph, x: x + column, y: y, style: Style(isShaded ? .text : .heat(level))) }
    }

    /// "0.41 ▂▂▂▂▂▂ 2.96": the scale in one row. Returns the columns used.
    @discardableResult
    public func drawScale(into grid: inout Grid, x: Int, y: Int, glyphs: Glyphs, unit: String = "") -> Int {
        var used = grid.put(NumberText.general(Double(low), 3) + " ", x: x, y: y, style: .dim)
        for step in 0..<8 {
            let value = low + (high - low) * Float(step) / 7
            drawValue(high > low ? value : low, into: &grid, x: x + used, y: y, width: 1, glyphs: glyphs)
            used += 1
        }
        used += grid.put(" " + NumberText.general(Double(high), 3) + unit, x: x + used, y: y, style: .dim)
        return used
    }
}

/// A small picture as RGB pixels, row by row.
public struct Thumbnail: Sendable, Equatable {
    public var width: Int
    public var height: Int
    /// `width * height * 3`.
    public var pixels: [UInt8]

    /// nil when the count of pixels does not match.
    public init?(width: Int, height: Int, pixels: [UInt8]) {
        guard width > 0, height > 0, width <= 4096, height <= 4096, pixels.count == width * height * 3 else { return nil }
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    private func pixel(_ x: Int, _ y: Int) -> (UInt8, UInt8, UInt8) {
        let index = (min(height - 1, max(0, y)) * width + min(width - 1, max(0, x))) * 3
        return (pixels[index], pixels[index + 1], pixels[index + 2])
    }

    /// Fits the picture into `rect`, two pixels a cell; an ASCII ramp by lightness where blocks or colours are missing.
    public func draw(into grid: inout Grid, _ rect: Rect, glyphs: Glyphs, hasColor: Bool) {
        guard !rect.isEmpty else { return }
        let scale = min(Double(rect.width) / Double(width), Double(rect.height * 2) / Double(height))
        let shownWidth = max(1, Int(Double(width) * scale))
        let shownHeight = max(1, Int(Double(height) * scale))
        for row in 0..<((shownHeight + 1) / 2) {
            for column in 0..<shownWidth {
                let x = Int((Double(column) + 0.5) / scale)
                let top = pixel(x, Int((Double(row * 2) + 0.5) / scale))
                let bottom = pixel(x, Int((Double(row * 2 + 1) + 0.5) / scale))
                if glyphs != .ascii, hasColor {
                    grid.set("▀", x: rect.x + column, y: rect.y + row,
                        style: Style(foreground: .rgb(top.0, top.1, top.2), background: .rgb(bottom.0, bottom.1, bottom.2)))
                } else {
                    func light(_ p: (UInt8, UInt8, UInt8)) -> Int { (2 * Int(p.0) + 5 * Int(p.1) + Int(p.2)) / 8 }
                    let level = (light(top) + light(bottom)) / 2
                    let glyph = glyphs == .ascii
                        ? HeatMap.asciiRamp[min(9, level * 10 / 256)] : ([" ", "░", "▒", "▓", "█"] as [Character])[min(4, level * 5 / 256)]
                    grid.set(glyph, x: rect.x + column, y: rect.y + row, style: .text)
                }
            }
        }
    }
}
