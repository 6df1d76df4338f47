public import BuildRegistry
public import FoundationEssentials
import GuestShell
import NetworkProfiles
public import QEMU

extension NodePlan {
    /// The node's machine. The printed plan and the real run both come from here, with other folders, so that they cannot differ otherwise.
    ///
    /// - Parameters:
    ///   - folders: where its files lie.
    ///   - image: what it boots.
    ///   - generation: the VM generation identifier: a new one for each start from a saved state, see ``QEMU/QEMUConfiguration/generation``.
    public func configuration(in folders: LabFolders, image: BootableImage, generation: UUID) -> QEMUConfiguration {
        let files = folders.files(of: self)
        var disks: [Disk] = []
        if image.disk != nil { disks.append(Disk(path: files.overlay, bootIndex: 0, ignoresFlushes: true)) }
        var kernel: DirectKernel?
        if bootMode == .direct, let path = image.kernel {
            kernel = DirectKernel(kernel: path, initrd: image.initrd, commandLine: image.commandLine)
        }
        return QEMUConfiguration(
            name: name, uuid: uuid, generation: generation, accelerator: accelerator, processors: vcpus,
            memory: .init(mebibytes: memoryMiB, path: files.ram),
            firmware: bootMode == .uefi ? .uefi(code: folders.firmware, variables: files.uefiVariables) : .bios, kernel: kernel,
            disks: disks,
            networkInterfaces: interfaces.enumerated().map { index, interface in
                NetworkInterface(
                    address: interface.mac, backend: interface.backend(in: folders, files.card(index)),
                    // A bond that speaks LACP takes no leg of unknown speed.
                    link: interface.joints.contains(.aggregation) ? .init(megabits: 1000) : nil)
            },
            serial: SerialConsole(socketPrefix: files.serialPrefix, logPrefix: files.serialPrefix), channels: files.channels,
            monitorSocket: files.monitorSocket
        )
    }

    /// The machine as the plan shows it. Its generation is its UUID, because a fresh one would make each plan another.
    var plannedConfiguration: QEMUConfiguration {
        configuration(in: .placeholders, image: image.plannedImage(in: .placeholders), generation: uuid)
    }
}

extension InterfacePlan {
    fileprivate func backend(in folders: LabFolders, _ sockets: CardSockets) -> NetworkInterface.Backend {
        guard let port else { return .user }
        if !joints.isEmpty { return .datagram(local: sockets.guest, remote: sockets.host) }
        return .vde(socket: SegmentPlan.socket(index: port.segmentIndex, in: folders), port: port.number)
    }
}

extension NodeFiles {
    /// The consoles come first: the order decides which is hvc0 and which is hvc1.
    fileprivate var channels: [GuestChannel] {
        [
            GuestChannel(kind: .console, name: "hvc0", socketPath: backdoorSocket),
            GuestChannel(kind: .console, name: "hvc1", socketPath: terminalSocket),
            GuestChannel(kind: .port, name: "org.qemu.guest_agent.0", socketPath: agentSocket),
        ] + PortNames.all.map { GuestChannel(kind: .port, name: $0, socketPath: portSocket($0)) }
    }
}
