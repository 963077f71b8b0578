import ArgumentParser
import Foundation

/// The program: one subcommand for each task. Exit codes: 0, 1 for a failure, 2 for wrong usage.
@main
struct Maple: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "maple",
        abstract: "A workbench for MaPLe, multi-modal prompt learning on CLIP.",
        discussion: """
            Train prompts on a few images of each class, and read what they gain and lose against zero-shot CLIP.
            Results go to standard output, everything else to standard error.
            """,
        version: version,
        subcommands: [
            Train.self, Resume.self, Eval.self, ZeroShot.self, Runs.self, Inspect.self, DataTools.self, Doctor.self,
            BenchCommand.self, ProtocolCommand.self, AblationCommand.self, CostCommand.self, WordsCommand.self, FeaturesCommand.self,
        ])

    static func main() {
        // A reader that goes away must not take a training run with it.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            finish(with: error)
        }
    }

    private static func finish(with error: any Error) -> Never {
        if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
        let code = exitCode(for: error)
        if code == .success {
            print(fullMessage(for: error))
            Foundation.exit(0)
        }
        if code == .validationFailure {
            note(fullMessage(for: error))
            Foundation.exit(2)
        }
        note(Failure.text(error))
        Foundation.exit(1)
    }
}
