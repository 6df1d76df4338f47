import FoundationEssentials
import Glibc
public import LabEvents

/// Starts a switch, lends it to the body, and ends it.
///
/// The switch runs in the foreground in a session of its own, and its standard input is one end of a lifeline whose other end this process
/// holds: whatever ends this process ends the switch. When the body returns or throws (a cancelled one should), the lifeline is closed; a
/// switch that still runs 0.5 s later is ended by SIGTERM, 0.2 s later by SIGKILL. In every case it is gone and its sockets are removed
/// when this returns. The log stays.
///
/// - Parameters:
///   - configuration: what the switch is made of; validated first.
///   - program: what its ports carry before the first client comes, also one that waits for the switch already. Port 0 is left to
///     ``VDESwitch/apply(_:)``. Without a program every port is in the plain network.
///   - options: how it is started.
///   - body: what is done with the switch.
/// - Returns: what the body returns.
/// - Throws: what the body throws; `CancellationError`; or a `Problem` when the configuration is refused, vde_switch is not installed
///   (`tool-missing`), another switch has the sockets (`busy`), or the switch ends before it answers, or does not answer in time.
public func withVDESwitch<Result: Sendable>(
    _ configuration: SwitchConfiguration, program: SwitchProgram? = nil, options: SwitchOptions,
    body: (VDESwitch) async throws -> Result
) async throws -> Result {
    try configuration.validate()
    try program?.validate(portCount: configuration.ports)
    try configuration.checkFolder(configuration.resolvedFolder)
    let executable = try options.executable ?? HostTool.vdeSwitch.locate(searchPath: options.searchPath)
    let script = program == nil ? "/dev/null" : configuration.managementSocket + ".rc"
    if let program { try AtomicFile.write(Array(program.script(portCount: configuration.ports).utf8), to: script, redactor: Redactor()) }
    defer { if program != nil { unlink(script) } }
    let child = try LifelineProcess.start(
        options.launcher + [executable] + configuration.arguments(script: script), log: options.log, name: "switch \(configuration.name)")
    return try await lend(VDESwitch(configuration: configuration, options: options, child: child), to: body)
}

/// The same scope around a switch that runs already: a child of this process from before an exec of it.
///
/// - Parameters:
///   - configuration: what the switch is made of.
///   - record: its process; pid and start time must be right.
///   - lifeline: the descriptor that ``VDESwitch/lifeline`` was. This scope owns it from the call on, also when it throws; close-on-exec is
///     set again.
///   - options: as for the start; what concerns the start alone is not used.
///   - body: what is done with the switch.
/// - Returns: what the body returns.
/// - Throws: what the body throws; `CancellationError`; or a `Problem` when the process is gone or not a child of this one, when the
///   lifeline is not an open descriptor, or when the switch does not answer in time. A process that is not the one meant is left alone.
public func withAttachedVDESwitch<Result: Sendable>(
    _ configuration: SwitchConfiguration, record: ProcessRecord, lifeline: Int32, options: SwitchOptions,
    body: (VDESwitch) async throws -> Result
) async throws -> Result {
    let child = try LifelineProcess.attach(record, lifeline: lifeline, log: options.log, name: "switch \(configuration.name)")
    return try await lend(VDESwitch(configuration: configuration, options: options, child: child), to: body)
}

/// Waits until a switch answers, lends it to the body and ends it.
private func lend<Result: Sendable>(
    _ vdeSwitch: VDESwitch, to body: (VDESwitch) async throws -> Result
) async throws -> Result {
    let outcome: Swift.Result<Result, any Error>
    do {
        if try await !vdeSwitch.connect(within: vdeSwitch.options.startLimit) { throw vdeSwitch.silence }
        try await vdeSwitch.followMoves()
        outcome = .success(try await body(vdeSwitch))
    } catch {
        outcome = .failure(error)
    }
    await vdeSwitch.end()
    return try outcome.get()
}

extension VDESwitch {
    /// Why the switch has not answered.
    fileprivate var silence: any Error {
        if Task.isCancelled { return CancellationError() }
        let words = child.words
        guard let exit = process.exit else {
            return Problem(
                .failure, "switch \(configuration.name) does not answer on its management socket", location: configuration.managementSocket,
                why: "waited \(options.startLimit); the process runs (pid \(record.pid)); \(words)", remedy: "look at \(options.log)")
        }
        if words.contains("Could not bind to socket") {
            return Problem(
                .busy, "another switch has the socket folder of switch \(configuration.name)", location: configuration.socketFolder,
                why: words, remedy: "end the other switch, or use another folder")
        }
        return Problem(
            .failure, "switch \(configuration.name) ended before it answered", location: configuration.socketFolder,
            why: "vde_switch \(exit); \(words)", remedy: "see that the folder above exists and may be written to")
    }
}
