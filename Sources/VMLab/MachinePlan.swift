import BuildRegistry
import FoundationEssentials
import GuestShell
import LabEvents
import QEMU

/// One machine's files and QEMU configuration.
struct MachinePlan: Sendable {
    let request: MachineRequest
    let mode: BootMode
    /// MiB.
    let memory: Int
    let run: RunFolder
    /// The folder of the RAM file.
    let ram: String

    var log: String { "\(run.path)/qemu.log" }
    /// What the guest wrote; of no use without the guest.
    var overlay: String { "\(run.path)/disk0.qcow2" }

    /// The lab in names that must be the same in every run.
    private static let lab = "single"
    private func socket(_ name: String) -> String { "\(run.sockets)/\(name)" }

    /// Makes the overlay and the copy of the UEFI variables, and gives the configuration.
    func prepare() async throws(Problem) -> QEMUConfiguration {
        var disks: [Disk] = []
        if let base = request.image.disk {
            let format: Disk.Format = base.format == .raw ? .raw : .qcow2
            try await QEMUImage().createOverlay(overlay, base: base.path, format: format)
            disks.append(Disk(path: overlay, bootIndex: mode == .direct ? nil : 0, ignoresFlushes: true))
        }
        let firmware = mode == .uefi ? try Firmware.locate().prepare(variables: "\(run.path)/uefi-variables.fd") : .bios
        var kernel: DirectKernel?
        if mode == .direct, let path = request.image.kernel {
            kernel = DirectKernel(kernel: path, initrd: request.image.initrd, commandLine: request.image.commandLine)
        }
        return QEMUConfiguration(
            name: request.name, uuid: QEMUConfiguration.uuid(lab: Self.lab, node: request.name), generation: UUID(),
            accelerator: request.accelerator, processors: request.processors ?? request.image.defaultVCPUs,
            memory: .init(mebibytes: memory, path: "\(ram)/memory"), firmware: firmware, kernel: kernel, disks: disks,
            networkInterfaces: [
                NetworkInterface(address: MACAddress(lab: Self.lab, node: request.name, interface: "eth0"), backend: .user)
            ],
            serial: SerialConsole(socketPrefix: socket("serial"), logPrefix: "\(run.path)/serial"), channels: channels,
            monitorSocket: socket("qmp")
        )
    }

    /// The consoles come first: the order decides which is hvc0 and which is hvc1.
    private var channels: [GuestChannel] {
        [
            GuestChannel(kind: .console, name: "hvc0", socketPath: socket("hvc0")),
            GuestChannel(kind: .console, name: "hvc1", socketPath: socket("hvc1")),
            GuestChannel(kind: .port, name: "org.qemu.guest_agent.0", socketPath: socket("agent")),
        ] + PortNames.all.map { GuestChannel(kind: .port, name: $0, socketPath: socket($0)) }
    }

    /// Where the shells find the guest. A way in that the image is known to lack is not tried.
    func endpoints(_ guest: Guest) -> GuestEndpoints {
        let consoles = request.image.consoles
        let login = request.login ?? consoles.login.map { GuestLogin(user: $0.user, password: $0.password) }
        let ways = request.waysIn
        var endpoints = GuestEndpoints(ports: Dictionary(uniqueKeysWithValues: PortNames.all.map { ($0, socket($0)) }))
        if ways.contains(.backdoor), consoles.backdoor != nil { endpoints.backdoor = socket("hvc0") }
        if ways.contains(.agent) { endpoints.agent = socket("agent") }
        if ways.contains(.serial), let login {
            endpoints.serial = { guest.console.socketPath }
            endpoints.login = login
        }
        endpoints.terminal = socket("hvc1")
        return endpoints
    }
}
