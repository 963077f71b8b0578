/// What is wrong with a file of weights, a model folder, a vocabulary or a text, as data; `description` words it in one line.
public enum FormatError: Error, Equatable, Sendable {
    case file(path: String, FileProblem)
    case json(path: String, offset: Int, what: String)
    case safetensors(path: String, SafetensorsProblem)
    case pytorch(path: String, PyTorchProblem)
    case weights(path: String, WeightsProblem)
    case prompts(path: String, PromptsProblem)
    case configuration(path: String, ConfigurationProblem)
    case folder(path: String, FolderProblem)
    case vocabulary(path: String, VocabularyProblem)
    /// A text has more tokens, specials included, than the model's context.
    case textTooLong(text: String, tokens: Int, contextLength: Int)
    /// A vocabulary cannot be learned; `smallest` is nil where there are no words to learn from.
    case vocabularySize(size: Int, smallest: Int?)
    case tensorBoard(path: String, TensorBoardProblem)
    case elementType(tensor: String, type: TensorType, wanted: String)
    case write(path: String, reason: String)
}

public enum FileProblem: Equatable, Sendable {
    case missing
    case isFolder
    case notPlain
    case empty
    case unreadable(reason: String)
    case tooLarge(bytes: Int, limit: Int)
    /// A Git LFS pointer stands where the file of `bytes` bytes should be.
    case gitPointer(bytes: Int)
    /// A download that has not ended.
    case unfinished(sign: String)
    /// No tensors in it: the words say what it is.
    case foreign(kind: String)
}

public enum SafetensorsProblem: Error, Equatable, Sendable {
    case tooShort(bytes: Int)
    case headerTooLong(bytes: UInt64)
    case headerBeyondFile(header: UInt64, file: Int)
    case headerNotJSON(offset: Int, what: String)
    case duplicateName(String)
    case tooMany
    case nameTooLong(bytes: Int)
    case duplicateKey(tensor: String, key: String)
    case missingKey(tensor: String, key: String)
    case metadataNotStrings(key: String?)
    case unknownType(tensor: String, type: String)
    case badShape(tensor: String)
    case badOffsets(tensor: String)
    case shapeOverflow(tensor: String, shape: [Int])
    case outOfRange(tensor: String, end: Int, available: Int)
    case sizeMismatch(tensor: String, shape: [Int], type: TensorType, expected: Int, found: Int)
    case overlap(tensor: String, other: String)
    case gap(tensor: String, bytes: Int)
    case trailingBytes(Int)
}

public enum PyTorchProblem: Error, Equatable, Sendable {
    /// Neither a zip archive nor the old format.
    case notPyTorch
    /// A tar file, the format of 2016.
    case tarFile
    case oldTorchScript
    /// The end of the archive, or of the storages, is missing.
    case truncatedArchive
    case badArchive(String)
    /// A record that is compressed or encrypted.
    case packedRecord(String)
    case missingRecord(record: String, tensor: String?)
    /// A zip archive of other files.
    case otherArchive(entry: String)
    case shortRecord(record: String, tensor: String, needed: Int, found: Int)
    case bigEndian
    case pickle(offset: Int, what: String)
    /// The pickle names something that is not known to be data.
    case refusedName(String)
    /// Complex, quantised and other elements.
    case unreadableStorage(String)
    case outsideStorage(tensor: String, shape: [Int])
    case tooLargeView(tensor: String, shape: [Int])
    case duplicateTensor(String)
    case tangled
    case noTensors
}

public enum WeightsProblem: Equatable, Sendable {
    /// `others` more tensors are missing too.
    case missing(name: String, shape: [Int]?, others: Int)
    case wrongShape(name: String, expected: [Int], found: [Int])
    case notFloat(name: String, type: TensorType)
    case notFinite(name: String)
    case shardOutside(file: String)
    case notInShard(name: String, file: String)
    case wrongRank(name: String, rank: Int, found: [Int])
    /// A fused matrix of query, key and value that is not three times anything.
    case notThreefold(name: String, found: [Int])
    /// Places of an image whose patches form no square.
    case notSquare(name: String, places: Int)
    case headsUnknown(tower: String, width: Int)
    /// A tensor that CLIP does not have and that would change its answers.
    case unknownTensor(name: String)
    /// The tensors belong to another model.
    case otherArchitecture(kind: String)
    /// Those of an adapter (LoRA and the like) without its model.
    case adapter(name: String)
    case quantised(name: String)
    /// Learned prompts where a model is wanted.
    case prompts
    /// A block of a tower that has fewer by its configuration.
    case layerBeyond(name: String, layers: Int)
    /// A logarithm of the scale that no model has.
    case logitScale(Float)
    /// A part of the model that `index` lists.
    case shard(index: String)
    /// A value that the wanted element type cannot hold.
    case beyondRange(name: String, type: TensorType)
}

/// What is wrong with a checkpoint of learned prompts.
public enum PromptsProblem: Equatable, Sendable {
    case missing(name: String, shape: [Int]?, method: String)
    case wrongShape(name: String, expected: [Int], found: [Int])
    /// A tensor that the method (or no method) has.
    case extra(name: String, method: String?)
    /// A model, without learned prompts.
    case model
    /// An option says otherwise.
    case contradiction(String)
    case noCheckpoint
}

public enum ConfigurationProblem: Equatable, Sendable {
    /// The key's value is not what it has to be.
    case badValue(key: String, found: String, wanted: String)
    case missingKey(String)
    /// The configuration belongs to another kind of model.
    case otherModel(kind: String)
    /// A fine-tuning adapter (LoRA and the like) without its model.
    case adapter(kind: String, base: String?)
    case activation(key: String, name: String)
    /// Another activation is asked for than the file says.
    case otherActivation(own: String, asked: String)
}

public enum FolderProblem: Equatable, Sendable {
    case missing
    case isFile
    case empty
    case noConfiguration(adapter: Bool)
    /// No weight file that can be read; `present` names those of other kinds.
    case noWeights(present: [String])
    case noVocabulary
    /// More than one file of weights, none with the standard name.
    case severalWeights([String])
    /// A folder that is to be written is there already.
    case exists
    /// The vocabulary and the configuration disagree.
    case tokenBeyondVocabulary(token: String, id: Int, size: Int)
    case endTokenDiffers(vocabulary: Int, configuration: Int)
    case endTokenNotLargest(id: Int, largest: Int)
    case cropDiffers(crop: [Int], imageSize: Int)
}

public enum VocabularyProblem: Equatable, Sendable {
    case badID(token: String)
    case duplicateToken(String)
    case duplicateID(Int, token: String, other: String)
    case missingToken(String)
    case badMerge(line: Int, text: String)
    case mergePartMissing(line: Int, part: String)
    case missingKey(String)
    case otherTokenizer(kind: String)
    case notUTF8(line: Int)
    case badGzip(String)
}
