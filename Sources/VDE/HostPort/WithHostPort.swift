import LabEvents

/// Plugs this process into a port of a running switch for the time of the body, through libvdeplug.
///
/// - Parameters:
///   - switchFolder: the socket folder of the switch.
///   - port: the port's number, from 1. The port is made if it does not exist. It may have other clients, if they are the same user's.
///   - description: what the switch shows of this client; at most 80 bytes count.
///   - frameLimit: how many frames wait for their reader; what comes then is lost, and counted.
///   - openLimit: how long the switch may take to answer. 5 s by default; multiply by the host's pace.
///   - body: what is done with the port.
/// - Returns: what the body returns. The port is left and its sockets are closed by then, also after a cancellation.
/// - Throws: what the body throws; `CancellationError`; or a `Problem`: of kind `invalidInput` for a path or number that cannot be one, of
///   kind `failure` when no switch listens there, the user may not join, or the switch does not answer. A thread waits on for a switch that
///   does not answer, until it ends.
public func withHostPort<Result: Sendable>(
    switchFolder: String, port: Int, description: String = "vmlab", frameLimit: Int = 4096, openLimit: Duration = .seconds(5),
    body: (HostPort) async throws -> Result
) async throws -> Result {
    try PortAddress(switchFolder: switchFolder, port: port).validate()
    return try await withOpenPort(switchFolder, port, description, frameLimit: frameLimit, openLimit: openLimit, body)
}

/// The same without the check: libvdeplug means any port by port 0, and port 0 by -1.
func withOpenPort<Result: Sendable>(
    _ folder: String, _ port: Int, _ description: String, frameLimit: Int, openLimit: Duration,
    _ body: (HostPort) async throws -> Result
) async throws -> Result {
    let (frames, frameContinuation) = HostPortWorker.Frames.makeStream(bufferingPolicy: .bufferingOldest(frameLimit))
    let (opened, openedContinuation) = AsyncStream<HostPortWorker.Sending>.makeStream()
    let worker = try HostPortWorker(
        folder: folder, port: port, description: String(decoding: description.utf8.prefix(80), as: UTF8.self), frames: frameContinuation,
        opened: openedContinuation)
    try worker.start()
    guard let answer = await withDeadline(openLimit, { await opened.first { _ in true } }) else {
        worker.stop()
        if Task.isCancelled { throw CancellationError() }
        throw worker.failure(
            "join the switch",
            why: "waited \(openLimit) for its answer; it gives none for a port it does not have or that is another user's",
            remedy: "use a port that the switch has (vde_switch -n)")
    }
    try answer.get()
    let outcome: Swift.Result<Result, any Error>
    do {
        outcome = .success(try await body(HostPort(switchFolder: folder, port: port, frames: frames, worker: worker)))
    } catch {
        outcome = .failure(error)
    }
    worker.stop()
    await worker.finish()
    return try outcome.get()
}

extension VDESwitch {
    /// Plugs this process into a port of this switch for the time of the body; see
    /// ``withHostPort(switchFolder:port:description:frameLimit:openLimit:body:)``.
    ///
    /// - Throws: as that; a problem of kind `invalidInput` also when the switch has no such port.
    public func withHostPort<Result: Sendable>(
        _ port: Int, description: String = "vmlab", frameLimit: Int = 4096, body: (HostPort) async throws -> Result
    ) async throws -> Result {
        try check(port: port, to: "join port \(port)")
        return try await VDE.withHostPort(
            switchFolder: configuration.socketFolder, port: port, description: description, frameLimit: frameLimit,
            openLimit: options.callLimit, body: body)
    }

    /// Holds port 0 for the time of the body, so that it exists.
    func holdPortZero(_ body: () async throws -> Void) async throws {
        try await withOpenPort(
            configuration.socketFolder, -1, "vmlab", frameLimit: 1, openLimit: options.callLimit
        ) { _ in try await body() }
    }
}
