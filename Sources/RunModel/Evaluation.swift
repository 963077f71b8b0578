/// How one class fared in an evaluation.
public struct ClassResult: Sendable, Equatable, Codable {
    public var name: String
    public var correct: Int
    /// Images of this class.
    public var count: Int

    public init(name: String, correct: Int, count: Int) {
        self.name = name
        self.correct = correct
        self.count = count
    }

    /// Fraction 0..1; 0 for a class without images.
    public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }
}

/// What was said of one image: the likeliest classes, best first.
public struct Prediction: Sendable, Equatable, Codable {
    /// Relative to the data set's folder.
    public var path: String
    /// The true class, an index into the evaluation's `perClass`.
    public var label: Int
    /// Up to five class indices, best first; equal logits keep class order.
    public var top: [Int]
    /// Softmax probabilities of `top`.
    public var probability: [Float]

    public init(path: String, label: Int, top: [Int], probability: [Float]) {
        self.path = path
        self.label = label
        self.top = top
        self.probability = probability
    }

    public var isCorrect: Bool { top.first == label }
}

/// The outcome of scoring one set of images over one list of class names.
public struct EvaluationResult: Sendable, Equatable, Codable {
    public var method: MethodName
    /// The data set's folder.
    public var data: String
    public var split: String?
    public var classes: ClassSubset
    public var subset: ImageSubset
    /// Optimiser steps taken before this evaluation; 0 is the untrained method.
    public var step: Int
    public var epoch: Int
    /// Fraction 0..1.
    public var accuracy: Double
    /// Mean F1 over the labels that occur, fraction 0..1.
    public var macroF1: Double
    public var count: Int
    /// Mean cross-entropy over the images, in nats.
    public var loss: Double
    public var perClass: [ClassResult]
    public var predictions: [Prediction]
    /// Images that could not be read.
    public var skipped: [String]
    public var seconds: Double

    public init(
        method: MethodName, data: String, split: String?, classes: ClassSubset, subset: ImageSubset, step: Int, epoch: Int,
        accuracy: Double, macroF1: Double, count: Int, loss: Double, perClass: [ClassResult], predictions: [Prediction],
        skipped: [String], seconds: Double
    ) {
        self.method = method
        self.data = data
        self.split = split
        self.classes = classes
        self.subset = subset
        self.step = step
        self.epoch = epoch
        self.accuracy = accuracy
        self.macroF1 = macroF1
        self.count = count
        self.loss = loss
        self.perClass = perClass
        self.predictions = predictions
        self.skipped = skipped
        self.seconds = seconds
    }

    enum CodingKeys: String, CodingKey {
        case method, data, split, classes, subset, step, epoch, accuracy, count, loss, predictions, skipped, seconds
        case macroF1 = "macro_f1"
        case perClass = "per_class"
    }
}

/// Harmonic mean 2ab/(a+b) of base and new accuracy; 0 when both are 0.
public func harmonicMean(_ a: Double, _ b: Double) -> Double {
    a + b == 0 ? 0 : 2 * a * b / (a + b)
}
