/// What a piece of the screen means; a theme gives each role its colours.
public enum Role: UInt8, Hashable, Sendable, CaseIterable {
    /// The ground that everything stands on.
    case background
    case text
    /// Second-rank text: units, labels, times.
    case dim
    /// Third-rank text: disabled things, what lies behind a dialog.
    case faint
    case title
    case accent
    case good, bad, warning
    case border, borderFocus
    /// The chosen row of a focused table, and of one without focus.
    case selection, selectionIdle
    case header
    /// The bars at the top and bottom.
    case bar, barKey, barActive
    case field, fieldFocus
    case dialog
    case cursor
    case track
    case series1, series2, series3, series4, series5, series6, series7, series8
    case seriesFaint1, seriesFaint2, seriesFaint3, seriesFaint4, seriesFaint5, seriesFaint6, seriesFaint7, seriesFaint8
    case heat0, heat1, heat2, heat3, heat4, heat5, heat6, heat7, heat8, heat9, heat10, heat11, heat12, heat13, heat14, heat15

    /// The colour of the `index`-th curve, counted from 0; wraps after eight.
    public static func series(_ index: Int) -> Role {
        Role(rawValue: Role.series1.rawValue + UInt8(((index % 8) + 8) % 8)) ?? .series1
    }

    /// The colour of raw points behind the `index`-th curve.
    public static func seriesFaint(_ index: Int) -> Role {
        Role(rawValue: Role.seriesFaint1.rawValue + UInt8(((index % 8) + 8) % 8)) ?? .seriesFaint1
    }

    /// Sixteen steps from low to high.
    public static func heat(_ level: Int) -> Role {
        Role(rawValue: Role.heat0.rawValue + UInt8(min(15, max(0, level)))) ?? .heat0
    }

    /// The name in theme files: `border-focus` for `borderFocus`.
    public var fileName: String {
        var text = ""
        for character in "\(self)" {
            if character.isUppercase { text += "-" + character.lowercased() } else { text.append(character) }
        }
        return text
    }
}
