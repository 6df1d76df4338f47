import Phases
import VMLab

extension Scenario {
    /// What a failure looks like: run it with --keep-on-failure, and look around.
    static let telemetryOutage = Scenario(
        "telemetry-outage", intent: "Nobody started the collector: this one fails, and says how.",
        network: .profile("edge-site"), nodes: 2
    ) {
        Phase.boot
        Phase.network
        Phase("reading") { lab in
            try await lab.node("sensor-1").waitForHTTP("http://10.20.0.1:8080/health", body: "ok", .seconds(3))
        }
    }
}
