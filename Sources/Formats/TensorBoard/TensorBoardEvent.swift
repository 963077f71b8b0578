/// One event of a TensorBoard log: when, at which step, and what.
///
/// ```
/// let event = TensorBoardEvent(time: now, step: 3, .values([SummaryValue("train/loss", .scalar(2.5))]))
/// bytes += event.record
/// ```
/// Fields of the messages (tensorflow/core/util/event.proto, framework/summary.proto):
/// Event: wall_time 1 (double), step 2 (varint), file_version 3, summary 5, session_log 7. Summary: value 1 (repeated).
/// Value: tag 1, simple_value 2 (float), image 4, histo 5, metadata 9. SessionLog: status 1, of which START is 1.
public struct TensorBoardEvent: Sendable {
    public enum Content: Sendable {
        /// The first event of every file.
        case fileVersion
        case values([SummaryValue])
        /// The run goes on from before this step: readers forget what earlier files say of it and later ones.
        case restart
    }

    /// Seconds since 1970.
    public var time: Double
    public var step: Int
    public var content: Content
    static let version = "brain.Event:2"

    public init(time: Double, step: Int = 0, _ content: Content) {
        self.time = time
        self.step = step
        self.content = content
    }

    /// The event as a record of an event file.
    public var record: [UInt8] {
        EventRecords.framed(
            ProtobufMessage { event in
                event.field(1, double: time)
                if step != 0 { event.field(2, whole: step) }
                switch content {
                case .fileVersion: event.field(3, text: Self.version)
                case .values(let values): event.field(5) { summary in values.forEach { $0.write(to: &summary) } }
                case .restart: event.field(7) { $0.field(1, whole: 1) }
                }
            }.bytes)
    }
}

/// What one tag says in an event.
public struct SummaryValue: Sendable {
    public enum Content: Sendable {
        case scalar(Float)
        case histogram(TensorBoardHistogram)
        /// An encoded RGB picture.
        case image(png: [UInt8], width: Int, height: Int)
        /// A message of a plug-in, in the value's metadata.
        case plugin(name: String, content: [UInt8])
    }

    public var tag: String
    public var content: Content

    public init(_ tag: String, _ content: Content) {
        self.tag = tag
        self.content = content
    }

    fileprivate func write(to summary: inout ProtobufMessage) {
        summary.field(1) { value in
            value.field(1, text: tag)
            switch content {
            case .scalar(let number): value.field(2, float: number)
            case .image(let png, let width, let height):
                value.field(4) {
                    $0.field(1, whole: height)
                    $0.field(2, whole: width)
                    // Three channels.
                    $0.field(3, whole: 3)
                    $0.field(4, bytes: png)
                }
            case .histogram(let histogram): value.field(5) { histogram.write(to: &$0) }
            case .plugin(let name, let content):
                // SummaryMetadata: plugin_data 1, with plugin_name 1 and content 2.
                value.field(9) {
                    $0.field(1) {
                        $0.field(1, text: name)
                        $0.field(2, bytes: content)
                    }
                }
            }
        }
    }
}

/// How the values of a tensor spread, in buckets of equal width.
///
/// HistogramProto: min 1, max 2, num 3, sum 4, sum_squares 5, bucket_limit 6 (right edges), bucket 7 (counts), packed doubles.
public struct TensorBoardHistogram: Sendable, Equatable {
    public private(set) var least = 0.0
    public private(set) var greatest = 0.0
    public private(set) var sum = 0.0
    public private(set) var squares = 0.0
    public private(set) var limits: [Double] = []
    public private(set) var counts: [Double] = []

    /// Values that are not finite are left out.
    public init(_ values: [Float], buckets: Int = 30) {
        let finite = values.lazy.filter(\.isFinite).map(Double.init)
        guard let low = finite.min(), let high = finite.max() else { return }
        (least, greatest) = (low, high)
        let count = low < high ? max(1, buckets) : 1
        let width = (high - low) / Double(count)
        limits = (1...count).map { $0 == count ? high : low + Double($0) * width }
        counts = Array(repeating: 0, count: count)
        for value in finite {
            sum += value
            squares += value * value
            counts[width > 0 ? min(count - 1, Int((value - low) / width)) : 0] += 1
        }
    }

    fileprivate func write(to message: inout ProtobufMessage) {
        message.field(1, double: least)
        message.field(2, double: greatest)
        message.field(3, double: counts.reduce(0, +))
        message.field(4, double: sum)
        message.field(5, double: squares)
        message.field(6, packed: limits)
        message.field(7, packed: counts)
    }
}
