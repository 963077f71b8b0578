import Formats
import Foundation
import RunModel
import RunStore
import Screen

/// Norms and cosines of checkpoints' prompts, read from their files without a model.
extension RunLibrary {
    /// - Throws: `LibraryError.noCheckpoint`, `FormatError`.
    func comparePrompts(_ members: [CheckpointID]) throws -> PromptComparison {
        let tensors = try members.map { try PromptTensors(path: checkpointPath($0)) }
        var places: [PromptTensors.Place] = []
        for place in tensors.flatMap(\.places) where !places.contains(place) { places.append(place) }
        return PromptComparison(
            members: members,
            rows: places.sorted().map { place in
                let values = tensors.map { $0[place] }
                return PromptComparison.Row(
                    kind: place.kind, depth: place.depth, norms: values.map { $0.map(Self.norm) },
                    cosines: values.map { value in
                        guard let value, let first = values.first ?? nil else { return nil }
                        return Self.cosine(first, value)
                    })
            })
    }

    /// The newest checkpoint at or before a member's step.
    func checkpointPath(_ member: CheckpointID) throws -> String {
        let folder = RunFolder(path: member.run)
        let fitting = try folder.checkpoints().last { member.step == nil || ($0.step ?? .max) <= member.step ?? 0 }
        guard let fitting else { throw LibraryError.noCheckpoint(run: folder.name, step: member.step) }
        return folder.path + "/" + fitting.file
    }

    private static func norm(_ values: [Float]) -> Double {
        values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    /// nil for tensors of other sizes (another model or context length) and for zeros, which have no direction.
    private static func cosine(_ a: [Float], _ b: [Float]) -> Double? {
        guard a.count == b.count else { return nil }
        let scale = norm(a) * norm(b)
        guard scale > 0 else { return nil }
        return zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } / scale
    }
}

/// The prompts and maps of a checkpoint by kind and depth, under the reference's tensor names.
struct PromptTensors {
    struct Place: Hashable, Comparable {
        var kind: PromptNorm.Kind
        var depth: Int

        private static let order: [PromptNorm.Kind] = [.text, .vision, .coupler, .metaNet]

        static func < (a: Place, b: Place) -> Bool {
            (order.firstIndex(of: a.kind) ?? 0, a.depth) < (order.firstIndex(of: b.kind) ?? 0, b.depth)
        }
    }

    private var values: [Place: [Float]] = [:]
    var places: [Place] { values.keys.sorted() }

    subscript(place: Place) -> [Float]? { values[place] }

    /// - Throws: `FormatError`.
    init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        var shapes: [Place: [Int]] = [:]
        var biases: [Int: [Float]] = [:]
        for name in file.names {
            guard let tensor = file[name] else { continue }
            if let depth = Self.couplerBias(name) { biases[depth] = try tensor.floats() }
            guard let place = Self.place(of: name) else { continue }
            values[place] = try tensor.floats()
            shapes[place] = tensor.shape
        }
        // MaPLe's vision prompts are its text prompts through the couplers: F(P) = P Wᵀ + b.
        for (place, prompt) in values where place.kind == .text {
            let coupler = Place(kind: .coupler, depth: place.depth)
            guard let weight = values[coupler], let bias = biases[place.depth], let shape = shapes[coupler], shape.count == 2,
                bias.count == shape[0], shapes[place]?.last == shape[1], shape[1] > 0
            else { continue }
            let (outputs, inputs) = (shape[0], shape[1])
            var mapped: [Float] = []
            for token in 0..<prompt.count / inputs {
                for output in 0..<outputs {
                    mapped.append((0..<inputs).reduce(bias[output]) { $0 + prompt[token * inputs + $1] * weight[output * inputs + $1] })
                }
            }
            values[Place(kind: .vision, depth: place.depth)] = mapped
        }
    }

    private static func couplerBias(_ name: String) -> Int? {
        guard name.hasSuffix(".bias"), case let place? = place(of: name.dropLast(5) + ".weight"), place.kind == .coupler else { return nil }
        return place.depth
    }

    /// nil for momentum, biases and what is not known.
    static func place(of name: String) -> Place? {
        func number(after prefix: String, before suffix: String) -> Int? {
            guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.count > prefix.count + suffix.count else { return nil }
            return Int(name.dropFirst(prefix.count).dropLast(suffix.count))
        }
        switch name {
        case "prompt_learner.ctx": return Place(kind: .text, depth: 0)
        case "prompt_learner.proj.weight": return Place(kind: .coupler, depth: 0)
        case "image_encoder.VPT": return Place(kind: .vision, depth: 0)
        case "prompt_learner.meta_net.linear1.weight": return Place(kind: .metaNet, depth: 0)
        case "prompt_learner.meta_net.linear2.weight": return Place(kind: .metaNet, depth: 1)
        default: break
        }
        if let k = number(after: "prompt_learner.compound_prompts_text.", before: "") { return Place(kind: .text, depth: k + 1) }
        if let k = number(after: "prompt_learner.compound_prompt_projections.", before: ".weight") { return Place(kind: .coupler, depth: k + 1) }
        if let k = number(after: "text_encoder.transformer.resblocks.", before: ".VPT_shallow") { return Place(kind: .text, depth: k) }
        if let k = number(after: "image_encoder.transformer.resblocks.", before: ".VPT_shallow") { return Place(kind: .vision, depth: k) }
        return nil
    }
}
