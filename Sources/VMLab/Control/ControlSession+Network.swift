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
        case "configure":
            if let name = request.node { try await lab.node(name).configureNetwork() } else { try await lab.configureNetwork() }
        default:
            throw Problem(
                .invalidInput, "there is nothing called '\(request.action ?? "")' to ask a network",
                remedy: "one of show, matrix, configure")
        }
        return reply
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
                        return .init(node: node.name, observed: observed, differences: network.differences(from: observed))
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
