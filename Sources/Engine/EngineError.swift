/// What can be wrong with what the engine is given.
public enum EngineError: Error, Equatable, CustomStringConvertible {
    case missingTensor(String)
    case shape(tensor: String, expected: [Int], found: [Int])
    case depth(asked: Int, tower: String, layers: Int)
    case contextTooLong(className: Int, places: Int, window: Int)
    case token(Int32, vocabulary: Int)
    case noClasses
    case ownContexts(classes: Int)
    case otherOrder
    case value(String)

    public var description: String {
        switch self {
        case .missingTensor(let name):
            "the tensor \(name) is missing. Is this a CLIP model with a vision transformer?"
        case .shape(let tensor, let expected, let found):
            "the tensor \(tensor) has the shape \(found) where \(expected) is needed. Does it belong to this model?"
        case .depth(let asked, let tower, let layers):
            "a prompt depth of \(asked) is asked for, but the \(tower) tower has \(layers) layers. Set \(tower == "vision" ? "method.depth (or method.vision_depth)" : "method.depth") to at most \(layers)."
        case .contextTooLong(let index, let places, let window):
            "the prompt of class \(index) takes \(places) places of the \(window) that the text tower has. Shorten the name or method.context."
        case .token(let id, let vocabulary):
            "token \(id) lies outside the vocabulary of \(vocabulary). Do tokenizer and model belong together?"
        case .noClasses:
            "there is no class to compare. Check the data set and data.classes."
        case .ownContexts(let classes):
            "the contexts are class-specific: they know the \(classes) classes they were trained on and no others. Score those, or train with method.class_specific = false."
        case .otherOrder:
            "the contexts are class-specific, and the classes stand in another order than they were trained in. Score the data set they were trained on."
        case .value(let text):
            text
        }
    }
}
