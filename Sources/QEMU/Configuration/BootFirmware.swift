/// What the machine runs first.
public enum BootFirmware: Equatable, Sendable, Codable {
    /// SeaBIOS, which QEMU brings along.
    case bios
    /// UEFI: the code (mapped read-only) and this run's own copy of the variables. ``Firmware`` finds and copies them.
    case uefi(code: String, variables: String)
}

/// A kernel that QEMU loads itself, without a boot loader.
public struct DirectKernel: Equatable, Sendable, Codable {
    /// The kernel image (bzImage).
    public var kernel: String
    /// The initial RAM disk; nil for none.
    public var initrd: String?
    /// The kernel's command line.
    public var commandLine: String

    /// A kernel with its command line.
    public init(kernel: String, initrd: String? = nil, commandLine: String = "") {
        self.kernel = kernel
        self.initrd = initrd
        self.commandLine = commandLine
    }
}
