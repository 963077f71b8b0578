/// A rectangle of cells.
public struct Rect: Equatable, Hashable, Sendable {
    public var x: Int
    public var y: Int
    public var width: Int
    public var height: Int

    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = max(0, width)
        self.height = max(0, height)
    }

    public var maxX: Int { x + width }
    public var maxY: Int { y + height }
    public var isEmpty: Bool { width == 0 || height == 0 }

    public func contains(x px: Int, y py: Int) -> Bool { px >= x && px < maxX && py >= y && py < maxY }

    public func intersection(_ other: Rect) -> Rect {
        let left = max(x, other.x)
        let top = max(y, other.y)
        return Rect(x: left, y: top, width: min(maxX, other.maxX) - left, height: min(maxY, other.maxY) - top)
    }

    /// Smaller by `dx` columns at the left and right and `dy` rows at the top and bottom.
    public func inset(_ dx: Int, _ dy: Int) -> Rect {
        Rect(x: x + dx, y: y + dy, width: width - 2 * dx, height: height - 2 * dy)
    }

    public func row(_ index: Int) -> Rect { Rect(x: x, y: y + index, width: width, height: 1).intersection(self) }

    /// A rectangle in the middle of this one.
    public func centered(_ width: Int, _ height: Int) -> Rect {
        let w = min(width, self.width)
        let h = min(height, self.height)
        return Rect(x: x + (self.width - w) / 2, y: y + (self.height - h) / 2, width: w, height: h)
    }

    /// Cuts rows off the top.
    public mutating func takeTop(_ rows: Int) -> Rect {
        let taken = Rect(x: x, y: y, width: width, height: min(max(0, rows), height))
        y += taken.height
        height -= taken.height
        return taken
    }

    public mutating func takeBottom(_ rows: Int) -> Rect {
        let count = min(max(0, rows), height)
        height -= count
        return Rect(x: x, y: maxY, width: width, height: count)
    }

    public mutating func takeLeft(_ columns: Int) -> Rect {
        let taken = Rect(x: x, y: y, width: min(max(0, columns), width), height: height)
        x += taken.width
        width -= taken.width
        return taken
    }

    public mutating func takeRight(_ columns: Int) -> Rect {
        let count = min(max(0, columns), width)
        width -= count
        return Rect(x: maxX, y: y, width: count, height: height)
    }
}

/// One part of a split: how much it wants relative to the others and what it cannot do without.
public struct Share: Sendable {
    public var weight: Double
    public var minimum: Int
    /// Parts of higher rank are dropped first when the minimums do not fit.
    public var rank: Int

    public init(_ weight: Double, minimum: Int, rank: Int = 0) {
        self.weight = weight
        self.minimum = minimum
        self.rank = rank
    }
}

public enum Layout {
    /// Divides a length among shares; dropped parts get 0. The sum is `length` when anything is left.
    public static func divide(_ length: Int, _ shares: [Share]) -> [Int] {
        guard !shares.isEmpty, length > 0 else { return shares.map { _ in 0 } }
        var alive = Array(shares.indices)
        while alive.count > 1, alive.reduce(0, { $0 + shares[$1].minimum }) > length {
            guard let worst = alive.max(by: { (shares[$0].rank, $0) < (shares[$1].rank, $1) }) else { break }
            alive.removeAll { $0 == worst }
        }
        var result = shares.map { _ in 0 }
        // Parts whose fair share is below their minimum get the minimum; the rest share what is left.
        var fixed: Set<Int> = []
        while true {
            let open = alive.filter { !fixed.contains($0) }
            let room = length - fixed.reduce(0) { $0 + shares[$1].minimum }
            let total = open.reduce(0.0) { $0 + shares[$1].weight }
            let short = open.filter { Double(room) * shares[$0].weight / max(total, 1e-9) < Double(shares[$0].minimum) }
            if short.isEmpty || open.count == short.count || open.count == 1 {
                var rest = max(0, room)
                for (place, index) in open.enumerated() {
                    let part = place == open.count - 1 ? rest : min(rest, Int(Double(max(0, room)) * shares[index].weight / max(total, 1e-9)))
                    result[index] = part
                    rest -= part
                }
                break
            }
            fixed.formUnion(short)
        }
        for index in fixed { result[index] = shares[index].minimum }
        return result
    }

    public static func columns(_ rect: Rect, _ shares: [Share]) -> [Rect] {
        var x = rect.x
        return divide(rect.width, shares).map { width in
            defer { x += width }
            return Rect(x: x, y: rect.y, width: width, height: rect.height)
        }
    }

    public static func rows(_ rect: Rect, _ shares: [Share]) -> [Rect] {
        var y = rect.y
        return divide(rect.height, shares).map { height in
            defer { y += height }
            return Rect(x: rect.x, y: y, width: rect.width, height: height)
        }
    }
}
