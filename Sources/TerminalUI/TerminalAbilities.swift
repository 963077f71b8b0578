import CTerminal
import Foundation
import Screen

/// What colours the user asks for.
public enum ColorChoice: String, Sendable, CaseIterable {
    case auto, never, direct, indexed256 = "256", ansi16 = "16", ansi8 = "8"
}

/// What the environment says before any screen is opened.
public struct TerminalAbilities: Sendable, Equatable {
    public var isTerminal: Bool
    public var type: String
    public var isUTF8: Bool
    public var wantsNoColor: Bool

    /// Reads TERM, NO_COLOR and the locale, which it also sets.
    public static func detect() -> TerminalAbilities {
        let environment = ProcessInfo.processInfo.environment
        return TerminalAbilities(
            isTerminal: isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1, type: environment["TERM"] ?? "", isUTF8: terminal_set_locale(),
            wantsNoColor: environment["NO_COLOR"].map { !$0.isEmpty } ?? false)
    }

    /// Why no screen can be opened; nil when one can.
    public var problem: String? {
        if !isTerminal { return "standard input or output is not a terminal" }
        if type.isEmpty || type == "dumb" { return "TERM is \(type.isEmpty ? "not set" : "“dumb”")" }
        return nil
    }

    /// Braille where the locale is UTF-8; the Linux console has no braille font.
    public var glyphs: Glyphs { isUTF8 ? (type == "linux" ? .block : .braille) : .ascii }

    /// The tier for a terminal of `colors` colours. NO_COLOR counts only when it is not empty; an explicit choice overrides it.
    public func tier(colors: Int, isDirect: Bool, choice: ColorChoice) -> ColorTier {
        let able: ColorTier = isDirect ? .direct : (colors >= 256 ? .indexed256 : (colors >= 16 ? .ansi16 : (colors >= 8 ? .ansi8 : .mono)))
        switch choice {
        case .never: return .mono
        case .auto: return wantsNoColor ? .mono : able
        case .direct: return able
        case .indexed256: return colors >= 256 && !isDirect ? .indexed256 : able
        case .ansi16: return colors >= 16 && !isDirect ? .ansi16 : able
        case .ansi8: return colors >= 8 && !isDirect ? .ansi8 : able
        }
    }
}
