import LabEvents
import NetworkProfiles
import VDE

extension Lab {
    func crash(_ segment: Segment) throws(Problem) -> FaultWork {
        let straight = allCards.filter { $0.plan.port.segment == segment.name && !$0.isJoined }.map(\.description)
        guard straight.isEmpty else {
            throw Problem(
                .invalidInput, "the switch \(segment.name) cannot be killed",
                why: "\(straight.joined(separator: ", ")) would not find the next one",
                remedy: "start the lab with --cables, or declare `cables: true` in the scenario")
        }
        return FaultWork(
            inject: { try await segment.crash() },
            observe: { "switch \(segment.name) is gone" },
            heal: { try await segment.restart() },
            confirm: {
                try await segment.check()
                return "switch \(segment.name) runs, its ports as planned"
            })
    }

    func freeze(_ segment: Segment) throws(Problem) -> FaultWork {
        let record = try segment.vdeSwitch().record
        return FaultWork(
            inject: { try segment.freeze(true) },
            observe: {
                try await self.waitForProcess(record.pid, "switch \(segment.name) stands still") { $0 == "T" }
                return "switch \(segment.name): process \(record.pid) is stopped"
            },
            heal: { try segment.freeze(false) },
            confirm: {
                try await segment.check()
                return "switch \(segment.name) answers, its ports as planned"
            })
    }

    func wrongVLAN(_ card: LabCard, _ vlans: PortVLANs) throws(Problem) -> FaultWork {
        let segment = try segment(card.plan.port.segment)
        let number = card.plan.port.number
        guard vlans != card.plan.vlans else {
            throw Problem(.invalidInput, "the port of \(card.description) carries \(vlans) by the plan", remedy: "say something else")
        }
        var wrong = segment.program
        wrong.ports.removeAll { $0.number == number }
        wrong.ports.append(.init(number, untagged: vlans.untagged, tagged: vlans.tagged))
        let program = wrong
        try program.validate(portCount: segment.plan.switchPorts)
        return FaultWork(
            inject: { try await segment.vdeSwitch().apply(program) },
            observe: {
                try await segment.vdeSwitch().check(program)
                return "port \(card.plan.port) carries \(vlans)"
            },
            heal: { try await segment.vdeSwitch().apply(segment.program) },
            confirm: {
                try await segment.check()
                return "port \(card.plan.port) carries \(card.plan.vlans)"
            })
    }
}
