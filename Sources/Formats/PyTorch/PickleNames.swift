/// What a name in a pickle stands for. There is no case for calling anything: a pickle can only pick from this list.
enum PickleName: Equatable {
    /// collections.OrderedDict, defaultdict and the like: becomes a dictionary.
    case dictionary
    /// torch._utils._rebuild_tensor_v2: becomes a tensor.
    case rebuildTensor
    /// torch._utils._rebuild_parameter: becomes the tensor it wraps.
    case rebuildParameter
    /// torch._tensor._rebuild_from_type_v2: becomes what the function among its arguments gives.
    case rebuildFromType
    /// A storage class, with its element type.
    case storage(TensorType)
    /// A storage class that is known but cannot be read.
    case unreadableStorage
    /// torch.Size, TorchScript's typed lists: become the list among their arguments.
    case sequence
    /// A class of a TorchScript archive: becomes a record of its attributes.
    case module
    /// A harmless class that checkpoints hold beside their tensors: becomes a placeholder that is never built.
    case inert

    /// Nil for every name that is not known to be data: such a pickle is refused.
    init?(module: String, name: String) {
        if module == "__torch__" || module.hasPrefix("__torch__.") {
            self = .module
        } else if let known = Self.known["\(module).\(name)"] {
            self = known
        } else if module == "torch" || module == "torch.cuda", let type = Self.storages[name] {
            self = .storage(type)
        } else if module == "torch", Self.unreadableStorages.contains(name) {
            self = .unreadableStorage
        } else if module == "torch", Self.elementTypes.contains(name) {
            self = .inert
        } else if module == "torch.optim" || module.hasPrefix("torch.optim.") {
            self = .inert
        } else if module == "__builtin__" || module == "builtins", Self.builtins.contains(name) {
            self = name == "dict" ? .dictionary : .inert
        } else {
            return nil
        }
    }

    private static let known: [String: PickleName] = [
        "collections.OrderedDict": .dictionary, "collections.defaultdict": .dictionary, "collections.Counter": .dictionary,
        "collections.deque": .inert,
        "torch._utils._rebuild_tensor_v2": .rebuildTensor, "torch._utils._rebuild_tensor": .rebuildTensor,
        "torch._utils._rebuild_parameter": .rebuildParameter, "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
        "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
        "torch.Size": .sequence, "torch.jit._pickle.build_intlist": .sequence, "torch.jit._pickle.build_doublelist": .sequence,
        "torch.jit._pickle.build_boollist": .sequence, "torch.jit._pickle.build_tensorlist": .sequence,
        "torch.nn.parameter.Parameter": .inert, "torch.Tensor": .inert, "torch.device": .inert,
        "torch.torch_version.TorchVersion": .inert, "torch.storage.UntypedStorage": .unreadableStorage,
        "torch._utils._rebuild_qtensor": .unreadableStorage, "torch._utils._rebuild_tensor_v3": .unreadableStorage,
        "torch.per_tensor_affine": .inert, "torch.per_channel_affine": .inert, "torch.qint8": .unreadableStorage,
        "torch.quint8": .unreadableStorage, "torch.qint32": .unreadableStorage,
        "numpy.core.multiarray.scalar": .inert, "numpy._core.multiarray.scalar": .inert,
        "numpy.core.multiarray._reconstruct": .inert, "numpy._core.multiarray._reconstruct": .inert,
        "numpy.ndarray": .inert, "numpy.dtype": .inert, "_codecs.encode": .inert,
        "copyreg._reconstructor": .inert, "copy_reg._reconstructor": .inert, "argparse.Namespace": .inert,
        "yacs.config.CfgNode": .inert, "pathlib.PosixPath": .inert, "pathlib.Path": .inert,
        "datetime.datetime": .inert, "datetime.timedelta": .inert,
    ]

    private static let storages: [String: TensorType] = [
        "DoubleStorage": .f64, "FloatStorage": .f32, "HalfStorage": .f16, "BFloat16Storage": .bf16, "LongStorage": .i64,
        "IntStorage": .i32, "ShortStorage": .i16, "CharStorage": .i8, "ByteStorage": .u8, "BoolStorage": .bool,
    ]

    /// Complex and quantised elements.
    private static let unreadableStorages: Set<String> = [
        "ComplexFloatStorage", "ComplexDoubleStorage", "QInt8Storage", "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage",
        "QUInt2x4Storage",
    ]

    private static let elementTypes: Set<String> = [
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "strided",
        "double", "float", "half", "long", "int", "short", "channels_last", "contiguous_format", "preserve_format",
    ]

    private static let builtins: Set<String> = [
        "dict", "list", "tuple", "set", "frozenset", "int", "long", "float", "bool", "str", "unicode", "bytes", "bytearray", "complex",
        "object", "slice", "range", "NoneType",
    ]
}
