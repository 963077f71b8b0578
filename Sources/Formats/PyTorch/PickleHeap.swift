/// A value of a pickle: plain data, or the index of a container in a `PickleHeap`.
///
/// Containers refer to each other by index, so values may be nested or tied in knots as deep as a file likes without
/// any recursion when they are freed.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    case real(Double)
    /// UTF-8 text in the pickle's own bytes.
    case text(offset: Int32, count: Int32)
    /// Something that is not looked into: raw bytes, an integer beyond 64 bits.
    case opaque
    case tuple(Int32)
    case list(Int32)
    /// Keys and values alternate.
    case dictionary(Int32)
    case name(Int32)
    case object(Int32)
    case storage(Int32)
    case tensor(Int32)
}

/// Everything that one pickle built.
struct PickleHeap {
    struct Object {
        /// Index in `names`.
        var name: Int32
        /// Items that were appended or set, in a container of their own.
        var items: Int32
        /// What the class would have restored itself from: mostly a dictionary of attributes.
        var state: PickleValue
    }

    struct Storage {
        var type: TensorType
        /// The record's name, as text in the pickle.
        var key: PickleValue
        /// Elements.
        var count: Int
        /// The first element of this view of the record; not 0 in old files only.
        var offset: Int
    }

    struct Tensor {
        var storage: Int32
        /// In elements, from the storage's start.
        var offset: Int
        var shape: [Int]
        /// In elements.
        var strides: [Int]
    }

    var containers: [[PickleValue]] = []
    var names: [(text: String, kind: PickleName)] = []
    var objects: [Object] = []
    var storages: [Storage] = []
    var tensors: [Tensor] = []
}
