import GuestShell
import LabEvents
import NetworkProfiles
import Phases
import VDE
import VMLab

extension BondedNode {
    /// Waits until both ends of a bond use all legs but some, and say the same.
    ///
    /// - Parameter gone: legs that have no carrier.
    /// - Returns: what both say, in a few words.
    @discardableResult
    func waitForLACP(without gone: [String] = []) async throws -> String {
        guard let link = lab.aggregations.first(where: { $0.name == name }) else { throw Skip.byDesign("\(name) does not speak LACP") }
        let legs = bond.legs.indices.filter { !gone.contains(bond.legs[$0]) }
        let folder = "/sys/class/net"
        let script = """
            cd \(folder)/\(bond.name)/bonding && echo $(cat ad_partner_mac ad_num_ports ad_aggregator)
            cd \(folder); for leg in \(legs.map { bond.legs[$0] }.joined(separator: " ")); do
            echo $(cat $leg/bonding_slave/ad_aggregator_id $leg/bonding_slave/ad_actor_oper_port_state $leg/bonding_slave/ad_partner_oper_port_state)
            done
            """
        // IEEE 802.1AX, 6.4.2.3: activity, (timeout), aggregation, synchronization, collecting, distributing.
        let state = bond.lacpRate == .fast ? 63 : 61
        let report = try await Condition("\(name): LACP uses \(legs.map { bond.legs[$0] }.joined(separator: " "))", on: node) {
            let status = try link.aggregation().status
            let lines = try await node.run(script).stdout.trimmed.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            let own =
                "ours: collecting \(status.collecting), distributing \(status.distributing), partner \(status.partner.map { "\($0.address)" } ?? "none")"
            let text = own + "; the guest's: " + lines.map { $0.joined(separator: " ") }.joined(separator: ", ")
            guard let head = lines.first, head.count == 3, lines.count == legs.count + 1 else { return .no(text) }
            let isOurs = status.collecting == legs && status.distributing == legs && "\(status.system.address)" == head[0]
            let isTheirs = Int(head[1]) == legs.count && lines.dropFirst().allSatisfy { $0 == [head[2], "\(state)", "\(state)"] }
            guard isOurs, isTheirs, status.partner != nil else { return .no(text) }
            return .yes("\(name): partner \(head[0]), \(legs.count) ports in aggregator \(head[2]), port states \(state) and \(state)")
        }.wait(.bond)
        return report.observation ?? ""
    }
}
