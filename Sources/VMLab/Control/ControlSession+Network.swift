import FoundationEssentials
import LabEvents
import NetworkProfiles

extension ControlSession {
    /// What is asked about the network of the lab.
    func network(_ request: ControlRequest) async throws -> ControlReply {
        guard let lab = owner.lab else {
            throw Problem(.failure, "the lab has no machines now", why: "it is \(owner.state.rawValue)")
        }
        var reply = ControlReply(.result, id: request.id)
        reply.network = lab.plan.network
        switch request.action {
        case "show":
            reply.observations = await lab.observeNetworks()
            reply.switchFaults = await lab.switchFaults()
        case "matrix": reply.matrix = try await lab.reachability()
        case "counters":
            let report = lab.cableReport
            (reply.cables, reply.aggregations) = (report.cables, report.aggregations)
        case "configure":
            if let name = request.node { try await lab.configureNetwork(of: lab.node(name)) } else { try await lab.configureNetwork() }
        default:
            throw Problem(
                .invalidInput, "there is nothing called '\(request.action ?? "")' to ask a network",
                remedy: "one of show, matrix, configure, counters")
        }
        return reply
    }
}

extension ControlSession {
    /// Breaks something in the lab, or heals it.
    func fault(_ request: ControlRequest) async throws -> ControlReply {
        guard let lab = owner.lab else {
            throw Problem(.failure, "the lab has nothing to break now", why: "it is \(owner.state.rawValue)")
        }
        var reply = ControlReply(.result, id: request.id)
        switch request.action {
        case "list": reply.faults = lab.openFaults
        case "inject":
            guard let fault = request.fault else { throw Problem(.invalidInput, "`fault` is missing", remedy: "say what is to be broken") }
            let open = try await lab.inject(fault)
            guard let seconds = request.timeout else {
                reply.faults = [open]
                break
            }
            try await hold(open, seconds, request.id)
        case "heal":
            try await lab.heal(request.number)
            reply.faults = lab.openFaults
        default:
            throw Problem(
                .invalidInput, "nothing called '\(request.action ?? "")' can be done about faults", remedy: "one of list, inject, heal")
        }
        return reply
    }
}

extension ControlSession {
    /// Tells the client of a fault, and heals it after some seconds, or when the client is gone.
    private func hold(_ open: OpenFault, _ seconds: Double, _ id: Int) async throws {
        do {
            try await send(id, "stdout", Array(try JSONEncoder().encode(open)))
            try await Task.sleep(for: .seconds(seconds))
        } catch {
            try await owner.lab?.heal(open.id)
            throw error
        }
        try await owner.lab?.heal(open.id)
    }
}

extension Lab {
    /// What the switches carry otherwise than planned.
    fileprivate func switchFaults() async -> [String] {
        var faults: [String] = []
        for segment in segments {
            do {
                try await segment.check()
            } catch {
                faults.append("switch \(segment.name): \(error.why ?? error.what)")
            }
        }
        return faults
    }

    /// Asks every node at once. One that cannot be asked says why.
    fileprivate func observeNetworks() async -> [ControlReply.NetworkObservation] {
        await withTaskGroup(of: ControlReply.NetworkObservation?.self) { group in
            for node in nodes {
                guard let network = node.network else { continue }
                group.addTask {
                    guard node.state == .ready else {
                        return .init(node: node.name, observed: nil, differences: ["it is \(node.state.rawValue)"])
                    }
                    do {
                        let observed = try await node.observeNetwork()
                        let differences = network.differences(from: observed) + network.lacpDifferences(from: observed)
                        return .init(node: node.name, observed: observed, differences: differences)
                    } catch {
                        return .init(node: node.name, observed: nil, differences: ["\((error as? Problem)?.what ?? "\(error)")"])
                    }
                }
            }
            var answers: [String: ControlReply.NetworkObservation] = [:]
            for await answer in group { if let answer { answers[answer.node] = answer } }
            return nodes.compactMap { answers[$0.name] }
        }
    }
}
