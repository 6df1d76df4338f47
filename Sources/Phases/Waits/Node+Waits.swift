public import VMLab

extension Node {
    /// Waits until a condition of this guest holds; see ``Condition/wait(_:settle:file:line:)`` for what the error says.
    ///
    /// - Parameters:
    ///   - budget: how long, on a host of pace 1.
    ///   - settle: how long it must then hold.
    @discardableResult
    public func wait(
        for kind: NodeCondition, _ budget: Budget = .wait, settle: Duration = .zero, file: String = #fileID, line: Int = #line
    ) async throws -> WaitReport {
        try await condition(kind).wait(budget, settle: settle, file: file, line: line)
    }

    /// Waits until a command ends with status 0; see ``NodeCondition/succeeds(_:)``.
    @discardableResult
    public func waitUntilSucceeds(_ command: String, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line) async throws
        -> WaitReport
    {
        try await wait(for: .succeeds(command), budget, file: file, line: line)
    }

    /// Waits until a command ends with another status than 0; see ``NodeCondition/fails(_:)``.
    @discardableResult
    public func waitUntilFails(_ command: String, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line) async throws
        -> WaitReport
    {
        try await wait(for: .fails(command), budget, file: file, line: line)
    }

    /// Waits until a systemd unit is active. Ends at once when it can no longer be: it failed and nothing will start it again, it does not exist, or it is
    /// masked. The error has the unit's own last log lines.
    @discardableResult
    public func waitForUnit(_ unit: String, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line) async throws -> WaitReport
    {
        try await wait(for: .unit(unit), budget, file: file, line: line)
    }

    /// Waits until something in the guest listens on a TCP port.
    @discardableResult
    public func waitForOpenPort(_ port: Int, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line) async throws -> WaitReport
    {
        try await wait(for: .openPort(port), budget, file: file, line: line)
    }

    /// Waits until nothing in the guest listens on a TCP port.
    @discardableResult
    public func waitForClosedPort(_ port: Int, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line) async throws
        -> WaitReport
    {
        try await wait(for: .closedPort(port), budget, file: file, line: line)
    }

    /// Waits until the guest can make a TCP connection to a host and port.
    @discardableResult
    public func waitForTCP(
        _ host: String, _ port: Int, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line
    ) async throws -> WaitReport {
        try await wait(for: .tcp(host, port), budget, file: file, line: line)
    }

    /// Waits until the guest gets an answer from a URL; see ``NodeCondition/http(_:status:body:)``.
    @discardableResult
    public func waitForHTTP(
        _ url: String, status: Int? = 200, body: String? = nil, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line
    ) async throws -> WaitReport {
        try await wait(for: .http(url, status: status, body: body), budget, file: file, line: line)
    }

    /// Waits until a file, folder or device is there.
    @discardableResult
    public func waitForFile(_ path: String, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line) async throws -> WaitReport
    {
        try await wait(for: .file(path), budget, file: file, line: line)
    }

    /// Waits until the serial console of the present boot has a line, also one from before the wait, that matches a regular expression.
    @discardableResult
    public func waitForConsole(_ pattern: String, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line) async throws
        -> WaitReport
    {
        try await wait(for: .console(pattern), budget, file: file, line: line)
    }

    /// Waits until the journal of the present boot has a message, also one from before the wait, that matches a regular expression.
    @discardableResult
    public func waitForJournal(
        _ pattern: String, unit: String? = nil, _ budget: Budget = .wait, file: String = #fileID, line: Int = #line
    ) async throws -> WaitReport {
        try await wait(for: .journal(pattern, unit: unit), budget, file: file, line: line)
    }
}
