import GuestShell
import LabEvents
public import VMLab

extension Scenario {
    /// Any number of nodes on one switch: that all boot, and that each reaches the first.
    public static let manyNodes = Scenario(
        name: "many-nodes", summary: "Any number of nodes on one switch (--nodes, 16 by default): all boot, and each reaches the first.",
        topology: { wishes throws(Problem) in
            let count = wishes.nodes ?? 16
            guard (2...Topology.nodeLimit).contains(count) else {
                throw Problem(.invalidInput, "--nodes \(count) is not acceptable", why: "2 to \(Topology.nodeLimit) nodes fit")
            }
            return Topology(
                nodes: (1...count).map { number in
                    Topology.NodeRequest(
                        name: "n\(number)", image: wishes.image ?? "mini", memoryMiB: wishes.memoryMiB, vcpus: wishes.vcpus,
                        interfaces: [.init(name: "eth1", segment: "lan", address: "192.168.1.\(number)/24")])
                }, segments: [.init(name: "lan")])
        },
        body: { lab in
            let begin = ContinuousClock.now
            try await lab.step("boot") { try await lab.boot() }
            try await lab.step("every node answers") {
                try await lab.onAllNodes { node in
                    let name = try await node.run("echo $((6 * 7))").stdout.trimmed
                    guard name == "42" else { throw Problem(.failure, "\(node.name) answered '\(name)'") }
                }
                return "\(lab.nodes.count) nodes, the last \(begin.duration(to: .now).seconds.rounded(to: 1)) s after the start"
            }
            try await lab.step("every node reaches n1") {
                try await lab.onAllNodes { node in try await node.configureAddresses() }
                try await lab.onAllNodes { node in
                    if node.name != "n1" { try await node.run("ping -c 1 -W 10 192.168.1.1") }
                }
            }
        })
}
