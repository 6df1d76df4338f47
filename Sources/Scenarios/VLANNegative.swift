import GuestShell
import K3sCluster
import LabEvents
import NetworkProfiles
import Phases
import VDE
public import VMLab

extension Scenario {
    /// A cluster that must not be: each node is in a VLAN of its own.
    public static let vlanNegative = Scenario(
        "vlan-negative",
        intent:
            "On the profile vlans-broken each node is in VLANs of its own: nobody joins for 60 s times the pace, k3s names the network as the reason, and the network "
            + "proves it: ARP stays unanswered, the switch knows each node in another VLAN, and with the right VLAN the same node is answered at once.",
        network: .profile("vlans-broken"), nodes: .cluster(servers: 2...2, agents: 0...2, usual: ClusterSize(servers: 2)),
        image: "k3s-standin",
        tags: ["cluster", Scenario.k3sTag], budgets: [Budget("scenario", .seconds(900))]
    ) {
        let cluster = K3sCluster()
        Phase.boot
        Phase.network
        Phase.reachability
        Phase("who is where") { lab in try await VLANSeparation(lab).compare() }
        Phase("ARP") { lab in try await VLANSeparation(lab).askInVain() }
        Phase("the right VLAN") { lab in try await VLANSeparation(lab).askInTheRightVLAN() }
        cluster.identify
        cluster.takeControl
        cluster.prepare
        cluster.firstServer
        // Its own part for such a profile: every start is watched for 60 s times the pace, and must fail for want of the network.
        cluster.joins
        Phase("ARP afterwards") { lab in try await VLANSeparation(lab).askInVain() }
        cluster.logs
    }
}

/// The first node of a cluster and the others, which are kept apart by their VLANs.
private struct VLANSeparation: Sendable {
    /// A node's place in the network 'cluster'.
    struct Place: Sendable {
        var node: Node
        var interface: String
        /// The interface below, which is plugged in.
        var card: String
        var vlan: Int
        var mac: String
        var address: IPPrefix
        var port: PortReference
        var carried: PortVLANs
    }

    let lab: Lab
    let first: Place
    let others: [Place]

    init(_ lab: Lab) throws {
        self.lab = lab
        let places = try lab.clusterNodes.map { try Self.place(of: $0) }
        (first, others) = (places[0], Array(places.dropFirst()))
    }

    private static func place(of node: Node) throws -> Place {
        guard let network = node.network, let link = network.links.first(where: { $0.network == "cluster" }),
            case .vlan(let vlan, let parent) = link.kind, let below = network.link(parent), case .card(let card) = below.kind,
            let address = link.addresses.first
        else { throw Skip.byDesign("\(node.name) has no VLAN interface on a card in the network 'cluster'") }
        return Place(
            node: node, interface: link.name, card: parent, vlan: vlan, mac: "\(link.mac)", address: address, port: card.port,
            carried: card.vlans)
    }

    /// Compares what the nodes tag, what the ports of the switch carry, and in which VLAN the switch has heard of whom.
    func compare() async throws -> String {
        // The switch forgets who is silent.
        _ = try await askInVain()
        var found: [String] = []
        for place in [first] + others {
            let seen = try await place.node.observeNetwork().links[place.interface]?.vlan
            guard seen == place.vlan else {
                throw Problem(
                    .failure, "\(place.node.name).\(place.interface) has another VLAN than planned", why: "\(seen ?? 0), not \(place.vlan)")
            }
            let vdeSwitch = try lab.segment(named: place.port.segment).vdeSwitch()
            let carried = try await vdeSwitch.vlans().filter { entry in
                entry.vlan > 0 && entry.members.contains { $0.port == place.port.number && $0.isTagged }
            }.map(\.vlan).sorted()
            guard carried == place.carried.tagged.sorted() else {
                throw Problem(
                    .failure, "port \(place.port) does not carry what is planned", why: "\(carried), not \(place.carried.tagged.sorted())")
            }
            // The mistake is in the nodes: the switch would carry the first node's VLAN to each.
            guard carried.contains(first.vlan) else {
                throw Problem(.failure, "port \(place.port) does not carry VLAN \(first.vlan)", why: "it carries \(carried)")
            }
            let heard = try await vdeSwitch.addressTable().filter { $0.address == place.mac && $0.port == place.port.number }.map(\.vlan)
            guard heard.contains(place.vlan), place.node.name == first.node.name || !heard.contains(first.vlan) else {
                throw Problem(
                    .failure, "the switch has not heard of \(place.node.name) in VLAN \(place.vlan) alone", location: "\(place.port)",
                    why: "it has in \(heard)")
            }
            found.append(
                "\(place.node.name) tags \(place.vlan), port \(place.port) carries \(carried.map(String.init).joined(separator: " ")) "
                    + "and has heard it in \(heard.sorted().map(String.init).joined(separator: " "))")
        }
        return found.joined(separator: "; ")
    }

    /// Lets the others ask for the first node's address, and the first for theirs.
    ///
    /// - Throws: a ``Problem`` when one is answered.
    func askInVain() async throws -> String {
        var found: [String] = []
        for other in others {
            for (asking, asked) in [(other, first), (first, other)] {
                let script =
                    "ping -c 2 -W 1 \(asked.address.address) >/dev/null && echo answered; ip neigh show \(asked.address.address) dev \(asking.interface)"
                let entry = try await asking.node.execute(script).stdout.trimmed
                let words = entry.split(whereSeparator: \.isWhitespace).map(String.init)
                guard !words.contains("answered"), !words.contains("lladdr"), words.contains("INCOMPLETE") || words.contains("FAILED")
                else {
                    throw Problem(
                        .failure, "\(asking.node.name): ARP for \(asked.address.address) is not unanswered", location: asking.interface,
                        why: "its neighbour entry is '\(entry)'")
                }
                found.append("\(asking.node.name) → \(asked.address.address) \(words.last ?? "")")
            }
        }
        return found.joined(separator: ", ")
    }

    /// Gives another node an interface in the first one's VLAN, for as long as it takes to be answered: nothing but the VLAN was in the way.
    func askInTheRightVLAN() async throws -> String {
        var found: [String] = []
        for (index, other) in others.enumerated() {
            guard let own = first.address.network.host(200 + index) else { continue }
            let target = first.address.address
            try await other.node.succeed(
                """
                ip link add link \(other.card) name vmlab-try type vlan id \(first.vlan) || exit
                ip link set vmlab-try up && ip addr add \(own.address)/32 dev vmlab-try && ip route add \(target)/32 dev vmlab-try src \(own.address)
                """)
            let result: Result<WaitReport, any Error>
            do {
                result = .success(try await other.node.waitUntilSucceeds("ping -c 1 -W 1 \(target) >/dev/null", .answer))
            } catch { result = .failure(error) }
            let entry = try await other.node.execute("ip neigh show \(target) dev vmlab-try; ip link del vmlab-try").stdout.trimmed
            _ = try result.get()
            guard entry.lowercased().contains(first.mac) else {
                throw Problem(.failure, "\(other.node.name): somebody else answers for \(target)", why: "the neighbour entry is '\(entry)'")
            }
            found.append("\(other.node.name) in VLAN \(first.vlan): \(target) is at \(first.mac)")
        }
        return found.joined(separator: "; ")
    }
}

extension Lab {
    /// The segment of a name.
    fileprivate func segment(named name: String) throws -> Segment {
        guard let found = segments.first(where: { $0.name == name }) else { throw Problem(.failure, "the lab has no segment '\(name)'") }
        return found
    }
}
