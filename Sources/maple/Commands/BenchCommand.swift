import ArgumentParser
import Engine
import Foundation
import RunModel
import Training

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Time a method's training step and evaluation.",
        discussion: """
            With --dump, reads a folder that a PyTorch peer wrote (torch_peer.py --dump; methods_peer.py for methods other than \
            MaPLe), checks loss, logits and gradients against it, then times the same step. With --shape, uses random weights.
            """)

    @Option(help: "Method: coop, cocoop, vision, language, independent or maple.")
    var method: MethodName = .maple

    @Option(help: "Folder written by the PyTorch peer.")
    var dump: String?

    @Option(help: "Named shape: vit-b/16, vit-b/32, vit-l/14 or tiny.")
    var shape: String?

    @Option(help: "Training classes, with --shape.")
    var classes = 50

    @Option(help: "Images in a batch, with --shape.")
    var batch = 4

    @Option(help: "Context length, with --shape (default: the paper's).")
    var context: Int?

    @Option(help: "Prompt depth, with --shape (default: the paper's, or all layers of a smaller model).")
    var depth: Int?

    @Option(help: "Timed steps.")
    var steps = 5

    @Option(help: "Steps before the timed ones.")
    var warmup = 1

    @Option(name: .customLong("eval-images"), help: "Images to evaluate; 0 leaves evaluation out.")
    var evalImages = 32

    @Flag(help: "Print one JSON object on standard output.")
    var json = false

    @OptionGroup var compute: ThreadOptions

    func validate() throws {
        guard (dump == nil) != (shape == nil) else { throw ValidationError("give either --dump DIR or --shape NAME") }
        if let shape, Bench.shapes[shape] == nil {
            throw ValidationError("--shape must be one of \(Bench.shapes.keys.sorted().joined(separator: ", "))")
        }
        for (name, value) in [("classes", classes), ("batch", batch), ("context", context ?? 1), ("depth", depth ?? 1), ("steps", steps)] {
            guard value >= 1, value <= 1_000_000 else { throw ValidationError("--\(name) must be at least 1") }
        }
        if method == .zeroshot { throw ValidationError("zero-shot CLIP takes no training step; name a method that learns") }
        guard warmup >= 0, evalImages >= 0 else { throw ValidationError("--warmup and --eval-images cannot be negative") }
    }

    func run() throws {
        var bench = Bench()
        (bench.steps, bench.warmup, bench.threads, bench.evalImages) = (steps, warmup, compute.threads, evalImages)
        let report: BenchReport
        if let dump {
            report = try bench.run(dump: dump, method: method)
        } else {
            report = try bench.run(shape: shape ?? "", classes: classes, batch: batch, context: context, depth: depth, method: method)
        }
        if json { try sayJSON(report) } else { show(report) }
        if let check = report.check, !check.passed {
            note("error: the numbers differ from the dump's: see check")
            throw ExitCode(1)
        }
    }

    private func show(_ r: BenchReport) {
        func line(_ name: String, _ text: String) { say(name.padding(toLength: 20, withPad: " ", startingAt: 0) + text) }
        line("method", "\(r.method.rawValue), \(r.trainableParameters) trainable parameters")
        line("shape", "\(r.shape), \(r.classes) classes, batch \(r.batch), context \(r.context), depth \(r.depth)")
        line("machine", "\(r.threads) threads, BLAS core \(r.blasCore)")
        if let c = r.check {
            line("check", "\(c.passed ? "equal" : "OFF"): loss \(String(format: "%.1e", c.loss)), logits \(String(format: "%.1e", c.logits)), gradients \(String(format: "%.1e", c.gradients)) of their largest")
        }
        line("weights ready", duration(r.modelSeconds))
        if let step = r.stepSecondsMedian {
            line("training step", "\(String(format: "%.3f", step)) s (median of \(r.steps)), \(String(format: "%.2f", r.trainImagesPerSecond ?? 0)) images/s")
        }
        if let e = r.eval {
            line("evaluation", "\(String(format: "%.2f", e.imagesPerSecond)) images/s; text features in \(duration(e.textFeaturesSeconds))")
        }
        line("arithmetic", "\(String(format: "%.1f", r.stepGFLOP)) GFLOP a step, \(String(format: "%.0f", r.stepGFLOPPerSecond ?? 0)) GFLOP/s")
        line("machine's GEMM", "\(String(format: "%.0f", r.gemmGFLOPPerSecond)) GFLOP/s best, \(String(format: "%.0f", r.gemmGFLOPPerSecondMedian)) median")
        line("share of GEMM", "\(String(format: "%.2f", r.gemmShare ?? 0)) of the best, \(String(format: "%.2f", r.gemmShareMedian ?? 0)) of the median")
        line("text rows", "\(r.textRows) of the \(r.textRowsReference) that every place of every class would take")
        line("peak memory", "\(Int(r.peakTrainMiB)) MiB after training, \(Int(r.peakMiB)) MiB in all")
    }
}
