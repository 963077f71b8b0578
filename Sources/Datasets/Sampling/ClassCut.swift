import RunModel

/// The base or new half of a list of labels, renumbered from 0.
///
/// Labels sorted; the first ceil(n/2) are base, the rest new. `.all` keeps labels as they are.
public struct ClassCut: Sendable, Equatable {
    /// The old labels that stay, sorted; the new label is the place in this list, except for `.all`.
    public let labels: [Int]
    private let newLabels: [Int: Int]

    public init(labels: some Sequence<Int>, subset: ClassSubset) {
        let sorted = Set(labels).sorted()
        let half = (sorted.count + 1) / 2
        switch subset {
        case .all: self.labels = sorted
        case .base: self.labels = Array(sorted.prefix(half))
        case .new: self.labels = Array(sorted.dropFirst(half))
        }
        newLabels = Dictionary(
            uniqueKeysWithValues: self.labels.enumerated().map { ($0.element, subset == .all ? $0.element : $0.offset) })
    }

    /// The new label of an old one; nil when its class is cut away.
    public func newLabel(of old: Int) -> Int? { newLabels[old] }
}
