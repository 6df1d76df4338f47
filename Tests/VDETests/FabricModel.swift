@testable import VDE

/// What 802.1Q's rules say that becomes of a frame, computed from the program alone: what the switches do is compared with it.
struct FabricModel {
    typealias Place = TestFabric.Place

    var program: SwitchProgram
    var trunks: [Int]

    private func carried(_ port: Int) -> SwitchProgram.Port {
        program.ports.first { $0.number == port } ?? SwitchProgram.Port(port, untagged: nil)
    }

    func carries(_ vlan: Int, at port: Int) -> Bool { carried(port).untagged == vlan || carried(port).tagged.contains(vlan) }

    func isHybrid(_ port: Int) -> Bool { carried(port).isHybrid }

    /// The VLAN that a frame is in where it enters, 0 for the plain network; nil when it is dropped there. A tag with the number 0 counts as
    /// VLAN 0, and a service tag is payload.
    func entry(_ tags: [VLANTag], at port: Int) -> Int? {
        guard let outer = tags.first, outer.ethertype == VLANTag.customer else { return carried(port).untagged }
        return carries(outer.identifier, at: port) ? outer.identifier : nil
    }

    /// Where a frame that enters at a place comes out, with its tags there.
    func delivery(of tags: [VLANTag], from place: Place) -> [Place: [VLANTag]] {
        guard let vlan = entry(tags, at: place.port) else { return [:] }
        let isTagged = tags.first?.ethertype == VLANTag.customer
        var reached: [Place: [VLANTag]] = [:]
        for port in program.ports where port.number != place.port {
            var leaving: [VLANTag]
            if port.untagged == vlan {
                leaving = isTagged ? Array(tags.dropFirst()) : tags
            } else if port.tagged.contains(vlan) {
                leaving = isTagged ? tags : [VLANTag(vlan)] + tags
            } else {
                continue
            }
            if trunks.contains(port.number) {
                let other = Place(node: place.node == "a" ? "b" : "a", port: port.number)
                reached.merge(delivery(of: leaving, from: other)) { one, _ in one }
            } else {
                reached[Place(node: place.node, port: port.number)] = leaving
            }
        }
        return reached
    }
}
