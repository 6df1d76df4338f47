public import QEMU

/// What a host can give to a lab, at one moment.
public struct HostCapacity: Codable, Sendable, Equatable {
    /// The processors that this process may run on (sched_setaffinity(2)), which are online.
    public var logicalCPUs: Int
    /// The processor time that the control group of this process may use, in processors: 1.5 is 1.5 seconds in a second. Nil without a limit.
    public var cpuQuota: Double?
    /// All memory of the host, in MiB; a control group's limit is not in it.
    public var memoryTotalMiB: Int
    /// What new processes can use without swapping, in MiB; see ``QEMU/GuestMemory/availableMebibytes(root:)``.
    public var memoryAvailableMiB: Int
    /// What is free in MiB where the runs' folders are.
    public var diskFreeMiB: Int
    /// What is free in MiB in /dev/shm; 0 where it is absent or not writable.
    public var sharedMemoryFreeMiB: Int
    /// What runs the guests.
    public var accelerator: Accelerator
    /// Why it is that accelerator, where that needs saying; see ``QEMU/AcceleratorChoice``.
    public var acceleratorReason: String?
    /// How slow the host is: 1 is the reference, 2 takes twice as long. Time limits are multiplied by it. See ``QEMU/ProbeResult/pace``.
    public var pace: Double
    /// The release of the kernel, for example `6.1.0-18-amd64`.
    public var kernel: String
    /// The name of the system, for example `Debian GNU/Linux 12 (bookworm)`.
    public var system: String

    /// A capacity from its parts.
    public init(
        logicalCPUs: Int, cpuQuota: Double? = nil, memoryTotalMiB: Int, memoryAvailableMiB: Int, diskFreeMiB: Int, sharedMemoryFreeMiB: Int,
        accelerator: Accelerator, acceleratorReason: String? = nil, pace: Double = 1, kernel: String = "", system: String = ""
    ) {
        self.logicalCPUs = logicalCPUs
        self.cpuQuota = cpuQuota
        self.memoryTotalMiB = memoryTotalMiB
        self.memoryAvailableMiB = memoryAvailableMiB
        self.diskFreeMiB = diskFreeMiB
        self.sharedMemoryFreeMiB = sharedMemoryFreeMiB
        self.accelerator = accelerator
        self.acceleratorReason = acceleratorReason
        self.pace = pace
        self.kernel = kernel
        self.system = system
    }

    /// The processors that guests can keep busy: the smaller of ``logicalCPUs`` and ``cpuQuota``, rounded down, at least 1.
    ///
    /// Rounded down because a group that has used its quota stands still as a whole until the next period, all guests together.
    public var usableCPUs: Int {
        guard let cpuQuota, cpuQuota < Double(logicalCPUs) else { return max(1, logicalCPUs) }
        return max(1, Int(cpuQuota))
    }
}
