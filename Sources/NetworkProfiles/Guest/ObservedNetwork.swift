/// What a guest says about its network, from inside.
public struct ObservedNetwork: Sendable, Equatable, Codable {
    /// One interface.
    public struct Link: Sendable, Equatable, Codable {
        /// Its name.
        public var name: String
        /// Its hardware address.
        public var address: String?
        /// The address that a leg of a bond had before it was one.
        public var permanentAddress: String?
        /// Bytes of payload.
        public var mtu: Int?
        /// Whether there is a signal; nil for an interface that is down.
        public var carrier: Bool?
        /// The bond or bridge above it.
        public var master: String?
        /// The VLAN's number.
        public var vlan: Int?
        /// The interface below a VLAN.
        public var parent: String?
        /// The parameters of a bond, as the files of /sys/class/net/BOND/bonding are called.
        public var bond: [String: String] = [:]
        /// What LACP says of a leg of an 802.3ad bond.
        public var lacp: LACPLeg?
        /// Its addresses with prefix lengths, without link-local ones.
        public var addresses: [String] = []
        /// Addresses of which it is not known yet, or known otherwise, that nobody else has them.
        public var tentative: [String] = []
    }

    /// A leg of an 802.3ad bond as the guest's kernel sees it, in the files of /sys/class/net/LEG/bonding_slave.
    public struct LACPLeg: Sendable, Equatable, Codable {
        /// The number of the aggregator that it is in.
        public var aggregator: Int?
        /// The guest's own port state: the bits of IEEE 802.1AX-2014, 6.4.2.3 item m.
        public var state: Int?
        /// The partner's port state, as the guest heard it last.
        public var partnerState: Int?

        /// A leg of which nothing is known.
        public init() {}
    }

    /// The interfaces by name.
    public var links: [String: Link]
    /// The routes, `PREFIX dev NAME`, or `default via … dev NAME`.
    public var routes: [String]

    /// Prints all of it, line by line. Builtins where that is possible: a process costs 40 ms in a guest without KVM.
    public static let script = """
        for vd in /sys/class/net/*; do
        vn=${vd##*/}
        [ -r "$vd/address" ] || continue
        echo "link $vn"
        read -r va <"$vd/address" && echo "address $va"
        [ ! -r "$vd/bonding_slave/perm_hwaddr" ] || { read -r va <"$vd/bonding_slave/perm_hwaddr" && echo "permanent $va"; }
        read -r va <"$vd/mtu" && echo "mtu $va"
        { read -r va <"$vd/carrier"; } 2>/dev/null && echo "carrier $va"
        [ ! -e "$vd/master" ] || (cd -P "$vd/master" && echo "master ${PWD##*/}")
        [ ! -d "$vd/bonding" ] || for vf in mode primary active_slave miimon updelay downdelay primary_reselect slaves mii_status lacp_rate ad_partner_mac ad_aggregator; do
        va=; { read -r va <"$vd/bonding/$vf"; } 2>/dev/null; echo "bond $vf $va"
        done
        [ ! -d "$vd/bonding_slave" ] || for vf in ad_aggregator_id ad_actor_oper_port_state ad_partner_oper_port_state; do
        va=; { read -r va <"$vd/bonding_slave/$vf"; } 2>/dev/null; echo "leg $vf $va"
        done
        [ ! -r "/proc/net/vlan/$vn" ] || while read -r va vb vc vx; do
        case $va/$vb in */VID:) echo "vlan $vc" ;; Device:/*) echo "parent $vb" ;; esac
        done <"/proc/net/vlan/$vn"
        done
        echo addresses
        ip -o addr show
        echo routes
        ip -4 route show
        ip -6 route show

        """

    /// Reads what the script printed. Lines that it does not know are skipped: a guest may say more.
    public init(_ text: String) {
        (links, routes) = ([:], [])
        var section = ""
        var name = ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            switch (section, words.first) {
            case (_, "addresses") where words.count == 1: section = "addresses"
            case (_, "routes") where words.count == 1: section = "routes"
            case ("", "link") where words.count == 2:
                name = words[1]
                links[name] = Link(name: name)
            case ("", let key?): links[name]?.take(key, Array(words.dropFirst()))
            case ("addresses", _): takeAddress(words)
            case ("routes", _):
                if let device = words.firstIndex(of: "dev"), device + 1 < words.count {
                    routes.append(words[...(device + 1)].joined(separator: " "))
                }
            default: break
            }
        }
    }

    /// A line of `ip -o addr show`: `4: bond0.200    inet 192.168.200.1/24 scope global bond0.200\ …`.
    private mutating func takeAddress(_ words: [String]) {
        guard words.count >= 4, words[2] == "inet" || words[2] == "inet6" else { return }
        let name = String(words[1].prefix { $0 != "@" && $0 != ":" })
        guard !words.contains("link") || words[2] == "inet" else { return }
        links[name]?.addresses.append(words[3])
        if words.contains("tentative") || words.contains("dadfailed") { links[name]?.tentative.append(words[3]) }
    }
}

extension ObservedNetwork.Link {
    fileprivate mutating func take(_ key: String, _ words: [String]) {
        switch key {
        case "address": address = words.first
        case "permanent": permanentAddress = words.first
        case "mtu": mtu = words.first.flatMap { Int($0) }
        case "carrier": carrier = words.first.map { $0 == "1" }
        case "master": master = words.first
        case "vlan": vlan = words.first.flatMap { Int($0) }
        case "parent": parent = words.first
        case "bond": if let parameter = words.first { bond[parameter] = words.dropFirst().joined(separator: " ") }
        // `N/A` in a bond of another mode, and nothing in a kernel that does not tell.
        case "leg":
            guard words.count == 2, let value = Int(words[1]) else { break }
            takeLACP(words[0], value)
        default: break
        }
    }

    private mutating func takeLACP(_ key: String, _ value: Int) {
        var leg = lacp ?? ObservedNetwork.LACPLeg()
        switch key {
        case "ad_aggregator_id": leg.aggregator = value
        case "ad_actor_oper_port_state": leg.state = value
        case "ad_partner_oper_port_state": leg.partnerState = value
        default: return
        }
        lacp = leg
    }
}
