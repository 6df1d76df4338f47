import LabEvents

extension NodeNetwork {
    /// What LACP has not come to yet, or no more, in the bonds that have a link aggregation as their partner; each in a few words that begin with the
    /// interface. Empty when each bond has a partner, and both ends take and send frames on all legs that have carrier.
    ///
    /// Until then the partner drops what the guest sends. It is apart from ``differences(from:)``, because it comes by itself, two seconds and more after
    /// the carrier: a bond that lacks it need not be made anew.
    public func lacpDifferences(from observed: ObservedNetwork) -> [String] {
        aggregations.flatMap { bond in
            guard let seen = observed.links[bond.name] else { return [String]() }
            return Self.lacpDifferences(of: bond, seen, observed)
        }
    }

    private static func lacpDifferences(
        of bond: NetworkProfile.Bond, _ seen: ObservedNetwork.Link, _ observed: ObservedNetwork
    ) -> [String] {
        // A bond of another mode is a difference of its own.
        guard seen.bond["mode"]?.split(separator: " ").first.map(String.init) == bond.mode.rawValue else { return [] }
        let partner = seen.bond["ad_partner_mac"] ?? ""
        let isHeard = !partner.allSatisfy { "0:".contains($0) }
        let aggregator = seen.bond["ad_aggregator"].flatMap { Int($0) }
        let legs = bond.legs.compactMap { observed.links[$0] }.filter { $0.carrier == true && $0.master == bond.name }
        return (isHeard ? [] : ["\(bond.name): LACP has no partner"])
            + legs.flatMap { leg in leg.lacp.map { differences(of: leg.name, $0, aggregator) } ?? [] }
    }

    private static func differences(of name: String, _ leg: ObservedNetwork.LACPLeg, _ aggregator: Int?) -> [String] {
        var found: [String] = []
        if let own = leg.aggregator, let aggregator, own != aggregator {
            found.append("\(name): LACP has it in aggregator \(own), and uses aggregator \(aggregator)")
        }
        for (end, state) in [("this end", leg.state), ("the partner", leg.partnerState)] {
            guard let state else { continue }
            let missing = [(16, "collecting"), (32, "distributing")].filter { state & $0.0 == 0 }.map(\.1)
            if !missing.isEmpty { found.append("\(name): LACP: \(end) is not \(missing.joined(separator: " and ")) (port state \(state))") }
        }
        return found
    }
}
