import Foundation
import RunModel
import RunStore
import TestSupport
import Testing

/// What the commands print when all goes well.
@Suite(.serialized) struct ResultTests {
    private func expectScores(_ object: [String: Any], count: Int, classes: [String]) throws {
        let accuracy = try #require(object["accuracy"] as? Double), macro = try #require(object["macro_f1"] as? Double)
        #expect((0...1).contains(accuracy) && (0...1).contains(macro) && object["count"] as? Int == count)
        let perClass = try #require(object["per_class"] as? [[String: Any]])
        #expect(perClass.compactMap { $0["name"] as? String } == classes)
        let correct = perClass.compactMap { $0["correct"] as? Int }, counts = perClass.compactMap { $0["count"] as? Int }
        #expect(counts.reduce(0, +) == count && Double(correct.reduce(0, +)) / Double(count) == accuracy)
    }

    /// Every method and every way of building its sentences: a checkpoint that is scored again gives the run's own figures.
    @Test(arguments: [
        ["method.name=maple"], ["method.name=coop"], ["method.name=coop", "method.class_specific=true"],
        ["method.name=coop", "method.position=front"], ["method.name=cocoop"], ["method.name=vision"],
        ["method.name=language"], ["method.name=independent"], ["method.name=zeroshot"],
        ["method.name=zeroshot", "data.template=art of {}."], ["method.name=zeroshot", "method.ensemble=selected"],
        ["method.name=zeroshot", "method.ensemble=selected+template", "data.template=art of {}."],
    ])
    func evalRepeatsTheRun(_ settings: [String]) throws {
        try withWorkplace { place in
            let session = try place.session()
            let overrides = (settings + ["eval.classes=base"]).flatMap { ["--set", $0] }
            let training = try place.maple(["train", session] + overrides)
            try #require(training.code == 0, "\(training.errors)")
            let run = try place.onlyRun()
            let own = try run.evaluation(try #require(run.evaluationFiles().last))
            let ending = try place.maple("eval", "last", "--classes", "base", "--json", "--quiet")
            try #require(ending.code == 0, "\(ending.errors)")
            let object = try ending.object()
            #expect(object["accuracy"] as? Double == own.accuracy && object["count"] as? Int == own.count)
            let loss = try #require(object["loss"] as? Double)
            #expect(abs(loss - own.loss) < 1e-9, "\(loss) is not the run's \(own.loss)")
            // Another sentence than the run's own gives other numbers.
            if settings[0] == "method.name=zeroshot" {
                let other = try place.maple("eval", "last", "--classes", "base", "--template", "nothing like {} here", "--json", "--quiet")
                #expect(try other.object()["loss"] as? Double != own.loss)
            }
        }
    }

    @Test func trainEvaluateAndList() throws {
        try withWorkplace { place in
            let training = try place.maple("train", place.session(every: 1), "--json")
            #expect(training.code == 0)
            let report = try training.object()
            let run = try place.onlyRun()
            #expect(report["run"] as? String == run.path && report["steps"] as? Int == 6 && report["state"] as? String == "finished")
            #expect(report["seconds"] is Double && report["loss"] is Double)
            let figures = try #require(report["evaluations"] as? [String: Any])
            let base = try #require(figures["base"] as? Double), new = try #require(figures["new"] as? Double)
            let mean = try #require(figures["harmonic_mean"] as? Double)
            #expect(abs(mean - harmonicMean(base, new)) < 1e-12)
            // Into a pipe: whole lines, none drawn over.
            #expect(!training.errors.contains("\r") && !training.errors.contains("\u{1b}"))
            #expect(training.errors.contains("step 6/6  epoch 3  loss ") && training.errors.contains("base accuracy"))
            #expect(try Workplace.steps(run) == Array(1...6))

            for (classes, names) in [("base", ["ash tree", "bat"]), ("new", ["cat", "dog"]), ("all", ["ash tree", "bat", "cat", "dog"])] {
                let ending = try place.maple("eval", "last", "--classes", classes, "--json")
                #expect(ending.code == 0)
                let object = try ending.object()
                try expectScores(object, count: 2 * names.count, classes: names)
                if classes != "all" { #expect(object["accuracy"] as? Double == (classes == "base" ? base : new)) }
                #expect(object["step"] as? Int == 6 && object["method"] as? String == "maple")
            }
            // By path, by the folder's name and by its beginning; of another checkpoint; of training images; kept.
            for name in [run.path, run.name, String(run.name.prefix(12))] {
                #expect(try place.maple("eval", name, "--json", "--quiet").object()["count"] as? Int == 8)
            }
            let early = try place.maple("eval", "last", "--checkpoint", "epoch-1", "--subset", "train", "--json", "--predictions", "--save")
            let object = try early.object()
            #expect(object["step"] as? Int == 2 && object["count"] as? Int == 16)
            #expect((object["predictions"] as? [[String: Any]])?.count == 16)
            #expect(try run.evaluationFiles().contains("evaluations/2-all-train.json"))
            try place.maple("eval", "last", "--checkpoint", "epoch-9").expectRefusal("epoch-9.safetensors")

            let text = try place.maple("eval", "last", "--quiet")
            #expect(text.code == 0 && text.errors.isEmpty && text.output.contains("macro-F1") && text.output.contains("ash tree"))

            let list = try place.maple("runs", "--json")
            let rows = try #require(try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
            #expect(rows.count == 1 && list.errors.isEmpty)
            #expect(rows[0]["run"] as? String == run.path && rows[0]["state"] as? String == "finished")
            #expect(rows[0]["base"] as? Double == base && rows[0]["harmonic_mean"] as? Double == mean && rows[0]["steps"] as? Int == 6)
            #expect(rows[0]["name"] as? String == "trial" && rows[0]["method"] as? String == "maple" && rows[0]["seed"] as? Int == 5)

            // A finished run has nothing left to do, and its figures stay.
            let again = try place.maple("resume", "last", "--json")
            #expect(again.code == 0)
            let same = try again.object()
            #expect(same["steps"] as? Int == 6 && same["loss"] as? Double == report["loss"] as? Double)
            #expect((same["evaluations"] as? [String: Any])?["harmonic_mean"] as? Double == mean)
        }
    }

    @Test func plainResultsGoToStandardOutput() throws {
        try withWorkplace { place in
            let training = try place.maple("train", place.session(), "--quiet", "--set", "optim.epochs=1")
            #expect(training.code == 0 && training.output.contains("harmonic mean") && training.output.contains("steps          2 in"))
            #expect(training.errorLines.count <= 1, "\(training.errors)")
        }
    }

    @Test func zeroShot() throws {
        try withWorkplace { place in
            let ending = try place.maple("zeroshot", "--model", Workplace.model, "--data", place.data, "--classes", "new", "--json")
            #expect(ending.code == 0)
            try expectScores(ending.object(), count: 4, classes: ["cat", "dog"])
            // The same through a session, and the template is heeded.
            let session = try place.session(method: "zeroshot")
            let run = try place.maple("train", session, "--json").object()
            let figures = try #require(run["evaluations"] as? [String: Any])
            #expect(try figures["new"] as? Double == ending.object()["accuracy"] as? Double)
            #expect(run["steps"] as? Int == 0)
            let other = try place.maple(
                "zeroshot", "--model", Workplace.model, "--data", place.data, "--template", "{} x x x x x x x x x x", "--json")
            let usual = try place.maple("zeroshot", "--model", Workplace.model, "--data", place.data, "--json")
            #expect(try other.object()["loss"] as? Double != usual.object()["loss"] as? Double)
            let evaluated = try place.maple("eval", "last", "--classes", "new", "--json")
            #expect(try evaluated.object()["loss"] as? Double == ending.object()["loss"] as? Double)
        }
    }

    @Test func inspectAndCheck() throws {
        try withWorkplace { place in
            let model = try place.maple("inspect", Workplace.model, "--json").object()
            #expect(model["kind"] as? String == "clip" && model["image_size"] as? Int == 32 && model["embedding"] as? Int == 32)
            let file = try place.maple("inspect", Workplace.model + "/model.safetensors", "--json").object()
            // A file of weights is the model that its folder holds.
            #expect(file["kind"] as? String == "clip" && file["container"] as? String == "safetensors")
            #expect(file["fingerprint"] as? String == model["fingerprint"] as? String && (file["missing"] as? [Any])?.isEmpty == true)
            #expect(try place.maple("inspect", Workplace.model).output.contains("32x32 pixels"))

            let sound = try place.maple("data", "check", place.data, "--json")
            #expect(sound.code == 0)
            #expect((try sound.object()["per_class"] as? [Any])?.count == 4)
            try Pictures.writeTruncated(place.data + "/train/cat/101.png", label: 2, number: 1)
            let damaged = try place.maple("data", "check", place.data)
            #expect(damaged.code == 1 && damaged.errors.contains("train/cat/101.png"))
        }
    }

    @Test func namesOfAllScripts() throws {
        try withWorkplace(classes: nil) { place in
            let names = ["été à la plage", "犬", "🦊 fox", "d'Artagnan \"x\""]
            let data = place.folder + "/mes données 数据 🗂"
            try Pictures.classFolders(in: data, classes: names, train: 2, test: 1)
            let session = try place.session("ma séance 1.toml", data: data)
            let ending = try place.maple("train", session, "--json", "--set", "name=\"été 犬 🦊\"")
            #expect(ending.code == 0, "\(ending.errors)")
            let run = try #require(try ending.object()["run"] as? String)
            let scores = try place.maple("eval", run, "--json").object()
            let found = (scores["per_class"] as? [[String: Any]])?.compactMap { $0["name"] as? String } ?? []
            #expect(Set(found) == Set(names))
            let table = try place.maple("eval", run, "--quiet")
            #expect(table.code == 0 && names.allSatisfy { table.output.contains($0) })
            #expect(try place.maple("runs").output.contains("été-犬"))
            #expect(try place.maple("data", "check", data).code == 0)
        }
    }

    @Test func goldensAsLines() throws {
        let goldens = Places.fixtures.appendingPathComponent("goldens").path
        let ending = try Program.run("maple", ["doctor", "--goldens", goldens])
        #expect(ending.code == 0 && ending.errors.isEmpty, "\(ending)")
        #expect(ending.outputLines.count == 14 && ending.outputLines.last == "13 ok, 0 failed, 0 not run", "\(ending.output)")
        #expect(ending.outputLines.dropLast().allSatisfy { $0.hasPrefix("ok ") && $0.contains("relative error") })
        let json = try Program.run("maple", ["doctor", "--goldens", goldens, "--json"])
        let rows = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
        #expect(rows.count == 13 && rows.allSatisfy { $0["status"] as? String == "passed" && $0["relative_error"] is Double })
    }

    @Test func doctorAndBench() throws {
        let doctor = try Program.run("maple", ["doctor", "--json"])
        #expect(doctor.code == 0)
        #expect(try doctor.object()["blas_core"] is String)
        let bench = try Program.run(
            "maple", ["bench", "--shape", "tiny", "--classes", "5", "--steps", "2", "--eval-images", "4", "--json"])
        #expect(bench.code == 0 && bench.errors.isEmpty, "\(bench)")
        #expect(try bench.object().count > 10)
    }

    @Test func benchOfEachMethod() throws {
        for method in ["coop", "cocoop", "vision", "language", "independent", "maple"] {
            let ending = try Program.run(
                "maple",
                [
                    "bench", "--shape", "tiny", "--method", method, "--classes", "5", "--batch", "2", "--steps", "1", "--warmup", "1",
                    "--eval-images", "2", "--threads", "1", "--json",
                ])
            #expect(ending.code == 0 && ending.errors.isEmpty, "\(ending)")
            let report = try ending.object()
            #expect(report["method"] as? String == method && report["step_s_median"] is Double && report["gemm_share"] is Double)
            #expect((report["trainable_parameters"] as? Int ?? 0) > 0 && report["peak_rss_mib"] is Double)
            #expect((report["eval"] as? [String: Any])?["images_per_s"] is Double)
        }
        #expect(try Program.run("maple", ["bench", "--shape", "tiny", "--method", "zeroshot"]).code == 2)
    }

    /// Class-specific contexts have their own classes alone; `zeroshot` and `eval` read the same ensemble.
    @Test func evaluationsOfOtherSentences() throws {
        try withWorkplace { place in
            let own = ["method.class_specific=true", "eval.classes=[\"base\"]", "method.context=3"].flatMap { ["--set", $0] }
            #expect(try place.maple(["train", place.session(method: "coop"), "--quiet"] + own).code == 0)
            #expect(try place.maple("eval", "last", "--json", "--quiet").object()["count"] as? Int == 4)
            try place.maple("eval", "last", "--classes", "new", "--quiet").expectRefusal("class-specific", "2 classes")
            let zeroShot = try place.session(method: "zeroshot")
            #expect(try place.maple("train", zeroShot, "--quiet", "--set", "name=z", "--set", "method.ensemble=selected+template").code == 0)
            let run = try #require(try place.runFolders().first { $0.contains("-z-") })
            let loss = try place.maple("eval", run, "--json", "--quiet").object()["loss"] as? Double
            func direct(_ more: String...) throws -> Double? {
                try place.maple(["zeroshot", "--model", Workplace.model, "--data", place.data, "--json", "--quiet"] + more).object()["loss"] as? Double
            }
            #expect(try loss != nil && direct("--ensemble", "selected+template") == loss && direct() != loss)
        }
    }
}
