import Files

/// Tensors split over several files by an index, as Hugging Face writes large models.
///
/// The index is `{"metadata": ..., "weight_map": {tensor: file}}`; the files lie beside it. Every mapped tensor must be in its
/// file; a file name that leaves the folder is refused.
public final class ShardedWeights: WeightSource {
    public let path: String
    public let names: [String]
    /// The shards by file name.
    public let shards: [String: any WeightSource]
    private let places: [String: String]

    /// Opens the index and all its shards; `open` reads one shard.
    public init(
        index path: String,
        open: (String) throws -> any WeightSource = { try SafetensorsFile(path: $0) }
    ) throws {
        self.path = path
        let (names, places) = try Self.readIndex(path)
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        var shards: [String: any WeightSource] = [:]
        for name in names {
            guard let file = places[name] else { continue }
            if shards[file] == nil {
                guard !file.isEmpty, file.utf8.count <= 255, !file.contains("/"), !file.contains("\0"), file != ".", file != ".." else {
                    throw FormatError.weights(path: path, .shardOutside(file: file))
                }
                shards[file] = try open(folder + file)
            }
            guard shards[file]?[name] != nil else {
                throw FormatError.weights(path: path, .notInShard(name: name, file: file))
            }
        }
        self.names = names
        self.places = places
        self.shards = shards
    }

    public subscript(name: String) -> StoredTensor? {
        places[name].flatMap { shards[$0]?[name] }
    }

    private static func readIndex(_ path: String) throws -> (names: [String], places: [String: String]) {
        let file = try MappedFile(path: path, limit: SafetensorsHeader.lengthLimit)
        var names: [String] = []
        var places: [String: String] = [:]
        var found = false
        do {
            var scanner = JSONScanner(file.bytes)
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                guard key == "weight_map" else {
                    try scanner.skipValue()
                    continue
                }
                guard !found else { throw scanner.problem("the key 'weight_map' stands twice") }
                found = true
                try scanner.beginObject()
                while let name = try scanner.nextKey() {
                    guard places.updateValue(try scanner.string(), forKey: name) == nil else {
                        throw scanner.problem("the tensor '\(name)' stands twice")
                    }
                    names.append(name)
                }
            }
            try scanner.end()
            guard found else { throw JSONProblem(offset: 0, what: "the key 'weight_map' is missing") }
        } catch let problem as JSONProblem {
            throw FormatError.json(path: path, offset: problem.offset, what: problem.what)
        }
        return (names, places)
    }
}
