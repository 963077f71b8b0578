/// The format of torch.save before 1.6: pickles one after the other, then the storages.
///
/// Magic number, protocol version, system description, the object, the list of storage keys; then for each key a 64-bit element count
/// and the elements.
enum LegacyPyTorch {
    /// The magic number 0x1950A86A20F9469CFC6C as a pickle.
    private static let magic: [UInt8] = [
        0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    static func open(_ file: MappedFile) throws(PyTorchProblem) -> PyTorchContents {
        let bytes = file.bytes
        guard bytes.starts(with: magic) else {
            let tar = bytes.count > 262 && bytes[257..<262].elementsEqual("ustar".utf8)
            throw tar ? .tarFile : .notPyTorch
        }
        // The pickles come first; their length is not written down.
        let front = UnsafeRawBufferPointer(rebasing: bytes.prefix(PickleMachine.lengthLimit))
        let version = try PickleMachine.run(front, from: magic.count)
        guard case .integer(1001) = version.root else { throw .badArchive("its protocol version is unknown") }
        let system = try PickleMachine.run(front, from: version.end)
        let description = PyTorchContents(file: file, pickle: front, heap: system.heap, root: system.root, records: [:])
        if PyTorchValue(description, system.root)["little_endian"]?.bool == false { throw .bigEndian }
        let object = try PickleMachine.run(front, from: system.end)
        let keys = try PickleMachine.run(front, from: object.end)
        let list = PyTorchContents(file: file, pickle: front, heap: keys.heap, root: keys.root, records: [:])
        let names = (PyTorchValue(list, keys.root).elements ?? []).compactMap(\.text)

        let plain = PyTorchContents(file: file, pickle: front, heap: object.heap, root: object.root, records: [:])
        var types: [String: TensorType] = [:]
        for storage in object.heap.storages { types[plain.text(storage.key) ?? ""] = storage.type }
        var records: [String: Range<Int>] = [:]
        var position = keys.end
        for name in names {
            guard let type = types[name] else { throw .missingRecord(record: name, tensor: nil) }
            guard bytes.count - position >= 8 else { throw .truncatedArchive }
            let (size, overflow) = bytes.u64(position).multipliedReportingOverflow(by: UInt64(type.byteCount))
            position += 8
            guard !overflow, size <= UInt64(bytes.count - position) else { throw .truncatedArchive }
            records[name] = position..<position + Int(size)
            position += Int(size)
        }
        return PyTorchContents(file: file, pickle: front, heap: object.heap, root: object.root, records: records)
    }
}
