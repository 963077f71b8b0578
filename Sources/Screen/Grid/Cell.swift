/// Where a cell's colour comes from: a role that the theme colours, or a fixed colour (image pixels).
public enum Ink: Hashable, Sendable {
    case role(Role)
    case rgb(UInt8, UInt8, UInt8)
}

/// Extra attributes of a cell, beside those that the theme gives its role.
public struct Attributes: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let bold = Attributes(rawValue: 1)
    public static let dim = Attributes(rawValue: 2)
    public static let italic = Attributes(rawValue: 4)
    public static let underline = Attributes(rawValue: 8)
    public static let reverse = Attributes(rawValue: 16)
}

/// What a cell looks like, said by meaning: the theme decides on colours.
public struct Style: Hashable, Sendable {
    public var foreground: Ink
    public var background: Ink
    public var attributes: Attributes

    public init(_ role: Role, on background: Role = .background, _ attributes: Attributes = []) {
        foreground = .role(role)
        self.background = .role(background)
        self.attributes = attributes
    }

    public init(foreground: Ink, background: Ink, attributes: Attributes = []) {
        self.foreground = foreground
        self.background = background
        self.attributes = attributes
    }

    public static let text = Style(.text)
    public static let dim = Style(.dim)
    public static let accent = Style(.accent)
    public static let border = Style(.border)

    /// The same letters on another ground.
    public func on(_ role: Role) -> Style {
        var copy = self
        copy.background = .role(role)
        return copy
    }

    public func adding(_ extra: Attributes) -> Style {
        var copy = self
        copy.attributes.formUnion(extra)
        return copy
    }
}

/// One column of a row: a grapheme cluster and its style.
///
/// A wide character fills two cells: the first has `width` 2, the one after it is a continuation with `width` 0.
public struct Cell: Equatable, Sendable {
    public var glyph: Character
    public var style: Style
    /// 1, 2, or 0 for the second half of a wide character.
    public var width: UInt8

    public init(_ glyph: Character = " ", _ style: Style = .text, width: UInt8 = 1) {
        self.glyph = glyph
        self.style = style
        self.width = width
    }
}

/// Columns and rows of a terminal.
public struct Size: Equatable, Hashable, Sendable {
    public var width: Int
    public var height: Int

    public init(_ width: Int, _ height: Int) {
        self.width = max(0, width)
        self.height = max(0, height)
    }
}
