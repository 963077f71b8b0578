/// A file written by torch.save or torch.jit.save, read as data: memory-mapped, checked, and nothing in it ever run.
///
///     let file = try PyTorchFile(path: "pytorch_model.bin")
///     let weight = try file.tensor("text_projection.weight", shape: [512, 512])
///
/// The tensors are those of the state dictionary: the value under `state_dict`, `model_state_dict` or `model` where there is one, else the whole file; of
/// a TorchScript archive, the module's attributes with their dotted path. A `module.` that all names start with, left by
/// data-parallel training, is dropped; a file that is one bare tensor calls it `tensor`. Contiguous tensors point into the file; others are gathered once.
/// Source: torch.serialization's zip container and its older sequence of pickles.
public final class PyTorchFile: WeightSource {
    public enum Container: String, Sendable {
        case zip = "PyTorch archive"
        case torchScript = "TorchScript archive"
        case legacy = "PyTorch file of the old format"
    }

    public let path: String
    public let container: Container
    public let names: [String]
    /// Everything the file holds, for what stands beside the weights.
    public let root: PyTorchValue
    private let tensors: [String: StoredTensor]

    /// Opens `path`. Throws `FormatError.pytorch` naming the tensor, the record or the refused name.
    public convenience init(path: String) throws(FormatError) {
        try self.init(MappedFile(path: path))
    }

    init(_ file: MappedFile) throws(FormatError) {
        path = file.path
        do throws(PyTorchProblem) {
            let contents: PyTorchContents
            if file.bytes.starts(with: ZipArchive.signature) {
                (contents, container) = try Self.openArchive(file)
            } else {
                (contents, container) = (try LegacyPyTorch.open(file), .legacy)
            }
            root = PyTorchValue(contents, contents.root)
            let found = try Self.stateDictionary(root)
            // Gathering may at most double what the file itself takes.
            var budget = 2 * file.bytes.count + (8 << 20)
            var tensors: [String: StoredTensor] = [:]
            for (name, index) in found {
                tensors[name] = try contents.tensor(index, name: name, budget: &budget)
            }
            // What lies beside the weights is checked too, so that a damaged file never opens halfway.
            for index in contents.heap.tensors.indices { _ = try contents.view(Int32(index), name: "beside the weights") }
            names = found.map(\.name)
            self.tensors = tensors
        } catch {
            throw .pytorch(path: file.path, error)
        }
    }

    public subscript(name: String) -> StoredTensor? { tensors[name] }

    private static func openArchive(_ file: MappedFile) throws(PyTorchProblem) -> (PyTorchContents, Container) {
        let archive = try ZipArchive(file.bytes)
        func isTop(_ entry: ZipArchive.Entry, _ suffix: String) -> Bool {
            entry.name.hasSuffix(suffix) && entry.name.dropLast(suffix.count).allSatisfy { $0 != "/" }
        }
        guard let pickle = archive.entries.first(where: { isTop($0, "/data.pkl") }) else {
            if archive.entries.contains(where: { isTop($0, "/model.json") }) { throw .oldTorchScript }
            // torch.save puts every record in one folder.
            let isTorch = archive.entries.contains { $0.name.contains("/data/") || $0.name.hasSuffix("/version") }
            throw isTorch || archive.entries.isEmpty ? .missingRecord(record: "data.pkl", tensor: nil) : .otherArchive(entry: archive.entries[0].name)
        }
        let top = String(pickle.name.dropLast("data.pkl".count))
        if let order = archive[top + "byteorder"], file.bytes[order.data].elementsEqual("big".utf8) { throw .bigEndian }
        try readable(pickle)
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[pickle.data])
        let (heap, root, _) = try PickleMachine.run(bytes)
        var records: [String: Range<Int>] = [:]
        let folder = top + "data/"
        for entry in archive.entries where entry.name.hasPrefix(folder) {
            try readable(entry)
            records[String(entry.name.dropFirst(folder.count))] = entry.data
        }
        let contents = PyTorchContents(file: file, pickle: bytes, heap: heap, root: root, records: records)
        return (contents, archive.entries.contains { $0.name.hasPrefix(top + "code/") } ? .torchScript : .zip)
    }

    private static func readable(_ entry: ZipArchive.Entry) throws(PyTorchProblem) {
        guard entry.method == 0, !entry.isEncrypted else { throw .packedRecord(entry.name) }
    }

    /// Names and tensor numbers of the state dictionary, in the file's order.
    private static func stateDictionary(_ root: PyTorchValue) throws(PyTorchProblem) -> [(name: String, index: Int32)] {
        var start = root
        for key in ["state_dict", "model_state_dict", "model"] {
            if let inner = root[key], inner.entries != nil {
                start = inner
                break
            }
        }
        var found: [(name: String, index: Int32)] = []
        var seen: Set<String> = []
        var steps = 0
        var characters = 0
        // Depth first, with a limit on steps: shared values could otherwise be walked without end.
        var pending: [(prefix: String, depth: Int, value: PyTorchValue)] = [("", 0, start)]
        while let (prefix, depth, value) = pending.popLast() {
            if case .tensor(let index) = value.raw {
                let name = prefix.isEmpty ? "tensor" : prefix
                guard seen.insert(name).inserted else { throw .duplicateTensor(name) }
                found.append((name, index))
                continue
            }
            guard let entries = value.entries else { continue }
            for (key, inner) in entries.reversed() where inner.isTensor || inner.entries != nil {
                steps += 1
                guard let name = key.text ?? key.integer.map(String.init) else { continue }
                let full = prefix.isEmpty ? name : "\(prefix).\(name)"
                characters += full.utf8.count
                guard depth < 32, steps < 500_000, characters < 32 << 20 else { throw .tangled }
                pending.append((full, depth + 1, inner))
            }
        }
        guard !found.isEmpty else { throw .noTensors }
        if found.allSatisfy({ $0.name.hasPrefix("module.") }) {
            found = found.map { (String($0.name.dropFirst("module.".count)), $0.index) }
        }
        // Trainers keep the model as a part of theirs.
        let isCLIP = found.contains { one in ["visual.", "vision_model.", "text_model."].contains { one.name.contains($0) } }
        for part in ["model.", "clip."] where isCLIP && found.allSatisfy({ $0.name.hasPrefix(part) }) {
            found = found.map { (String($0.name.dropFirst(part.count)), $0.index) }
        }
        return found
    }
}
