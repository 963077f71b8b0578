/// What is wrong with a TensorBoard log.
public enum TensorBoardProblem: Error, Equatable, Sendable {
    /// The checksum of a record's length or data does not fit; `offset` is where the record begins.
    case badChecksum(offset: Int, of: String)
    /// A record whose checksums fit is no event; `others` more are none either.
    case badEvents(offset: Int, others: Int)
    case tooManyTags(limit: Int)
    case noEventFiles
    case noScalars

    /// What is wrong and what to do, for a line that begins with the path.
    public var wording: String {
        switch self {
        case .badChecksum(let offset, let of):
            "the checksum of the \(of) at byte \(offset) is wrong: the file is damaged, and what follows is not read. "
                + "Copy it again from where it was written."
        case .badEvents(let offset, let others):
            "the record at byte \(offset)\(others > 0 ? " and \(others) more are no events" : " is no event"): left out. "
                + "Was it written by TensorBoard's or PyTorch's summary writer?"
        case .tooManyTags(let limit): "it has more than \(limit) tags; the others are left out. Is it a log of scalars?"
        case .noEventFiles: "it holds no event files (events.out.tfevents.*). Name the folder that TensorBoard's --logdir would get."
        case .noScalars: "its event files hold no scalars. Is it the folder of another part of the log?"
        }
    }
}
