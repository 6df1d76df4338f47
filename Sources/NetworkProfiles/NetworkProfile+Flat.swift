extension NetworkProfile {
    /// One switch `lan` and these nodes on it with `eth1`, host numbers from 1 in their order: for scenarios that bring their own network.
    ///
    /// - Parameters:
    ///   - name: what the profile is called in reports.
    ///   - nodes: the nodes' names, at least one.
    ///   - network: the prefix of the network, which is called `lan` too.
    public static func flat(name: String = "flat", nodes: [String], network: IPPrefix) -> NetworkProfile {
        NetworkProfile(
            name: name, summary: "One flat network.",
            networks: [IPNetwork(name: "lan", ipv4: network.isIPv6 ? nil : network, ipv6: network.isIPv6 ? network : nil)],
            segments: ["lan"],
            interfaces: Interfaces(nics: [NIC(name: "eth1", segment: "lan", addressing: .host(network: "lan"))]),
            roles: nodes.isEmpty ? [] : [Role(name: "node", hosts: 1...nodes.count, names: nodes)])
    }
}
