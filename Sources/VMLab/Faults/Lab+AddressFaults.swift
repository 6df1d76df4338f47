import GuestShell
import LabEvents
import NetworkProfiles

extension Lab {
    func duplicate(_ address: String, at node: Node) throws(Problem) -> FaultWork {
        let links = plan.network?.nodes.flatMap(\.links) ?? []
        guard let owner = links.first(where: { $0.addresses.contains { $0.address == address } }),
            let prefix = owner.addresses.first(where: { $0.address == address })
        else {
            let known = links.flatMap(\.addresses).map(\.address).joined(separator: ", ")
            throw Problem(.invalidInput, "no node has the address \(address)", why: "there are \(known)")
        }
        guard let link = node.network?.links.first(where: { $0.network == owner.network }) else {
            throw Problem(.invalidInput, "\(node.name) is not in the network of \(address)", why: "it is in \(owner.network ?? "none")")
        }
        guard !link.addresses.contains(prefix) else {
            throw Problem(.invalidInput, "\(address) is \(node.name)'s own address", remedy: "name another node")
        }
        let list = "ip -o address show dev \(link.name)"
        let has = { @Sendable in try await node.run(list).stdout.text.contains(" \(address)/") }
        let others = nodes.filter { $0.name != node.name }
        return FaultWork(
            inject: {
                // It may be left from the owner before.
                guard try await !has() else { return }
                try await node.run(
                    "ip address add \(prefix) dev \(link.name) nodad 2>/dev/null || ip address add \(prefix) dev \(link.name)")
            },
            observe: {
                guard try await has() else {
                    throw Problem(.failure, "\(node.name) has not taken \(address)", location: "\(node.name).\(link.name)")
                }
                return "\(node.name).\(link.name) has \(prefix)"
            },
            heal: {
                guard node.state == .ready else { return }
                if try await has() { try await node.run("ip address del \(prefix) dev \(link.name)") }
                // Who heard of the wrong owner would go on to believe it.
                for other in others where other.state == .ready { try await other.execute("ip neighbour flush to \(address)") }
            },
            confirm: {
                guard node.state == .ready else { return "\(node.name) is \(node.state.rawValue)" }
                guard try await !has() else {
                    throw Problem(.failure, "\(node.name) still has \(address)", location: "\(node.name).\(link.name)")
                }
                return "\(node.name).\(link.name) has \(address) no more"
            })
    }

    func withoutDHCP(_ node: Node) throws(Problem) -> FaultWork {
        guard let service = node.network?.service else {
            let servers = serviceNodes.map(\.name).joined(separator: ", ")
            throw Problem(.invalidInput, "\(node.name) serves no DHCP", why: servers.isEmpty ? "no node does" : "these do: \(servers)")
        }
        let isThere = #"read -r vp </run/vmlab/dnsmasq.pid 2>/dev/null && [ -d "/proc/$vp" ]"#
        return FaultWork(
            inject: { try await node.run("if \(isThere); then kill $vp; fi") },
            observe: {
                try await node.poll(.command, waitingFor: "\(node.name): dnsmasq is gone", observed: { "it runs" }) {
                    try await !node.execute(isThere).succeeded
                }
                return "\(node.name): dnsmasq is gone"
            },
            heal: {
                guard node.state == .ready else { return }
                if try await !node.execute(isThere).succeeded { try await node.run(service.startCommands) }
            },
            confirm: {
                guard node.state == .ready else { return "\(node.name) is \(node.state.rawValue)" }
                try await node.waitForSocket("udp", port: 67, state: "07", "dnsmasq does not serve", .command)
                return "\(node.name): dnsmasq serves"
            })
    }
}
