import Testing

@testable import Engine

@Suite struct TextPlanTests {
    private func plan(_ sentences: [[Int32]], context: Int = 2) throws -> TextPlan {
        let method = PromptMethod.maple(context: context, depth: 1)
        return try TextPlan(sentences: sentences.map(method.sentence), window: 12, vocabulary: 100)
    }

    @Test("sentences share the rows of their common beginning")
    func sharing() throws {
        let p = try plan([[0, 5, 6, 7, 8, 20, 2, 1], [0, 5, 6, 7, 8, 20, 21, 2, 1], [0, 5, 6, 7, 8, 30, 2, 1]])
        // Two context tokens, "7 8", then 20 . end | 21 . end | 30 . end
        #expect(p.rows == 2 + 2 + 3 + 3 + 3)
        #expect(p.contextSlots == [0, 1])
        #expect(p.firstReadout == p.rows - 3 && Set(p.readouts).count == 3)
        #expect(p.readouts.allSatisfy { $0 >= p.firstReadout })
    }

    @Test("every row's way leads from the start token through its own sentence")
    func ways() throws {
        let sentences: [[Int32]] = [[0, 5, 6, 7, 20, 1], [0, 5, 6, 7, 21, 22, 1], [0, 5, 6, 7, 20, 1]]
        let p = try plan(sentences)
        for (index, sentence) in sentences.enumerated() {
            let row = p.readouts[index]
            let way = p.ancestors[Int(p.ancestorStart[row])..<Int(p.ancestorStart[row + 1])].map(Int.init)
            #expect(way.first == p.rows && way.last == row)
            #expect(way.dropFirst().map { p.places[$0] } == Array(1..<sentence.count))
            for (r, token) in zip(way.dropFirst(3), sentence.dropFirst(3)) { #expect(p.words[r] == token) }
        }
        #expect(p.readouts[0] == p.readouts[2])
    }

    @Test("what cannot be laid out is refused")
    func refusals() {
        #expect(throws: EngineError.noClasses) { try plan([]) }
        #expect(throws: EngineError.contextTooLong(className: 0, places: 13, window: 12)) { try plan([Array(0..<13)]) }
        #expect(throws: EngineError.token(100, vocabulary: 100)) { try plan([[0, 5, 6, 100, 1]]) }
        #expect(throws: EngineError.token(-1, vocabulary: 100)) { try plan([[0, 5, 6, -1, 1]]) }
    }
}

@Suite struct EngineErrorTests {
    private func clip() throws -> FrozenCLIP {
        try FrozenCLIP(
            shape: SelfCheck.shape, startToken: 0, source: RandomCLIP(shape: SelfCheck.shape, seed: 1).source,
            workers: Workers(count: 1))
    }

    @Test("a depth beyond a tower is refused with the tower's layers")
    func depth() throws {
        let clip = try clip()
        #expect(throws: EngineError.depth(asked: 4, tower: "text", layers: 3)) {
            try LearnedPrompts(clip: clip, method: .maple(context: 2, depth: 4), initial: .random, seed: 1)
        }
    }

    @Test("a missing and a misshapen tensor are named")
    func tensors() throws {
        let random = RandomCLIP(shape: SelfCheck.shape, seed: 1), source = random.source
        let missing = TensorSource(owner: random) { $0 == "text_projection.weight" ? nil : source.find($0) }
        #expect(throws: EngineError.missingTensor("text_projection.weight")) {
            try FrozenCLIP(shape: SelfCheck.shape, startToken: 0, source: missing, workers: Workers(count: 1))
        }
        let misshapen = TensorSource(owner: random) { name in
            var tensor = source.find(name)
            if name == "visual_projection.weight" { tensor?.shape = [48, 95] }
            return tensor
        }
        #expect(throws: EngineError.shape(tensor: "visual_projection.weight", expected: [48, 96], found: [48, 95])) {
            try FrozenCLIP(shape: SelfCheck.shape, startToken: 0, source: misshapen, workers: Workers(count: 1))
        }
    }

    @Test("single precision stays near double through a whole step")
    func selfCheck() {
        // Measured 2.0e-6 with two threads on a Zen 3.
        #expect(SelfCheck.run(workers: Workers(count: 2)) < 2e-5)
    }
}
