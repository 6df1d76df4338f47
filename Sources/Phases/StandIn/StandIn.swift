public import GuestShell
import LabEvents
public import VMLab

public struct WaitReport: Sendable, Codable, Equatable {
    public var what: String
    public var seconds: Double
    public var tries: Int
    public var observation: String?
}

extension Node {
    @discardableResult public func succeed(
        _ command: String, timeout: Duration? = nil, environment: [String: String] = [:], file: String = #fileID, line: Int = #line
    ) async throws -> CommandResult { try await run(command, timeout: timeout, environment: environment) }
    @discardableResult public func fail(_ command: String, timeout: Duration? = nil, file: String = #fileID, line: Int = #line) async throws
        -> CommandResult
    {
        let result = try await execute(command, timeout: timeout)
        guard !result.succeeded else { throw Problem(.failure, "\(name): a command succeeded", why: "\(result)") }
        return result
    }
    private func poll(_ what: String, _ command: String, _ budget: Budget) async throws -> WaitReport {
        let begin = ContinuousClock.now
        let result = try await execute("until (\(command)); do sleep 0.2; done", timeout: budget.limit)
        guard result.succeeded else { throw Problem(.failure, "\(name): \(what)", why: "waited") }
        return WaitReport(what: "\(name): \(what)", seconds: begin.duration(to: .now).seconds, tries: 1, observation: nil)
    }
    @discardableResult public func waitUntilSucceeds(_ command: String, _ budget: Budget = .wait) async throws -> WaitReport {
        try await poll("'\(command)' succeeds", command, budget)
    }
    @discardableResult public func waitUntilFails(_ command: String, _ budget: Budget = .wait) async throws -> WaitReport {
        try await poll("'\(command)' fails", "! (\(command))", budget)
    }
    @discardableResult public func waitForUnit(_ unit: String, _ budget: Budget = .wait) async throws -> WaitReport {
        try await poll("unit \(unit)", "systemctl is-active \(unit)", budget)
    }
    @discardableResult public func waitForOpenPort(_ port: Int, _ budget: Budget = .wait) async throws -> WaitReport {
        try await poll("port \(port)", "netstat -ltn | grep -q :\(port)", budget)
    }
    @discardableResult public func waitForClosedPort(_ port: Int, _ budget: Budget = .wait) async throws -> WaitReport {
        try await poll("closed port \(port)", "! (netstat -ltn | grep -q :\(port))", budget)
    }
    @discardableResult public func waitForTCP(_ host: String, _ port: Int, _ budget: Budget = .wait) async throws -> WaitReport {
        try await poll("tcp", "nc -z \(host) \(port)", budget)
    }
    @discardableResult public func waitForHTTP(_ url: String, status: Int? = 200, body: String? = nil, _ budget: Budget = .wait)
        async throws -> WaitReport
    {
        try await poll("http", "wget -q -O- \(url)", budget)
    }
    @discardableResult public func waitForFile(_ path: String, _ budget: Budget = .wait) async throws -> WaitReport {
        try await poll("file \(path)", "[ -e \(path) ]", budget)
    }
    @discardableResult public func waitForConsole(_ pattern: String, _ budget: Budget = .wait) async throws -> WaitReport {
        try await poll("console", "false", budget)
    }
    @discardableResult public func waitForJournal(_ pattern: String, unit: String? = nil, _ budget: Budget = .wait) async throws
        -> WaitReport
    {
        try await poll("journal", "journalctl | grep -q \(pattern)", budget)
    }
}
