import LabEvents

extension ControlSession {
    /// Begins or ends a capture, or lists them.
    func capture(_ request: ControlRequest) async throws -> ControlReply {
        guard let lab = owner.lab else {
            throw Problem(.failure, "the lab has no network now", why: "it is \(owner.state.rawValue)")
        }
        var reply = ControlReply(.result, id: request.id)
        switch request.action {
        case "list": reply.captures = lab.captures
        case "start":
            let what = request.what ?? []
            try lab.requireMachines(what)
            reply.captures = [try await lab.startCapture(what, name: request.name)]
        case "stop": reply.captures = [try await lab.stopCapture(request.name)]
        default:
            throw Problem(
                .invalidInput, "nothing called '\(request.action ?? "")' can be done about captures", remedy: "one of list, start, stop")
        }
        return reply
    }
}
