import Foundation

/// The scalars of a TensorBoard log, from whichever program: a series of points for each tag.
///
/// ```
/// for folder in ScalarLog.folders(below: "logs") {
///     let log = try ScalarLog(files: folder.files)
///     log["train/loss"]?.points.last?.value
/// }
/// ```
/// Scalars are `simple_value`s and, as TensorFlow 2 writes them, tensors of one number. Records that the end of a file cuts off
/// are left for another time; damage is told in `problems` and ends the reading of that file alone.
/// TensorProto: dtype 1, tensor_shape 2 {dim 2 {size 1}}, tensor_content 4, float_val 5, double_val 6, int_val 7, int64_val 10,
/// half_val 13, uint32_val 16, uint64_val 17.
public struct ScalarLog: Sendable {
    public struct Point: Sendable, Equatable {
        public var step: Int
        /// Seconds since 1970.
        public var time: Double
        /// May be NaN or infinite.
        public var value: Double
    }

    public struct Series: Sendable, Equatable {
        public var tag: String
        /// In the order of the files; a step may come more than once.
        public var points: [Point]
    }

    public struct Problem: Sendable, Equatable {
        public var file: String
        public var problem: TensorBoardProblem
        public var description: String { "\(file): \(problem.wording)" }
    }

    public private(set) var series: [Series] = []
    public private(set) var problems: [Problem] = []
    private var places: [String: Int] = [:]
    /// The plug-in that a tag's first value named.
    private var plugins: [String: String] = [:]
    static let tagLimit = 100_000

    /// Reads the files one after the other.
    /// - Throws: `FormatError.file` for one that cannot be opened.
    public init(files: [String]) throws {
        var mapped: [MappedFile] = []
        for path in files {
            do {
                mapped.append(try MappedFile(path: path))
            } catch FormatError.file(_, .empty) {
                // A writer that has only just begun.
                continue
            }
        }
        self.init(mapped)
    }

    init(_ files: [MappedFile]) {
        // Twice: first counting, so that each series is allocated once, at its size.
        var counts: [Int] = []
        var restarts: [Int] = []
        for file in files { count(file, &counts, &restarts) }
        for (place, count) in counts.enumerated() { series[place].points.reserveCapacity(count) }
        // `restarts[k]` becomes the first step that one of the restarts from the k-th on takes anew.
        for index in restarts.indices.dropLast().reversed() { restarts[index] = min(restarts[index], restarts[index + 1]) }
        var passed = 0
        for file in files { fill(file, restarts, &passed) }
        series.removeAll { $0.points.isEmpty }
        places = Dictionary(uniqueKeysWithValues: series.enumerated().map { ($1.tag, $0) })
    }

    public subscript(tag: String) -> Series? { places[tag].map { series[$0] } }

    /// The folders at and below `path` that hold event files, by name; a path of one file stands for itself.
    /// Links to folders are not followed.
    public static func folders(below path: String) -> [(folder: String, files: [String])] {
        var status = stat()
        guard stat(path, &status) == 0 else { return [] }
        guard status.st_mode & S_IFMT == S_IFDIR else { return [(path, [path])] }
        var found: [(String, [String])] = []
        func visit(_ folder: String, depth: Int) {
            let files = EventFile.names(in: folder).map { folder + "/" + $0 }.filter {
                var status = stat()
                return stat($0, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            }
            if !files.isEmpty { found.append((folder, files)) }
            guard depth < 32 else { return }
            for name in ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() where !name.hasPrefix(".") {
                var status = stat()
                let inner = folder + "/" + name
                if lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { visit(inner, depth: depth + 1) }
            }
        }
        visit(path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path, depth: 0)
        return found
    }

    // MARK: Reading

    private mutating func count(_ file: MappedFile, _ counts: inout [Int], _ restarts: inout [Int]) {
        var damaged = 0, firstDamaged = 0
        var isFull = false
        let problem = EventRecords.forEach(in: file.bytes) { data, offset in
            do {
                guard let event = try Event(data) else { return }
                if event.isRestart { restarts.append(event.step) }
                try event.forEachValue { value in
                    guard let place = place(of: value, isFull: &isFull) else { return }
                    if place == counts.count { counts.append(0) }
                    counts[place] += 1
                }
            } catch {
                if damaged == 0 { firstDamaged = offset }
                damaged += 1
            }
        }
        if damaged > 0 { note(.badEvents(offset: firstDamaged, others: damaged - 1), in: file) }
        if isFull { note(.tooManyTags(limit: Self.tagLimit), in: file) }
        if let problem { note(problem, in: file) }
    }

    private mutating func fill(_ file: MappedFile, _ restarts: [Int], _ passed: inout Int) {
        _ = EventRecords.forEach(in: file.bytes) { data, _ in
            guard let event = try? Event(data) else { return }
            if event.isRestart { passed += 1 }
            // A run that was resumed took these steps once more.
            if passed < restarts.count, event.step >= restarts[passed] { return }
            try? event.forEachValue { value in
                guard let number = value.number, let place = places[value.tag], isScalar(value) else { return }
                series[place].points.append(Point(step: event.step, time: event.time, value: number))
            }
        }
    }

    private mutating func note(_ problem: TensorBoardProblem, in file: MappedFile) {
        problems.append(Problem(file: file.path, problem: problem))
    }

    /// Where the series of a value's tag stands, made if need be; nil for a value that is no scalar.
    private mutating func place(of value: EventValue, isFull: inout Bool) -> Int? {
        guard !value.tag.isEmpty else { return nil }
        if let plugin = value.plugin, !plugin.isEmpty, plugins[value.tag] == nil, plugins.count < Self.tagLimit { plugins[value.tag] = plugin }
        guard value.number != nil, isScalar(value) else { return nil }
        if let place = places[value.tag] { return place }
        guard series.count < Self.tagLimit else {
            isFull = true
            return nil
        }
        places[value.tag] = series.count
        series.append(Series(tag: value.tag, points: []))
        return series.count - 1
    }

    /// TensorFlow 2 names the plug-in with a tag's first value alone.
    private func isScalar(_ value: EventValue) -> Bool { (plugins[value.tag] ?? "scalars") == "scalars" }
}

/// The fields of an encoded event that matter here.
private struct Event {
    var time = 0.0
    var step = 0
    var isRestart = false
    private var summaries: UnsafeRawBufferPointer?

    /// Nil for an event without scalars, such as the version.
    init?(_ data: UnsafeRawBufferPointer) throws(ProtobufReader.Fault) {
        var reader = ProtobufReader(data)
        while let field = try reader.next() {
            switch field.number {
            case 1: time = field.value.double ?? time
            case 2: step = field.value.whole ?? step
            case 5: summaries = field.value.bytes
            case 7:
                guard let log = field.value.bytes else { break }
                var reader = ProtobufReader(log)
                while let field = try reader.next() { if field.number == 1 { isRestart = field.value.whole == 1 } }
            default: break
            }
        }
        if summaries == nil, !isRestart { return nil }
    }

    func forEachValue(_ body: (EventValue) -> Void) throws(ProtobufReader.Fault) {
        guard let summaries else { return }
        var reader = ProtobufReader(summaries)
        while let field = try reader.next() {
            if field.number == 1, let bytes = field.value.bytes { body(try EventValue(bytes)) }
        }
    }
}

private struct EventValue {
    var tag = ""
    var plugin: String?
    /// Of a scalar, whether as such or as a tensor of one number.
    var number: Double?

    init(_ data: UnsafeRawBufferPointer) throws(ProtobufReader.Fault) {
        var reader = ProtobufReader(data)
        while let field = try reader.next() {
            switch field.number {
            case 1: tag = field.value.text ?? ""
            case 2: number = field.value.float.map(Double.init)
            case 8: if let bytes = field.value.bytes { number = try Self.number(ofTensor: bytes) }
            case 9: if let bytes = field.value.bytes { plugin = try Self.plugin(bytes) }
            default: break
            }
        }
    }

    private static func plugin(_ metadata: UnsafeRawBufferPointer) throws(ProtobufReader.Fault) -> String? {
        var name: String?
        var reader = ProtobufReader(metadata)
        while let field = try reader.next() {
            guard field.number == 1, let data = field.value.bytes else { continue }
            var inner = ProtobufReader(data)
            while let field = try inner.next() { if field.number == 1 { name = field.value.text } }
        }
        return name
    }

    /// Nil for a tensor of text, of another size than one, or of a type that no scalar has.
    private static func number(ofTensor data: UnsafeRawBufferPointer) throws(ProtobufReader.Fault) -> Double? {
        var type = 0
        var isSingle = true
        var content: UnsafeRawBufferPointer?
        var listed: Double?
        var reader = ProtobufReader(data)
        while let field = try reader.next() {
            switch field.number {
            case 1: type = field.value.whole ?? 0
            case 2: if let shape = field.value.bytes { isSingle = try self.isSingle(shape) }
            case 4: content = field.value.bytes
            case 5, 6, 7, 10, 13, 16, 17: listed = try first(field.value, of: field.number) ?? listed
            default: break
            }
        }
        guard isSingle else { return nil }
        guard let content, !content.isEmpty else { return type == 19 || type == 14 ? listed.flatMap { half($0, type) } : listed }
        switch (type, content.count) {
        case (1, 4): return Double(Float(bitPattern: content.loadUnaligned(as: UInt32.self)))
        case (2, 8): return Double(bitPattern: content.loadUnaligned(as: UInt64.self))
        case (3, 4): return Double(Int32(bitPattern: content.loadUnaligned(as: UInt32.self)))
        case (9, 8): return Double(Int64(bitPattern: content.loadUnaligned(as: UInt64.self)))
        case (14, 2), (19, 2): return half(Double(content.loadUnaligned(as: UInt16.self)), type)
        case (22, 4): return Double(content.loadUnaligned(as: UInt32.self))
        case (23, 8): return Double(content.loadUnaligned(as: UInt64.self))
        default: return nil
        }
    }

    /// The value of 16 bits: half_val holds them as whole numbers, of float16 (19) as of bfloat16 (14).
    private static func half(_ bits: Double, _ type: Int) -> Double? {
        guard let bits = UInt16(exactly: bits) else { return nil }
        return type == 14 ? Double(Float(bitPattern: UInt32(bits) << 16)) : Double(float(half: bits))
    }

    private static func isSingle(_ shape: UnsafeRawBufferPointer) throws(ProtobufReader.Fault) -> Bool {
        var reader = ProtobufReader(shape)
        while let field = try reader.next() {
            guard field.number == 2, let dimension = field.value.bytes else { continue }
            var size = 0
            var inner = ProtobufReader(dimension)
            while let field = try inner.next() { if field.number == 1 { size = field.value.whole ?? 0 } }
            if size != 1 { return false }
        }
        return true
    }

    /// The first of a field's numbers, packed or alone.
    private static func first(_ value: ProtobufReader.Value, of field: UInt64) throws(ProtobufReader.Fault) -> Double? {
        switch (field, value) {
        case (5, .fixed32(let bits)): return Double(Float(bitPattern: bits))
        case (5, .bytes(let list)) where list.count >= 4: return Double(Float(bitPattern: list.loadUnaligned(as: UInt32.self)))
        case (6, .fixed64(let bits)): return Double(bitPattern: bits)
        case (6, .bytes(let list)) where list.count >= 8: return Double(bitPattern: list.loadUnaligned(as: UInt64.self))
        case (7, .varint(let number)), (10, .varint(let number)), (13, .varint(let number)): return Double(Int64(bitPattern: number))
        case (16, .varint(let number)), (17, .varint(let number)): return Double(number)
        case (7, .bytes(let list)), (10, .bytes(let list)), (13, .bytes(let list)), (16, .bytes(let list)), (17, .bytes(let list)):
            guard !list.isEmpty else { return nil }
            var reader = ProtobufReader(list)
            let number = try reader.varint()
            return field >= 16 ? Double(number) : Double(Int64(bitPattern: number))
        default: return nil
        }
    }
}
