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
            Without a command it opens the workbench in the terminal.
            Results go to standard output, everything else to standard error.
            """,
        version: version,
        subcommands: [Demo.self, WorkbenchCommand.self],
        groupedSubcommands: [
            CommandGroup(
                name: "Train and score",
                subcommands: [
                    Train.self,
                    Resume.self,
                    Eval.self,
                    ZeroShot.self,
                    ProtocolCommand.self,
                    AblationCommand.self,
                ]),
            CommandGroup(
                name: "Look at runs",
                subcommands: [
                    Runs.self,
                    Compare.self,
                    Show.self,
                    WordsCommand.self,
                    FeaturesCommand.self,
                ]),
            CommandGroup(
                name: "Models, data and other programs' files",
                subcommands: [
                    Inspect.self,
                    DataTools.self,
                    Convert.self,
                    Import.self,
                    Export.self,
                    PretrainCommand.self,
                    VocabularyCommand.self,
                ]),
            CommandGroup(
                name: "This machine",
                subcommands: [
                    Doctor.self,
                    BenchCommand.self,
                    CostCommand.self,
                ]),
        ], defaultSubcommand: WorkbenchCommand.self)

    static func main() {
        // A reader that goes away must not take a training run with it.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
            let fault = outputFault.load(ordering: .relaxed)
            // A reader that has seen enough is no failure.
            if fault != 0, fault != EPIPE {
                note("error: cannot write the results to standard output: \(String(cString: strerror(fault))). Write them elsewhere.")
                Foundation.exit(1)
            }
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
            // The parser writes "Error: "; every other message of the program begins with "error: ".
            note(fullMessage(for: error).replacing("Error: ", with: "error: ", maxReplacements: 1))
            Foundation.exit(2)
        }
        note(Failure.text(error))
        Foundation.exit(1)
    }
}
