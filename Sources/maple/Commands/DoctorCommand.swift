import ArgumentParser
import Engine
import Foundation
import Training

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check this machine, or compare the program with golden numbers.",
        discussion: "Exit code 1 when anything is off.")

    @Option(help: "Check a folder of golden cases instead, a line each.")
    var goldens: String?

    @Option(help: "Folder with vocab.json and merges.txt for the tokenizer's cases (default: ../data/clip-bpe beside the goldens).")
    var vocabulary: String?

    @Flag(help: "Print JSON on standard output.")
    var json = false

    @OptionGroup var compute: ThreadOptions

    func run() throws {
        if let goldens { try checkGoldens(goldens) } else { try checkMachine() }
    }

    private func checkGoldens(_ path: String) throws {
        var results: [GoldenResult] = []
        try GoldenFolder(path: path, vocabulary: vocabulary, threads: compute.threads).check { result in
            results.append(result)
            guard !json else { return }
            let name = result.name.padding(toLength: max(38, result.name.count), withPad: " ", startingAt: 0)
            switch result.status {
            case .notRun: say("not run  \(name)  \(result.detail)")
            case .passed, .failed:
                let share = String(format: "%5.1f %% of tolerance", 100 * result.worstShare)
                let state = result.status == .passed ? "ok      " : "FAILED  "
                let line = "\(state) \(name)  relative error \(String(format: "%.1e", result.relativeError))  \(share)"
                say(line + (result.worst.isEmpty ? "" : " (\(result.worst))") + (result.detail.isEmpty ? "" : "  \(result.detail)"))
            }
        }
        let failed = results.filter { $0.status == .failed }.count
        let passed = results.filter { $0.status == .passed }.count
        if json {
            try sayJSON(results)
        } else {
            say("\(passed) ok, \(failed) failed, \(results.count - passed - failed) not run")
        }
        if failed > 0 { throw ExitCode(1) }
    }

    private func checkMachine() throws {
        let report = MachineCheck.run(threads: compute.threads)
        let environment = ProcessInfo.processInfo.environment
        if json {
            try sayJSON(report)
        } else {
            say("maple          \(Maple.version)")
            say("BLAS           \(report.blas)")
            say("BLAS core      \(report.blasCore)" + (environment["OPENBLAS_CORETYPE"].map { " (OPENBLAS_CORETYPE=\($0))" } ?? ""))
            say("threads        \(report.threads) of \(report.processors) processors")
            say("GEMM rate      \(String(format: "%.0f", report.gemmGFLOPPerSecond)) GFLOP/s")
            say("GEMM error     \(String(format: "%.1e", report.gemmError)) (allowed \(String(format: "%.0e", MachineCheck.gemmTolerance)))")
            say("engine         \(report.engineIsRight ? "equal to the built-in numbers" : "WRONG") (relative error \(String(format: "%.1e", report.engineError)), allowed \(String(format: "%.0e", MachineCheck.engineTolerance)))")
            say("terminal       \(environment["TERM"] ?? "none"), \(isatty(STDOUT_FILENO) == 1 ? "on" : "not on") a terminal, locale \(environment["LC_ALL"] ?? environment["LC_CTYPE"] ?? environment["LANG"] ?? "none")\(environment["COLORTERM"].map { ", colours \($0)" } ?? "")\(environment["NO_COLOR"].map { $0.isEmpty ? "" : ", NO_COLOR" } ?? "")")
        }
        guard report.isSound else {
            note("error: this machine's BLAS computes wrong numbers. Set OPENBLAS_CORETYPE (such as Haswell) before starting maple, or install another OpenBLAS.")
            throw ExitCode(1)
        }
    }
}
