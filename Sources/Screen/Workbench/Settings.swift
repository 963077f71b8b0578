import RunModel

extension SessionSpec {
    /// Every setting as key and text, in the order of a session file; what comparisons lay side by side.
    public var settings: [(key: String, value: String)] {
        let d = data, m = method, o = optim
        return [
            ("name", name), ("seed", String(seed)), ("model.path", model.path), ("data.path", d.path), ("data.split", d.split ?? "–"),
            ("data.classes", d.classes.rawValue), ("data.shots", d.shots.map(String.init) ?? "all"), ("data.crop", String(d.crop)), ("data.flip", String(d.flip)),
            ("data.template", d.template), ("method.name", m.name.rawValue), ("method.context", String(m.context)), ("method.depth", String(m.depth)),
            ("method.init", m.initialWords), ("method.position", m.position.rawValue), ("method.class_specific", String(m.classSpecific)),
            ("method.vision_context", m.visionContext.map(String.init) ?? "–"), ("method.vision_depth", m.visionDepth.map(String.init) ?? "–"),
            ("method.ensemble", m.ensemble.rawValue), ("method.couplers", m.couplers.rawValue),
            ("optim.lr", NumberText.setting(o.lr)), ("optim.epochs", String(o.epochs)), ("optim.batch", String(o.batch)),
            ("optim.momentum", NumberText.setting(o.momentum)), ("optim.weight_decay", NumberText.setting(o.weightDecay)),
            ("optim.schedule", o.schedule.rawValue), ("optim.warmup_epochs", String(o.warmupEpochs)), ("optim.warmup_lr", NumberText.setting(o.warmupLR)),
            ("eval.every", String(eval.every)), ("eval.classes", eval.classes.map(\.rawValue).joined(separator: " ")),
            ("eval.subset", eval.subset.rawValue), ("eval.batch", String(eval.batch)), ("eval.zero_shot", String(eval.zeroShot)),
        ]
    }
}
