import Engine
import RunModel

/// What a method costs on a model, counted from shapes before anything is run.
///
/// Arithmetic is that of matrix products, a multiplication and an addition being two operations; it follows the engine's
/// savings: text rows are those of the token tree, only end tokens and [CLS] go through the last block, and gradients flow
/// only to what is learned. Memory is activations, prompts and weights; decoded pictures come on top.
public struct MethodCost: Sendable, Equatable {
    /// Numbers that a step changes.
    public var trainableParameters: Int
    /// Rows of the text tower in one pass.
    public var textRows: Int
    /// Floating-point operations of one training step.
    public var stepOperations: Double
    /// Of scoring one image, text features aside.
    public var imageOperations: Double
    /// Of computing all classes' text features once.
    public var textOperations: Double
    /// Bytes of weights as they lie in memory, training activations, and the prompts' values, gradients and momentum.
    public var weightBytes: Double
    public var activationBytes: Double
    public var promptBytes: Double
    /// Of scoring: one block's activations at a time.
    public var scoringBytes: Double

    public var trainingBytes: Double { weightBytes + activationBytes + promptBytes }

    /// - Parameters:
    ///   - sentences: token ids of the training classes; several for each in an ensemble.
    ///   - batch: images of a step.
    /// - Throws: `EngineError`, `TrainingError`.
    public init(shape: CLIPShape, method: MethodSpec, sentences: [[Int32]], classes: Int, batch: Int) throws {
        let parts = Parts(method)
        let places = try PromptMethod(method, classes: classes).sentences(sentences)
        let plan = try TextPlan(sentences: places, window: shape.contextLength, vocabulary: shape.vocabulary)
        let ends = plan.rows - plan.firstReadout
        let vision = Tower(shape.vision), text = Tower(shape.text)
        let tokens = 1 + shape.patches, b = Double(batch), e = Double(shape.embedding)
        let patchValues = Double(3 * shape.patchSize * shape.patchSize)
        let links = plan.ancestorCount

        let embedding: Double = 2 * Double(shape.patches) * vision.d * patchValues
        let visionWay = Way(
            rows: tokens + parts.visionTokens, replaced: parts.visionTokens, depth: parts.visionDepth, ends: 1, attends: true)
        let textWay = Way(rows: plan.rows, replaced: plan.contextRows, depth: parts.textDepth, ends: ends, attends: false)
        let visionHead: Double = 2 * vision.d * e
        let textHead: Double = 2 * Double(ends) * text.d * e
        let visionForward: Double = embedding + vision.forward(visionWay) + visionHead
        let visionBackward: Double = parts.visionDepth == 0 ? 0 : visionHead + vision.backward(visionWay)
        let textForward: Double = text.forward(textWay) + textHead
        let textBackward: Double = parts.textDepth == 0 ? 0 : textHead + text.backward(textWay)
        // Conditional prompts read the classes anew for each image; about a thousand rows go through the tower at once.
        let together = parts.textPerImage ? max(1, min(batch, 1024 / max(1, plan.rows))) : 1
        let couplers: Double = 6 * Double(parts.couplers * parts.textTokens) * text.d * vision.d
        let logits: Double = 2 * Double(classes) * e
        trainableParameters = parts.parameters(shape, classes: method.classSpecific ? classes : 1)
        textRows = plan.rows
        imageOperations = visionForward + logits + (parts.textPerImage ? textForward : 0)
        textOperations = parts.textPerImage ? 0 : textForward
        var step: Double = b * (visionForward + visionBackward + 3 * logits) + couplers
        if parts.textDepth > 0 { step += (parts.textPerImage ? b : 1) * (textForward + textBackward) }
        stepOperations = method.name == .zeroshot ? 0 : step

        let keys = tokens + parts.visionTokens
        let visionMemory = vision.memory(
            rows: batch * keys, images: batch, keys: keys, links: nil, training: parts.visionDepth > 0)
        let textMemory = text.memory(
            rows: plan.rows * together, images: 1, keys: 0, links: links * together, training: parts.textDepth > 0)
        let pixels: Double = b * Double(shape.patches) * patchValues
        activationBytes = method.name == .zeroshot ? 0 : 4 * (visionMemory + textMemory + pixels)
        promptBytes = 16 * Double(trainableParameters)
        let scored = max(1, 2048 / keys)
        scoringBytes = 4
            * (vision.memory(rows: scored * keys, images: scored, keys: keys, links: nil, training: false)
                + text.memory(rows: plan.rows, images: 1, keys: 0, links: links, training: false))
        weightBytes = 4 * shape.weightCount
    }

    /// What a method adds to the towers.
    struct Parts {
        var textTokens = 0
        var textDepth = 0
        var visionTokens = 0
        var visionDepth = 0
        var couplers = 0
        var textPerImage = false
        var isConditional = false

        init(_ method: MethodSpec) {
            let n = method.context, depth = method.depth
            switch method.name {
            case .zeroshot: break
            case .coop: (textTokens, textDepth) = (n, 1)
            case .cocoop: (textTokens, textDepth, textPerImage, isConditional) = (n, 1, true, true)
            case .vision: (visionTokens, visionDepth) = (n, depth)
            case .language: (textTokens, textDepth) = (n, depth)
            case .independent:
                (textTokens, textDepth) = (n, depth)
                (visionTokens, visionDepth) = (method.visionContext ?? n, method.visionDepth ?? depth)
            case .maple: (textTokens, textDepth, visionTokens, visionDepth, couplers) = (n, depth, n, depth, depth)
            }
        }

        func parameters(_ shape: CLIPShape, classes: Int) -> Int {
            let t = shape.text.width, v = shape.vision.width, e = shape.embedding
            var sum = classes * textDepth * textTokens * t
            if couplers > 0 {
                sum += couplers * (t * v + v)
            } else {
                sum += visionDepth * visionTokens * v
            }
            // Co-CoOp's network: embedding to a sixteenth, to the text width, biases included.
            if isConditional { sum += e * (e / 16) + e / 16 + (e / 16) * t + t }
            return sum
        }
    }

    /// One pass through a tower.
    private struct Way {
        var rows: Int
        /// Learned rows, which the next block's own replace.
        var replaced: Int
        var depth: Int
        /// Rows that are read out.
        var ends: Int
        /// Whether every row reads every other: products then, a walk along the token tree otherwise.
        var attends: Bool

        /// Rows that a block passes on: prompts that the next block replaces are keys and values alone.
        func active(_ layer: Int, of layers: Int) -> Double {
            layer == layers - 1 ? Double(ends) : Double(layer + 1 < depth ? rows - replaced : rows)
        }
    }

    /// Sums over one tower's blocks.
    private struct Tower {
        let d: Double
        let h: Double
        let heads: Double
        let layers: Int

        init(_ shape: TowerShape) {
            (d, h, heads, layers) = (Double(shape.width), Double(shape.hidden), Double(shape.heads), shape.layers)
        }

        func forward(_ way: Way) -> Double {
            let n = Double(way.rows)
            var sum = 0.0
            for layer in 0..<layers {
                let a = way.active(layer, of: layers)
                sum += 4 * a * d * d + 4 * n * d * d + 4 * a * d * h
                if way.attends { sum += 4 * a * n * d }
            }
            return sum
        }

        func backward(_ way: Way) -> Double {
            var sum = 0.0
            for layer in 0..<layers {
                // In the first block only the learned rows want a gradient.
                let n = Double(layer == 0 ? way.replaced : way.rows)
                let a = way.active(layer, of: layers)
                sum += 4 * a * d * d + 4 * n * d * d + 4 * a * d * h
                if way.attends { sum += 8 * a * Double(way.rows) * d }
            }
            return sum
        }

        /// Floats of activations; every block keeps its own while training.
        func memory(rows: Int, images: Int, keys: Int, links: Int?, training: Bool) -> Double {
            let n = Double(rows)
            let probabilities = links.map { heads * Double($0) } ?? heads * n * Double(keys)
            let block = 5 * n * d + n * h + probabilities
            let scratch = (training ? 7 : 2) * n * d + n * h + 2 * n * d
            return block * Double(training ? layers : 1) + scratch
        }
    }
}

extension TextPlan {
    /// Keys that all rows read together.
    var ancestorCount: Int { rows * (1 + (places.max() ?? 0)) }
}

extension CLIPShape {
    /// Numbers in the model's weights.
    var weightCount: Double {
        func tower(_ t: TowerShape) -> Double {
            let d = Double(t.width), h = Double(t.hidden)
            return Double(t.layers) * (4 * d * d + 2 * d * h + 9 * d + h) + 2 * d
        }
        let v = Double(vision.width), t = Double(text.width), e = Double(embedding)
        return tower(vision) + tower(text) + v * Double(3 * patchSize * patchSize + patches + 2) + v * 2 + v * e
            + t * Double(vocabulary + contextLength) + t * e
    }
}
