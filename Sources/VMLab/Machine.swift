public import BuildRegistry
import FoundationEssentials
public import GuestShell
import LabEvents
public import QEMU

/// One running guest with its shells.
public struct Machine: Sendable {
    /// The node's name.
    public let name: String
    /// The machine as QEMU sees it.
    public let guest: Guest
    /// Commands and files in the guest.
    public let shell: GuestShell
    /// The run's folders.
    public let run: RunFolder
    /// How it booted.
    public let mode: BootMode
}

/// Boots one machine for the time of `body`.
///
/// The disk is a fresh overlay on the image, the UEFI variables are a fresh copy; both survive the guest's reboots and end with the scope. When `body` returns
/// or throws, and when the process is killed, QEMU, sockets and RAM file are gone.
///
/// - Parameters:
///   - request: what to boot.
///   - run: the run's folders; the caller removes them.
///   - body: gets the machine while its boot goes on; the first command waits for the guest.
/// - Throws: ``Problem`` before anything is started when the host or the image does not fit; what `body` throws.
public func withMachine<Result: Sendable>(
    _ request: MachineRequest, in run: RunFolder, body: (Machine) async throws -> Result
) async throws -> Result {
    let mode = try request.bootMode()
    let memory = request.memory ?? request.image.defaultMemoryMiB
    try GuestMemory.require(guests: [memory])
    let place = GuestMemory.place(mebibytes: memory, runFolder: run.path)
    let ram = "\(place.folder)/vmlab-\(run.identifier)"
    let plan = MachinePlan(request: request, mode: mode, memory: memory, run: run, ram: ram)
    return try await ProcessGuard.with(run, removing: [ram, plan.overlay]) {
        try FileManager.default.createDirectory(
            atPath: ram, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
        )
        defer { for path in [ram, plan.overlay] { try? FileManager.default.removeItem(atPath: path) } }
        let configuration = try await plan.prepare()
        try configuration.validate()
        let options = QEMUOptions(log: plan.log, launcher: ProcessGuard.recording(request.name, in: run))
        return try await withQEMU(configuration, options: options) { guest in
            try await withGuestShell(node: request.name, endpoints: plan.endpoints(guest), options: request.shell) { shell in
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    defer { tasks.cancelAll() }
                    tasks.addTask { await tell(shell, from: guest) }
                    try await guest.resume()
                    return try await body(Machine(name: request.name, guest: guest, shell: shell, run: run, mode: mode))
                }
            }
        }
    }
}

/// Tells the shell what happens to its guest.
private func tell(_ shell: GuestShell, from guest: Guest) async {
    for await event in guest.events {
        switch event.kind {
        case .resumed: await shell.guestResumed()
        case .paused: await shell.guestLost(.paused)
        case .panicked: await shell.guestLost(.panicked)
        case .reset: await shell.guestLost(.rebooted)
        case .poweredOff: await shell.guestLost(.poweredOff)
        case .exited(let how): await shell.guestLost(.exited("\(how)"))
        case .powerdownRequested, .ending, .consoleNotMoved: break
        }
    }
}
