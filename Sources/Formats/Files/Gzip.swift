/// Why a gzip file could not be unpacked.
struct GzipProblem: Error {
    var what: String
}

/// Unpacks gzip files. Source: RFC 1952 (the container) and RFC 1951 (deflate).
enum Gzip {
    /// - Parameter limit: bytes that the content may have at most.
    static func inflate(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(GzipProblem) -> [UInt8] {
        guard bytes.count >= 18, bytes[0] == 0x1F, bytes[1] == 0x8B, bytes[2] == 8 else { throw GzipProblem(what: "it is no gzip file") }
        let flags = bytes[3]
        var place = 10
        func skipText() {
            while place < bytes.count, bytes[place] != 0 { place += 1 }
            place += 1
        }
        if flags & 4 != 0 {
            guard place + 2 <= bytes.count else { throw GzipProblem(what: "its header is cut off") }
            place += 2 + Int(bytes.u16(place))
        }
        if flags & 8 != 0 { skipText() }
        if flags & 16 != 0 { skipText() }
        if flags & 2 != 0 { place += 2 }
        guard place <= bytes.count - 8 else { throw GzipProblem(what: "its header is cut off") }
        var reader = Inflater(UnsafeRawBufferPointer(rebasing: bytes[place...]), limit: limit)
        try reader.run()
        let end = place + reader.position
        guard end + 8 <= bytes.count else { throw GzipProblem(what: "its end is missing") }
        guard CRC32.of(reader.output) == bytes.u32(end), UInt32(truncatingIfNeeded: reader.output.count) == bytes.u32(end + 4) else {
            throw GzipProblem(what: "its checksum is wrong")
        }
        return reader.output
    }
}

/// The checksum of zip and gzip files.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? 0xEDB8_8320 ^ (sum >> 1) : sum >> 1 }
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { update(0, $0) }
    }

    /// Goes on with the checksum of the bytes before, 0 at the beginning.
    static func update(_ sum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            var state = ~sum
            for byte in bytes { state = table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ (state >> 8) }
            return ~state
        }
    }
}

/// A canonical prefix code: how many codes there are of each length, and the symbols in the order of their codes.
private struct PrefixCode {
    var counts = [Int](repeating: 0, count: 16)
    var symbols: [Int] = []

    init(_ lengths: [Int]) throws(GzipProblem) {
        for length in lengths { counts[length] += 1 }
        counts[0] = 0
        var left = 1
        for length in 1...15 {
            left = left * 2 - counts[length]
            guard left >= 0 else { throw GzipProblem(what: "a code has too many symbols") }
        }
        var starts = [Int](repeating: 0, count: 17)
        for length in 1...15 { starts[length + 1] = starts[length] + counts[length] }
        symbols = [Int](repeating: 0, count: starts[16])
        for (symbol, length) in lengths.enumerated() where length > 0 {
            symbols[starts[length]] = symbol
            starts[length] += 1
        }
    }
}

private struct Inflater {
    private let bytes: UnsafeRawBufferPointer
    private let limit: Int
    /// Bytes read so far.
    private(set) var position = 0
    private(set) var output: [UInt8] = []
    private var bits: UInt32 = 0
    private var bitCount = 0

    private static let lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
    private static let lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
    private static let distanceBase = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
    ]
    private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    init(_ bytes: UnsafeRawBufferPointer, limit: Int) { (self.bytes, self.limit) = (bytes, limit) }

    private mutating func take(_ count: Int) throws(GzipProblem) -> Int {
        while bitCount < count {
            guard position < bytes.count else { throw GzipProblem(what: "its end is missing") }
            bits |= UInt32(bytes[position]) << UInt32(bitCount)
            position += 1
            bitCount += 8
        }
        let value = Int(bits & ((1 << UInt32(count)) - 1))
        bits >>= UInt32(count)
        bitCount -= count
        return value
    }

    private mutating func symbol(_ code: PrefixCode) throws(GzipProblem) -> Int {
        var value = 0, first = 0, index = 0
        for length in 1...15 {
            value |= try take(1)
            let count = code.counts[length]
            if value - first < count { return code.symbols[index + value - first] }
            index += count
            first = (first + count) * 2
            value *= 2
        }
        throw GzipProblem(what: "a code is unknown")
    }

    mutating func run() throws(GzipProblem) {
        var isLast = false
        while !isLast {
            isLast = try take(1) == 1
            switch try take(2) {
            case 0: try stored()
            case 1:
                let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
                try compressed(try PrefixCode(lengths), try PrefixCode(Array(repeating: 5, count: 30)))
            case 2:
                let (literals, distances) = try codes()
                try compressed(literals, distances)
            default: throw GzipProblem(what: "a block is of an unknown kind")
            }
        }
    }

    private mutating func stored() throws(GzipProblem) {
        (bits, bitCount) = (0, 0)
        guard position + 4 <= bytes.count else { throw GzipProblem(what: "its end is missing") }
        let count = Int(bytes.u16(position))
        guard bytes.u16(position) == ~bytes.u16(position + 2) else { throw GzipProblem(what: "a block is damaged") }
        position += 4
        guard position + count <= bytes.count else { throw GzipProblem(what: "its end is missing") }
        try room(count)
        output += bytes[position..<position + count]
        position += count
    }

    private func room(_ count: Int) throws(GzipProblem) {
        guard output.count + count <= limit else { throw GzipProblem(what: "it unpacks to more than \(limit) bytes") }
    }

    private mutating func codes() throws(GzipProblem) -> (PrefixCode, PrefixCode) {
        let literals = try take(5) + 257, distances = try take(5) + 1, count = try take(4) + 4
        guard literals <= 286, distances <= 30 else { throw GzipProblem(what: "a code has too many symbols") }
        var lengths = [Int](repeating: 0, count: 19)
        for index in 0..<count { lengths[Self.order[index]] = try take(3) }
        let code = try PrefixCode(lengths)
        var all: [Int] = []
        while all.count < literals + distances {
            let symbol = try symbol(code)
            if symbol < 16 {
                all.append(symbol)
                continue
            }
            guard symbol != 16 || !all.isEmpty else { throw GzipProblem(what: "a code is damaged") }
            let value = symbol == 16 ? all[all.count - 1] : 0
            let times = symbol == 16 ? 3 + (try take(2)) : symbol == 17 ? 3 + (try take(3)) : 11 + (try take(7))
            guard all.count + times <= literals + distances else { throw GzipProblem(what: "a code is damaged") }
            all += repeatElement(value, count: times)
        }
        return (try PrefixCode(Array(all[..<literals])), try PrefixCode(Array(all[literals...])))
    }

    private mutating func compressed(_ literals: PrefixCode, _ distances: PrefixCode) throws(GzipProblem) {
        while true {
            let symbol = try symbol(literals)
            if symbol == 256 { return }
            if symbol < 256 {
                try room(1)
                output.append(UInt8(symbol))
                continue
            }
            guard symbol < 286 else { throw GzipProblem(what: "a length is unknown") }
            let length = Self.lengthBase[symbol - 257] + (try take(Self.lengthExtra[symbol - 257]))
            let place = try self.symbol(distances)
            guard place < 30 else { throw GzipProblem(what: "a distance is unknown") }
            let distance = Self.distanceBase[place] + (try take(place < 4 ? 0 : place / 2 - 1))
            guard distance <= output.count else { throw GzipProblem(what: "a distance points before the beginning") }
            try room(length)
            for _ in 0..<length { output.append(output[output.count - distance]) }
        }
    }
}
