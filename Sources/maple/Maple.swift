import ArgumentParser

@main
struct Maple: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maple",
        abstract: "A terminal workbench for prompt learning on CLIP.")
}
