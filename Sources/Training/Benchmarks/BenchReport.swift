import RunModel

/// What a benchmark measured; the first keys are those of the PyTorch peer's JSON.
public struct BenchReport: Sendable, Codable {
    public struct Evaluation: Sendable, Codable {
        public var textFeaturesSeconds: Double
        public var images: Int
        public var imagesPerSecond: Double
        public var batch: Int

        enum CodingKeys: String, CodingKey {
            case images, batch
            case textFeaturesSeconds = "text_features_s"
            case imagesPerSecond = "images_per_s"
        }
    }

    /// Differences from the numbers that a dump expects.
    public struct Check: Sendable, Codable {
        public var passed: Bool
        public var tokensEqual: Bool
        public var loss: Double
        /// The largest difference of a logit.
        public var logits: Double
        /// The largest difference of a tensor's gradient norm, relative to that norm.
        public var gradientNorms: Double
        /// The largest difference of a gradient, relative to its tensor's largest.
        public var gradients: Double

        enum CodingKeys: String, CodingKey {
            case passed, loss, logits, gradients
            case tokensEqual = "tokens_equal"
            case gradientNorms = "gradient_norms"
        }
    }

    public var method: MethodName
    public var shape: String
    public var classes: Int
    public var batch: Int
    public var context: Int
    public var depth: Int
    public var trainableParameters: Int
    public var dtype = "fp32"
    public var threads: Int
    public var warmup: Int
    public var steps: Int
    public var stepSecondsMedian: Double?
    public var stepSeconds: [Double]
    public var trainImagesPerSecond: Double?
    public var losses: [Double]
    public var eval: Evaluation?
    /// Peak resident memory, in MiB: after the training steps, and at the end.
    public var peakTrainMiB: Double
    public var peakMiB: Double
    public var blasCore: String
    /// Arithmetic of a step's matrix products, in GFLOP, and its rate.
    public var stepGFLOP: Double
    public var stepGFLOPPerSecond: Double?
    /// The machine's own rate in one large product, measured between the steps: best and median.
    public var gemmGFLOPPerSecond: Double
    public var gemmGFLOPPerSecondMedian: Double
    /// Step rate over the best and over the median product rate.
    public var gemmShare: Double?
    public var gemmShareMedian: Double?
    /// Distinct token rows of the text tower, and tokens that the reference computes.
    public var textRows: Int
    public var textRowsReference: Int
    /// Seconds to make the weights ready.
    public var modelSeconds: Double
    public var check: Check?

    enum CodingKeys: String, CodingKey {
        case method, shape, classes, batch, depth, dtype, threads, warmup, steps, losses, eval, check
        case context = "n_ctx"
        case trainableParameters = "trainable_parameters"
        case stepSecondsMedian = "step_s_median"
        case stepSeconds = "step_s"
        case trainImagesPerSecond = "train_images_per_s"
        case peakTrainMiB = "peak_rss_train_mib"
        case peakMiB = "peak_rss_mib"
        case blasCore = "blas_core"
        case stepGFLOP = "step_gflop"
        case stepGFLOPPerSecond = "step_gflop_per_s"
        case gemmGFLOPPerSecond = "gemm_gflop_per_s"
        case gemmGFLOPPerSecondMedian = "gemm_gflop_per_s_median"
        case gemmShare = "gemm_share"
        case gemmShareMedian = "gemm_share_median"
        case textRows = "text_rows"
        case textRowsReference = "text_rows_reference"
        case modelSeconds = "model_s"
    }
}

func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted(), middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
