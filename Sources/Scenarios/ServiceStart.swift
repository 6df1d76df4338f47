import GuestShell
import K3sCluster
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// The least that an image with k3s must do: its service starts, on one server.
    public static let serviceStart = Scenario(
        "service-start",
        intent:
            "The service of k3s starts on one server: what a boot started is taken over, the unit becomes active and stays so, and the node is Ready.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 1...1, agents: 0...0, usual: ClusterSize(servers: 1)),
        image: "k3s-standin", tags: ["smoke", "cluster", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(600))]
    ) {
        let cluster = K3sCluster()
        Phase.boot
        Phase.network
        cluster.identify
        cluster.takeControl
        cluster.prepare
        cluster.firstServer
        Phase("active") { lab in
            let node = try cluster.on(lab).primary
            let unit = try await cluster.on(lab).dialect(of: node).server.unit
            // Not only for a moment: a unit that ends and is started again is active now and then.
            let before = try await node.succeed("systemctl show -p MainPID --value \(unit)").stdout.trimmed
            try await assertStays(node.condition(.unit(unit)), for: .seconds(10))
            let after = try await node.succeed("systemctl show -p MainPID --value \(unit)").stdout.trimmed
            guard before == after else {
                throw Problem(.failure, "\(node.name): \(unit) was started again", why: "its process was \(before) and is \(after)")
            }
            return "\(unit) active for 10 s, process \(after)"
        }
        cluster.logs
    }
}
