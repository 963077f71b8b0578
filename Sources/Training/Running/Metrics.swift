import RunModel

/// Counts of an evaluation and what follows from them.
public struct Scoreboard: Sendable {
    /// Images of each true class, right answers of each, and how often each was answered.
    public private(set) var count: [Int]
    public private(set) var correct: [Int]
    public private(set) var answered: [Int]
    public private(set) var lossSum = 0.0

    public init(classes: Int) {
        count = Array(repeating: 0, count: classes)
        correct = count
        answered = count
    }

    /// - Parameter loss: cross-entropy of this image.
    public mutating func add(label: Int, answer: Int, loss: Double) {
        count[label] += 1
        answered[answer] += 1
        if label == answer { correct[label] += 1 }
        lossSum += loss
    }

    public var total: Int { count.reduce(0, +) }
    public var totalCorrect: Int { correct.reduce(0, +) }
    /// Fraction 0..1; 0 without images.
    public var accuracy: Double { total == 0 ? 0 : Double(totalCorrect) / Double(total) }
    public var meanLoss: Double { total == 0 ? 0 : lossSum / Double(total) }

    /// Mean F1 over the labels that occur in the truth, fraction 0..1.
    public var macroF1: Double {
        let f1 = count.indices.filter { count[$0] > 0 }.map { c in
            2 * Double(correct[c]) / Double(count[c] + answered[c])
        }
        return f1.isEmpty ? 0 : f1.reduce(0, +) / Double(f1.count)
    }

    /// Mean over occurring classes of the class's accuracy, fraction 0..1.
    public var meanClassAccuracy: Double {
        let each = count.indices.filter { count[$0] > 0 }.map { Double(correct[$0]) / Double(count[$0]) }
        return each.isEmpty ? 0 : each.reduce(0, +) / Double(each.count)
    }
}

/// The likeliest classes of one row of logits: best first, ties by class order, with softmax probabilities and the loss.
struct Ranking {
    var top: [Int]
    var probability: [Float]
    var loss: Double

    init(_ logits: UnsafeBufferPointer<Float>, label: Int, keep: Int = 5) {
        var order: [Int] = []
        for c in logits.indices {
            var place = order.count
            while place > 0, logits[c] > logits[order[place - 1]] { place -= 1 }
            if place < keep {
                order.insert(c, at: place)
                if order.count > keep { order.removeLast() }
            }
        }
        let best = logits[order[0]]
        var sum = 0.0
        for value in logits { sum += Double(exponential(value - best)) }
        top = order
        probability = order.map { Float(Double(exponential(logits[$0] - best)) / sum) }
        loss = logarithm(sum) + Double(best) - Double(logits[label])
    }
}
