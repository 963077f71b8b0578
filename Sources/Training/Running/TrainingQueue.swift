import Dispatch
import Foundation
import RunModel

/// The one background queue that trainers and evaluators run on, apart from the thread that owns the screen.
public final class TrainingQueue: Sendable {
    private let queue = DispatchQueue(label: "maple.training", qos: .userInitiated)

    public init() {}

    /// Runs `work` on the queue, after whatever was submitted before.
    ///
    /// - Parameter completion: called on the queue with what `work` returned or threw.
    public func submit<T>(
        _ work: @escaping @Sendable () throws -> T, completion: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        queue.async {
            completion(Result { try work() })
        }
    }

    /// Traps when called from elsewhere than the queue.
    public func assertIsCurrent() { dispatchPrecondition(condition: .onQueue(queue)) }
}
