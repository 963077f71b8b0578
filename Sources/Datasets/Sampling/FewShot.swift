/// The indices chosen from the train and val lists, in the order in which the reference lists them.
public struct FewShotDraw: Sendable, Equatable, Codable {
    public var train: [Int]
    public var val: [Int]

    public init(train: [Int], val: [Int]) {
        self.train = train
        self.val = val
    }
}

/// Draws few-shot sets as the reference (Dassl) does after `random.seed(seed)`.
///
/// `shots` images of each class from the train list, then min(shots, 4) of each from the val list with the same generator
/// going on; classes in order of first appearance; a class with fewer images is taken whole, in order, without using the
/// generator.
///
/// - Parameters:
///   - trainLabels: the label of each training image of the full split, before classes are cut.
///   - valLabels: likewise for validation.
public func drawFewShot(trainLabels: [Int], valLabels: [Int], shots: Int, seed: Int) -> FewShotDraw {
    var generator = PythonRandom(seed: seed)
    return drawFewShot(trainLabels: trainLabels, valLabels: valLabels, shots: shots, generator: &generator)
}

/// Draws with a generator that goes on afterwards.
public func drawFewShot(trainLabels: [Int], valLabels: [Int], shots: Int, generator: inout PythonRandom) -> FewShotDraw {
    let train = sampleOfEachClass(trainLabels, shots, &generator)
    let val = sampleOfEachClass(valLabels, min(shots, 4), &generator)
    return FewShotDraw(train: train, val: val)
}

private func sampleOfEachClass(_ labels: [Int], _ shots: Int, _ generator: inout PythonRandom) -> [Int] {
    var order: [Int] = []
    var members: [Int: [Int]] = [:]
    for (index, label) in labels.enumerated() {
        if members[label] == nil { order.append(label) }
        members[label, default: []].append(index)
    }
    var chosen: [Int] = []
    for label in order {
        guard let indices = members[label] else { continue }
        if indices.count >= shots {
            chosen += generator.sample(of: indices.count, shots).map { indices[$0] }
        } else {
            chosen += indices
        }
    }
    return chosen
}
