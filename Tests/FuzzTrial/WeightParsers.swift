import Formats
import Foundation

extension Parser {
    /// Parsers of weights, vocabularies and configurations.
    static func weights(_ fixtures: Fixtures) throws -> [Parser] {
        [
            try safetensors(fixtures), try zip(fixtures), try pickle(fixtures), try configuration(fixtures), try model(fixtures),
            try prompts(fixtures), mergeList(), try openCLIP(fixtures), shardIndex(),
        ] + (try vocabularies(fixtures))
    }

    /// Every tensor's values are looked at, as far as they are few: what a header claims must hold when it is believed.
    private static func touch(_ source: some WeightSource) {
        for name in source.names.prefix(64) {
            guard let tensor = source[name], tensor.count < 1 << 16 else { continue }
            if tensor.type.isFloat { _ = try? tensor.floats() } else { _ = try? tensor.integers() }
            _ = tensor.isFinite
        }
    }

    private static func safetensors(_ fixtures: Fixtures) throws -> Parser {
        let header = #"{"__metadata__":{"format":"pt","step":"3"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b.c":{"dtype":"F16","shape":[],"data_offsets":[24,26]},"é":{"dtype":"I64","shape":[0],"data_offsets":[26,26]},"z":{"dtype":"BF16","shape":[1,3],"data_offsets":[26,32]}}   "#
        let small = Containers.safetensors(header: Array(header.utf8), data: (0..<32).map { UInt8($0) })
        let others = try fixtures.all("safetensors-hostile", [".safetensors"])
        return Parser(
            name: "safetensors", seeds: ([small, small, small] + others).map { Seed(bytes: $0) },
            words: [
                "F32", "F64", "F8_E4M3", "BF16", "I64", "BOOL", "U8", "\"shape\":", "\"dtype\":", "\"data_offsets\":", "[0,24]", "\"__metadata__\":", ",", "}}", "{",
            ],
            mutate: { mutator, seed, all in
                let length = Array(header.utf8).count
                guard seed.bytes == small, !mutator.isOne(in: 3) else { return mutator.mutated(seed.bytes, others: all.map(\.bytes)) }
                return Containers.safetensors(
                    header: part(&mutator, Array(seed.bytes[8..<(8 + length)])), data: Array(seed.bytes[(8 + length)...]))
            },
            read: { path, _ in touch(try SafetensorsFile(path: path)) })
    }

    private static let pickleWords = [
        "ccollections\nOrderedDict\n", "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nFloatStorage\n", "X\u{7}\0\0\0storage", "cos\nsystem\n", ")R", "(", "t", "}", "]", "q\u{1}",
        "h\u{0}", "K\u{1}", "\u{80}\u{2}", "Q", "s", "u", "b", ".", "2", "0", "1",
    ]

    private static func archives(_ fixtures: Fixtures) throws -> [[UInt8]] {
        try fixtures.all("pytorch", [".pth", ".pt"], below: 12_000)
    }

    private static func zip(_ fixtures: Fixtures) throws -> Parser {
        Parser(
            name: "zip", seeds: try archives(fixtures).map { Seed(bytes: $0) }, words: ["PK\u{3}\u{4}", "PK\u{1}\u{2}", "PK\u{5}\u{6}", "PK\u{6}\u{6}", "PK\u{6}\u{7}", "data.pkl", "/data/0"],
            read: { path, _ in touch(try PyTorchFile(path: path)) })
    }

    /// The pickle alone is damaged; the archive around it fits.
    private static func pickle(_ fixtures: Fixtures) throws -> Parser {
        let archives = try archives(fixtures).filter { bytes in Containers.entries(ofZip: bytes).contains { $0.name.hasSuffix("data.pkl") } }
        return Parser(
            name: "pickle", seeds: archives.map { Seed(bytes: $0) }, words: pickleWords,
            mutate: { mutator, seed, _ in
                Containers.zip(
                    Containers.entries(ofZip: seed.bytes).map { ($0.name, $0.name.hasSuffix(".pkl") ? part(&mutator, $0.data) : $0.data) })
            },
            read: { path, _ in touch(try PyTorchFile(path: path)) })
    }

    private static func configuration(_ fixtures: Fixtures) throws -> Parser {
        let folder = "goldens/micro-clip/model/"
        let seeds = [
            Seed(bytes: try fixtures.bytes(folder + "config.json"), file: "config.json"),
            Seed(bytes: try fixtures.bytes(folder + "preprocessor_config.json"), file: "preprocessor_config.json"),
        ]
        return Parser(
            name: "config", seeds: seeds,
            words: ["\"text_config\":", "\"vision_config\":", "\"hidden_size\":", "\"crop_size\":", "\"size\":", "{\"height\":1}", "true", "null", "1e400", "[", "}", "\"quick_gelu\""],
            read: { path, _ in
                if path.hasSuffix("preprocessor_config.json") {
                    _ = try ImagePreprocessing(path: path, imageSize: 32)
                } else {
                    _ = try CLIPConfiguration(path: path)
                }
            })
    }

    /// open_clip's configuration beside sound weights under OpenAI's names.
    private static func openCLIP(_ fixtures: Fixtures) throws -> Parser {
        let weights = Data(try fixtures.bytes("goldens/micro-clip/checkpoints/openai_torchscript_fp16.pt"))
        let text = #"{"model_cfg": {"embed_dim": 32, "quick_gelu": true, "init_logit_bias": null, "vision_cfg": {"image_size": [32, 32], "layers": 2, "width": 64, "patch_size": 8, "mlp_ratio": 4.0, "norm_kwargs": {"eps": 1e-5}}, "text_cfg": {"context_length": 77, "vocab_size": 714, "width": 64, "heads": 1, "layers": 2}}, "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bicubic", "resize_mode": "shortest"}}"#
        return Parser(
            name: "openclip", seeds: [Seed(bytes: Array(text.utf8), file: "open_clip_config.json")],
            words: [
                "\"model_cfg\":", "\"vision_cfg\":{", "\"text_cfg\":", "\"head_width\":32,", "\"timm_model_name\":\"x\",", "\"layers\":[3,4,6,3],", "\"image_size\":",
                "\"pool_type\":\"last\",", "null", "false", "1e400", "[", "}", "\"bilinear\"", "\"longest\"",
            ],
            read: { path, _ in
                let folder = (path as NSString).deletingLastPathComponent, beside = folder + "/open_clip_pytorch_model.pt"
                if !FileManager.default.fileExists(atPath: beside) { try weights.write(to: URL(fileURLWithPath: beside)) }
                _ = try CLIPWeightFiles(path: folder).notes
            })
    }

    /// The index of weights in two shards.
    private static func shardIndex() -> Parser {
        func shard(_ name: String) -> Data {
            let header = #"{"\#(name)":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
            return Data(Containers.safetensors(header: Array(header.utf8), data: [UInt8](repeating: 1, count: 8)))
        }
        let shards = ["model-00001-of-00002.safetensors": shard("a"), "model-00002-of-00002.safetensors": shard("é")]
        let text = #"{"metadata": {"total_size": 16, "x": [1, {"y": null}]}, "weight_map": {"a": "model-00001-of-00002.safetensors", "é": "model-00002-of-00002.safetensors"}}"#
        return Parser(
            name: "index", seeds: [Seed(bytes: Array(text.utf8), file: "model.safetensors.index.json")],
            words: ["\"weight_map\":", "\"a\":", "\"../x\"", "\"/etc/passwd\"", "\"model.safetensors.index.json\"", "\".\"", "\"\"", "\\u0000", "{", "}", ","],
            read: { path, _ in
                let folder = (path as NSString).deletingLastPathComponent
                for (name, bytes) in shards where !FileManager.default.fileExists(atPath: folder + "/" + name) {
                    try bytes.write(to: URL(fileURLWithPath: folder + "/" + name))
                }
                touch(try ShardedWeights(index: path))
                _ = try CLIPWeightFiles(path: path).notes
            })
    }

    /// A model's weights without its configuration: names and shapes alone tell what it is.
    private static func model(_ fixtures: Fixtures) throws -> Parser {
        let whole = try fixtures.bytes("goldens/micro-clip/model/model.safetensors")
        let length = whole[..<8].enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        let header = Array(whole[8..<(8 + length)]), data = Array(whole[(8 + length)...])
        return Parser(
            name: "model", seeds: [Seed(bytes: header, file: "model.safetensors")],
            words: ["vision_model.", "text_model.", "encoder.layers.0.", "visual.conv1.weight", "F16", "[1,1]", "lora_A", "\"shape\":[", "layers.99."],
            mutate: { mutator, seed, _ in Containers.safetensors(header: part(&mutator, seed.bytes), data: data) },
            read: { path, _ in _ = try CLIPWeightFiles(path: path).notes })
    }

    /// Prompt checkpoints of the reference and of this program.
    private static func prompts(_ fixtures: Fixtures) throws -> Parser {
        let header = #"{"__metadata__":{"epoch":"2"},"ctx":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"proj.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[16,32]},"proj.bias":{"dtype":"F32","shape":[2],"data_offsets":[32,40]},"compound_prompts_text.0":{"dtype":"F32","shape":[2,2],"data_offsets":[40,56]},"compound_prompt_projections.0.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[56,72]},"compound_prompt_projections.0.bias":{"dtype":"F32","shape":[2],"data_offsets":[72,80]}}"#
        let data = [UInt8](repeating: 0, count: 80)
        let archive = try fixtures.bytes("pytorch/maple_prompts_fp16.pth")
        return Parser(
            name: "prompts",
            seeds: [Seed(bytes: Array(header.utf8)), Seed(bytes: Array(header.utf8)), Seed(bytes: archive)],
            words: ["meta_net.linear1.weight", "prompt_learner.", "image_encoder.VPT", "compound_prompts_text.1023", "token_suffix", "transformer.resblocks.1.VPT_shallow", "[0,2]", "[2,2,2]", "F16"],
            mutate: { mutator, seed, _ in
                guard seed.bytes != archive else {
                    return Containers.zip(
                        Containers.entries(ofZip: archive).map { ($0.name, $0.name.hasSuffix(".pkl") ? part(&mutator, $0.data) : $0.data) })
                }
                return Containers.safetensors(header: part(&mutator, seed.bytes), data: data)
            },
            read: { path, _ in _ = try PromptCheckpoint(path: path).frozenWeights() })
    }

    /// OpenAI's list of merges, plain and by gzip -9.
    private static func mergeList() -> Parser {
        let packed = "H4sIAAAAAAACAzVPy27DMAy76yuE9d49Dj0Mw34lcFKlNuBahqw269+PddyDIZMSSeltrjK1dK1ZprsuYZ4+T3I6+p8f7mItafnmj+MXKa8/79svRVaqHJWctRM1Kvv+dRZKXNCXjoVt8A/yB9edDZgwTKKLGuBcBm+UCl86yIgxvMROC0dggU18int/QW+GOEF0xv+G2oAzZxgXWru2AQfgc9cYJ+idNpZ9r5WzwsmeO+wMNqc1K29jIo9LwBvyFBmOKmQvU4T02sbkFYEbXihj4Gb8ujsZbkj0DxCMJMFzAQAA"
        let plain = "\"bpe_simple_vocab_16e6.txt#version: 0.2\ni n\nt h\na n\nr e\nth e</w>\n"
        let seeds = [Array(Data(base64Encoded: packed) ?? Data()), Array(plain.utf8)]
        return Parser(
            name: "merges", seeds: [seeds[0], seeds[0], seeds[1]].map { Seed(bytes: $0, file: "bpe_simple_vocab_16e6.txt.gz") },
            words: ["\u{1F}\u{8B}\u{8}", "</w>", " ", "\n", "#version"],
            read: { path, _ in _ = try BPETokenizer(mergeList: path).encode("a photo of the thing") })
    }

    /// `vocab.json` with `merges.txt`, one of the two damaged; `tokenizer.json` with both inside.
    private static func vocabularies(_ fixtures: Fixtures) throws -> [Parser] {
        let vocabulary = try fixtures.bytes("tokenizer/vocab.json"), merges = try fixtures.bytes("tokenizer/merges.txt")
        let sentences = ["a photo of a dog.", "été 犬 🦊 <b>&amp;</b>", "", "x\u{0}y 12345"]
        func encode(_ tokenizer: BPETokenizer) {
            for text in sentences { _ = tokenizer.decode(tokenizer.encode(text)) }
        }
        let wanted = Array(#"{"version":"1.0","model":{"type":"BPE","vocab":"#.utf8)
        let lines = String(decoding: merges, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
        let list = try JSONSerialization.data(withJSONObject: lines.map(String.init))
        let whole = wanted + vocabulary + Array(#","merges":"#.utf8) + Array(list) + Array("}}".utf8)
        let words = ["\"<|endoftext|>\":", "</w>", "Ġ", "\"merges\":", "\"vocab\":", "\"model\":", "#version", " ", "\n", ":1,", "\\u00e9", "i n"]
        return [
            Parser(
                name: "bpe",
                seeds: [Seed(bytes: vocabulary, file: "vocab.json"), Seed(bytes: merges, file: "merges.txt"), Seed(bytes: merges, file: "merges.txt")],
                words: words,
                read: { path, _ in
                    let folder = (path as NSString).deletingLastPathComponent
                    let isMerges = path.hasSuffix("merges.txt")
                    // The sound one of the two lies beside.
                    let other = folder + (isMerges ? "/sound-vocab.json" : "/sound-merges.txt")
                    if !FileManager.default.fileExists(atPath: other) { try Data(isMerges ? vocabulary : merges).write(to: URL(fileURLWithPath: other)) }
                    encode(try BPETokenizer(vocabulary: isMerges ? other : path, merges: isMerges ? path : other))
                }),
            Parser(
                name: "tokenizer", seeds: [Seed(bytes: whole, file: "tokenizer.json")], words: words,
                read: { path, _ in encode(try BPETokenizer(tokenizer: path)) }),
        ]
    }
}
