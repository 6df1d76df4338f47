public import GuestShell
public import QEMU

/// One life of a node: a QEMU process with its shells, from its start to its end.
public struct Machine: Sendable {
    /// The node's name.
    public let name: String
    /// The machine as QEMU sees it.
    public let guest: Guest
    /// Commands and files in the guest.
    public let shell: GuestShell
}
