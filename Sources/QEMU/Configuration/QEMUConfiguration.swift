public import FoundationEssentials

/// Everything that decides one virtual machine, as a value without effects: two equal configurations give the same command line.
///
/// ``arguments`` turns it into QEMU's arguments; `withQEMU` starts it. The machine is x86-64 and q35.
public struct QEMUConfiguration: Equatable, Sendable, Codable {
    /// The guest's name, for `ps` and for messages: letters, digits, `.`, `_` and `-`.
    public var name: String
    /// The SMBIOS UUID; see ``uuid(lab:node:)`` for one that is the same in every run.
    public var uuid: UUID
    /// The VM generation identifier (vmgenid). Give a new one when a guest is restored from a saved state, so that it reseeds its random
    /// numbers.
    public var generation: UUID
    /// The machine type: `q35`, or a versioned one such as `pc-q35-7.2` where saved state must load into a newer QEMU.
    public var machine: String
    /// What runs the guest's instructions.
    public var accelerator: Accelerator
    /// The number of virtual processors, at least 1.
    public var processors: Int
    /// The guest's RAM.
    public var memory: Memory
    /// What runs first.
    public var firmware: BootFirmware
    /// A kernel to start without a boot loader; nil boots from the disks.
    public var kernel: DirectKernel?
    /// The disks, in the order in which a guest finds them (`vda`, `vdb`, …); at most ``PCILayout/diskLimit``.
    public var disks: [Disk]
    /// The network interfaces, in PCI order, so that the first is `eth0`; at most ``PCILayout/interfaceLimit``.
    public var networkInterfaces: [NetworkInterface]
    /// The serial console, `ttyS0` in the guest.
    public var serial: SerialConsole
    /// The virtio consoles and ports.
    public var channels: [GuestChannel]
    /// Where QEMU listens for QMP; at most 107 bytes.
    public var monitorSocket: String
    /// What QEMU does when pvpanic reports a kernel panic.
    public var onPanic: PanicAction

    /// What QEMU does when pvpanic reports a kernel panic (`-action panic=`).
    public enum PanicAction: String, Sendable, Codable {
        /// The guest stops where it is, so that it can be examined.
        case pause
        /// QEMU exits.
        case shutdown
        /// The panic is reported and the guest goes on; its own `panic=` setting decides.
        case none
    }

    /// The guest's RAM: a shared file from the start, because a checkpoint copies the file instead of asking QEMU to write it.
    public struct Memory: Equatable, Sendable, Codable {
        /// The size in MiB.
        public var mebibytes: Int
        /// The file that is the RAM; QEMU makes it, sparse. See ``GuestMemory`` for where it should live.
        public var path: String

        /// RAM of a size in MiB in a file.
        public init(mebibytes: Int, path: String) {
            self.mebibytes = mebibytes
            self.path = path
        }
    }

    /// A configuration; what has a default here is what most guests want.
    public init(
        name: String, uuid: UUID, generation: UUID, machine: String = "q35", accelerator: Accelerator, processors: Int = 1, memory: Memory,
        firmware: BootFirmware = .bios, kernel: DirectKernel? = nil, disks: [Disk] = [],
        networkInterfaces: [NetworkInterface] = [], serial: SerialConsole, channels: [GuestChannel] = [], monitorSocket: String,
        onPanic: PanicAction = .pause
    ) {
        self.name = name
        self.uuid = uuid
        self.generation = generation
        self.machine = machine
        self.accelerator = accelerator
        self.processors = processors
        self.memory = memory
        self.firmware = firmware
        self.kernel = kernel
        self.disks = disks
        self.networkInterfaces = networkInterfaces
        self.serial = serial
        self.channels = channels
        self.monitorSocket = monitorSocket
        self.onPanic = onPanic
    }
}
