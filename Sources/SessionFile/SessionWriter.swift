import RunModel

extension SessionFile {
    /// The session as TOML with every key written out; `parse` gives the same value back, floating-point numbers to the
    /// last bit. `provenance` goes into a `[recorded]` table, which sessions ignore.
    public static func write(_ spec: SessionSpec, provenance: Provenance? = nil) -> String {
        var lines: [String] = []
        for table in tables(spec) {
            if !table.name.isEmpty { lines += ["", "[\(table.name)]"] }
            for (key, value) in table.entries { lines.append("\(key) = \(value)") }
        }
        if let provenance { lines += recordedLines(provenance) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A table of the file and its keys with their values as TOML; the first has no name.
    struct Table {
        var name: String
        var entries: [(key: String, value: String)]
    }

    /// Everything that a session says, in the order of its file.
    static func tables(_ spec: SessionSpec) -> [Table] {
        var tables: [Table] = []
        func table(_ name: String, _ entries: [(String, String)]) { tables.append(Table(name: name, entries: entries)) }
        table("", [("name", quoted(spec.name)), ("seed", String(spec.seed))])
        table(
            "model",
            [("path", quoted(spec.model.path))] + (spec.model.vocabulary.map { [("vocabulary", quoted($0))] } ?? []))
        table(
            "data",
            [("path", quoted(spec.data.path))] + (spec.data.split.map { [("split", quoted($0))] } ?? []) + [
                ("classes", quoted(spec.data.classes.rawValue)),
                ("shots", spec.data.shots.map(String.init) ?? quoted("all")),
                ("crop", String(spec.data.crop)),
                ("flip", String(spec.data.flip)),
                ("template", quoted(spec.data.template)),
                ("allow_missing", String(spec.data.allowMissing)),
            ])
        let m = spec.method
        var method: [(String, String)] = [
            ("name", quoted(m.name.rawValue)), ("context", String(m.context)), ("depth", String(m.depth)),
            ("init", quoted(m.initialWords)), ("position", quoted(m.position.rawValue)), ("class_specific", String(m.classSpecific)),
        ]
        if let context = m.visionContext { method.append(("vision_context", String(context))) }
        if let depth = m.visionDepth { method.append(("vision_depth", String(depth))) }
        method.append(("ensemble", quoted(m.ensemble.rawValue)))
        if m.name == .maple { method.append(("couplers", quoted(m.couplers.rawValue))) }
        table("method", method)
        table(
            "optim",
            [
                ("lr", number(spec.optim.lr)),
                ("epochs", String(spec.optim.epochs)),
                ("batch", String(spec.optim.batch)),
                ("momentum", number(spec.optim.momentum)),
                ("weight_decay", number(spec.optim.weightDecay)),
                ("schedule", quoted(spec.optim.schedule.rawValue)),
                ("warmup_epochs", String(spec.optim.warmupEpochs)),
                ("warmup_lr", number(spec.optim.warmupLR)),
            ])
        table(
            "eval",
            [
                ("every", String(spec.eval.every)),
                ("classes", "[" + spec.eval.classes.map { quoted($0.rawValue) }.joined(separator: ", ") + "]"),
                ("subset", quoted(spec.eval.subset.rawValue)),
                ("batch", String(spec.eval.batch)),
                ("zero_shot", String(spec.eval.zeroShot)),
            ])
        table("log", [("tensorboard", String(spec.log.tensorBoard))])
        return tables
    }

    /// The `[recorded]` table.
    static func recordedLines(_ provenance: Provenance) -> [String] {
        var lines = [
            "", "# What the run found when it began; a session that is read again ignores this table.",
            "[\(SessionKey.recordedTable)]",
        ]
        for (key, value) in provenance.entries { lines.append("\(key) = \(quoted(value))") }
        guard !provenance.versions.isEmpty else { return lines }
        lines += ["", "[\(SessionKey.recordedTable).versions]"]
        for (name, version) in provenance.versions.sorted(by: { $0.key < $1.key }) {
            lines.append("\(quoted(name)) = \(quoted(version))")
        }
        return lines
    }

    private static func number(_ value: Double) -> String {
        // Swift's shortest text reads back as the same number; TOML spells the others alike.
        value.description
    }

    /// A TOML basic string.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}
