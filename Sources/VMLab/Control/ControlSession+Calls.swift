import GuestShell
import LabEvents

extension ControlSession {
    /// Makes a call that another module brought.
    func call(_ request: ControlRequest, _ input: ClientInput) async throws -> ControlReply {
        let call = try owner.calls.named(request.call)
        let arguments = ControlCall.Arguments(
            node: try node(request), command: request.command, timeout: request.timeout.map { .seconds($0) },
            values: request.arguments ?? [:])
        let report = try await cancellable(input) {
            try await call.body(arguments) { [self] piece in try await send(request.id, piece.stream.rawValue, piece.bytes) }
        }
        var reply = ControlReply(.result, id: request.id)
        reply.report = report
        reply.seconds = report.seconds
        return reply
    }
}
