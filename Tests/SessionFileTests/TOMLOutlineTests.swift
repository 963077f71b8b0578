import TOMLText
import Testing

@Suite struct TOMLOutlineTests {
    @Test(arguments: [
        "0", "-0", "+7", "1_000", "0xDEAD_beef", "0o17", "0b101", "1.5", "-1.5e-3", "6e2", "6E+02", "1e06", "inf", "-nan", "true",
        "1979-05-27", "07:32:00", "07:32:00.999999", "1979-05-27T07:32:00Z", "1979-05-27t07:32:00-07:00", "1979-05-27 07:32:00",
        "1979-05-27 07:32:00.5Z", "[1, [2, 3,],\n # c\n]", "{a.b = 1, 'c' = [1,\n2]}", "\"\"\"a\"\" \\\n  b\"\"\"\"\"", "''''a''''",
        "\"\\u00e9\\U0001F600\\\\\"", "[]", "{}", "''", "\"\"",
    ])
    func passesWhatTheLibraryReads(_ value: String) throws {
        for text in ["a = \(value)", "a = \(value) # comment é\u{2028}\r\nb = 1", "a = [\(value), \(value)]"] {
            #expect(TOMLOutline(text).ending == .complete, "\(text)")
            _ = try TOMLTree(parsing: text)
        }
    }

    @Test(arguments: [
        "a = 01", "a = 1__0", "a = _1", "a = 1_", "a = 1.", "a = .5", "a = 1e", "a = 0x", "a = 0xg", "a = +0x1", "a = tru", "a = 1 2",
        "a = 1979-5-27", "a = 07:32", "a = 1979-05-27 07:32:0", "a = 'b", "a = \"\\q\"", "a = \"\\u12\"", "a = \"\\uD800\"",
        "a = \"\u{1}\"", "a = 1 # \u{1}", "a = 1\rb = 2", "a = {b = 1,}", "a = {b = 1\n}", "a = {b}", "a = [1 2]", "a = [,]", "[.a]",
        "[a", "[[a]", "[a]]", "[]", "[a] b", "[?]", "a. = 1", ".a = 1", "a b = 1", "= 1", "a", "a =", "a = ", "'''a''' = 1", "? = 1",
        "é = 1", "a = \u{A0}1", "a = \"\"\"\\ x\"\"\"", "a = \"\"\"", "a = '''''", "[[a] ]",
    ])
    func stopsAtWhatIsNotTOML(_ text: String) {
        if case .stopped = TOMLOutline(text).ending { return }
        Issue.record("passed \(text)")
    }

    @Test func findsLines() {
        let outline = TOMLOutline("a.b = 1\n\n[t.'x y']\n\"k\\u0031\" = [\n  1,\n  [2],\n]\nin = {p = 1, q.r = 2}\n[[l]]\n")
        #expect(outline.ending == .complete)
        #expect(outline.lines[["a"]] == 1 && outline.lines[["a", "b"]] == 1)
        #expect(outline.lines[["t", "x y"]] == 3)
        #expect(outline.lines[["t", "x y", "k1"]] == 4)
        #expect(outline.lines[["t", "x y", "k1", "0"]] == 5)
        #expect(outline.lines[["t", "x y", "k1", "1", "0"]] == 6)
        #expect(outline.lines[["t", "x y", "in", "q", "r"]] == 8)
        #expect(outline.lines[["l"]] == 9)
        #expect(outline.line(of: ["t", "x y", "in", "q", "none"]) == 8)
        #expect(outline.line(of: ["none"]) == nil)
    }
}
