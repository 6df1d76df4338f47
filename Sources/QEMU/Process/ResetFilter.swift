import FoundationEssentials

/// Tells the resets that begin a boot from those that are part of one.
///
/// On q35 SeaBIOS finds itself already started after a reset and resets the machine once or twice more before it begins: QEMU 7.2 reports
/// up to three RESET events, about 100 ms apart, for one reboot. A reset by the guest that follows another within ``window`` while the new
/// boot has
/// written nothing to its serial console is therefore the firmware's own.
struct ResetFilter {
    /// The longest time between two resets of one reboot, in seconds by QEMU's stamps.
    static let window = 2.0

    private var last: Date?

    /// Takes a reset; true when it begins a boot.
    ///
    /// - Parameter isSilent: whether the running boot has written nothing to its serial console.
    mutating func beginsBoot(at time: Date, byGuest: Bool, isSilent: Bool) -> Bool {
        defer { last = time }
        guard byGuest, isSilent, let last else { return true }
        return time.timeIntervalSince(last) > Self.window
    }
}
