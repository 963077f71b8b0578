@testable import Datasets
import Foundation
import TestSupport
import Testing

@Suite struct TextLinesTests {
    @Test func endsAndWhiteSpace() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("list.txt").path
            try Data("ash tree\r\n  bat \t\n\n\rcat\u{A0}été\ndog".utf8).write(to: URL(fileURLWithPath: path))
            #expect(try TextLines.read(path) == ["ash tree", "bat", "cat\u{A0}été", "dog"])
        }
    }

    /// A list of one endless line is refused, and soon.
    @Test func anEndlessLine() throws {
        try Places.withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("list.txt").path
            try Data(String(repeating: "707-320 ", count: 300_000).utf8).write(to: URL(fileURLWithPath: path))
            #expect(throws: DatasetError.self) { _ = try TextLines.read(path) }
        }
    }
}
