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
///   - options: how it is started.
///   - body: what is done with the switch.
/// - Returns: what the body returns.
/// - Throws: what the body throws; `CancellationError`; or a `Problem` when the configuration is refused, vde_switch is not installed
///   (`tool-missing`), another switch has the sockets (`busy`), or the switch ends before it answers, or does not answer in time.
public func withVDESwitch<Result: Sendable>(
    _ configuration: SwitchConfiguration, options: SwitchOptions, body: (VDESwitch) async throws -> Result
) async throws -> Result {
    try configuration.validate()
    try configuration.checkFolder(configuration.resolvedFolder)
    let executable = try options.executable ?? HostTool.vdeSwitch.locate(searchPath: options.searchPath)
    let logStart = (try? FileManager.default.attributesOfItem(atPath: options.log)[.size] as? Int) ?? 0
    // Sockets and not a pipe, because Swift imports no call that makes a pipe close-on-exec from its first moment: another child could get
    // the end that is held, and the switch would live as long as that child.
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
        throw Problem(.failure, "cannot make the lifeline of switch \(configuration.name)", why: String(cString: strerror(errno)))
    }
    let process: ChildProcess
    do {
        defer { close(ends[0]) }
        process = try ChildProcess.start(options.launcher + [executable] + configuration.arguments, input: ends[0], log: options.log)
    } catch {
        close(ends[1])
        throw error
    }
    let vdeSwitch = VDESwitch(configuration: configuration, options: options, process: process, lifeline: ends[1])
    return try await lend(vdeSwitch, logStart: logStart, to: body)
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
    guard fcntl(lifeline, F_SETFD, FD_CLOEXEC) == 0 else {
        throw Problem(
            .invalidInput, "the lifeline of switch \(configuration.name) is lost", location: "descriptor \(lifeline)",
            why: String(cString: strerror(errno)), remedy: "take the lab down and start it again")
    }
    let process: ChildProcess
    do {
        process = try ChildProcess.attach(record)
    } catch {
        close(lifeline)
        throw error
    }
    let vdeSwitch = VDESwitch(configuration: configuration, options: options, process: process, lifeline: lifeline)
    return try await lend(vdeSwitch, logStart: nil, to: body)
}

/// Waits until a switch answers, lends it to the body and ends it.
private func lend<Result: Sendable>(
    _ vdeSwitch: VDESwitch, logStart: Int?, to body: (VDESwitch) async throws -> Result
) async throws -> Result {
    let outcome: Swift.Result<Result, any Error>
    do {
        if try await !vdeSwitch.connect(within: vdeSwitch.options.startLimit) { throw vdeSwitch.silence(logStart: logStart) }
        outcome = .success(try await body(vdeSwitch))
    } catch {
        outcome = .failure(error)
    }
    await vdeSwitch.end()
    return try outcome.get()
}

extension VDESwitch {
    /// Why the switch has not answered.
    fileprivate func silence(logStart: Int?) -> any Error {
        if Task.isCancelled { return CancellationError() }
        let bytes = (try? Data(contentsOf: URL(filePath: options.log))) ?? Data()
        let said = String(decoding: bytes.dropFirst(logStart ?? 0).suffix(4096), as: UTF8.self)
        let words = said.isEmpty ? "it said nothing" : "it said: \(said)"
        guard let exit = process.exit else {
            return Problem(
                .failure, "switch \(configuration.name) does not answer on its management socket", location: configuration.managementSocket,
                why: "waited \(options.startLimit); the process runs (pid \(record.pid)); \(words)", remedy: "look at \(options.log)")
        }
        if said.contains("Could not bind to socket") {
            return Problem(
                .busy, "another switch has the socket folder of switch \(configuration.name)", location: configuration.socketFolder,
                why: words, remedy: "end the other switch, or use another folder")
        }
        return Problem(
            .failure, "switch \(configuration.name) ended before it answered", location: configuration.socketFolder,
            why: "vde_switch \(exit); \(words)", remedy: "see that the folder above exists and may be written to")
    }
}
