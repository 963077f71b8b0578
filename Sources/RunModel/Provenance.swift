/// What a run was made from and with, noted so that it can be told apart from a later one.
public struct Provenance: Sendable, Equatable, Codable {
    /// Fingerprint of the model's weights.
    public var model: String
    /// Fingerprint of the data set's list of images.
    public var data: String
    /// The kernels that OpenBLAS chose, such as "Haswell".
    public var blasCore: String
    public var threads: Int
    public var host: String
    /// ISO 8601, UTC.
    public var created: String
    /// Name of a program or library to its version.
    public var versions: [String: String]

    public init(
        model: String, data: String, blasCore: String, threads: Int, host: String, created: String,
        versions: [String: String]
    ) {
        self.model = model
        self.data = data
        self.blasCore = blasCore
        self.threads = threads
        self.host = host
        self.created = created
        self.versions = versions
    }

    enum CodingKeys: String, CodingKey {
        case threads, host, created, versions
        case model = "model_fingerprint"
        case data = "data_fingerprint"
        case blasCore = "blas_core"
    }

    /// Name and text of each field but `versions`, in writing order.
    public var entries: [(key: String, value: String)] {
        [
            ("model_fingerprint", model), ("data_fingerprint", data), ("blas_core", blasCore),
            ("threads", String(threads)), ("host", host), ("created", created),
        ]
    }
}
