#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A family of buffers that live and die together, 64-byte aligned and zero at first.
///
/// Buffers are asked for while a model is set up; nothing is allocated while it works. Pages that are never written
/// take no memory.
final class Arena<R: Real> {
    private var blocks: [UnsafeMutableRawPointer] = []
    private(set) var count = 0

    deinit { blocks.forEach { free($0) } }

    /// `count` zeroed elements.
    func buffer(_ count: Int) -> UnsafeMutablePointer<R> {
        let bytes = max(count, 1) * MemoryLayout<R>.stride
        // calloc leaves untouched pages unmapped; the block is moved up to the next 64-byte line.
        guard let raw = calloc(bytes + 64, 1) else { fatalError("out of memory: \(bytes) bytes asked for") }
        blocks.append(raw)
        self.count += count
        let aligned = UnsafeMutableRawPointer(bitPattern: (UInt(bitPattern: raw) + 63) & ~63)!
        return aligned.bindMemory(to: R.self, capacity: max(count, 1))
    }

    func matrix(_ rows: Int, _ columns: Int) -> Matrix<R> {
        Matrix(base: buffer(rows * columns), rows: rows, columns: columns)
    }
}

/// A view of (rows, columns) numbers, row-major and without gaps; who owns them is said where it is made.
struct Matrix<R: Real> {
    let base: UnsafeMutablePointer<R>
    let rows: Int
    let columns: Int

    var count: Int { rows * columns }

    /// Row `i`; also the start of the rows from `i` on.
    @inline(__always) func row(_ i: Int) -> UnsafeMutablePointer<R> { base + i * columns }

    func fill(_ value: R) { base.update(repeating: value, count: count) }

    var array: [R] { Array(UnsafeBufferPointer(start: base, count: count)) }

    func copy(from values: UnsafePointer<R>) { base.update(from: values, count: count) }
}
