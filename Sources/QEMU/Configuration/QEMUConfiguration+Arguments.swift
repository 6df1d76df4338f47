import LabEvents
import FoundationEssentials

extension QEMUConfiguration {
    /// QEMU's arguments, without the program's name. The same configuration always gives the same list.
    public var arguments: [String] {
        machineArguments + firmwareArguments + kernelArguments + diskArguments + networkArguments + serialArguments + channelArguments
            + monitorArguments + policyArguments
    }

    private var machineArguments: [String] {
        let ram = QEMUOption("memory-backend-file").adding("id", "ram").adding("size", "\(memory.mebibytes)M").adding("share", true)
            .adding("mem-path", memory.path)
        return [
            "-nodefaults", "-no-user-config", "-display", "none",
            "-name", QEMUOption().adding("guest", name).adding("debug-threads", true).text,
            "-uuid", uuid.uuidString.lowercased(),
        ] + accelerator.arguments + [
            "-smp", String(processors),
            "-m", "\(memory.mebibytes)M",
            "-object", ram.text,
            "-machine", machineOption.text,
            "-rtc", "base=utc",
            "-device", QEMUOption("vmgenid").adding("id", "vmgenid").adding("guid", generation.uuidString.lowercased()).text,
            // The ISA device and not pvpanic-pci: its ACPI id QEMU0001 is bound by pvpanic-mmio in Debian's and Ubuntu's cloud kernels, by
            // the
            // single pvpanic driver of every kernel before 5.13 (which know no PCI device), and it takes no PCI slot.
            "-device", QEMUOption("pvpanic").adding("id", "pvpanic").text,
            "-object", QEMUOption("rng-random").adding("id", "entropy").adding("filename", "/dev/urandom").text,
            "-device", QEMUOption("virtio-rng-pci").adding("id", "rng").adding("rng", "entropy").adding("addr", PCILayout.rng).text,
        ]
    }

    private var machineOption: QEMUOption {
        let option = QEMUOption(machine).adding("memory-backend", "ram").adding("vmport", false)
        guard case .uefi = firmware else { return option }
        return option.adding("pflash0", "firmware-code").adding("pflash1", "firmware-variables")
    }

    private var firmwareArguments: [String] {
        guard case .uefi(let code, let variables) = firmware else { return [] }
        func node(_ name: String, _ path: String, readOnly: Bool) -> [String] {
            let option = QEMUOption().adding("driver", "raw").adding("node-name", name).adding("read-only", readOnly)
                .adding("file.driver", "file").adding("file.filename", path)
            return ["-blockdev", option.text]
        }
        return node("firmware-code", code, readOnly: true) + node("firmware-variables", variables, readOnly: false)
    }

    private var kernelArguments: [String] {
        guard let kernel else { return [] }
        var arguments = ["-kernel", kernel.kernel]
        if let initrd = kernel.initrd { arguments += ["-initrd", initrd] }
        if !kernel.commandLine.isEmpty { arguments += ["-append", kernel.commandLine] }
        return arguments
    }

    private var diskArguments: [String] {
        disks.enumerated().flatMap { index, disk in
            let file = QEMUOption().adding("driver", "file").adding("node-name", "disk\(index)-file").adding("filename", disk.path)
                .adding("read-only", disk.isReadOnly).adding("auto-read-only", false).adding("discard", "unmap")
                .adding("cache.no-flush", disk.ignoresFlushes ? "on" : nil)
            let format = QEMUOption().adding("driver", disk.format.rawValue).adding("node-name", "disk\(index)")
                .adding("file", "disk\(index)-file").adding("read-only", disk.isReadOnly).adding("discard", "unmap")
                .adding("cache.no-flush", disk.ignoresFlushes ? "on" : nil)
            let device = QEMUOption("virtio-blk-pci").adding("id", "vd\(index)").adding("drive", "disk\(index)")
                .adding("addr", PCILayout.disk(index)).adding("serial", disk.serial)
                // A kernel given directly takes boot index 0, and QEMU refuses an index twice; the firmware boots that kernel only.
                .adding("bootindex", kernel == nil ? disk.bootIndex : nil)
            return ["-blockdev", file.text, "-blockdev", format.text, "-device", device.text]
        }
    }

    private var networkArguments: [String] {
        networkInterfaces.enumerated().flatMap { index, interface in
            // An empty romfile: no guest of ours boots from the network, and the option ROM costs firmware time.
            let device = QEMUOption("virtio-net-pci").adding("id", NetworkInterface.deviceIdentifier(index)).adding("netdev", "net\(index)")
                .adding("mac", interface.address.description).adding("addr", PCILayout.interface(index)).adding("romfile", "")
                .adding("speed", interface.link?.megabits).adding("duplex", interface.link?.duplex.rawValue)
            return ["-netdev", interface.backend.option(identifier: "net\(index)").text, "-device", device.text]
        }
    }

    private var serialArguments: [String] {
        let backend = QEMUOption("socket").adding("id", SerialConsole.chardev).adding("path", serial.socketPath(boot: 1))
            .adding("server", true).adding("wait", false).adding("logfile", serial.logPath(boot: 1)).adding("logappend", true)
        return [
            "-chardev", backend.text, "-device",
            QEMUOption("isa-serial").adding("id", "ttyS0").adding("chardev", SerialConsole.chardev).text,
        ]
    }

    private var channelArguments: [String] {
        let places = ChannelPlace.assign(channels)
        let buses = Set(places.map(\.bus)).sorted()
        let controllers = buses.flatMap { bus in
            let option = QEMUOption("virtio-serial-pci").adding("id", "serial-bus\(bus)").adding("addr", PCILayout.serialBus(bus))
                .adding("max_ports", ChannelPlace.portsPerBus)
            return ["-device", option.text]
        }
        return controllers
            + places.flatMap { place in
                let channel = place.channel
                let backend = QEMUOption("socket").adding("id", "chardev-\(channel.name)").adding("path", channel.socketPath)
                    .adding("server", true).adding("wait", false)
                let device = QEMUOption(channel.kind == .console ? "virtconsole" : "virtserialport").adding("id", channel.deviceIdentifier)
                    .adding("bus", "serial-bus\(place.bus).0").adding("nr", place.number).adding("chardev", "chardev-\(channel.name)")
                    .adding("name", channel.kind == .port ? channel.name : nil)
                return ["-chardev", backend.text, "-device", device.text]
            }
    }

    private var monitorArguments: [String] {
        let backend = QEMUOption("socket").adding("id", "qmp").adding("path", monitorSocket).adding("server", true).adding("wait", false)
        return ["-chardev", backend.text, "-mon", "chardev=qmp,mode=control"]
    }

    /// What QEMU may do: start stopped, boot only what has a boot index, stay when the guest reboots, and none of the system calls that it
    /// does not need.
    private var policyArguments: [String] {
        [
            "-S", "-boot", "strict=on",
            "-action", "panic=\(onPanic.rawValue),reboot=reset,shutdown=poweroff",
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        ]
    }
}
