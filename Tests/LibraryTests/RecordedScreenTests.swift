import Foundation
import Screen
import TerminalUI
import TestSupport
import Testing
import ThemeFile

@testable import maple

/// Every screen with the data of real runs as recorded text, at three sizes, in UTF-8 and ASCII. With RECORD_SCREENS=1 the
/// recordings are written anew, and the test fails so that nobody records by accident.
@Suite struct RecordedScreenTests {
    static let sizes = [(80, 24), (120, 40), (200, 60)]
    static let folder = Places.root.appendingPathComponent("Tests/LibraryTests/Snapshots")

    @Test(arguments: ShownScreen.allCases)
    func matchesRecording(_ screen: ShownScreen) throws {
        let isRecording = ProcessInfo.processInfo.environment["RECORD_SCREENS"] == "1"
        try withRecordedRuns { runs in
            for (width, height) in Self.sizes {
                for glyphs in [Glyphs.braille, .ascii] {
                    let text = runs.grid(screen, Size(width, height), glyphs: glyphs).plainText()
                    let isASCII = text.allSatisfy(\.isASCII)
                    if glyphs == .ascii { #expect(isASCII, "\(screen.rawValue) at \(width)x\(height) has letters beyond ASCII") }
                    let file = Self.folder.appendingPathComponent("\(screen.rawValue)-\(width)x\(height)-\(glyphs == .ascii ? "ascii" : "utf8").txt")
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
    }

    /// SCREEN_PICTURES=folder draws every screen at each size in each theme as SVG, to be looked at.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["SCREEN_PICTURES"] != nil, "pictures are drawn when SCREEN_PICTURES names a folder"))
    func drawPictures() throws {
        let folder = URL(fileURLWithPath: ProcessInfo.processInfo.environment["SCREEN_PICTURES"] ?? "")
        let themes = ThemeFile.readAll(folders: [Places.root.appendingPathComponent("themes").path]).themes
        try withRecordedRuns { runs in
            for theme in themes {
                for screen in ShownScreen.allCases {
                    for (width, height) in Self.sizes {
                        try runs.grid(screen, Size(width, height), theme: theme).svg(theme: theme)
                            .write(to: folder.appendingPathComponent("\(screen.rawValue)-\(width)-\(theme.name).svg"), atomically: true, encoding: .utf8)
                    }
                }
            }
        }
    }
}
