/// One virtio disk. Its path is normally an overlay of this run on a read-only base, so that what the guest writes survives its reboots and
/// nothing else.
public struct Disk: Equatable, Sendable, Codable {
    /// The image formats that QEMU is asked for; never guessed, because a guest could write a header of its choice into a raw disk.
    public enum Format: String, Sendable, Codable, CaseIterable {
        /// QEMU's own format, with backing files.
        case qcow2
        /// The bytes of the disk as they are.
        case raw
    }

    /// The image file.
    public var path: String
    /// The format of the image file.
    public var format: Format
    /// The serial number that the guest sees (`/dev/disk/by-id/virtio-SERIAL`), at most 20 bytes; nil for none.
    public var serial: String?
    /// The place in the firmware's boot order, lowest first; nil is never booted.
    public var bootIndex: Int?
    /// Whether the guest may not write.
    public var isReadOnly: Bool
    /// Whether the guest's flushes are not passed on to the host's disk. Faster; a crash of the host (not of the guest, nor of QEMU) may
    /// lose writes.
    public var ignoresFlushes: Bool

    /// A disk; by default a writable qcow2 that is not booted.
    public init(
        path: String, format: Format = .qcow2, serial: String? = nil, bootIndex: Int? = nil, isReadOnly: Bool = false,
        ignoresFlushes: Bool = false
    ) {
        self.path = path
        self.format = format
        self.serial = serial
        self.bootIndex = bootIndex
        self.isReadOnly = isReadOnly
        self.ignoresFlushes = ignoresFlushes
    }
}
