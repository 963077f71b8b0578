import Foundation
@testable import Screen
import Testing
import TestSupport
import ThemeFile

/// Every screen as recorded text, at three sizes, in UTF-8 and ASCII. With RECORD_SCREENS=1 the recordings are written anew, and
/// the test fails so that nobody records by accident.
@Suite struct SnapshotTests {
    static let sizes = [(80, 24), (120, 40), (200, 60)]
    static let folder = Places.root.appendingPathComponent("Tests/ScreenTests/Snapshots")

    @Test(arguments: Sample.screens.map(\.name))
    func matchesRecording(_ name: String) throws {
        let screen = try #require(Sample.screens.first { $0.name == name })
        let isRecording = ProcessInfo.processInfo.environment["RECORD_SCREENS"] == "1"
        for (width, height) in Self.sizes {
            for glyphs in [Glyphs.braille, .ascii] {
                var state = Sample.state(width, height, glyphs: glyphs)
                screen.go(&state)
                let text = state.render().plainText()
                let isASCII = text.allSatisfy { $0.isASCII }
                if glyphs == .ascii { #expect(isASCII, "\(name) at \(width)x\(height) has letters beyond ASCII") }
                let file = Self.folder.appendingPathComponent("\(name)-\(width)x\(height)-\(glyphs == .ascii ? "ascii" : "utf8").txt")
                if isRecording {
                    try text.write(to: file, atomically: true, encoding: .utf8)
                    Issue.record("recorded \(file.lastPathComponent)")
                    continue
                }
                let recorded = try? String(contentsOf: file, encoding: .utf8)
                #expect(recorded == text, "\(file.lastPathComponent) differs. If the new screen is right, record it with RECORD_SCREENS=1.")
            }
        }
    }

    /// SCREEN_PICTURES=folder draws every screen in the dark, light and high-contrast themes, to be looked at.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["SCREEN_PICTURES"] != nil, "pictures are drawn when SCREEN_PICTURES names a folder"))
    func drawPictures() throws {
        let folder = URL(fileURLWithPath: ProcessInfo.processInfo.environment["SCREEN_PICTURES"] ?? "")
        for theme in ThemeFile.readAll(folders: [Places.root.appendingPathComponent("themes").path]).themes {
            for screen in Sample.screens {
                var state = Sample.state(120, 40)
                state.hasColor = theme.name != "monochrome"
                screen.go(&state)
                try state.render().svg(theme: theme).write(to: folder.appendingPathComponent("\(screen.name)-\(theme.name).svg"), atomically: true, encoding: .utf8)
            }
        }
    }
}
