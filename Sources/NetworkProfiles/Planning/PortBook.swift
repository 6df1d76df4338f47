import LabEvents

/// The ports of one switch as they are given out.
struct PortBook {
    private var kept: Set<Int> = []
    private var lowest = 1
    private(set) var plans: [PortPlan] = []

    /// Keeps a number for who asks for it by number.
    mutating func keep(_ number: Int) { kept.insert(number) }

    /// Gives out the number, or the lowest that is free. Numbers beyond the limit come out too; the check finds them.
    mutating func take(_ number: Int?, _ peer: PortPlan.Peer, _ vlans: PortVLANs) -> Int {
        var chosen = number ?? lowest
        if number == nil {
            while kept.contains(chosen) { chosen += 1 }
            lowest = chosen + 1
        }
        plans.append(PortPlan(number: chosen, peer: peer, vlans: vlans))
        return chosen
    }
}
