import Phases
import VMLab

extension Scenario {
    static let telemetry = Scenario(
        "telemetry", intent: "A sensor finds the collector of its site, and a reading arrives as it was sent.",
        network: .profile("edge-site"), nodes: 2, tags: ["smoke"]
    ) {
        Phase.boot
        Phase.network
        Phase.reachability
        Phase.collector
        Phase("reading") { lab in
            let (collector, sensor) = (try lab.node("collector-1"), try lab.node("sensor-1"))
            try await sensor.waitForHTTP("http://10.20.0.1:8080/health", body: "ok")
            try await sensor.succeed("echo 21.5 >/dev/tcp/10.20.0.1/7000")
            try await collector.waitUntilSucceeds("grep -qx 21.5 /tmp/reading", .seconds(10))
        }
    }
}
