/// How one role looks.
public struct Face: Hashable, Sendable {
    /// nil leaves the letters' colour to the role under them.
    public var foreground: ThemeColor?
    public var background: ThemeColor?
    public var attributes: Attributes
    /// Attributes on a terminal without colour, where they have to carry the meaning alone.
    public var mono: Attributes

    public init(_ foreground: ThemeColor? = nil, on background: ThemeColor? = nil, _ attributes: Attributes = [], mono: Attributes = []) {
        self.foreground = foreground
        self.background = background
        self.attributes = attributes
        self.mono = mono
    }
}

/// Colours for every role: a value with all inheritance resolved.
///
/// Theme files are read elsewhere (`ThemeFile`); the default theme is compiled in, so that a program without its files still works.
public struct Theme: Sendable, Equatable {
    public var name: String
    public var faces: [Role: Face]

    public init(name: String, faces: [Role: Face]) {
        self.name = name
        self.faces = faces
    }

    public func face(_ role: Role) -> Face { faces[role] ?? faces[.text] ?? Face() }

    /// Builds a theme from the few colours that a designer picks; everything else follows from them.
    public init(name: String, base: Base) {
        self.name = name
        faces = Self.derivedFaces(base)
    }

    /// The colours that a theme is made of.
    public struct Base: Sendable, Equatable {
        public var background: ThemeColor
        public var raised: ThemeColor
        public var selection: ThemeColor
        public var text: ThemeColor
        public var dim: ThemeColor
        public var faint: ThemeColor
        public var border: ThemeColor
        public var accent: ThemeColor
        public var good: ThemeColor
        public var bad: ThemeColor
        public var warning: ThemeColor
        /// Eight colours that can be told apart.
        public var series: [ThemeColor]
        /// Two or more stops from low to high.
        public var heat: [ThemeColor]

        public init(
            background: ThemeColor, raised: ThemeColor, selection: ThemeColor, text: ThemeColor, dim: ThemeColor, faint: ThemeColor,
            border: ThemeColor, accent: ThemeColor, good: ThemeColor, bad: ThemeColor, warning: ThemeColor, series: [ThemeColor],
            heat: [ThemeColor]
        ) {
            self.background = background
            self.raised = raised
            self.selection = selection
            self.text = text
            self.dim = dim
            self.faint = faint
            self.border = border
            self.accent = accent
            self.good = good
            self.bad = bad
            self.warning = warning
            self.series = series
            self.heat = heat
        }
    }

    static func derivedFaces(_ base: Base) -> [Role: Face] {
        let ground = base.background
        var faces: [Role: Face] = [
            .background: Face(base.text, on: ground),
            .text: Face(base.text, on: ground),
            .dim: Face(base.dim, on: ground, mono: .dim),
            .faint: Face(base.faint, on: ground, mono: .dim),
            .title: Face(base.text, on: ground, .bold, mono: .bold),
            .accent: Face(base.accent, on: ground, mono: .bold),
            .good: Face(base.good, on: ground, mono: .bold),
            .bad: Face(base.bad, on: ground, mono: .underline),
            .warning: Face(base.warning, on: ground, mono: .bold),
            .border: Face(base.border, on: ground, mono: .dim),
            .borderFocus: Face(base.accent, on: ground, mono: .bold),
            .selection: Face(base.text, on: base.selection, mono: .reverse),
            .selectionIdle: Face(base.text, on: base.raised, mono: .underline),
            .header: Face(base.dim, on: ground, .bold, mono: .bold),
            .bar: Face(base.dim, on: base.raised),
            .barKey: Face(base.accent, on: base.raised, mono: .bold),
            .barActive: Face(ground, on: base.accent, .bold, mono: [.reverse, .bold]),
            .field: Face(base.text, on: base.raised, mono: .underline),
            .fieldFocus: Face(base.text, on: base.selection, mono: [.reverse]),
            .dialog: Face(base.text, on: base.raised),
            .cursor: Face(base.accent, on: ground, mono: .bold),
            .track: Face(base.border, on: ground, mono: .dim),
        ]
        for index in 0..<8 {
            let color = base.series.isEmpty ? base.text : base.series[index % base.series.count]
            faces[.series(index)] = Face(color, on: ground, mono: index == 0 ? .bold : [])
            faces[.seriesFaint(index)] = Face(color.isDefault ? base.dim : color.mixed(ground, 0.62), on: ground, mono: .dim)
        }
        for level in 0..<16 {
            let color = blend(base.heat, Double(level) / 15)
            faces[.heat(level)] = Face(color, on: color, mono: level >= 8 ? .reverse : [])
        }
        return faces
    }

    /// The colour at `place` (0..1) along evenly spaced stops.
    public static func blend(_ stops: [ThemeColor], _ place: Double) -> ThemeColor {
        guard let last = stops.last else { return .terminal }
        if last.isDefault { return .terminal }
        let scaled = place * Double(stops.count - 1)
        let index = min(stops.count - 1, max(0, Int(scaled)))
        guard index + 1 < stops.count else { return last }
        return stops[index].mixed(stops[index + 1], scaled - Double(index))
    }
}

/// A theme reduced to what a terminal can show: what a cell's style is sent as.
public struct ResolvedTheme: Sendable {
    public let tier: ColorTier
    public let theme: Theme
    private let foregrounds: [TerminalColor]
    private let backgrounds: [TerminalColor]
    private let attributes: [Attributes]

    public init(_ theme: Theme, tier: ColorTier) {
        self.tier = tier
        self.theme = theme
        let ground = theme.face(.background)
        var foregrounds: [TerminalColor] = []
        var backgrounds: [TerminalColor] = []
        var attributes: [Attributes] = []
        for role in Role.allCases {
            let face = theme.face(role)
            foregrounds.append(ColorTable.reduce(face.foreground ?? ground.foreground ?? .terminal, to: tier))
            backgrounds.append(ColorTable.reduce(face.background ?? ground.background ?? .terminal, to: tier))
            attributes.append(tier == .mono ? face.mono : face.attributes)
        }
        self.foregrounds = foregrounds
        self.backgrounds = backgrounds
        self.attributes = attributes
    }

    /// Letters, ground and attributes of a style.
    public func look(_ style: Style) -> (foreground: TerminalColor, background: TerminalColor, attributes: Attributes) {
        var extra = style.attributes
        let foreground: TerminalColor
        var background: TerminalColor
        switch style.foreground {
        case .role(let role):
            foreground = foregrounds[Int(role.rawValue)]
            extra.formUnion(attributes[Int(role.rawValue)])
        case .rgb(let r, let g, let b): foreground = ColorTable.reduce(ThemeColor(r, g, b), to: tier)
        }
        switch style.background {
        case .role(let role):
            background = backgrounds[Int(role.rawValue)]
            extra.formUnion(attributes[Int(role.rawValue)])
            if role == .background, case .role(let own) = style.foreground { background = backgrounds[Int(own.rawValue)] }
        case .rgb(let r, let g, let b): background = ColorTable.reduce(ThemeColor(r, g, b), to: tier)
        }
        // Letters that a small table would make invisible fall back to the theme's plain pair.
        if foreground == background, foreground != .standard, tier == .ansi16 || tier == .ansi8, !isHeat(style.foreground) {
            return (foregrounds[Int(Role.text.rawValue)], backgrounds[Int(Role.text.rawValue)], extra)
        }
        return (foreground, background, extra)
    }

    private func isHeat(_ ink: Ink) -> Bool {
        if case .role(let role) = ink { return role.rawValue >= Role.heat0.rawValue }
        return false
    }
}
