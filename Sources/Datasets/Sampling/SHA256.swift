/// SHA-256 (FIPS 180-4), for fingerprints and for finding equal files.
public struct SHA256: Sendable {
    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    private var pending: [UInt8] = []
    private var length: UInt64 = 0

    public init() { pending.reserveCapacity(128) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        length &+= UInt64(bytes.count)
        var rest = bytes[...]
        if !pending.isEmpty {
            let taken = rest.prefix(64 - pending.count)
            pending.append(contentsOf: taken)
            rest = rest.dropFirst(taken.count)
            if pending.count < 64 { return }
            pending.withUnsafeBytes { Self.compress(&state, $0) }
            pending.removeAll(keepingCapacity: true)
        }
        let whole = rest.count / 64 * 64
        if whole > 0 { Self.compress(&state, UnsafeRawBufferPointer(rebasing: rest.prefix(whole))) }
        pending.append(contentsOf: rest.dropFirst(whole))
    }

    public mutating func update(_ text: String) {
        var text = text
        text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    /// Ends the message: 64 hexadecimal digits.
    public mutating func finish() -> String {
        let bits = length &* 8
        var tail = pending
        tail.append(0x80)
        while tail.count % 64 != 56 { tail.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) { tail.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift))) }
        tail.withUnsafeBytes { Self.compress(&state, $0) }
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for word in state {
            for shift in stride(from: 28, through: 0, by: -4) { text.append(digits[Int(word >> UInt32(shift)) & 15]) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    public static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }

    private static func compress(_ state: inout [UInt32], _ bytes: UnsafeRawBufferPointer) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
            state.withUnsafeMutableBufferPointer { state in
                roundConstants.withUnsafeBufferPointer { constants in
                    for block in stride(from: 0, to: bytes.count, by: 64) {
                        for t in 0..<16 {
                            schedule[t] = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: block + 4 * t, as: UInt32.self))
                        }
                        for t in 16..<64 {
                            let x = schedule[t - 15], y = schedule[t - 2]
                            let low = turned(x, 7) ^ turned(x, 18) ^ (x >> 3), high = turned(y, 17) ^ turned(y, 19) ^ (y >> 10)
                            schedule[t] = schedule[t - 16] &+ low &+ schedule[t - 7] &+ high
                        }
                        var a = state[0], b = state[1], c = state[2], d = state[3]
                        var e = state[4], f = state[5], g = state[6], h = state[7]
                        for t in 0..<64 {
                            let mixE = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
                            let first = h &+ mixE &+ ((e & f) ^ (~e & g)) &+ constants[t] &+ schedule[t]
                            let mixA = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)
                            let second = mixA &+ ((a & b) ^ (a & c) ^ (b & c))
                            (h, g, f, e) = (g, f, e, d &+ first)
                            (d, c, b, a) = (c, b, a, first &+ second)
                        }
                        state[0] &+= a
                        state[1] &+= b
                        state[2] &+= c
                        state[3] &+= d
                        state[4] &+= e
                        state[5] &+= f
                        state[6] &+= g
                        state[7] &+= h
                    }
                }
            }
        }
    }

    @inline(__always)
    private static func turned(_ x: UInt32, _ by: UInt32) -> UInt32 { (x >> by) | (x << (32 - by)) }

    /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
    private static let roundConstants: [UInt32] = {
        var primes: [UInt64] = []
        var candidate: UInt64 = 2
        while primes.count < 64 {
            if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes.map { prime in
            // floor(cuberoot(prime) * 2^32), by bisection on exact products.
            var low: UInt64 = 0, high: UInt64 = 7 << 32
            while high - low > 1 {
                let middle = low + (high - low) / 2
                // middle^3 <= prime * 2^96, in 192 bits
                let square = middle.multipliedFullWidth(by: middle)
                let lowPart = square.low.multipliedFullWidth(by: middle)
                let highPart = square.high &* middle &+ lowPart.high
                // prime * 2^96 has the words (0, prime << 32, 0)
                if highPart < prime << 32 { low = middle } else { high = middle }
            }
            return UInt32(truncatingIfNeeded: low)
        }
    }()
}
