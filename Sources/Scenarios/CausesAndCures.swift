import K3sCluster
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// Why clusters of k3s do not come up or lose their leader, and what prevents it: each cause without its cure, then with it.
    public static let causesAndCures = Scenario(
        "causes-and-cures",
        intent:
            "What goes wrong with clusters of k3s, each without its cure and then with it: data that a boot left (FM-2), a unit that never becomes ready, a wrong token, "
            + "a neighbour entry that leads nowhere (FM-4), and a server that stands still for longer than etcd waits by default (FM-1).",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 2...2, agents: 0...0, usual: ClusterSize(servers: 2)),
        image: "k3s-standin", tags: ["cluster", Scenario.k3sTag, "cures"],
        // An etcd that lost its leader may take its k3s with it, which systemd then starts again.
        budgets: [Budget("scenario", .seconds(1200)), Budget("etcd-members", .seconds(180))]
    ) {
        Phase.boot
        Phase.network
        Phase("stale data (FM-2)") {
            Phase("the data") { lab in try await lab.cures.waitForLeftovers() }
            Phase("without take-control") { lab in try await lab.cures.cluster.formFirstServer() }
                .expectedToFail(matching: "FM-2", because: "the database of the boot has another token")
            Phase.parallel("with take-control") { node, lab in try await lab.cures.prepare(node) }
        }
        Phase("never ready") {
            Phase("bounded, with its log") { lab in try await lab.cures.startUnready() }
                .expectedToFail(matching: #"'no-join' is used up[\s\S]*Polling for API server readiness"#, because: "k3s never says so")
            Phase("with one that does") { lab in try await lab.cures.becomeReady() }
        }
        Phase("wrong token") { lab in try await lab.cures.cluster.join(lab.cures.second, token: .generated()) }
            .expectedToFail(matching: "the token's password is wrong", because: "the first server has another one")
        Phase("poisoned neighbour (FM-4)") {
            Phase("without the check") { lab in try await lab.cures.joinUnchecked() }
                .expectedToFail(matching: "failed to get CA certs", because: "TCP does not reach the first server, though ping does")
            // This is also the join with the right token.
            Phase("with the check") { lab in try await lab.cures.joinChecked() }
        }
        Phase("standstill (FM-1)") {
            Phase("with etcd's usual patience") { lab in try await lab.cures.freeze(lab.cures.cluster) }
                .expectedToFail(
                    matching: "etcd elected a new leader", because: "it stands still for longer than an election takes to begin")
            Phase("with more patience") { lab in
                try await lab.cures.restart(lab.cures.patient)
                return try await lab.cures.freeze(lab.cures.patient)
            }
        }
        Phase("the cluster") {
            Phase("nodes") { lab in try await lab.cures.patient.checkNodes() }
            Phase("etcd members") { lab in try await lab.cures.patient.checkEtcd() }
        }
        K3sCluster().logs
    }
}
