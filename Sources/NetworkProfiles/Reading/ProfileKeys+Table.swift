/// Every key that a profile can have: the one table that the reader and the JSON Schema follow.
extension ProfileKeys {
    private typealias Limits = NetworkProfile.Limits
    private static let name = ProfileShape.text(pattern: Limits.namePattern)
    private static let interface = ProfileShape.text(pattern: Limits.interfacePattern)
    private static let vlan = ProfileShape.integer(Limits.vlans)
    private static let mtu = ProfileShape.integer(Limits.mtu)

    /// The profile itself.
    static let profile = ProfileKeys(
        id: "profile", title: "the profile", text: "A network for labs: switches, what hangs on them and how, for any number of nodes.",
        keys: [
            Key(name: "name", shape: name, isRequired: true, text: "The profile's name; the file is called NAME.yaml.", example: "simple"),
            Key(name: "summary", shape: .text(), isRequired: true, text: "One sentence for lists.", example: "One flat network."),
            Key(name: "mtu", shape: mtu, text: "Bytes of payload for interfaces that say nothing else. Default: 1500.", example: "1500"),
            Key(
                name: "networks", shape: .map(network, pattern: Limits.namePattern),
                text: "The IP networks by name. Interfaces name them; a node's address is its host number in the prefix.",
                example: "{cluster: {ipv4: 192.168.1.0/24}}"),
            Key(
                name: "segments", shape: .map(segment, pattern: Limits.namePattern), isRequired: true, text: "The switches by name.",
                example: "{lan: {}}"),
            Key(
                name: "trunks", shape: .map(trunk, pattern: Limits.namePattern), text: "The links between switches by name.",
                example: "{uplink: {between: [lan-a, lan-b], vlans: [100]}}"),
        ] + sections("every node whose role and self say nothing else") + [
            Key(
                name: "roles", shape: .map(role, pattern: Limits.namePattern), isRequired: true,
                text: "The kinds of nodes by name, such as server and agent.", example: "{server: {hosts: 1-2}}"),
            Key(
                name: "nodes", shape: .map(node, pattern: Limits.namePattern),
                text: "What single nodes have otherwise, by the node's name.",
                example: "{server-2: {nics: {eth1: {segment: lan}}}}"),
            Key(
                name: "services", shape: .map(service, pattern: Limits.namePattern),
                text: "Machines that serve the nodes and start before them, by name.",
                example: "{dhcp: {host: 254, network: cluster, pool: 100-200, nics: {eth1: {segment: lan, network: cluster}}}}"),
            Key(
                name: "impairments", shape: .list(.section(impairment)), text: "What is done to frames on links, in both directions.",
                example: "[{link: server-1.eth1, delay: 50}]"),
            Key(
                name: "expectedFailure", shape: .section(expectedFailure), text: "What is meant not to work, for negative tests.",
                example: "{unreachable: [cluster], reason: each node is in a VLAN of its own}"),
        ])

    /// The sections of interfaces, which profile, role, node and service have.
    private static func sections(_ whose: String) -> [Key] {
        [
            Key(
                name: "nics", shape: .map(nic, pattern: Limits.interfacePattern),
                text:
                    "The network cards of \(whose), by name: eth1, eth2 and on. eth0 is the user-mode network of every node and not named here.",
                example: "{eth1: {segment: lan}}"),
            Key(
                name: "bonds", shape: .map(bond, pattern: Limits.interfacePattern), text: "The bonds of \(whose), by name.",
                example: "{bond0: {legs: [eth1, eth2]}}"),
            Key(
                name: "vlans", shape: .map(vlanInterface, pattern: Limits.interfacePattern),
                text: "The VLAN interfaces of \(whose), by name.",
                example: "{eth1.200: {on: eth1, id: 200, network: cluster}}"),
        ]
    }

    /// Addresses and MTU, which each interface has.
    private static func addressing(_ mtuText: String) -> [Key] {
        [
            Key(
                name: "network", shape: name, text: "The IP network that the interface has the node's address in. Without it, it has none.",
                example: "cluster"),
            Key(
                name: "address", shape: .list(.prefix(isIPv6: nil)),
                text: "Addresses in place of the host number's; only where the section serves one node.", example: "[192.168.1.50/24]"),
            Key(
                name: "dhcp", shape: .boolean, text: "Whether the IPv4 address comes from the network's DHCP service. Default: false.",
                example: "true"),
            Key(name: "mtu", shape: mtu, text: mtuText, example: "1500"),
        ]
    }

    private static let network = ProfileKeys(
        id: "network", title: "network", text: "An IP network: IPv4, IPv6 or both.",
        keys: [
            Key(name: "ipv4", shape: .prefix(isIPv6: false), text: "The IPv4 prefix.", example: "192.168.1.0/24"),
            Key(name: "ipv6", shape: .prefix(isIPv6: true), text: "The IPv6 prefix.", example: "fd00:1::/64"),
        ])

    private static let segment = ProfileKeys(id: "segment", title: "segment", text: "A switch. It has no keys: write {}.", keys: [])

    private static let trunk = ProfileKeys(
        id: "trunk", title: "trunk", text: "A link between two switches. It carries what it names and nothing else.",
        keys: [
            Key(name: "between", shape: .list(name), isRequired: true, text: "The two segments.", example: "[lan-a, lan-b]"),
            Key(name: "vlans", shape: .list(vlan), text: "The VLANs that pass, with their tags.", example: "[100, 200]"),
            Key(name: "untagged", shape: .boolean, text: "Whether frames without a tag pass. Default: false.", example: "true"),
        ])

    private static let nic = ProfileKeys(
        id: "nic", title: "network card",
        text: "A network card and its switch port. Without access and trunk the port takes frames without a tag, in no VLAN.",
        keys: [
            Key(name: "segment", shape: name, isRequired: true, text: "The switch that it plugs into.", example: "lan"),
            Key(
                name: "access", shape: vlan, text: "The port is an access port of this VLAN: the switch adds and removes the tag.",
                example: "200"),
            Key(
                name: "trunk", shape: .list(vlan), text: "The port carries these VLANs with their tags, and nothing else.",
                example: "[100, 200]"),
            Key(
                name: "native", shape: .integer(0...Limits.vlans.upperBound),
                text: "Beside trunk: the VLAN of frames without a tag; 0 for the switch's plain network.", example: "1"),
            Key(
                name: "port", shape: .integer(Limits.ports), text: "The port's number; only where the section serves one node.",
                example: "7"),
            Key(
                name: "mac", shape: .text(pattern: "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$"),
                text: "The hardware address; only where the section serves one node. Without it, it is derived from the names.",
                example: "52:54:00:01:01:01"),
        ] + addressing("Bytes of payload. Default: its bond's, else the profile's."))

    private static let bond = ProfileKeys(
        id: "bond", title: "bond", text: "Several network cards as one (Linux bonding); VLAN interfaces can be on it.",
        keys: [
            Key(name: "legs", shape: .list(interface), isRequired: true, text: "The network cards, two or more.", example: "[eth1, eth2]"),
            Key(
                name: "mode", shape: .word(NetworkProfile.Bond.Mode.allCases.map(\.rawValue)),
                text: "active-backup: one leg is used at a time. 802.3ad: LACP, which the far end must speak. Default: active-backup.",
                example: "active-backup"),
            Key(name: "primary", shape: interface, text: "active-backup: the leg that is used while it can be.", example: "eth1"),
            Key(
                name: "primaryReselect", shape: .word(NetworkProfile.Bond.Reselect.allCases.map(\.rawValue)),
                text: "active-backup: when the primary is used again after a failure.", example: "always"),
            Key(
                name: "miimon", shape: .integer(Limits.miimon), text: "How often carrier is looked at, in ms. Default: 100.", example: "100"
            ),
            Key(
                name: "upDelay", shape: .integer(Limits.bondDelay),
                text: "How long a leg must have carrier until it is used, in ms, a multiple of miimon. Default: 0.", example: "200"),
            Key(
                name: "downDelay", shape: .integer(Limits.bondDelay),
                text: "How long a leg must lack carrier until it is dropped, in ms, a multiple of miimon. Default: 0.", example: "200"),
            Key(
                name: "lacpRate", shape: .word(NetworkProfile.Bond.LACPRate.allCases.map(\.rawValue)),
                text: "802.3ad: how often LACP speaks, slow every 30 s, fast every second.", example: "fast"),
        ] + addressing("Bytes of payload. Default: its first leg's."))

    private static let vlanInterface = ProfileKeys(
        id: "vlan", title: "VLAN interface", text: "An interface for the frames of one VLAN on a network card or a bond.",
        keys: [
            Key(name: "link", shape: interface, isRequired: true, text: "The network card or bond below it.", example: "eth1"),
            Key(
                name: "id", shape: vlan, isRequired: true, text: "The VLAN's number; the switch ports below must carry it.", example: "200"),
        ] + addressing("Bytes of payload. Default: its parent's."))

    private static let role = ProfileKeys(
        id: "role", title: "role", text: "Nodes of one kind.",
        keys: [
            Key(
                name: "hosts", shape: .range(Limits.hosts), isRequired: true,
                text: "The host numbers of its nodes, the last part of their addresses: one or FIRST-LAST.", example: "1-2"),
            Key(
                name: "names", shape: .list(name), text: "The nodes' names, as many as hosts. Default: ROLE-1, ROLE-2 and on.",
                example: "[a, b]"),
        ] + sections("nodes of this role, in place of the profile's"))

    private static let node = ProfileKeys(
        id: "node", title: "node", text: "What one node has otherwise than its role.", keys: sections("this node, in place of its role's"))

    private static let service = ProfileKeys(
        id: "service", title: "service", text: "A machine that gives IPv4 addresses by DHCP. It has no interfaces but its own.",
        keys: [
            Key(name: "host", shape: .integer(Limits.hosts), isRequired: true, text: "Its host number.", example: "254"),
            Key(name: "network", shape: name, isRequired: true, text: "The network that it serves.", example: "cluster"),
            Key(
                name: "pool", shape: .range(Limits.hosts), isRequired: true,
                text: "Host numbers for clients without a reservation. The profile's own nodes have reservations.", example: "100-200"),
            Key(
                name: "leaseTime", shape: .duration, text: "How long a lease lasts, such as 90s, 30m, 12h or 7d. Default: 12h.",
                example: "12h"),
            Key(
                name: "image", shape: .text(), text: "What it boots. Default: the image for services that comes with vmlab.",
                example: "services"),
            Key(name: "memory", shape: .integer(Limits.memoryMiB), text: "Memory in MiB. Default: 512.", example: "512"),
            Key(name: "cpus", shape: .integer(Limits.vcpus), text: "Virtual processors. Default: 1.", example: "1"),
        ] + sections("the service"))

    private static let impairment = ProfileKeys(
        id: "impairment", title: "impairment", text: "What is done to the frames of one link.",
        keys: [
            Key(
                name: "link", shape: .text(), isRequired: true, text: "NODE.NIC for a network card's cable, or the name of a trunk.",
                example: "server-1.eth1"),
            Key(name: "delay", shape: .number(Limits.delay), text: "Delay in ms.", example: "50"),
            Key(name: "jitter", shape: .number(Limits.delay), text: "How far the delay varies, in ms up and down.", example: "10"),
            Key(name: "loss", shape: .number(Limits.percent), text: "Frames lost, in percent.", example: "5"),
            Key(name: "duplicate", shape: .number(Limits.percent), text: "Frames that arrive twice, in percent.", example: "1"),
            Key(name: "bandwidth", shape: .number(Limits.bandwidth), text: "Mbit/s.", example: "10"),
        ])

    private static let expectedFailure = ProfileKeys(
        id: "expectedFailure", title: "expectedFailure", text: "What is meant not to work.",
        keys: [
            Key(
                name: "unreachable", shape: .list(name), isRequired: true, text: "The networks over which no node reaches another.",
                example: "[cluster]"),
            Key(name: "reason", shape: .text(), isRequired: true, text: "Why, for reports.", example: "each node is in a VLAN of its own"),
        ])
}
