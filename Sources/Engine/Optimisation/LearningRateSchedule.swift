/// The learning rate of each epoch: a constant warm-up, then a cosine or a constant.
///
/// For epoch e with w warm-up epochs of E in all: e < w gives the warm-up rate, else lr/2 (1 + cos(pi (e - w) / E)). The
/// divisor is E, not E - w, as in the public scheduler, so the last epoch is not at 0.
public struct LearningRateSchedule: Sendable, Equatable {
    public enum Shape: Sendable { case cosine, constant }
    public var shape: Shape
    public var rate: Double
    public var epochs: Int
    public var warmupEpochs: Int
    public var warmupRate: Double

    public init(shape: Shape, rate: Double, epochs: Int, warmupEpochs: Int, warmupRate: Double) {
        self.shape = shape
        self.rate = rate
        self.epochs = epochs
        self.warmupEpochs = warmupEpochs
        self.warmupRate = warmupRate
    }

    public func rate(epoch: Int) -> Double {
        if epoch < warmupEpochs { return warmupRate }
        switch shape {
        case .constant: return rate
        case .cosine: return 0.5 * rate * (1 + cosine(.pi * Double(epoch - max(0, warmupEpochs)) / Double(epochs)))
        }
    }
}

/// The learning rate of each step in pretraining: a line from nothing to `rate`, then half a cosine down to nothing.
public struct WarmCosine: Sendable, Equatable {
    public var rate: Double
    public var warmup: Int
    public var steps: Int

    public init(rate: Double, warmup: Int, steps: Int) {
        self.rate = rate
        self.warmup = warmup
        self.steps = steps
    }

    /// - Parameter step: from 0.
    public func rate(step: Int) -> Double {
        if step < warmup { return rate * Double(step + 1) / Double(warmup) }
        return 0.5 * rate * (1 + cosine(.pi * Double(step - warmup) / Double(max(1, steps - warmup))))
    }
}
