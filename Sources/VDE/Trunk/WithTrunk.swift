import FoundationEssentials
import Glibc
public import LabEvents

/// Joins a port of one running switch to a port of another, lends the trunk to the body, and ends it.
///
/// The trunk is a wirefilter(1), in a session of its own; its standard input is one end of a lifeline whose other end this process holds, so
/// whatever ends this process ends it. When the body returns or throws (a cancelled one should), the lifeline is closed; a process that still
/// runs 0.5 s later is ended by SIGTERM, 0.2 s later by SIGKILL. In every case it is gone and its socket is removed when this returns.
///
/// A trunk passes frames as they are, tags too, in their order in each direction.
///
/// - Parameters:
///   - configuration: what the trunk is made of; validated first. The switches run and have the ports.
///   - options: how it is started; ``SwitchOptions/executable`` is nil for `wirefilter` on PATH, and ``SwitchOptions/callLimit`` is not used.
///   - body: what is done while the switches are joined.
/// - Returns: what the body returns.
/// - Throws: what the body throws; `CancellationError`; or a `Problem` when the configuration is refused, wirefilter is not installed
///   (`tool-missing`), another one has the management socket (`busy`), or it ends or does not join both switches in time.
public func withTrunk<Result: Sendable>(
    _ configuration: TrunkConfiguration, options: SwitchOptions, body: (Trunk) async throws -> Result
) async throws -> Result {
    try configuration.validate()
    let executable = try options.executable ?? HostTool.wirefilter.locate(searchPath: options.searchPath)
    let socket = LocalSocket(path: configuration.managementSocket)
    if let owner = socket.listener {
        throw Problem(
            .busy, "another process has the management socket of trunk \(configuration.name)", location: configuration.managementSocket,
            why: "process \(owner) listens there", remedy: "end the other one, or use another path")
    }
    // wirefilter does not replace what a killed one left.
    socket.remove()
    let child = try LifelineProcess.start(
        options.launcher + [executable] + configuration.arguments, log: options.log, name: "trunk \(configuration.name)")
    return try await lend(Trunk(configuration: configuration, options: options, child: child), to: body)
}

/// The same scope around a trunk that runs already: a child of this process from before an exec of it.
///
/// - Parameters:
///   - configuration: what the trunk is made of.
///   - record: its process; pid and start time must be right.
///   - lifeline: the descriptor that ``Trunk/lifeline`` was. This scope owns it from the call on, also when it throws; close-on-exec is set
///     again.
///   - options: as for the start; what concerns the start alone is not used.
///   - body: what is done while the switches are joined.
/// - Returns: what the body returns.
/// - Throws: what the body throws; `CancellationError`; or a `Problem` when the process is gone or not a child of this one, when the lifeline
///   is not an open descriptor, or when it does not listen in time. A process that is not the one meant is left alone.
public func withAttachedTrunk<Result: Sendable>(
    _ configuration: TrunkConfiguration, record: ProcessRecord, lifeline: Int32, options: SwitchOptions,
    body: (Trunk) async throws -> Result
) async throws -> Result {
    let child = try LifelineProcess.attach(record, lifeline: lifeline, log: options.log, name: "trunk \(configuration.name)")
    return try await lend(Trunk(configuration: configuration, options: options, child: child), to: body)
}

/// Waits until both ends are joined, lends the trunk to the body and ends it.
private func lend<Result: Sendable>(_ trunk: Trunk, to body: (Trunk) async throws -> Result) async throws -> Result {
    let outcome: Swift.Result<Result, any Error>
    do {
        if await !trunk.connect(within: trunk.options.startLimit) { throw trunk.silence }
        outcome = .success(try await body(trunk))
    } catch {
        outcome = .failure(error)
    }
    await trunk.end()
    return try outcome.get()
}

extension Trunk {
    /// Why the trunk does not stand.
    fileprivate var silence: any Error {
        if Task.isCancelled { return CancellationError() }
        let how = process.exit.map { "wirefilter \($0)" } ?? "waited \(options.startLimit); the process runs (pid \(record.pid))"
        return Problem(
            .failure, "trunk \(configuration.name) does not join its switches",
            location: "\(configuration.first.plug) to \(configuration.second.plug)",
            why: "\(how); \(child.words)",
            remedy: "see that both switches run and have the ports: a switch gives no answer for one that it lacks")
    }
}
