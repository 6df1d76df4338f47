import BuildRegistry
import FoundationEssentials
import Glibc
import GuestShell
import LabEvents
import QEMU

extension NodePlan {
    /// The node's folder for sockets, by its number: a name may be too long for a socket's path. Also its name in the records of processes.
    var folder: String { "n\(index)" }

    /// Makes what the machine needs and does not have yet: the overlay on the image, and the copy of the UEFI variables. Both stay when the node is started
    /// again. Raw logs of an earlier machine are removed: they are in the run directory.
    func makeFiles(for configuration: QEMUConfiguration, image: BootableImage, files: NodeFiles) async throws {
        if let base = image.disk, access(files.overlay, F_OK) != 0 {
            try await QEMUImage().createOverlay(files.overlay, base: base.path, format: base.format == .raw ? .raw : .qcow2)
        }
        if bootMode == .uefi, access(files.uefiVariables, F_OK) != 0 { _ = try Firmware.locate().prepare(variables: files.uefiVariables) }
        let old = (try? FileManager.default.contentsOfDirectory(atPath: files.sockets)) ?? []
        for name in old where name.hasSuffix(".log") { try FileManager.default.removeItem(atPath: "\(files.sockets)/\(name)") }
    }

    /// Where the shells find the guest. A way in that the image is known to lack is not tried.
    ///
    /// - Parameters:
    ///   - login: a login that is known besides the image's own.
    ///   - console: the serial console's socket at this moment.
    func endpoints(
        _ files: NodeFiles, image: BootableImage?, login: GuestLogin? = nil, waysIn: Set<WayIn> = Set(WayIn.allCases),
        console: @escaping @Sendable () -> String
    ) -> GuestEndpoints {
        var endpoints = GuestEndpoints(ports: Dictionary(uniqueKeysWithValues: PortNames.all.map { ($0, files.portSocket($0)) }))
        let consoles = image?.consoles ?? GuestConsoles()
        if waysIn.contains(.backdoor), consoles.backdoor != nil { endpoints.backdoor = files.backdoorSocket }
        if waysIn.contains(.agent) { endpoints.agent = files.agentSocket }
        if waysIn.contains(.serial), let login = login ?? consoles.login.map({ GuestLogin(user: $0.user, password: $0.password) }) {
            endpoints.serial = console
            endpoints.login = login
        }
        endpoints.terminal = files.terminalSocket
        return endpoints
    }
}

/// A way to the first root shell.
public enum WayIn: String, Sendable, CaseIterable {
    /// The test backdoor on /dev/hvc0.
    case backdoor
    /// A login on ttyS0.
    case serial
    /// qemu-guest-agent.
    case agent
}
