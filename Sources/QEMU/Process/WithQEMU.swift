import FoundationEssentials
public import LabEvents

/// Starts a guest, lends it to the body, and ends it.
///
/// The guest is made but its processors stand still until ``Guest/resume()``, so that consoles and channels can be connected first.
/// When the body returns or throws, QEMU is asked to quit, after 1 s told to by SIGTERM, and 0.7 s later killed. When the task is cancelled
/// QEMU ends at once,
/// while the body may still run: cancel what runs inside the body, not the scope, where evidence is to be taken first. In every case QEMU
/// is gone and its
/// sockets (and RAM file) are removed when this returns. The serial logs, the log and the disks stay.
///
/// - Parameters:
///   - configuration: what the guest is made of; validated first.
///   - options: how it is started.
///   - body: what is done with the guest.
/// - Returns: what the body returns.
/// - Throws: what the body throws; `CancellationError`; or a `Problem` when the configuration is refused, QEMU is not installed
///   (`tool-missing`),
///   or QEMU ends before it is ready, with its own words translated where the cause is a common one.
public func withQEMU<Result: Sendable>(
    _ configuration: QEMUConfiguration, options: QEMUOptions, body: (Guest) async throws -> Result
) async throws -> Result {
    try configuration.validate()
    let executable = try options.executable ?? HostTool.qemu.locate(searchPath: options.searchPath)
    let process = QEMUProcess(command: options.launcher + [executable] + configuration.arguments, log: options.log)
    return try await withProcess(process, configuration, boot: 1, options: options, body: body)
}

/// Lends a guest that runs already to the body, and ends it; see ``withQEMU(_:options:body:)``.
///
/// - Parameters:
///   - configuration: what the guest was made of.
///   - process: its QEMU, a child of this process from before an execve(2).
///   - boot: the number of the guest's boot, from 1, as ``Guest/boot`` had it.
///   - options: how it was started.
///   - body: what is done with the guest.
/// - Throws: what the body throws; `CancellationError`; or a `Problem` when QEMU is gone.
public func withInheritedQEMU<Result: Sendable>(
    _ configuration: QEMUConfiguration, process record: ProcessRecord, boot: Int, options: QEMUOptions, body: (Guest) async throws -> Result
) async throws -> Result {
    try await withProcess(try QEMUProcess(inheriting: record), configuration, boot: boot, options: options) { guest in
        try await guest.adoptState()
        return try await body(guest)
    }
}

private func withProcess<Result: Sendable>(
    _ process: QEMUProcess, _ configuration: QEMUConfiguration, boot: Int, options: QEMUOptions, body: (Guest) async throws -> Result
) async throws -> Result {
    let logStart = (try? FileManager.default.attributesOfItem(atPath: options.log)[.size] as? Int) ?? 0
    defer { removeLeftovers(of: configuration, options: options) }
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await process.run() }
        // Whatever happens below, the group ends the process and waits for it before the scope is left.
        defer { group.cancelAll() }
        let launch = QEMULaunch(configuration: configuration, options: options, process: process, logStart: logStart)
        let (monitor, record) = try await launch.connect()
        let guest = Guest(configuration: configuration, monitor: monitor, process: record, boot: boot)
        group.addTask {
            // In this order, so that what QEMU said last is known before its end: its socket closes when it exits.
            await guest.follow()
            guest.finish(await process.waitForEnd())
        }
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(guest))
        } catch {
            outcome = .failure(error)
        }
        if process.end == nil {
            _ = await withDeadline(.seconds(1)) {
                _ = try? await monitor.execute(QMP.Quit())
                return await process.waitForEnd()
            }
        }
        group.cancelAll()
        while try await group.next() != nil {}
        guest.finish(process.end)
        await monitor.close()
        return try outcome.get()
    }
}

/// Removes what QEMU leaves when it is killed: its sockets, and the RAM file, which it never removes.
private func removeLeftovers(of configuration: QEMUConfiguration, options: QEMUOptions) {
    let console = URL(filePath: configuration.serial.socketPrefix)
    let folder = console.deletingLastPathComponent().path
    let consoles = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { $0.hasPrefix(console.lastPathComponent + "-") && $0.hasSuffix(".sock") }.map { "\(folder)/\($0)" }
    for path in configuration.socketPaths + consoles { try? FileManager.default.removeItem(atPath: path) }
    if options.removesMemoryFile { try? FileManager.default.removeItem(atPath: configuration.memory.path) }
}
