import Foundation
@testable import Screen
import TestSupport
import Testing
@testable import ThemeFile

@Suite struct ThemeTests {
    static let folder = Places.root.appendingPathComponent("themes").path

    @Test func shippedThemesHaveNoWarnings() {
        let (themes, warnings) = ThemeFile.readAll(folders: [Self.folder])
        #expect(warnings.isEmpty, "\(warnings.map(\.description))")
        #expect(themes.map(\.name) == ["dark", "light", "high-contrast", "colour-blind-safe", "monochrome"])
    }

    @Test func compiledThemeEqualsItsFile() throws {
        let text = try String(contentsOfFile: Self.folder + "/dark.toml", encoding: .utf8)
        let (theme, _) = ThemeFile.read(text, file: "dark.toml")
        #expect(theme == .dark)
    }

    @Test func warningsNameFileLineAndKey() {
        let text = """
            name = "odd"
            inherits = "dark"
            colour = "x"
            [palette]
            night = "#12345"
            [base]
            accent = "blu"
            backgrund = "blue"
            [roles]
            titel = "blue"
            title = { fg = "blue", blink = true }
            """
        let (theme, warnings) = ThemeFile.read(text, file: "odd.toml", parents: { _ in try? String(contentsOfFile: Self.folder + "/dark.toml", encoding: .utf8) })
        let lines = warnings.map(\.description)
        #expect(lines.contains { $0.hasPrefix("odd.toml:3: colour: unknown key") })
        #expect(lines.contains { $0.hasPrefix("odd.toml:5: palette.night: “#12345” is not a colour") })
        #expect(lines.contains { $0.hasPrefix("odd.toml:7: base.accent: no colour “blu”. Did you mean “blue”?") })
        #expect(lines.contains { $0.hasPrefix("odd.toml:8: base.backgrund: unknown key, left out. Did you mean “background”?") })
        #expect(lines.contains { $0.hasPrefix("odd.toml:10: roles.titel: unknown key") && $0.contains("title") })
        #expect(lines.contains { $0.contains("roles.title.blink") })
        #expect(theme.name == "odd")
        #expect(theme.face(.background) == Theme.dark.face(.background))
    }

    @Test func brokenFileGivesTheDefault() {
        let (theme, warnings) = ThemeFile.read("[palette\nx = ", file: "broken.toml")
        #expect(theme == .dark)
        #expect(warnings.first?.line == 1)
        let loop = ThemeFile.read("inherits = \"a\"", file: "a.toml", parents: { _ in "inherits = \"a\"" })
        #expect(loop.theme.name == "a")
    }

    @Test func childPaletteRecoloursItsParent() {
        let parent = "[palette]\nfog = \"#111111\"\n[base]\ntext = \"fog\"\n"
        let (theme, warnings) = ThemeFile.read("inherits = \"p\"\n[palette]\nfog = \"#eeeeee\"\n", file: "c.toml", parents: { _ in parent })
        #expect(warnings.isEmpty)
        #expect(theme.face(.text).foreground?.hex == "#eeeeee")
    }

    /// Text must be readable on its ground: contrast by the rule of WCAG 2.
    @Test func textCanBeRead() {
        func light(_ color: ThemeColor) -> Double {
            func part(_ value: UInt8) -> Double {
                let v = Double(value) / 255
                return v <= 0.03928 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4)
            }
            return 0.2126 * part(color.red) + 0.7152 * part(color.green) + 0.0722 * part(color.blue)
        }
        for theme in ThemeFile.readAll(folders: [Self.folder]).themes where theme.name != "monochrome" {
            let pairs: [(Role, Role, Double)] = [
                (.text, .background, 7), (.dim, .background, 4.5), (.accent, .background, 4.0), (.good, .background, 4.0), (.bad, .background, 4.0), (.text, .selection, 5),
                (.warning, .background, 3.5), (.series1, .background, 3), (.series2, .background, 3), (.series3, .background, 3), (.series4, .background, 3),
            ]
            for (ink, ground, least) in pairs {
                guard let a = theme.face(ink).foreground, let b = theme.face(ground).background else { continue }
                let (x, y) = (light(a), light(b))
                let contrast = (max(x, y) + 0.05) / (min(x, y) + 0.05)
                #expect(contrast >= least, "\(theme.name): \(ink) on \(ground) has contrast \(NumberText.fixed(contrast, 2))")
            }
        }
    }

    @Test(arguments: ColorTier.allCases) func lettersNeverVanish(_ tier: ColorTier) {
        for theme in ThemeFile.readAll(folders: [Self.folder]).themes {
            let resolved = ResolvedTheme(theme, tier: tier)
            for role in Role.allCases where role.rawValue < Role.heat0.rawValue && role != .border && role != .track && role != .background && role != .barActive && !(Role.seriesFaint1.rawValue...Role.seriesFaint8.rawValue).contains(role.rawValue) {
                for ground in [Role.background, .selection, .bar, .dialog] {
                    let look = resolved.look(Style(role, on: ground))
                    #expect(look.foreground != look.background || look.foreground == .standard, "\(theme.name) \(tier): \(role) on \(ground)")
                    if tier == .mono { #expect(look.foreground == .standard) }
                }
            }
        }
    }

    @Test func nearestColours() {
        #expect(ColorTable.nearest256(255, 255, 255) == 231)
        #expect(ColorTable.nearest256(0, 0, 0) == 16)
        #expect(ColorTable.nearest256(95, 135, 175) == 67)
        #expect(ColorTable.nearestAnsi(250, 10, 10, count: 16) == 9)
        #expect(ColorTable.nearestAnsi(250, 10, 10, count: 8) == 1)
        #expect(ThemeColor(hex: "#zzzzzz") == nil)
        #expect(ThemeColor(hex: "112233") == nil)
    }
}
