/// Where each device sits on q35's root bus. The slots are fixed per kind, so that adding a disk never renames an interface.
///
/// Slot 0 is the host bridge and 31 the south bridge; with `-nodefaults` the rest is free.
public enum PCILayout {
    /// The most network interfaces one guest can have.
    public static let interfaceLimit = 16
    /// The most disks one guest can have.
    public static let diskLimit = 8
    /// The most virtio-serial devices one guest can have, each with up to 12 consoles and ports.
    public static let serialBusLimit = 5

    static let rng = address(0x01)

    static func interface(_ index: Int) -> String { address(0x02 + index) }

    static func disk(_ index: Int) -> String { address(0x12 + index) }

    static func serialBus(_ index: Int) -> String { address(0x1a + index) }

    private static func address(_ slot: Int) -> String { "0x" + String(slot, radix: 16) }
}
