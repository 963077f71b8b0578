extension FormatError: CustomStringConvertible {
    /// One line: what is wrong, where, and what to do.
    public var description: String {
        switch self {
        case .file(let path, let problem): "cannot read \(path): \(problem.wording)"
        case .json(let path, let offset, let what):
            "cannot read \(path): not valid JSON at byte \(offset): \(what.printable). Is the download complete?"
        case .safetensors(let path, let problem): "cannot use \(path): \(problem.wording)"
        case .pytorch(let path, let problem): "cannot use \(path): \(problem.wording)"
        case .weights(let path, let problem): "cannot use \(path): \(problem.wording)"
        case .prompts(let path, let problem): "cannot use \(path): \(problem.wording)"
        case .configuration(let path, let problem): "cannot use \(path): \(problem.wording)"
        case .folder(let path, let problem): "cannot use \(path): \(problem.wording)"
        case .vocabulary(let path, let problem): "cannot use \(path): \(problem.wording)"
        case .tensorBoard(let path, let problem): "cannot use \(path): \(problem.wording)"
        case .textTooLong(let text, let tokens, let contextLength):
            "the text '\(text.shortened)' has \(tokens) tokens, the model reads \(contextLength). Shorten it, or allow truncation."
        case .elementType(let tensor, let type, let wanted):
            "the tensor \(tensor.printable) holds \(type.rawValue) elements where \(wanted) ones are needed. Is it the right tensor?"
        case .vocabularySize(let size, let smallest?):
            "a vocabulary of \(size) tokens cannot spell every text: the bytes and the start and end token alone take \(smallest). Ask for at least so many."
        case .vocabularySize(_, nil):
            "there are no words to learn a vocabulary from. Are the captions empty?"
        case .write(let path, let reason):
            "cannot write \(path): \(reason). The file as it was before, if any, is untouched; free space or choose another folder."
        }
    }
}

private let complete = "Is the download complete?"
private let again = "Fetch or write the file again."

extension FileProblem {
    fileprivate var wording: String {
        switch self {
        case .missing: "there is no such file. Check the path."
        case .isFolder: "it is a folder. Name a file in it."
        case .notPlain: "it is no plain file. Name a file on disk."
        case .empty: "it is empty. \(complete)"
        case .unreadable(let reason): "\(reason). Check the path and its permissions."
        case .tooLarge(let bytes, let limit):
            "it has \(bytes.grouped) bytes, more than the \(limit.grouped) that such a file may have. Is it the right file?"
        case .gitPointer(let bytes):
            "it is a Git LFS pointer, not the file itself (\(bytes.grouped) bytes). Run 'git lfs pull' in its folder, or download the file."
        case .unfinished(let sign): "it is still being downloaded (\(sign.printable)). Wait for the download, or start it again."
        case .foreign(let kind): "it is \(kind.printable), not weights in safetensors or PyTorch's format. Fetch model.safetensors or the .pt file."
        }
    }
}

extension SafetensorsProblem {
    fileprivate var wording: String {
        switch self {
        case .tooShort(let bytes): "it has \(bytes) bytes, too few for a safetensors file. \(complete)"
        case .headerTooLong(let bytes):
            "its header claims \(bytes) bytes, more than the 100,000,000 allowed. Is it a safetensors file?"
        case .headerBeyondFile(let header, let file):
            "its header claims \(header) bytes, the file has \(file.grouped). \(complete)"
        case .headerNotJSON(let offset, let what):
            "its header is not valid JSON at byte \(offset): \(what.printable). Is it a whole safetensors file?"
        case .tooMany: "it names more than \(SafetensorsHeader.countLimit.grouped) tensors. Is it the weights of a model?"
        case .nameTooLong(let bytes): "a tensor's name in it is \(bytes) bytes long. \(again)"
        case .duplicateName(let name): "the tensor \(name.printable) stands in it twice. \(again)"
        case .duplicateKey(let tensor, let key): "'\(key.printable)' stands twice in \(tensor.printable). \(again)"
        case .missingKey(let tensor, let key): "the tensor \(tensor.printable) has no \(key). \(again)"
        case .metadataNotStrings(let key):
            "its __metadata__ \(key.map { "value '\($0.printable)' " } ?? "")is not text. \(again)"
        case .unknownType(let tensor, let type):
            "the tensor \(tensor.printable) has the unknown dtype '\(type.printable)'. "
                + "Convert it to one of \(TensorType.allCases.map(\.rawValue).joined(separator: ", "))."
        case .badShape(let tensor):
            "the shape of \(tensor.printable) is no list of at most \(SafetensorsHeader.rankLimit) non-negative whole numbers. \(again)"
        case .badOffsets(let tensor): "the data_offsets of \(tensor.printable) are no pair begin <= end of whole numbers. \(again)"
        case .shapeOverflow(let tensor, let shape): "the shape \(shape.wording) of \(tensor.printable) is impossibly large. \(again)"
        case .outOfRange(let tensor, let end, let available):
            "the data of \(tensor.printable) should end at byte \(end), the file has \(available.grouped) bytes of data. \(complete)"
        case .sizeMismatch(let tensor, let shape, let type, let expected, let found):
            "\(tensor.printable) with shape \(shape.wording) of \(type.rawValue) needs \(expected) bytes, its offsets span \(found). \(again)"
        case .overlap(let tensor, let other): "the data of \(tensor.printable) overlaps that of \(other.printable). \(again)"
        case .gap(let tensor, let bytes): "\(bytes.grouped) unused bytes lie before the data of \(tensor.printable). \(again)"
        case .trailingBytes(let bytes): "\(bytes.grouped) bytes follow the last tensor. \(again)"
        }
    }
}

extension PyTorchProblem {
    fileprivate var wording: String {
        switch self {
        case .notPyTorch: "it is no PyTorch checkpoint (neither an archive nor the old format). Is it the right file?"
        case .tarFile: "it is a tar file of the oldest PyTorch format. Load it with torch.load and save it again with torch.save."
        case .oldTorchScript: "it is a TorchScript archive older than PyTorch 1.4. Load it with torch.jit.load and save it again."
        case .truncatedArchive: "its end is missing. \(complete)"
        case .badArchive(let what): "the archive is damaged: \(what.printable). \(complete)"
        case .packedRecord(let record): "the record \(record.printable) is compressed or encrypted. Save the file again with torch.save."
        case .missingRecord(let record, let tensor):
            "the record \(record.printable)\(tensor.map { " of the tensor \($0.printable)" } ?? "") is missing. \(complete)"
        case .otherArchive(let entry): "it is a zip archive of other files (\(entry.printable)), not a PyTorch checkpoint. Unpack it, or name another file."
        case .shortRecord(let record, let tensor, let needed, let found):
            "the record \(record.printable) of the tensor \(tensor.printable) has \(found) bytes, \(needed) are needed. \(complete)"
        case .bigEndian: "it was written on a big-endian machine. Save it again with torch.save on a little-endian one."
        case .pickle(let offset, let what): "its pickle is not readable at byte \(offset): \(what.printable). \(complete)"
        case .refusedName(let name):
            "it asks for '\(name.printable)', which is not data: refused, nothing was run. "
                + "Use a file you trust that holds model.state_dict() only."
        case .unreadableStorage(let name):
            "it holds elements of \(name.printable) (complex or quantised), which are not read. Use weights that are not quantised."
        case .outsideStorage(let tensor, let shape):
            "the tensor \(tensor.printable) of shape \(shape.wording) goes beyond its storage. \(again)"
        case .tooLargeView(let tensor, let shape):
            "the tensor \(tensor.printable) of shape \(shape.wording) is a view far larger than the file. Save it as a contiguous tensor."
        case .duplicateTensor(let name): "the tensor \(name.printable) stands in it twice. \(again)"
        case .tangled: "its values are nested too deeply to be a state dictionary. Save model.state_dict() only."
        case .noTensors: "it holds no tensors. Is it a checkpoint of a model?"
        }
    }
}

extension WeightsProblem {
    fileprivate var wording: String {
        switch self {
        case .missing(let name, let shape, let others):
            "the tensor \(name.printable)\(shape.map { " of shape \($0.wording)" } ?? "") is missing"
                + (others > 0 ? ", and \(others) more. " : ". ") + "Does the file hold the whole model that the configuration describes?"
        case .wrongShape(let name, let expected, let found):
            "the tensor \(name.printable) has shape \(found.wording), \(expected.wording) is expected. Do weights and configuration belong together?"
        case .notFloat(let name, let type):
            "the tensor \(name.printable) holds \(type.rawValue), not floating-point numbers. Use weights that are not quantised."
        case .notFinite(let name):
            "the tensor \(name.printable) holds NaN or infinity. The weights are damaged: fetch them again or use an earlier checkpoint."
        case .wrongRank(let name, let rank, let found):
            "the tensor \(name.printable) has shape \(found.wording), \(rank) extents above 0 are expected. Is it a CLIP with a vision transformer?"
        case .notThreefold(let name, let found):
            "the tensor \(name.printable) has shape \(found.wording), whose first extent must be query, key and value together. \(again)"
        case .notSquare(let name, let places):
            "the tensor \(name.printable) has \(places) places: without [CLS] they are no square of patches. Use a model for square images."
        case .headsUnknown(let tower, let width):
            "the number of heads of its \(tower) tower cannot be told from the width \(width). Put its config.json (or open_clip_config.json) beside it."
        case .unknownTensor(let name):
            "it holds \(name.printable), which a CLIP of two plain transformers does not have. Use a CLIP without it."
        case .otherArchitecture(let kind): "it holds a \(kind.printable). Use a CLIP with a vision transformer and a text transformer."
        case .adapter(let name):
            "it holds an adapter (\(name.printable)), not a model. Merge it into its base model first."
        case .quantised(let name):
            "its weights are quantised (\(name.printable)). Use weights in F32, F16 or BF16."
        case .prompts:
            "it holds learned prompts, not a whole CLIP. Score it with 'maple eval FILE --model CLIP --data DIR', or import it."
        case .layerBeyond(let name, let layers):
            "it holds \(name.printable), but by its configuration the last layer is \(layers - 1). Do weights and configuration belong together?"
        case .logitScale(let value):
            "logit_scale is \(value), whose exponential would be the scale: it is at most 4.61 in a CLIP. Was it exponentiated before it was stored?"
        case .shard(let index): "it is one part of a model in several files. Name its folder, or \(index.printable)."
        case .beyondRange(let name, let type):
            "the tensor \(name.printable) holds values that \(type.rawValue) cannot hold. Write it as F32."
        case .shardOutside(let file): "it points to the file '\(file.printable)' outside its folder. \(again)"
        case .notInShard(let name, let file): "the tensor \(name.printable) is not in \(file.printable), where the index puts it. \(complete)"
        }
    }
}

extension PromptsProblem {
    fileprivate var wording: String {
        switch self {
        case .missing(let name, let shape, let method):
            "the tensor \(name)\(shape.map { " of shape \($0.wording)" } ?? "") is missing, which a checkpoint of \(method) must hold. Is the file whole?"
        case .wrongShape(let name, let expected, let found):
            "the tensor \(name.printable) has shape \(found.wording), \(expected.wording) is expected. Does it belong to this method and this model?"
        case .extra(let name, let method):
            "it holds \(name.printable), which "
                + "\(method.map { "\($0) does not have" } ?? "belongs to no method that is known"). Was it written by another method?"
        case .model: "it holds a CLIP, not learned prompts. Name a checkpoint such as model.pth.tar-5; the CLIP belongs to --model."
        case .contradiction(let what): "\(what.printable). Leave the option out."
        case .noCheckpoint:
            "it holds no checkpoint of learned prompts (model.pth.tar-N or model-best.pth.tar). Name the file."
        }
    }
}

extension ConfigurationProblem {
    fileprivate var wording: String {
        switch self {
        case .badValue(let key, let found, let wanted): "\(key) is \(found.printable), it has to be \(wanted). Correct the file."
        case .missingKey(let key): "the key \(key) is missing. Is it the configuration of a CLIP model?"
        case .otherModel(let kind): "it describes another model: \(kind.printable). Use a CLIP of two plain transformers."
        case .adapter(let kind, let base):
            "it describes a \(kind.printable) adapter, not a model. Merge it into its base model\(base.map { " (\($0.printable))" } ?? "") first."
        case .otherActivation(let own, let asked):
            "by it the activation is \(own), and \(asked) is asked for. Leave --activation out, or correct the file if you know better."
        case .activation(let key, let name):
            "\(key) is '\(name.printable)'; quick_gelu and gelu are supported. Use a CLIP model with one of these."
        }
    }
}

extension FolderProblem {
    fileprivate var wording: String {
        switch self {
        case .missing: "there is no such file or folder. Check the path, or download a CLIP model there."
        case .isFile: "it is a file. Name the folder of a CLIP model."
        case .empty: "the folder is empty. Download a CLIP model there (config.json, model.safetensors, vocab.json, merges.txt)."
        case .noConfiguration(let adapter):
            adapter
                ? "it holds an adapter (adapter_config.json), not a model. Merge it into its base model first."
                : "it has no config.json. Name the folder of a Hugging Face CLIP model, or fetch config.json."
        case .noWeights(let present):
            "it has no weights (model.safetensors or pytorch_model.bin)" + (present.isEmpty ? "" : " (\(present.map(\.printable).joined(separator: ", ")) cannot be read)")
                + ". Fetch model.safetensors (or its shards and model.safetensors.index.json)."
        case .noVocabulary:
            "it has no vocabulary. Fetch vocab.json and merges.txt (those of openai/clip-vit-base-patch16 serve every OpenAI and LAION model) into its folder, or name a folder that has them with --vocabulary (model.vocabulary in a session)."
        case .severalWeights(let names):
            "it holds several files of weights (\(names.prefix(5).map(\.printable).joined(separator: ", "))). Name one of them."
        case .exists: "it is there already and is not overwritten. Name another folder, or remove it first."
        case .tokenBeyondVocabulary(let token, let id, let size):
            "the vocabulary gives '\(token.printable)' the id \(id), the model knows \(size) tokens. Do vocabulary and model belong together?"
        case .endTokenDiffers(let vocabulary, let configuration):
            "the end token is \(vocabulary) in the vocabulary and \(configuration) in config.json. Do they belong together?"
        case .endTokenNotLargest(let id, let largest):
            "config.json asks for pooling at the largest id, but the end token \(id) is below \(largest). Correct text_config.eos_token_id."
        case .cropDiffers(let crop, let imageSize):
            "preprocessor_config.json crops to \(crop.wording), config.json wants \(imageSize) x \(imageSize). Do they belong together?"
        }
    }
}

extension VocabularyProblem {
    fileprivate var wording: String {
        switch self {
        case .badID(let token): "the id of '\(token.printable)' is no whole number from 0 to 2147483647. \(again)"
        case .duplicateToken(let token): "the token '\(token.printable)' stands in it twice. \(again)"
        case .duplicateID(let id, let token, let other):
            "the id \(id) is given to both '\(token.printable)' and '\(other.printable)'. \(again)"
        case .missingToken(let token): "the token '\(token.printable)' is missing. Is it a CLIP byte-pair vocabulary?"
        case .badMerge(let line, let text): "line \(line): '\(text.shortened)' is no pair of tokens. \(again)"
        case .mergePartMissing(let line, let part):
            "line \(line): the token '\(part.shortened)' is not in the vocabulary. Do the merges belong to it?"
        case .missingKey(let key): "the key \(key) is missing. Is it the tokenizer of a CLIP model?"
        case .otherTokenizer(let kind): "it is a \(kind.printable) tokenizer, CLIP uses BPE. Fetch vocab.json and merges.txt of a CLIP model."
        case .badGzip(let what): "\(what.printable). \(again)"
        case .notUTF8(let line): "line \(line) is not valid UTF-8. \(again)"
        }
    }
}

extension String {
    /// Text from a file, safe to print in one line of any message: control characters become U+FFFD, and 200 characters at most are shown.
    var printable: String { clipped(to: 200) }
    fileprivate var shortened: String { clipped(to: 60) }

    private func clipped(to limit: Int) -> String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars.prefix(limit) {
            let control = scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
            result.append(control ? "\u{FFFD}" : scalar)
        }
        return String(result) + (unicodeScalars.count > limit ? "..." : "")
    }
}

extension Int {
    /// Digits in groups of three.
    fileprivate var grouped: String {
        var digits = Array(String(magnitude))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return (self < 0 ? "-" : "") + String(digits)
    }
}

extension [Int] {
    fileprivate var wording: String { "(" + map(String.init).joined(separator: ", ") + ")" }
}
