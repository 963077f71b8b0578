/// Runs a pickle as data: it builds dictionaries, lists, numbers, text and tensor descriptions, and calls nothing.
///
/// Names are looked up in `PickleName`; a name that is not there ends the reading with an error that quotes it. Work is linear in
/// the pickle's length and memory bounded by a budget, whatever the pickle claims. Source: the opcodes of Python's pickletools,
/// protocols 0 to 5, as far as torch writes them.
struct PickleMachine {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    private(set) var heap = PickleHeap()
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    /// Bytes of memory that may still be taken.
    private var budget: Int

    static let lengthLimit = 256 << 20

    /// Reads the pickle that starts at `start`; `position` is behind its end afterwards.
    static func run(
        _ bytes: UnsafeRawBufferPointer, from start: Int = 0
    ) throws(PyTorchProblem) -> (heap: PickleHeap, root: PickleValue, end: Int) {
        guard bytes.count <= lengthLimit else { throw .pickle(offset: 0, what: "it is longer than \(lengthLimit) bytes") }
        var machine = PickleMachine(bytes, from: start)
        let root = try machine.run()
        return (machine.heap, root, machine.position)
    }

    private init(_ bytes: UnsafeRawBufferPointer, from start: Int) {
        self.bytes = bytes
        position = start
        budget = (32 << 20) + 2 * bytes.count
    }

    // MARK: Reading

    private func problem(_ what: String) -> PyTorchProblem { .pickle(offset: position, what: what) }

    private mutating func take(_ count: Int) throws(PyTorchProblem) -> Int {
        guard count >= 0, bytes.count - position >= count else { throw problem("it ends in the middle") }
        defer { position += count }
        return position
    }

    private mutating func u8() throws(PyTorchProblem) -> Int { Int(bytes[try take(1)]) }
    private mutating func u16() throws(PyTorchProblem) -> Int { Int(bytes.u16(try take(2))) }
    private mutating func u32() throws(PyTorchProblem) -> Int { Int(bytes.u32(try take(4))) }
    private mutating func u64() throws(PyTorchProblem) -> Int { Int(clamping: bytes.u64(try take(8))) }

    /// Text up to a line feed, which is passed.
    private mutating func line() throws(PyTorchProblem) -> Range<Int> {
        let start = position
        while position < bytes.count {
            position += 1
            if bytes[position - 1] == 0x0A { return start..<position - 1 }
        }
        throw problem("it ends in the middle")
    }

    private func string(_ range: Range<Int>) throws(PyTorchProblem) -> String {
        guard let text = String(validating: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self) else {
            throw problem("text is not valid UTF-8")
        }
        return text
    }

    private func string(_ value: PickleValue) throws(PyTorchProblem) -> String? {
        guard case .text(let offset, let count) = value else { return nil }
        return try string(Int(offset)..<Int(offset) + Int(count))
    }

    private mutating func text(_ count: Int) throws(PyTorchProblem) -> PickleValue {
        let start = try take(count)
        return .text(offset: Int32(start), count: Int32(count))
    }

    // MARK: The stack

    private mutating func charge(_ cost: Int) throws(PyTorchProblem) {
        budget -= cost
        guard budget >= 0 else { throw problem("it builds more than a file of this size can mean") }
    }

    private mutating func push(_ value: PickleValue) throws(PyTorchProblem) {
        if stack.count == stack.capacity { try charge(stack.count * 32) }
        stack.append(value)
    }

    private mutating func pop() throws(PyTorchProblem) -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else { throw problem("a value is missing") }
        return value
    }

    private func top() throws(PyTorchProblem) -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.last else { throw problem("a value is missing") }
        return value
    }

    /// Everything above the last mark, in order.
    private mutating func popToMark() throws(PyTorchProblem) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw problem("a mark is missing") }
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    private mutating func container(_ values: [PickleValue]) throws(PyTorchProblem) -> Int32 {
        try charge(64 + 16 * values.count)
        heap.containers.append(values)
        return Int32(heap.containers.count - 1)
    }

    private mutating func append(_ values: [PickleValue], to target: PickleValue) throws(PyTorchProblem) {
        try charge(40 * values.count)
        switch target {
        case .list(let place), .dictionary(let place): heap.containers[Int(place)] += values
        case .object(let place): heap.containers[Int(heap.objects[Int(place)].items)] += values
        default: throw problem("items are added to something that holds none")
        }
    }

    private mutating func remember(_ place: Int) throws(PyTorchProblem) {
        try charge(64)
        memo[place] = try top()
    }

    private func recall(_ place: Int) throws(PyTorchProblem) -> PickleValue {
        guard let value = memo[place] else { throw problem("it refers to a value that it never stored") }
        return value
    }

    private func number(_ range: Range<Int>) throws(PyTorchProblem) -> Int {
        guard range.count <= 32, let number = Int(try string(range)) else { throw problem("a number was expected") }
        return number
    }

    // MARK: The machine

    private mutating func run() throws(PyTorchProblem) -> PickleValue {
        while true {
            let code = UInt8(truncatingIfNeeded: try u8())
            switch code {
            case UInt8(ascii: "."): return try pop()
            case 0x80:
                let version = try u8()
                guard version <= 5 else { throw problem("protocol \(version) is unknown") }
            case 0x95: _ = try take(8)
            case UInt8(ascii: "("):
                try charge(16)
                marks.append(stack.count)
            case UInt8(ascii: "0"):
                if stack.count > (marks.last ?? 0) { stack.removeLast() } else { _ = try popToMark() }
            case UInt8(ascii: "1"): _ = try popToMark()
            case UInt8(ascii: "2"): try push(top())
            case UInt8(ascii: "N"): try push(.none)
            case 0x88: try push(.bool(true))
            case 0x89: try push(.bool(false))
            case UInt8(ascii: "J"), UInt8(ascii: "K"), UInt8(ascii: "M"), UInt8(ascii: "I"), UInt8(ascii: "L"), 0x8A, 0x8B,
                UInt8(ascii: "F"), UInt8(ascii: "G"):
                try push(numeral(code))
            case UInt8(ascii: "X"), UInt8(ascii: "T"): try push(text(u32()))
            case 0x8C, UInt8(ascii: "U"): try push(text(u8()))
            case 0x8D: try push(text(u64()))
            case UInt8(ascii: "V"), UInt8(ascii: "S"): try push(quoted(isQuoted: code == UInt8(ascii: "S")))
            case UInt8(ascii: "B"): try push(raw(u32()))
            case UInt8(ascii: "C"): try push(raw(u8()))
            case 0x8E, 0x96: try push(raw(u64()))
            case UInt8(ascii: "]"), 0x8F: try push(.list(container([])))
            case UInt8(ascii: ")"): try push(.tuple(container([])))
            case UInt8(ascii: "}"): try push(.dictionary(container([])))
            case UInt8(ascii: "l"), 0x91: try push(.list(container(popToMark())))
            case UInt8(ascii: "t"): try push(.tuple(container(popToMark())))
            case UInt8(ascii: "d"): try push(.dictionary(container(pairs(popToMark()))))
            case 0x85, 0x86, 0x87: try shortTuple(Int(code) - 0x84)
            case UInt8(ascii: "a"):
                let value = try pop()
                try append([value], to: top())
            case UInt8(ascii: "e"), 0x90:
                let values = try popToMark()
                try append(values, to: top())
            case UInt8(ascii: "s"):
                let value = try pop()
                let key = try pop()
                try append([key, value], to: top())
            case UInt8(ascii: "u"):
                let values = try pairs(popToMark())
                try append(values, to: top())
            case UInt8(ascii: "q"): try remember(u8())
            case UInt8(ascii: "r"): try remember(u32())
            case UInt8(ascii: "p"): try remember(number(line()))
            case 0x94: try remember(memo.count)
            case UInt8(ascii: "h"): try push(recall(u8()))
            case UInt8(ascii: "j"): try push(recall(u32()))
            case UInt8(ascii: "g"): try push(recall(number(line())))
            case UInt8(ascii: "c"):
                let module = try string(line())
                try push(lookUp(module: module, name: string(line())))
            case 0x93:
                let name = try pop()
                let module = try pop()
                guard let module = try string(module), let name = try string(name) else { throw problem("a name was expected") }
                try push(lookUp(module: module, name: name))
            case UInt8(ascii: "R"), 0x81:
                let arguments = try pop()
                try push(reduce(pop(), arguments))
            case 0x92:
                _ = try pop()
                let arguments = try pop()
                try push(reduce(pop(), arguments))
            case UInt8(ascii: "b"):
                let state = try pop()
                // Attributes of dictionaries and tensors (version notes and the like) are left out.
                if case .object(let place) = try top() { heap.objects[Int(place)].state = state }
            case UInt8(ascii: "Q"): try push(storage(pop()))
            case UInt8(ascii: "i"):
                let module = try string(line())
                throw .refusedName("\(module).\(try string(line()))")
            default: throw problem("the operation \(code) is not one that stored tensors need")
            }
        }
    }

    private func pairs(_ values: [PickleValue]) throws(PyTorchProblem) -> [PickleValue] {
        guard values.count % 2 == 0 else { throw problem("a key has no value") }
        return values
    }

    private mutating func shortTuple(_ count: Int) throws(PyTorchProblem) {
        guard stack.count - (marks.last ?? 0) >= count else { throw problem("a value is missing") }
        let values = Array(stack.suffix(count))
        stack.removeLast(count)
        try push(.tuple(container(values)))
    }

    private mutating func raw(_ count: Int) throws(PyTorchProblem) -> PickleValue {
        _ = try take(count)
        return .opaque
    }

    private mutating func numeral(_ code: UInt8) throws(PyTorchProblem) -> PickleValue {
        switch code {
        case UInt8(ascii: "J"): return .integer(Int(Int32(truncatingIfNeeded: try u32())))
        case UInt8(ascii: "K"): return .integer(try u8())
        case UInt8(ascii: "M"): return .integer(try u16())
        case UInt8(ascii: "G"): return .real(Double(bitPattern: bytes.u64(try take(8)).byteSwapped))
        case 0x8A, 0x8B:
            let count = code == 0x8A ? try u8() : try u32()
            let start = try take(count)
            guard count <= 8 else { return .opaque }
            var value: UInt64 = 0
            for index in 0..<count { value |= UInt64(bytes[start + index]) << (8 * UInt64(index)) }
            // Two's complement of `count` bytes.
            let shift = UInt64(64 - 8 * count)
            return .integer(count == 0 ? 0 : Int(Int64(bitPattern: value << shift) >> Int64(shift)))
        case UInt8(ascii: "F"):
            let text = try line()
            guard text.count <= 64, let value = Double(try string(text)) else { throw problem("a number was expected") }
            return .real(value)
        default:
            var text = try line()
            if code == UInt8(ascii: "L"), text.last.map({ bytes[$0] == UInt8(ascii: "L") }) == true { text = text.dropLast() }
            if code == UInt8(ascii: "I"), text.count == 2, bytes[text.lowerBound] == UInt8(ascii: "0") {
                return .bool(bytes[text.lowerBound + 1] == UInt8(ascii: "1"))
            }
            return text.count > 18 ? .opaque : .integer(try number(text))
        }
    }

    /// A line of text in the oldest protocol; escapes in it are not needed for names and are refused.
    private mutating func quoted(isQuoted: Bool) throws(PyTorchProblem) -> PickleValue {
        var range = try line()
        if isQuoted {
            guard range.count >= 2 else { throw problem("a string was expected") }
            range = range.lowerBound + 1..<range.upperBound - 1
        }
        guard !bytes[range].contains(UInt8(ascii: "\\")) else { throw problem("a string holds an escape") }
        return .text(offset: Int32(range.lowerBound), count: Int32(range.count))
    }

    // MARK: Names and what they stand for

    private mutating func lookUp(module: String, name: String) throws(PyTorchProblem) -> PickleValue {
        guard let kind = PickleName(module: module, name: name) else { throw .refusedName("\(module).\(name)") }
        let text = "\(module).\(name)"
        try charge(64 + text.utf8.count)
        heap.names.append((text, kind))
        return .name(Int32(heap.names.count - 1))
    }

    private func elements(_ value: PickleValue) -> [PickleValue]? {
        switch value {
        case .tuple(let place), .list(let place): heap.containers[Int(place)]
        default: nil
        }
    }

    /// What `callable(*arguments)` stands for. Nothing is called: the result follows from the name alone.
    private mutating func reduce(_ callable: PickleValue, _ arguments: PickleValue) throws(PyTorchProblem) -> PickleValue {
        guard case .name(let place) = callable else { throw problem("something that is no known name is called") }
        guard let values = elements(arguments) else { throw problem("arguments were expected") }
        let (text, kind) = heap.names[Int(place)]
        switch kind {
        case .dictionary:
            // The oldest protocol gives a list of pairs; defaultdict gives its factory, which is left out.
            var entries: [PickleValue] = []
            for pair in values.first.flatMap(elements) ?? [] {
                guard let pair = elements(pair), pair.count == 2 else { continue }
                entries += pair
            }
            return .dictionary(try container(entries))
        case .rebuildTensor: return try tensor(values, text)
        case .rebuildParameter:
            guard let first = values.first, case .tensor = first else { throw problem("\(text) wraps no tensor") }
            return first
        case .rebuildFromType:
            guard values.count >= 3, case .name(let inner) = values[0],
                [.rebuildTensor, .rebuildParameter].contains(heap.names[Int(inner)].kind)
            else { throw problem("\(text) wraps no tensor") }
            return try reduce(values[0], values[2])
        case .sequence: return .list(try container(values.first.flatMap(elements) ?? []))
        case .module, .inert:
            try charge(96)
            heap.objects.append(.init(name: place, items: try container([]), state: .none))
            return .object(Int32(heap.objects.count - 1))
        case .storage, .unreadableStorage: throw .unreadableStorage(text)
        }
    }

    private mutating func storage(_ identifier: PickleValue) throws(PyTorchProblem) -> PickleValue {
        guard let values = elements(identifier), values.count >= 5, try string(values[0]) == "storage",
            case .name(let place) = values[1], case .text = values[2], case .integer(let count) = values[4], count >= 0
        else { throw problem("a storage was expected") }
        let (text, kind) = heap.names[Int(place)]
        guard case .storage(let type) = kind else { throw .unreadableStorage(text) }
        var storage = PickleHeap.Storage(type: type, key: values[2], count: count, offset: 0)
        // Old files: (name, offset, size) of a view of the storage.
        if values.count >= 6, let view = elements(values[5]) {
            guard view.count == 3, case .integer(let offset) = view[1], case .integer(let size) = view[2], offset >= 0, size >= 0,
                offset <= count, size <= count - offset
            else { throw problem("a storage was expected") }
            (storage.offset, storage.count) = (offset, size)
        }
        try charge(96)
        heap.storages.append(storage)
        return .storage(Int32(heap.storages.count - 1))
    }

    private mutating func tensor(_ values: [PickleValue], _ name: String) throws(PyTorchProblem) -> PickleValue {
        guard values.count >= 4, case .storage(let storage) = values[0], case .integer(let offset) = values[1], offset >= 0,
            let shape = extents(values[2]), let strides = extents(values[3]), shape.count == strides.count
        else { throw problem("the arguments of \(name) describe no tensor") }
        try charge(128 + 16 * shape.count)
        heap.tensors.append(.init(storage: storage, offset: offset, shape: shape, strides: strides))
        return .tensor(Int32(heap.tensors.count - 1))
    }

    private func extents(_ value: PickleValue) -> [Int]? {
        guard let values = elements(value), values.count <= SafetensorsHeader.rankLimit else { return nil }
        var result: [Int] = []
        for value in values {
            guard case .integer(let extent) = value, extent >= 0 else { return nil }
            result.append(extent)
        }
        return result
    }
}
