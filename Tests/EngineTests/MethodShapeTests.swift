import Testing

@testable import Engine

/// What methods are made of: parameter counts, names, sentences, limits.
@Suite struct MethodShapeTests {
    /// ViT-B/16's widths and depths; few words and a small picture, which no prompt depends on.
    static let base16 = CLIPShape(
        vision: TowerShape(width: 768, layers: 12, heads: 12, hidden: 8),
        text: TowerShape(width: 512, layers: 12, heads: 8, hidden: 8), imageSize: 16, patchSize: 16, contextLength: 77,
        vocabulary: 400, embedding: 512)

    static let tiny = GradientTests.shape(vision: (8, 2, 2), text: (6, 3, 2), image: 4, patch: 2, embedding: 5)

    static func clip(_ shape: CLIPShape) throws -> FrozenCLIP {
        try FrozenCLIP(shape: shape, startToken: 0, source: RandomCLIP(shape: shape, seed: 2).source, workers: Workers(count: 1))
    }

    @Test func parameterCountsOfThePaper() throws {
        let clip = try Self.clip(Self.base16)
        let two = PromptSize(context: 2, depth: 12)
        let cases: [(PromptMethod, Int)] = [
            (.zeroshot, 0), (.coop(context: 4, position: .end, classes: nil), 2_048), (.cocoop(context: 4), 35_360),
            (.maple(context: 2, depth: 9), 3_555_072), (.maple(context: 2, depth: 3), 1_185_024),
            (.independent(text: two, vision: two), 30_720), (.coop(context: 16, position: .end, classes: 10), 81_920),
            (.vision(PromptSize(context: 8, depth: 12)), 73_728), (.language(PromptSize(context: 4, depth: 12)), 24_576),
        ]
        for (method, count) in cases {
            let prompts = try LearnedPrompts(clip: clip, method: method, initial: .random, seed: 1)
            #expect(prompts.parameterCount == count, "\(method)")
            #expect(prompts.trainable.reduce(0) { $0 + $1.shape.reduce(1, *) } == count)
        }
    }

    /// As the reference, or each deeper coupler with a draw of its own; the first one has its own either way.
    @Test(arguments: [true, false]) func startOfTheCouplers(equal: Bool) throws {
        let prompts = try LearnedPrompts(
            clip: Self.clip(Self.base16), method: .maple(context: 2, depth: 4), initial: .random, seed: 3, equalCouplers: equal)
        let weights = prompts.trainable.filter { $0.name.hasPrefix("prompt_learner.") && $0.name.hasSuffix("weight") }.map { Array($0.value) }
        #expect(weights.count == 4 && Set(weights).count == (equal ? 2 : 4))
        #expect(weights[0] != weights[1])
    }

    @Test func placesOfTheName() {
        func sentence(_ position: NamePosition, _ context: Int) -> [TextPlace] {
            let stand = [Int32](repeating: 9, count: context)
            return PromptMethod.coop(context: context, position: position, classes: nil)
                .sentence(tokens: [0] + stand + [5, 6, 2, 1])
        }
        let c = TextPlace.context, w = TextPlace.word
        #expect(sentence(.end, 3) == [w(0), c(0), c(1), c(2), w(5), w(6), w(2), w(1)])
        #expect(sentence(.middle, 3) == [w(0), c(0), w(5), w(6), c(1), c(2), w(2), w(1)])
        #expect(sentence(.front, 3) == [w(0), w(5), w(6), c(0), c(1), c(2), w(2), w(1)])
        let own = PromptMethod.coop(context: 2, position: .end, classes: 2).sentences([[0, 9, 9, 5, 2, 1], [0, 9, 9, 6, 2, 1]])
        #expect(own[1] == [w(0), c(2), c(3), w(6), w(2), w(1)])
        let copies = PromptMethod.cocoop(context: 1).sentences([[0, 9, 5, 2, 1], [0, 9, 6, 2, 1]], copies: 2)
        #expect(copies.map { $0[1] } == [c(0), c(0), c(1), c(1)])
    }

    @Test func classSpecificContextsRefuseOtherClasses() throws {
        let clip = try Self.clip(Self.tiny)
        let sentences = Array(GradientTests.names.prefix(3))
        let prompts = try LearnedPrompts(
            clip: clip, method: .coop(context: 2, position: .end, classes: 3), initial: .random, seed: 1)
        _ = try PromptedCLIP(prompts: prompts, sentences: sentences, batch: 2, momentum: 0.9, weightDecay: 0)
        #expect(try Scorer(clip: clip, prompts: prompts, sentences: sentences).classes == 3)
        for other in [Array(GradientTests.names.dropFirst(2)), Array(GradientTests.names.prefix(2)), GradientTests.names] {
            #expect(throws: EngineError.ownContexts(classes: 3)) {
                _ = try Scorer(clip: clip, prompts: prompts, sentences: other)
            }
        }
        #expect(prompts.norms().first?.tokens.count == 2)
    }

    @Test func depthAndLengthBeyondTheModel() throws {
        let clip = try Self.clip(Self.tiny)
        let impossible: [PromptMethod] = [
            .vision(PromptSize(context: 1, depth: 3)), .language(PromptSize(context: 1, depth: 4)),
            .independent(text: PromptSize(context: 1, depth: 3), vision: PromptSize(context: 1, depth: 3)),
            .maple(context: 1, depth: 3), .coop(context: 13, position: .end, classes: nil), .cocoop(context: 13),
            .cocoop(context: 0), .vision(PromptSize(context: 0, depth: 1)), .coop(context: 1, position: .end, classes: 0),
        ]
        for method in impossible {
            #expect(throws: EngineError.self, "\(method)") {
                _ = try LearnedPrompts(clip: clip, method: method, initial: .random, seed: 1)
            }
        }
    }

    /// Every method: the scorer gives the training model's logits, a step lowers the loss, norms name every tensor.
    @Test func everyMethodTrainsAndScores() throws {
        let clip = try Self.clip(Self.tiny)
        let size = PromptSize(context: 2, depth: 2)
        let methods: [(PromptMethod, [String])] = [
            (.coop(context: 2, position: .middle, classes: nil), ["text"]), (.coop(context: 2, position: .end, classes: 5), ["text"]),
            (.cocoop(context: 2), ["text", "net", "net"]), (.vision(size), ["vision", "vision"]),
            (.language(size), ["text", "text"]), (.independent(text: size, vision: size), ["text", "text", "vision", "vision"]),
            (.maple(context: 2, depth: 2), ["text", "text", "coupler", "coupler", "vision", "vision"]),
        ]
        var random = InitialValues(seed: 4)
        let images = (0..<(3 * 3 * 16)).map { _ in Float(2 * random.unit() - 1) }
        let labels: [Int32] = [0, 2, 4]
        for (method, kinds) in methods {
            let prompts = try LearnedPrompts(clip: clip, method: method, initial: .words([5, 6]), seed: 1)
            let prompted = try PromptedCLIP(
                prompts: prompts, sentences: GradientTests.names, batch: 3, momentum: 0.9, weightDecay: 0)
            var losses: [Float] = []
            for _ in 0..<8 {
                losses.append(
                    labels.withUnsafeBufferPointer { prompted.step(images: images, labels: $0, learningRate: 0.01).loss })
            }
            #expect(losses[7] < losses[0], "\(method): \(losses)")
            let scorer = try Scorer(clip: clip, prompts: prompts, sentences: GradientTests.names)
            var scored = [Float](repeating: 0, count: 3 * 5)
            scorer.logits(images: images, count: 3, into: &scored)
            for (a, b) in zip(scored, prompted.logits(images: images, count: 3)) { #expect(abs(a - b) < 2e-5, "\(method)") }
            let found = prompts.norms().map { norm in
                switch norm.role {
                case .text: "text"
                case .vision: "vision"
                case .coupler: "coupler"
                case .metaNet: "net"
                }
            }
            #expect(found == kinds)
            for norm in prompts.norms() where norm.role != .vision(depth: 0) || kinds.first == "vision" {
                #expect(norm.tokens.allSatisfy { $0 > 0 } && norm.gradient > 0, "\(method) \(norm)")
            }
        }
    }

    @Test func ensembleIsTheNormalisedMeanOfUnitFeatures() throws {
        let clip = try Self.clip(Self.tiny)
        let templates: [(Int32) -> [Int32]] = [{ [0, 5, $0, 1] }, { [0, 6, 7, $0, 2, 1] }, { [0, $0, 8, 1] }]
        let names: [Int32] = [10, 11]
        let all = names.flatMap { name in templates.map { $0(name) } }
        let ensemble = try Scorer(clip: clip, prompts: nil, sentences: all, templates: 3)
        #expect(ensemble.classes == 2)
        var sums = [[Double]](repeating: [Double](repeating: 0, count: 5), count: 2)
        for template in templates {
            let one = try Scorer(clip: clip, prompts: nil, sentences: names.map(template)).textFeatures
            for c in 0..<2 { for j in 0..<5 { sums[c][j] += Double(one[c * 5 + j]) / 3 } }
        }
        for c in 0..<2 {
            let length = sums[c].reduce(0) { $0 + $1 * $1 }.squareRoot()
            for j in 0..<5 { #expect(abs(Double(ensemble.textFeatures[c * 5 + j]) - sums[c][j] / length) < 1e-6) }
        }
        #expect(throws: EngineError.noClasses) { _ = try Scorer(clip: clip, prompts: nil, sentences: all, templates: 4) }
    }
}
