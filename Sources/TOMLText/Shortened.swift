/// `text` on one line, without control characters, cut with an ellipsis: hostile values stay readable in a message.
public func shortened(_ text: String, to limit: Int) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
        if count == limit { return result + "…" }
        let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
            || scalar.value == 0x2028 || scalar.value == 0x2029
        result.unicodeScalars.append(isControl ? "?" : scalar)
        count += 1
    }
    return result
}
