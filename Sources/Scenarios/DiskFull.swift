import GuestShell
import K3sCluster
import LabEvents
import Phases
public import VMLab

extension Scenario {
    /// The disk of a server is full.
    public static let diskFull = Scenario(
        "disk-full",
        intent:
            "The file system with k3s's data is full on one server: a snapshot fails for want of space, and k3s does not start again there. The others go on. "
            + "There is space again: k3s comes up by itself, and the snapshot succeeds.",
        network: .any(otherwiseProfile: "simple"), nodes: .cluster(servers: 3...5, usual: ClusterSize(servers: 3, agents: 0)),
        image: "k3s-standin", tags: ["cluster", "faults", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(2400))]
    ) {
        let cluster = K3sCluster()
        cluster.formation
        Phase("disk full") { lab in
            let cluster = cluster.on(lab)
            guard let full = cluster.servers.last else { throw Skip.byDesign("there is no server") }
            let noSpace = "no space left on device"
            let folder = try await cluster.dialect(of: full).dataFolder
            let fault = Fault.node(full.name, .diskFull(folder: folder, leavingBytes: 0))
            let seen = try await cluster.withFault(fault, losing: [full]) {
                let snapshot = try await cluster.saveSnapshot(on: full)
                guard !snapshot.succeeded, snapshot.stdout.text.contains(noSpace) else {
                    throw Problem(.failure, "a snapshot on a full disk does not say so", why: snapshot.stdout.trimmed)
                }
                try await cluster.restart(full)
                let start = try await cluster.waitForLine(noSpace, from: full)
                try await cluster.waitForWrites("without \(full.name)", as: "disk-full")
                return "snapshot: '\(snapshot.stdout.trimmed)'; start: '\(start)'"
            }
            let again = try await cluster.waitForRecovery()
            try await cluster.waitForData("without \(full.name)", as: "disk-full", asking: [full])
            return "\(seen); \(again); \(try await cluster.takeSnapshot(on: full))"
        }
        cluster.aftermath
    }
}
