import Files

/// How an image becomes the vision tower's input, from `preprocessor_config.json`.
///
/// Order: resize, centre crop, multiply by the rescale factor, subtract the mean, divide by the deviation.
public struct ImagePreprocessing: Sendable, Equatable {
    public enum Resize: Sendable, Equatable {
        /// The shorter side becomes this many pixels; the aspect ratio stays.
        case shortestEdge(Int)
        case exact(height: Int, width: Int)
    }

    /// Pillow's numbers for its filters.
    public enum Resampling: Int, Sendable {
        case nearest = 0, lanczos, bilinear, bicubic, box, hamming
    }

    /// Nil: the image keeps its size.
    public var resize: Resize?
    public var resampling: Resampling
    /// Centre crop in pixels, nil: none.
    public var crop: (height: Int, width: Int)? {
        cropHeight.flatMap { height in cropWidth.map { (height, $0) } }
    }
    private var cropHeight: Int?
    private var cropWidth: Int?
    public var rescaleFactor: Double
    /// Per channel, red first, of values already rescaled.
    public var mean: [Double]
    public var deviation: [Double]

    public static let clipMean = [0.48145466, 0.4578275, 0.40821073]
    public static let clipDeviation = [0.26862954, 0.26130258, 0.27577711]

    /// CLIP's own preprocessing for a square image of that side.
    public init(imageSize: Int) {
        resize = .shortestEdge(imageSize)
        resampling = .bicubic
        cropHeight = imageSize
        cropWidth = imageSize
        rescaleFactor = 1.0 / 255
        mean = Self.clipMean
        deviation = Self.clipDeviation
    }

    /// Reads `preprocessor_config.json`; keys that are absent are CLIP's for `imageSize`.
    public init(path: String, imageSize: Int) throws(FormatError) {
        try self.init(ConfigurationSection(path: path, prefix: "", members: try JSONValue.load(path: path)), imageSize: imageSize)
    }

    init(_ root: ConfigurationSection, imageSize: Int) throws(FormatError) {
        self.init(imageSize: imageSize)
        if try !root.bool("do_resize", default: true) {
            resize = nil
        } else if let size = root["size"] {
            resize = try Self.resize(root, size)
        }
        let number = try root.integer("resample", default: Resampling.bicubic.rawValue, in: 0...5)
        resampling = Resampling(rawValue: number) ?? .bicubic
        if try !root.bool("do_center_crop", default: true) {
            (cropHeight, cropWidth) = (nil, nil)
        } else if let size = root["crop_size"] {
            (cropHeight, cropWidth) = try Self.crop(root, size)
        }
        rescaleFactor =
            try root.bool("do_rescale", default: true)
            ? root.real("rescale_factor", default: 1.0 / 255, in: 1e-12...1e12) : 1
        if try root.bool("do_normalize", default: true) {
            mean = try Self.channels(root, "image_mean", default: Self.clipMean, in: -1e6...1e6)
            deviation = try Self.channels(root, "image_std", default: Self.clipDeviation, in: 1e-6...1e6)
        } else {
            (mean, deviation) = ([0, 0, 0], [1, 1, 1])
        }
    }

    private static let sides = 1...16_384

    private static func resize(_ root: ConfigurationSection, _ value: JSONValue) throws(FormatError) -> Resize {
        guard case .object = value, let section = try root.section("size") else {
            return .shortestEdge(try root.integer("size", default: 0, in: sides))
        }
        if section["shortest_edge"] != nil {
            return .shortestEdge(try section.integer("shortest_edge", default: 0, in: sides))
        }
        let (height, width) = try sizes(section, key: "size", value)
        return .exact(height: height, width: width)
    }

    private static func crop(_ root: ConfigurationSection, _ value: JSONValue) throws(FormatError) -> (Int, Int) {
        guard case .object = value, let section = try root.section("crop_size") else {
            let side = try root.integer("crop_size", default: 0, in: sides)
            return (side, side)
        }
        return try sizes(section, key: "crop_size", value)
    }

    private static func sizes(
        _ section: ConfigurationSection, key: String, _ value: JSONValue
    ) throws(FormatError) -> (Int, Int) {
        guard section["height"] != nil, section["width"] != nil else {
            throw .configuration(
                path: section.path,
                .badValue(key: key, found: value.summary, wanted: "a whole number or an object of height and width"))
        }
        return (
            try section.integer("height", default: 0, in: sides), try section.integer("width", default: 0, in: sides)
        )
    }

    static func channels(
        _ root: ConfigurationSection, _ key: String, default standard: [Double], in range: ClosedRange<Double>
    ) throws(FormatError) -> [Double] {
        guard let value = root[key] else { return standard }
        guard case .array(let elements) = value, elements.count == 3 else {
            throw root.problem(key, value, wanted: "a list of three numbers")
        }
        var numbers: [Double] = []
        for element in elements {
            guard let number = element.number, range.contains(number) else {
                throw root.problem(key, element, wanted: "numbers from \(range.lowerBound) to \(range.upperBound)")
            }
            numbers.append(number)
        }
        return numbers
    }
}
