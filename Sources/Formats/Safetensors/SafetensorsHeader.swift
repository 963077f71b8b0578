import Files

/// The tensors and metadata that a safetensors header declares, checked against every rule of the format.
///
/// Layout: u64 little-endian length, JSON object of that length, then the data; offsets count from the data's start. Shapes,
/// products and ranges are proved consistent with the file before anything is used. Memory is proportional to the header.
struct SafetensorsHeader {
    struct Entry {
        var name: String
        var type: TensorType
        var shape: [Int]
        /// Byte range inside the data.
        var begin: Int
        var end: Int
    }

    static let lengthLimit = 100_000_000
    static let rankLimit = 64
    /// Tensors, and texts beside them; the largest models have some ten thousand in a file.
    static let countLimit = 200_000
    /// Bytes; published names have some fifty.
    static let nameLimit = 1024

    /// In the header's order.
    private(set) var entries: [Entry] = []
    /// Place of each name in `entries`.
    private(set) var places: [String: Int] = [:]
    private(set) var metadata: [String: String] = [:]
    /// Where the data starts in the file.
    let dataStart: Int

    init(file bytes: UnsafeRawBufferPointer) throws(SafetensorsProblem) {
        guard bytes.count >= 8 else { throw .tooShort(bytes: bytes.count) }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(Self.lengthLimit) else { throw .headerTooLong(bytes: length) }
        guard length <= UInt64(bytes.count - 8) else { throw .headerBeyondFile(header: length, file: bytes.count) }
        dataStart = 8 + Int(length)
        let text = UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])
        guard text.first == UInt8(ascii: "{") else { throw .headerNotJSON(offset: 0, what: "it does not start with {") }
        do {
            try parse(text)
        } catch let problem as SafetensorsProblem {
            throw problem
        } catch let problem as JSONProblem {
            throw .headerNotJSON(offset: problem.offset, what: problem.what)
        } catch {
            throw .headerNotJSON(offset: 0, what: "\(error)")
        }
        try checkLayout(dataBytes: bytes.count - dataStart)
    }

    private mutating func parse(_ text: UnsafeRawBufferPointer) throws {
        var scanner = JSONScanner(text)
        var sawMetadata = false
        try scanner.beginObject()
        while let name = try scanner.nextKey() {
            if name == "__metadata__" {
                guard !sawMetadata else { throw SafetensorsProblem.duplicateName(name) }
                sawMetadata = true
                try parseMetadata(&scanner)
            } else {
                guard name.utf8.count <= Self.nameLimit else { throw SafetensorsProblem.nameTooLong(bytes: name.utf8.count) }
                guard places.updateValue(entries.count, forKey: name) == nil else {
                    throw SafetensorsProblem.duplicateName(name)
                }
                guard entries.count < Self.countLimit else { throw SafetensorsProblem.tooMany }
                entries.append(try Self.parseEntry(name, &scanner))
            }
        }
        try scanner.end()
    }

    private mutating func parseMetadata(_ scanner: inout JSONScanner) throws {
        guard try scanner.peek() == .object else { throw SafetensorsProblem.metadataNotStrings(key: nil) }
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            guard try scanner.peek() == .string else { throw SafetensorsProblem.metadataNotStrings(key: key) }
            guard metadata.count < Self.countLimit else { throw SafetensorsProblem.tooMany }
            guard metadata.updateValue(try scanner.string(), forKey: key) == nil else {
                throw SafetensorsProblem.duplicateKey(tensor: "__metadata__", key: key)
            }
        }
    }

    private static func parseEntry(_ name: String, _ scanner: inout JSONScanner) throws -> Entry {
        var type: TensorType?
        var shape: [Int]?
        var offsets: (begin: Int, end: Int)?
        guard try scanner.peek() == .object else { throw SafetensorsProblem.missingKey(tensor: name, key: "dtype") }
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            switch key {
            case "dtype":
                guard type == nil else { throw SafetensorsProblem.duplicateKey(tensor: name, key: key) }
                let text = try scanner.string()
                guard let known = TensorType(rawValue: text) else {
                    throw SafetensorsProblem.unknownType(tensor: name, type: text)
                }
                type = known
            case "shape":
                guard shape == nil else { throw SafetensorsProblem.duplicateKey(tensor: name, key: key) }
                shape = try wholeNumbers(&scanner, limit: rankLimit, orThrow: .badShape(tensor: name))
            case "data_offsets":
                guard offsets == nil else { throw SafetensorsProblem.duplicateKey(tensor: name, key: key) }
                let pair = try wholeNumbers(&scanner, limit: 2, orThrow: .badOffsets(tensor: name))
                guard pair.count == 2, pair[0] <= pair[1] else { throw SafetensorsProblem.badOffsets(tensor: name) }
                offsets = (pair[0], pair[1])
            default:
                try scanner.skipValue()
            }
        }
        guard let type else { throw SafetensorsProblem.missingKey(tensor: name, key: "dtype") }
        guard let shape else { throw SafetensorsProblem.missingKey(tensor: name, key: "shape") }
        guard let offsets else { throw SafetensorsProblem.missingKey(tensor: name, key: "data_offsets") }
        return Entry(name: name, type: type, shape: shape, begin: offsets.begin, end: offsets.end)
    }

    private static func wholeNumbers(
        _ scanner: inout JSONScanner, limit: Int, orThrow problem: SafetensorsProblem
    ) throws -> [Int] {
        guard try scanner.peek() == .array else { throw problem }
        var numbers: [Int] = []
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard numbers.count < limit, let number = try? scanner.unsigned() else { throw problem }
            numbers.append(number)
        }
        return numbers
    }

    /// Sizes match shapes; ranges lie in the data and cover it once, without holes, overlap or rest.
    private func checkLayout(dataBytes: Int) throws(SafetensorsProblem) {
        for entry in entries {
            guard entry.end <= dataBytes else {
                throw .outOfRange(tensor: entry.name, end: entry.end, available: dataBytes)
            }
            guard let expected = byteCount(shape: entry.shape, type: entry.type) else {
                throw .shapeOverflow(tensor: entry.name, shape: entry.shape)
            }
            guard expected == entry.end - entry.begin else {
                throw .sizeMismatch(
                    tensor: entry.name, shape: entry.shape, type: entry.type, expected: expected,
                    found: entry.end - entry.begin)
            }
        }
        var position = 0
        var previous = ""
        let order = entries.indices.sorted { (entries[$0].begin, entries[$0].end) < (entries[$1].begin, entries[$1].end) }
        for place in order {
            let entry = entries[place]
            guard entry.begin >= position else { throw .overlap(tensor: entry.name, other: previous) }
            guard entry.begin == position else { throw .gap(tensor: entry.name, bytes: entry.begin - position) }
            position = entry.end
            previous = entry.name
        }
        guard position == dataBytes else { throw .trailingBytes(dataBytes - position) }
    }
}

/// Bytes of a tensor, nil when a product overflows or an extent is negative.
func byteCount(shape: [Int], type: TensorType) -> Int? {
    var bytes = type.byteCount
    // An empty tensor is legal whatever its other extents, as long as their product can be told.
    for extent in shape {
        guard extent >= 0 else { return nil }
        let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
        guard !overflow else { return nil }
        bytes = product
    }
    return bytes
}
