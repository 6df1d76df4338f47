import Testing

extension Tag {
    /// Pure: no process, no guest.
    @Tag static var unit: Self
    /// Starts real programs (QEMU, qemu-img) without a guest system.
    @Tag static var contract: Self
    /// Boots a real guest system.
    @Tag static var guest: Self
    /// Boots several guests on a network.
    @Tag static var cluster: Self
}
