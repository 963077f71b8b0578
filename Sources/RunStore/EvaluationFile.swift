import Files
import Foundation
import RunModel

/// `evaluations/<step>-<classes>-<subset>.json`: an `EvaluationResult` under the keys of its coding, numbers as in `JSONText`.
public enum EvaluationFile {
    /// A hundred thousand predictions have about 15 MB.
    static let limit = 1 << 29

    /// - Throws: `RunStoreError`.
    public static func write(_ result: EvaluationResult, to path: String) throws {
        try AtomicFile.write(encode(result), to: path)
    }

    /// - Throws: `RunStoreError`.
    public static func read(_ path: String) throws -> EvaluationResult {
        let value = try JSONValue(file: path, limit: limit)
        guard let result = decode(value) else {
            throw RunStoreError.malformed(path: path, reason: "a field of an evaluation is missing or of the wrong kind")
        }
        return result
    }

    /// All but predictions and skipped images, which come last in a file: its beginning is enough.
    /// - Throws: `RunStoreError`.
    static func readHead(_ path: String) throws -> EvaluationResult {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw RunStoreError.system(operation: "read", path: path, code: errno) }
        defer { close(descriptor) }
        // A thousand classes have about 60 kB.
        var reach = 1 << 15
        while reach < limit {
            let bytes = try JSONLines.readBlock(descriptor, at: 0, count: reach, path: path)
            if let head = bytes.withUnsafeBufferPointer(head), let result = decode(head) { return result }
            // Not in the order in which this program writes, or damaged: reading all of it tells.
            if bytes.count < reach { break }
            reach *= 4
        }
        var whole = try read(path)
        (whole.predictions, whole.skipped) = ([], [])
        return whole
    }

    /// The fields before `predictions`; nil where those are not all within `bytes`.
    private static func head(_ bytes: UnsafeBufferPointer<UInt8>) -> JSONValue? {
        var scanner = JSONScanner(UnsafeRawBufferPointer(bytes))
        var fields: [String: JSONValue] = [:]
        do throws(JSONProblem) {
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                if key == "predictions" { return .object(fields.merging([key: .array([])]) { $1 }) }
                guard fields.updateValue(try scanner.value(), forKey: key) == nil else { return nil }
            }
        } catch {}
        return nil
    }

    static func encode(_ result: EvaluationResult) -> [UInt8] {
        JSONText.object { text in
            figures(of: result, into: &text)
            text.list("per_class", result.perClass) { text, one in
                text.element {
                    $0.field("name", one.name)
                    $0.field("correct", one.correct)
                    $0.field("count", one.count)
                }
            }
            text.list("predictions", result.predictions) { text, one in
                text.element {
                    $0.field("path", one.path)
                    $0.field("label", one.label)
                    $0.list("top", one.top) { $0.element($1) }
                    $0.list("probability", one.probability) { $0.element($1) }
                }
            }
            text.list("skipped", result.skipped) { $0.element($1) }
        }
    }

    /// All fields but the lists.
    static func figures(of result: EvaluationResult, into text: inout JSONText) {
        text.field("method", result.method.rawValue)
        text.field("data", result.data)
        text.field("split", result.split)
        text.field("classes", result.classes.rawValue)
        text.field("subset", result.subset.rawValue)
        text.field("step", result.step)
        text.field("epoch", result.epoch)
        text.field("accuracy", result.accuracy)
        text.field("macro_f1", result.macroF1)
        text.field("loss", result.loss)
        text.field("count", result.count)
        text.field("seconds", result.seconds)
    }

    static func figures(from value: JSONValue) -> EvaluationResult? {
        guard let method = value["method"]?.text.flatMap(MethodName.init(rawValue:)),
            let classes = value["classes"]?.text.flatMap(ClassSubset.init(rawValue:)),
            let subset = value["subset"]?.text.flatMap(ImageSubset.init(rawValue:)),
            let step = value["step"]?.integer, let accuracy = value.number("accuracy"), let count = value["count"]?.integer
        else { return nil }
        return EvaluationResult(
            method: method, data: value["data"]?.text ?? "", split: value["split"]?.text, classes: classes, subset: subset,
            step: step, epoch: value["epoch"]?.integer ?? 0, accuracy: accuracy, macroF1: value.number("macro_f1") ?? .nan,
            count: count, loss: value.number("loss") ?? .nan, perClass: [], predictions: [], skipped: [],
            seconds: value.number("seconds") ?? 0)
    }

    static func decode(_ value: JSONValue) -> EvaluationResult? {
        guard var result = figures(from: value), let perClass = value["per_class"]?.elements,
            let predictions = value["predictions"]?.elements
        else { return nil }
        for one in perClass {
            guard let name = one["name"]?.text, let correct = one["correct"]?.integer, let count = one["count"]?.integer else { return nil }
            result.perClass.append(ClassResult(name: name, correct: correct, count: count))
        }
        result.predictions.reserveCapacity(predictions.count)
        for one in predictions {
            guard let path = one["path"]?.text, let label = one["label"]?.integer, let top = one["top"]?.elements,
                let probability = one["probability"]?.elements
            else { return nil }
            result.predictions.append(
                Prediction(
                    path: path, label: label, top: top.compactMap(\.integer),
                    probability: probability.map { Float($0.number ?? .nan) }))
        }
        result.skipped = value["skipped"]?.elements?.compactMap(\.text) ?? []
        return result
    }
}
