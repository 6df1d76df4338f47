/// The ways a machine can find its kernel.
public enum BootMode: String, Sendable, Codable, CaseIterable {
    /// The boot code in the first sector of the disk.
    case bios
    /// A boot loader on the disk's EFI system partition.
    case uefi
    /// Kernel and initramfs handed over by QEMU.
    case direct
}

/// The format of a disk image.
public enum DiskFormat: String, Sendable, Codable {
    /// The bytes of the disk as they are; `.wic` files are such.
    case raw
    /// QEMU's format.
    case qcow2
}

/// An image that a machine can be started from: one that was built here, or a foreign one.
///
/// All its files are bases: read-only, to be used under an overlay.
public struct BootableImage: Sendable, Codable, Equatable {
    /// The name of the description, or the file name of a foreign image.
    public var name: String
    /// The disk, if there is one.
    public var disk: Disk?
    /// Absolute path of the kernel for ``BootMode/direct``.
    public var kernel: String?
    /// Absolute path of the initramfs for ``BootMode/direct``.
    public var initrd: String?
    /// The kernel command line for ``BootMode/direct``; empty for a foreign disk, which has its own.
    public var commandLine: String
    /// How it can be started, the quickest first: direct, BIOS, UEFI.
    public var firmwares: [BootMode]
    /// The ways to a first root shell that are known.
    public var consoles: GuestConsoles
    /// Memory for a guest that asks for none, MiB.
    public var defaultMemoryMiB: Int
    /// Virtual CPUs for a guest that asks for none.
    public var defaultVCPUs: Int
    /// SHA-256 over the digests of its parts, 64 hexadecimal digits: equal digests, equal bytes. Nil where the caller asked not to compute it.
    public var digest: String?

    /// A disk image file.
    public struct Disk: Sendable, Codable, Equatable {
        /// Its absolute path.
        public var path: String
        /// Its format.
        public var format: DiskFormat
        /// The size that the guest sees, bytes.
        public var virtualBytes: Int64

        /// A disk from its parts.
        public init(path: String, format: DiskFormat, virtualBytes: Int64) {
            self.path = path
            self.format = format
            self.virtualBytes = virtualBytes
        }
    }

    /// An image from its parts.
    public init(
        name: String, disk: Disk? = nil, kernel: String? = nil, initrd: String? = nil, commandLine: String = "", firmwares: [BootMode],
        consoles: GuestConsoles = GuestConsoles(), defaultMemoryMiB: Int = 1024, defaultVCPUs: Int = 1, digest: String? = nil
    ) {
        self.name = name
        self.disk = disk
        self.kernel = kernel
        self.initrd = initrd
        self.commandLine = commandLine
        self.firmwares = firmwares
        self.consoles = consoles
        self.defaultMemoryMiB = defaultMemoryMiB
        self.defaultVCPUs = defaultVCPUs
        self.digest = digest
    }
}
