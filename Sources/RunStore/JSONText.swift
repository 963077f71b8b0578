/// Builds one JSON object as bytes, on one line.
///
/// JSON has no NaN and no infinity: such a number becomes `null`, followed by a field `<key>_is` of "nan", "inf" or "-inf".
struct JSONText {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// The bytes of an object that `body` fills.
    static func object(_ body: (inout JSONText) -> Void) -> [UInt8] {
        var text = JSONText()
        text.open(UInt8(ascii: "{"))
        body(&text)
        text.close(UInt8(ascii: "}"))
        return text.bytes
    }

    // MARK: Fields

    mutating func field(_ key: String, _ value: Int) {
        self.key(key)
        append(value.description)
    }

    mutating func field(_ key: String, _ value: Int?) {
        if let value { field(key, value) }
    }

    mutating func field(_ key: String, _ value: String) {
        self.key(key)
        string(value)
    }

    mutating func field(_ key: String, _ value: String?) {
        if let value { field(key, value) }
    }

    mutating func field(_ key: String, _ value: Double) {
        self.key(key)
        if value.isFinite {
            append(value.description)
        } else {
            notFinite(key, isNaN: value.isNaN, isNegative: value < 0)
        }
    }

    mutating func field(_ key: String, _ value: Double?) {
        if let value { field(key, value) }
    }

    mutating func field(_ key: String, _ value: Float) {
        self.key(key)
        if value.isFinite {
            append(value.description)
        } else {
            notFinite(key, isNaN: value.isNaN, isNegative: value < 0)
        }
    }

    mutating func list<Element>(_ key: String, _ elements: [Element], _ element: (inout JSONText, Element) -> Void) {
        self.key(key)
        open(UInt8(ascii: "["))
        for value in elements { element(&self, value) }
        close(UInt8(ascii: "]"))
    }

    // MARK: Elements of lists

    mutating func element(_ value: Int) {
        comma()
        append(value.description)
    }

    mutating func element(_ value: String) {
        comma()
        string(value)
    }

    /// In lists a number that is not finite is `null`, read back as NaN.
    mutating func element(_ value: Float) {
        comma()
        append(value.isFinite ? value.description : "null")
    }

    mutating func element(_ body: (inout JSONText) -> Void) {
        comma()
        open(UInt8(ascii: "{"))
        body(&self)
        close(UInt8(ascii: "}"))
    }

    // MARK: Bytes

    private mutating func open(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func key(_ key: String, suffix: String = "") {
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: key.utf8)
        bytes.append(contentsOf: suffix.utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func notFinite(_ key: String, isNaN: Bool, isNegative: Bool) {
        append("null")
        self.key(key, suffix: "_is")
        append(isNaN ? "\"nan\"" : isNegative ? "\"-inf\"" : "\"inf\"")
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20:
                append("\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
