import Engine

/// What `maple doctor` finds out about the machine: does it compute right, and how fast.
public struct MachineCheck: Sendable, Codable {
    public var blas: String
    public var blasCore: String
    public var threads: Int
    public var processors: Int
    public var gemmGFLOPPerSecond: Double
    /// The largest difference of a product of 768 terms from double precision.
    public var gemmError: Double
    /// The engine's largest relative difference, loss and gradients, from numbers computed in double precision.
    public var engineError: Double
    public var engineIsRight: Bool { engineError <= Self.engineTolerance }
    public var isSound: Bool { engineIsRight && gemmError <= Self.gemmTolerance }

    public static let gemmTolerance = 1e-3
    public static let engineTolerance = 1e-3

    enum CodingKeys: String, CodingKey {
        case blas, threads, processors
        case blasCore = "blas_core"
        case gemmGFLOPPerSecond = "gemm_gflop_per_s"
        case gemmError = "gemm_error"
        case engineError = "engine_error"
    }

    public static func run(threads: Int) -> MachineCheck {
        let workers = Workers(count: threads)
        let rate = MachineRate(workers: workers)
        return MachineCheck(
            blas: BLAS.configuration, blasCore: BLAS.coreName, threads: workers.count, processors: BLAS.processors,
            gemmGFLOPPerSecond: rate.measure(repetitions: 5, seconds: Bench.now) / 1e9, gemmError: rate.error(),
            engineError: SelfCheck.run(workers: workers))
    }
}
