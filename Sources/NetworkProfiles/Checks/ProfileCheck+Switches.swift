extension ProfileCheck {
    /// The links between switches: two known ends, something to carry, and no loop.
    mutating func trunks() {
        let known = Set(profile.segments)
        var groups: [String: String] = [:]
        func root(_ segment: String) -> String {
            var segment = segment
            while let parent = groups[segment] { segment = parent }
            return segment
        }
        for trunk in profile.trunks {
            let path = "trunks.\(trunk.name)"
            guard trunk.segments.count == 2 else {
                broken(
                    "\(path).between", "trunk \(trunk.name) joins \(trunk.segments.count) segments", why: "a trunk has two ends",
                    remedy: "name two segments")
                continue
            }
            for (index, segment) in trunk.segments.enumerated() where !known.contains(segment) {
                unknown(
                    "\(path).between[\(index)]", "trunk \(trunk.name) joins the unknown segment '\(segment)'", segment,
                    in: profile.segments,
                    of: "segment")
            }
            vlans(trunk.vlans, "\(path).vlans", "trunk \(trunk.name)")
            if trunk.vlans.isEmpty, !trunk.untagged {
                report(
                    path, "trunk \(trunk.name) carries nothing", why: "it has neither VLANs nor `untagged: true`",
                    remedy: "add for example `vlans: [100]`")
            }
            let (one, other) = (trunk.segments[0], trunk.segments[1])
            let (first, second) = (root(one), root(other))
            if first == second {
                broken(
                    "\(path).between",
                    one == other ? "trunk \(trunk.name) joins segment \(one) to itself" : "trunk \(trunk.name) closes a loop of switches",
                    why: one == other
                        ? "frames would circle for ever"
                        : "\(one) and \(other) are joined by other trunks already, and the switches run no spanning tree: frames would circle for ever",
                    remedy: one == other ? "name two different segments" : "remove the trunk, or add its VLANs to those that are there")
            } else {
                groups[first] = second
            }
        }
    }

    /// The VLANs of a port or trunk: in range, and each once.
    mutating func vlans(_ vlans: [Int], _ path: String, _ title: String) {
        var seen: Set<Int> = []
        for vlan in vlans {
            self.vlan(vlan, path, title)
            if !seen.insert(vlan).inserted {
                report(path, "\(title) lists VLAN \(vlan) twice", why: "a VLAN is carried or not", remedy: "remove one of them")
            }
        }
    }

    mutating func vlan(_ vlan: Int, _ path: String, _ title: String) {
        guard !NetworkProfile.Limits.vlans.contains(vlan) else { return }
        broken(
            path, "\(title) has the VLAN \(vlan)",
            why: vlan == 4094
                ? "IEEE 802.1Q allows 4094, but vde_switch refuses it: its VLANs are 1 to 4093"
                : "the VLANs of vde_switch are 1 to 4093",
            remedy: "choose a VLAN from 1 to 4093")
    }

    /// The ports of each switch: numbers in range and given once, and not too many.
    mutating func ports() {
        var counts: [String: Int] = [:]
        var owners: [PortReference: String] = [:]
        for member in members.nodes {
            let layout = members.layouts[member.layout]
            for nic in layout.nics {
                counts[nic.segment, default: 0] += 1
                guard let number = nic.portNumber else { continue }
                let path = "\(layout.nicsPath).\(nic.name).port"
                let owner = "\(member.name) \(nic.name)"
                guard let other = owners.updateValue(owner, forKey: PortReference(segment: nic.segment, number: number)) else { continue }
                guard !layout.isShared else { continue }
                report(
                    path, "port \(number) of segment \(nic.segment) is given twice", why: "\(other) and \(owner) have it",
                    remedy: "choose another number, or remove 'port'")
            }
        }
        for trunk in profile.trunks { for segment in trunk.segments { counts[segment, default: 0] += 1 } }
        for segment in profile.segments {
            let count = counts[segment, default: 0]
            guard count > NetworkProfile.Limits.portsInUse else { continue }
            report(
                "segments.\(segment)", "segment \(segment) needs \(count) ports",
                why:
                    "a switch has \(NetworkProfile.Limits.ports.upperBound), and \(NetworkProfile.Limits.portsInUse) are for nodes and trunks",
                remedy: "spread the nodes over more segments, joined by trunks")
        }
    }
}
