import VMLab

extension Phase {
    /// All nodes are started, as many at once as the host allows, and obey.
    public static let boot = Phase("boot") { lab in try await lab.boot() }

    /// The planned network is made in all guests and compared with what they say.
    public static let network = Phase("network") { lab in try await lab.configureNetwork() }

    /// Every pair of nodes is tried on every network, by ARP or neighbour discovery, ICMP and TCP: who should reach whom does, and nobody else.
    public static let reachability = Phase("reachability") { lab in try await lab.checkReachability() }
}
