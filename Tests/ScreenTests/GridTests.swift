@testable import Screen
import Testing

@Suite struct GridTests {
    @Test func widthsOfHardCharacters() {
        #expect(CharacterWidth.of("abc") == 3)
        #expect(CharacterWidth.of("食物") == 4)
        #expect(CharacterWidth.of("é") == 1)
        #expect(CharacterWidth.of("e\u{301}") == 1)
        #expect(CharacterWidth.of("🍜") == 2)
        #expect(CharacterWidth.of("한글") == 4)
        // Sequences on whose width terminals disagree are reduced.
        #expect(CharacterWidth.of("👨‍👩‍👧") == 2)
        #expect(CharacterWidth.of("👍🏽") == 2)
        #expect(CharacterWidth.of("🇫🇷") == 2)
        #expect(CharacterWidth.of("❤️") == 1)
        #expect(CharacterWidth.of("\u{1B}[2J") == 4)
        #expect(CharacterWidth.of("ａ") == 2)
    }

    @Test func writingOverHalfOfAWideCharacterBlanksTheOther() {
        var grid = Grid(size: Size(6, 1))
        grid.put("食物", x: 0, y: 0, style: .text)
        grid.put("x", x: 1, y: 0, style: .text)
        #expect(grid.plainText() == " x物\n")
        grid.put("y", x: 2, y: 0, style: .text)
        #expect(grid.plainText() == " xy\n")
    }

    @Test func nothingLeavesTheGrid() {
        var grid = Grid(size: Size(3, 2))
        grid.put("abcdef", x: -2, y: 0, style: .text)
        grid.put("食食", x: 2, y: 1, style: .text)
        grid.fill(Rect(x: -5, y: -5, width: 50, height: 50), style: .text)
        grid.frame(Rect(x: 1, y: 1, width: 9, height: 9), title: "title", note: "note")
        #expect(grid.cells.count == 6)
    }

    @Test func escapeSequencesNeverReachACell() {
        var grid = Grid(size: Size(20, 1))
        grid.put("a\u{1B}[31mb\u{7}c\u{9B}d", x: 0, y: 0, style: .text)
        #expect(grid.cells.allSatisfy { $0.glyph.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) } })
    }

    @Test func fitting() {
        #expect(TextFit.truncated("abcdef", to: 4) == "abc…")
        #expect(TextFit.truncated("食物品", to: 4) == "食…")
        #expect(CharacterWidth.of(TextFit.fitted("食物品", to: 4)) == 4)
        #expect(TextFit.fitted("12", to: 5, .right) == "   12")
        #expect(TextFit.truncatedHead("/a/long/path", to: 6) == "…/path")
        #expect(TextFit.wrapped("one two three", to: 7) == ["one two", "three"])
        #expect(TextFit.wrapped("abcdefgh", to: 3) == ["abc", "def", "gh"])
    }

    @Test func numbers() {
        #expect(NumberText.fixed(1.005, 1) == "1.0")
        #expect(NumberText.fixed(-0.04, 1) == "0.0")
        #expect(NumberText.fixed(.nan, 2) == "NaN")
        #expect(NumberText.grouped(1_234_567) == "1,234,567")
        #expect(NumberText.grouped(-999) == "-999")
        #expect(NumberText.percent(0.713) == "71.3%")
        #expect(NumberText.points(0.0321) == "+3.2")
        #expect(NumberText.points(-0.0001) == "0.0")
        #expect(NumberText.short(12_345) == "12.3k")
        #expect(NumberText.duration(3_725) == "1h 02m")
        #expect(NumberText.setting(0.0035) == "0.0035")
        #expect(NumberText.setting(5e-4) == "5e-4")
        #expect(NumberText.scientific(9.99e-4, 2) == "1e-3")
        #expect(NumberText.bytes(812 << 20) == "812 MiB")
        #expect(NumberText.fixed(1e300, 2) == "1e300")
    }

    @Test func sharesKeepTheirMinimums() {
        #expect(Layout.divide(100, [Share(1, minimum: 10), Share(1, minimum: 10)]) == [50, 50])
        #expect(Layout.divide(30, [Share(9, minimum: 5), Share(1, minimum: 12)]) == [18, 12])
        #expect(Layout.divide(10, [Share(1, minimum: 8), Share(1, minimum: 8, rank: 1)]) == [10, 0])
        for length in 0..<200 {
            let parts = Layout.divide(length, [Share(0.4, minimum: 7), Share(0.36, minimum: 7), Share(0.24, minimum: 7)])
            #expect(parts.reduce(0, +) == length)
        }
    }
}
