import GuestShell
import K3sCluster
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// A server whose port is open and who does not answer.
    public static let busyAPI = Scenario(
        "busy-api",
        intent:
            "k3s stands still on one server: its port takes connections and nobody answers. The check tells that from a port where nobody listens. The others go on "
            + "and find the node NotReady; k3s goes on, and it is Ready again without a restart.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 3...5, usual: ClusterSize(servers: 3, agents: 0)),
        image: "k3s-standin", tags: ["cluster", "faults", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(2400))]
    ) {
        let cluster = K3sCluster()
        cluster.formation
        Phase("busy") { lab in
            let cluster = cluster.on(lab)
            guard let busy = cluster.servers.last else { throw Skip.byDesign("there is no server") }
            let (unit, observer) = (try await cluster.dialect(of: busy).server.unit, try cluster.primary)
            let before = try await cluster.waitForPresence(of: busy, from: observer, "answers") { $0.isAnswering }
            let process = try await busy.mainProcess(of: unit)
            let seen = try await cluster.withFault(.node(busy.name, .processFreeze(unit)), losing: [busy]) {
                let silent = try await cluster.waitForPresence(of: busy, from: observer, "takes connections and does not answer") {
                    if case .silent = $0 { true } else { false }
                }
                // A monitor of ports sees nothing.
                try await observer.waitForTCP(try cluster.address(of: busy).first, 6443)
                try await cluster.waitForWrites("without \(busy.name)", as: "busy-api", asking: observer)
                return "\(silent); \(try await cluster.waitForLoss(of: busy, asking: observer))"
            }
            let after = try await cluster.waitForPresence(of: busy, from: observer, "answers") { $0.isAnswering }
            guard try await busy.mainProcess(of: unit) == process else { throw Problem(.failure, "\(unit) was started again") }
            return "before: \(before); \(busy.name): \(seen); after: \(after); \(try await cluster.waitForRecovery())"
        }
        cluster.aftermath
    }
}

extension Node {
    /// The process id of a service.
    fileprivate func mainProcess(of unit: String) async throws -> String {
        try await succeed("systemctl show -p MainPID --value \(unit)").stdout.trimmed
    }
}
