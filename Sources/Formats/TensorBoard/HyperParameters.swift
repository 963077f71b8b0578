/// Entries of TensorBoard's hparams plug-in: which settings a session had, over which metrics sessions are compared.
///
/// The messages (plugins/hparams/plugin_data.proto and api.proto) travel in the metadata of three tags.
/// HParamsPluginData: version 1 (0, left out), experiment 2, session_start_info 3, session_end_info 4.
/// Experiment: hparam_infos 4 {name 1, type 4}, metric_infos 5 {name 1 {group 1, tag 2}}.
/// SessionStartInfo: hparams 1, a map of name to google.protobuf.Value {number 2, string 3, bool 4}; start_time_secs 5.
/// SessionEndInfo: status 1, end_time_secs 2.
public enum HyperParameters {
    public enum Value: Sendable, Equatable {
        case number(Double)
        case text(String)
        case flag(Bool)
    }

    public enum Status: Int, Sendable { case success = 1, failure, running }

    private static let plugin = "hparams"

    /// Names the settings, and the scalar tags by which sessions are compared.
    public static func experiment(_ settings: [(name: String, value: Value)], metrics: [String]) -> SummaryValue {
        value("_hparams_/experiment", field: 2) { experiment in
            for setting in settings {
                experiment.field(4) {
                    $0.field(1, text: setting.name)
                    switch setting.value {
                    case .text: $0.field(4, whole: 1)
                    case .flag: $0.field(4, whole: 2)
                    case .number: $0.field(4, whole: 3)
                    }
                }
            }
            for tag in metrics { experiment.field(5) { $0.field(1) { $0.field(2, text: tag) } } }
        }
    }

    /// - Parameter time: seconds since 1970.
    public static func sessionStart(_ settings: [(name: String, value: Value)], time: Double) -> SummaryValue {
        value("_hparams_/session_start_info", field: 3) { start in
            for setting in settings {
                start.field(1) { entry in
                    entry.field(1, text: setting.name)
                    entry.field(2) {
                        switch setting.value {
                        case .number(let number): $0.field(2, double: number)
                        case .text(let text): $0.field(3, text: text)
                        case .flag(let flag): $0.field(4, whole: flag ? 1 : 0)
                        }
                    }
                }
            }
            start.field(5, double: time)
        }
    }

    public static func sessionEnd(_ status: Status, time: Double) -> SummaryValue {
        value("_hparams_/session_end_info", field: 4) {
            $0.field(1, whole: status.rawValue)
            $0.field(2, double: time)
        }
    }

    private static func value(_ tag: String, field: Int, _ body: (inout ProtobufMessage) -> Void) -> SummaryValue {
        SummaryValue(tag, .plugin(name: plugin, content: ProtobufMessage { $0.field(field, body) }.bytes))
    }
}
