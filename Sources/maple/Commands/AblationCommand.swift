import ArgumentParser
import RunModel
import SessionFile

struct AblationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ablation", abstract: "Vary one key of a session, such as the prompt depth: one table, one curve.",
        discussion: "Runs are kept and used again as in protocol.")

    @OptionGroup var options: ProtocolOptions

    func run() throws {
        let spec = try ProtocolFile.read(path: options.session, overrides: options.overrides)
        guard spec.kind == .ablation else {
            throw ValidationError("\(options.session) is of the kind \(spec.kind.rawValue): maple protocol \(options.session)")
        }
        try ProtocolReport(options: options, spec: spec).run()
    }
}
