/// A safetensors file, memory-mapped and checked whole before any tensor is handed out.
///
///     let file = try SafetensorsFile(path: "model.safetensors")
///     let weight = try file.tensor("text_projection.weight", shape: [512, 512])
///
/// Source: the safetensors format (u64 header length, JSON header, data).
public final class SafetensorsFile: WeightSource {
    public let path: String
    public let metadata: [String: String]
    public let names: [String]
    private let tensors: [StoredTensor]
    private let places: [String: Int]

    /// Opens and checks `path`. Throws `FormatError` naming the file and the tensor at fault.
    public convenience init(path: String) throws(FormatError) {
        try self.init(MappedFile(path: path))
    }

    init(_ file: MappedFile) throws(FormatError) {
        path = file.path
        let header: SafetensorsHeader
        do {
            header = try SafetensorsHeader(file: file.bytes)
        } catch {
            throw .safetensors(path: path, error)
        }
        metadata = header.metadata
        places = header.places
        names = header.entries.map(\.name)
        tensors = header.entries.map { entry in
            StoredTensor(
                name: entry.name, type: entry.type, shape: entry.shape,
                bytes: UnsafeRawBufferPointer(
                    rebasing: file.bytes[header.dataStart + entry.begin..<header.dataStart + entry.end]),
                owner: file)
        }
    }

    public subscript(name: String) -> StoredTensor? {
        places[name].map { tensors[$0] }
    }
}
