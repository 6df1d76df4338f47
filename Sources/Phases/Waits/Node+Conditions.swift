import GuestShell
import LabEvents
public import VMLab

extension Node {
    /// A condition of this guest.
    public func condition(_ kind: NodeCondition) -> Condition {
        switch kind {
        case .succeeds(let command): polling("'\(Self.short(command))' succeeds") { _ in try .command(command) }
        case .fails(let command): condition(.succeeds(command)).negated("\(name): '\(Self.short(command))' fails")
        case .unit(let unit): unitCondition(unit)
        case .openPort(let port): polling("port \(port) is open") { _ in try .listening(port) }
        case .closedPort(let port): condition(.openPort(port)).negated("\(name): port \(port) is closed")
        case .tcp(let host, let port):
            polling("TCP \(host):\(port) can be connected to") { try .connection(host, port, limit: Budget.connection.scaled(by: $0)) }
        case .http(let url, let status, let body):
            polling(
                "\(url) answers" + (status.map { " with status \($0)" } ?? "")
                    + (body.map { (status == nil ? " with" : " and") + " '\(Self.short($0))'" } ?? "")
            ) {
                try HTTPCheck(url, status: status, body: body).poll(limit: Budget.connection.scaled(by: $0))
            }
        case .file(let path): polling("the file \(path) exists") { _ in .file(path) }
        case .console(let pattern): consoleCondition(pattern)
        case .journal(let pattern, let unit): journalCondition(pattern, unit: unit)
        }
    }

    /// A condition that the guest itself asks again and again.
    ///
    /// - Parameter poll: makes the check for a host of a pace.
    func polling(_ what: String, _ poll: @escaping @Sendable (Double) throws -> GuestPoll) -> Condition {
        Condition("\(name): \(what)", node: self) { watch in try await poll(watch.pace()).watch(self, watch) }
    }

    static func short(_ text: String) -> String {
        let line = text.split(separator: "\n", maxSplits: 1).first.map(String.init) ?? text
        return line.count < text.count || line.count > 160 ? line.prefix(160) + "…" : line
    }
}
