import CKernels

/// The MLP's non-linearity.
public enum Activation: String, Sendable, Equatable {
    /// x * sigmoid(1.702 x), of OpenAI's weights.
    case quickGELU = "quick_gelu"
    /// x * Phi(x) with the exact normal distribution, of LAION's weights.
    case gelu

    var kernel: mk_activation { self == .quickGELU ? MK_QUICK_GELU : MK_GELU }
}
